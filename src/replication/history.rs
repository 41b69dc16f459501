//! The little that rules must remember from sample to sample, bounded: when each standby last streamed, and what the
//! servers were like a while ago. Knows facts and times, no rule.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use crate::model::{Lsn, MariaFacts, PostgresFacts, ServerName};

/// So many names of standbys are remembered.
const NAMES: usize = 64;

/// So many positions of a primary are remembered.
const POSITIONS: usize = 64;

/// Sessions of the login service are remembered for so long.
pub(super) const SESSIONS_KEPT: SignedDuration = SignedDuration::from_secs(30);

/// And from so many samples of a server.
const SESSIONS: usize = 600;

/// What is remembered of all servers.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    began: BTreeMap<ServerName, Timestamp>,
    standbys: BTreeMap<String, Timestamp>,
    positions: BTreeMap<ServerName, VecDeque<Written>>,
    sessions: BTreeMap<ServerName, VecDeque<(Timestamp, u32)>>,
}

/// A position that a primary had written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    /// When that was known.
    pub at: Timestamp,
    /// The position.
    pub position: Lsn,
}

impl History {
    /// Takes what a server said; `answered` is when the answer was there.
    pub(super) fn take(&mut self, server: &ServerName, answered: Timestamp, facts: &PostgresFacts) {
        self.began.entry(server.clone()).or_insert(answered);
        self.logged_in(server, answered, facts.connection.login_sessions);
        if facts.in_recovery {
            self.positions.remove(server);
            return;
        }
        for link in facts.links.iter().filter(|link| link.state == "streaming") {
            let name = link.name.to_ascii_lowercase();
            if self.standbys.len() < NAMES || self.standbys.contains_key(&name) {
                self.standbys.insert(name, answered);
            }
        }
        if let Some(position) = facts.position {
            self.wrote(server, Written { at: answered, position });
        }
    }

    /// Takes what a MariaDB server said: its sessions. What its replicas lack is counted in transactions, not remembered.
    pub(super) fn take_mariadb(&mut self, server: &ServerName, answered: Timestamp, facts: &MariaFacts) {
        self.began.entry(server.clone()).or_insert(answered);
        let sessions = facts.login_sessions.map(|sessions| u32::try_from(sessions).unwrap_or(u32::MAX));
        self.logged_in(server, answered, sessions);
    }

    fn logged_in(&mut self, server: &ServerName, at: Timestamp, sessions: Option<u32>) {
        if let Some(sessions) = sessions {
            self.sessions.entry(server.clone()).or_default().push_back((at, sessions));
        }
        for all in self.sessions.values_mut() {
            while all.front().is_some_and(|(seen, _)| at.duration_since(*seen) > SESSIONS_KEPT) || all.len() > SESSIONS
            {
                all.pop_front();
            }
        }
    }

    /// How many sessions of the login service were seen on a server of late, added up over its samples.
    pub(super) fn sessions(&self, server: &ServerName) -> u64 {
        self.sessions.get(server).map_or(0, |all| all.iter().map(|(_, sessions)| u64::from(*sessions)).sum())
    }

    /// Remembers a position that is new. When there are too many, every second one is forgotten, but for the first and
    /// the last: ages are then told a little too young, never too old.
    fn wrote(&mut self, server: &ServerName, written: Written) {
        let all = self.positions.entry(server.clone()).or_default();
        match all.back() {
            Some(last) if last.position == written.position => return,
            Some(last) if last.position > written.position => all.clear(),
            _ => {}
        }
        all.push_back(written);
        if all.len() > POSITIONS {
            let last = all.len() - 1;
            let kept = all.iter().enumerate().filter(|(place, _)| place % 2 == 0 || *place == last);
            *all = kept.map(|(_, written)| *written).collect();
        }
    }

    /// When watching a server began.
    pub(super) fn began(&self, server: &ServerName) -> Option<Timestamp> {
        self.began.get(server).copied()
    }

    /// When a standby was last seen to stream, by its `application_name`.
    pub(super) fn streamed(&self, application_name: &str) -> Option<Timestamp> {
        self.standbys.get(&application_name.to_ascii_lowercase()).copied()
    }

    /// The earliest position that this primary is known to have written and that lies beyond `replayed`, but for what
    /// the header of a page may account for.
    pub(super) fn first_beyond(&self, primary: &ServerName, replayed: Lsn) -> Option<Written> {
        const PAGE_HEADER: u64 = 64;
        let all = self.positions.get(primary)?;
        all.iter().find(|written| written.position.since(replayed) > PAGE_HEADER).copied()
    }
}
