//! The little that rules must remember from sample to sample, bounded: when each standby last streamed, and what the
//! servers were like a while ago. Knows facts and times, no rule.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use crate::model::{Link, Lsn, MariaFacts, PostgresFacts, ServerName};

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
    unbroken: BTreeMap<ServerName, Unbroken>,
    replies: BTreeMap<(ServerName, String), Reply>,
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

/// Answers of a server with no hole between them, by its own clock.
#[derive(Debug, Clone, Copy)]
struct Unbroken {
    from: Timestamp,
    to: Timestamp,
}

/// The last reply of a standby, as its primary tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reply {
    /// Its stamp, by the standby's clock.
    pub stamp: Timestamp,
    /// Since when it is the last one, by the primary's clock: the first answer that told it.
    pub since: Timestamp,
    /// Another one was seen before it.
    pub moved: bool,
}

/// Stamps that differ by less are one: each is told as an age, which is computed a moment after the answer's own time.
const SAME_STAMP: SignedDuration = SignedDuration::from_millis(500);

impl History {
    /// Takes what a server said; `answered` is when the answer was there. Answers further apart than `gap` leave a hole.
    pub(super) fn take(
        &mut self,
        server: &ServerName,
        answered: Timestamp,
        gap: SignedDuration,
        facts: &PostgresFacts,
    ) {
        self.began.entry(server.clone()).or_insert(answered);
        self.went_on(server, facts.at, gap);
        self.replied(server, facts);
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

    fn went_on(&mut self, server: &ServerName, at: Timestamp, gap: SignedDuration) {
        let stretch = self.unbroken.entry(server.clone()).or_insert(Unbroken { from: at, to: at });
        if at.duration_since(stretch.to) > gap {
            stretch.from = at;
        }
        stretch.to = at;
    }

    fn replied(&mut self, server: &ServerName, facts: &PostgresFacts) {
        let told: BTreeMap<(ServerName, String), Timestamp> = links_by_name(facts)
            .filter_map(|(name, link)| Some(((server.clone(), name), link.replied(facts.at)?)))
            .collect();
        self.replies.retain(|key, _| key.0 != *server || told.contains_key(key));
        for (key, stamp) in told {
            let known = self.replies.get(&key).copied();
            let same = known.is_some_and(|known| stamp.duration_since(known.stamp).abs() < SAME_STAMP);
            if !same {
                self.replies.insert(key, Reply { stamp, since: facts.at, moved: known.is_some() });
            }
        }
    }

    /// The last reply over each link of a primary, in the order of its links; `None` where none is known.
    pub(super) fn last_replies(&self, server: &ServerName, facts: &PostgresFacts) -> Vec<Option<Reply>> {
        links_by_name(facts).map(|(name, _)| self.replies.get(&(server.clone(), name)).copied()).collect()
    }

    /// Whether a server has been watched without a hole since it started: then a standby that was not seen never came.
    pub(super) fn watched_since_start(&self, server: &ServerName, facts: &PostgresFacts, gap: SignedDuration) -> bool {
        let known = self.unbroken.get(server);
        known.is_some_and(|stretch| stretch.from.duration_since(facts.started) <= gap)
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

/// Links under a name of their own each: several may have the same application_name.
fn links_by_name(facts: &PostgresFacts) -> impl Iterator<Item = (String, &Link)> {
    let nth = |place: usize, name: &str| facts.links[..place].iter().filter(|link| link.name == name).count();
    facts.links.iter().enumerate().map(move |(place, link)| (format!("{} {}", link.name, nth(place, &link.name)), link))
}
