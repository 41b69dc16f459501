//! What a rule may look at: the answer of one server, what the others last said, and the little that must be remembered.

use jiff::{SignedDuration, Timestamp};

use super::history::History;
use crate::model::{Database, Micros, PostgresFacts, Server, ServerRole};

/// One server's answer, and its surroundings at that instant. `F` is what a server of this kind says.
pub(super) struct View<'a, F> {
    /// The database, as configured.
    pub database: &'a Database,
    /// The server that answered.
    pub server: &'a Server,
    /// When asking it began.
    pub at: Timestamp,
    /// What it said.
    pub facts: &'a F,
    /// What it said before, if that is not long ago.
    pub before: Option<&'a F>,
    /// What each other server said last, if that is not long ago.
    pub peers: Vec<Peer<'a, F>>,
    /// Answers further apart than this leave a hole of which nothing is known.
    pub gap: SignedDuration,
    /// What must be remembered from sample to sample.
    pub history: &'a History,
}

/// Another server's last answer.
pub(super) struct Peer<'a, F> {
    /// The server.
    pub server: &'a Server,
    /// When asking it began.
    pub asked: Timestamp,
    /// What it said.
    pub facts: &'a F,
}

/// The instant so much later.
pub(super) fn after(at: Timestamp, elapsed: Micros) -> Timestamp {
    let micros = SignedDuration::from_micros(i64::try_from(elapsed.0).unwrap_or(i64::MAX));
    at.checked_add(micros).unwrap_or(at)
}

impl<F> View<'_, F> {
    /// The configured standbys that are not this server.
    pub(super) fn standbys(&self) -> impl Iterator<Item = &Server> {
        self.database.servers.iter().filter(|it| it.role == ServerRole::Standby && it.name != self.server.name)
    }
}

impl View<'_, PostgresFacts> {
    /// Another server that takes writes: the configured primary before others.
    pub(super) fn primary(&self) -> Option<&Peer<'_, PostgresFacts>> {
        let writers = || self.peers.iter().filter(|peer| !peer.facts.in_recovery);
        writers().find(|peer| peer.server.role == ServerRole::Primary).or_else(|| writers().next())
    }
}
