//! When nothing was learned of a server: it did not answer, or nobody asked. What is not known is never healthy.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::{Answer, Database, Sample, ServerName, Unknown};

/// A stretch of time in which nothing was learned of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// The server.
    pub server: ServerName,
    /// The last answer before it, or the first instant that was looked at.
    pub from: Timestamp,
    /// The first answer after it, or the last instant that was looked at.
    pub to: Timestamp,
    /// Why there was no answer, as most samples say; `None` when nobody asked.
    pub why: Option<Unknown>,
}

/// What was asked of a server, and how often it answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The server.
    pub server: ServerName,
    /// Samples of it, from all vantages.
    pub samples: u64,
    /// Those in which it answered.
    pub answered: u64,
}

/// Answers of all vantages further apart than this leave a silence: three intervals, and five seconds at least.
pub(super) fn longest_gap(database: &Database) -> SignedDuration {
    let intervals = SignedDuration::try_from(database.interval * 3).unwrap_or(SignedDuration::MAX);
    intervals.max(SignedDuration::from_secs(5))
}

/// How often each server was asked between two instants.
pub(super) fn asked(database: &Database, samples: &[&Sample], (from, to): (Timestamp, Timestamp)) -> Vec<Asked> {
    let of = |server: &ServerName| {
        let mine = samples.iter().filter(|one| one.server == *server && (from..=to).contains(&one.started));
        let (mut count, mut answered) = (0, 0);
        for sample in mine {
            count += 1;
            answered += u64::from(matches!(sample.answer, Answer::Facts(_)));
        }
        Asked { server: server.clone(), samples: count, answered }
    };
    database.servers.iter().map(|server| of(&server.name)).collect()
}

/// The silences of each server between two instants, by beginning.
pub(super) fn silences(database: &Database, samples: &[&Sample], (from, to): (Timestamp, Timestamp)) -> Vec<Silence> {
    let longest = longest_gap(database);
    let mut found = Vec::new();
    for server in &database.servers {
        let mine: Vec<&Sample> = samples.iter().copied().filter(|one| one.server == server.name).collect();
        let answered = mine.iter().filter(|one| matches!(one.answer, Answer::Facts(_))).map(|one| one.started);
        let mut known: Vec<Timestamp> = answered.filter(|at| (from..=to).contains(at)).collect();
        known.sort_unstable();
        let ends: Vec<Timestamp> = std::iter::once(from).chain(known).chain([to]).collect();
        for pair in ends.windows(2).filter(|pair| pair[1].duration_since(pair[0]) > longest) {
            let why = why(&mine, (pair[0], pair[1]));
            found.push(Silence { server: server.name.clone(), from: pair[0], to: pair[1], why });
        }
    }
    found.sort_by_key(|silence| silence.from);
    found
}

/// The reason that most samples of a stretch give.
fn why(samples: &[&Sample], (from, to): (Timestamp, Timestamp)) -> Option<Unknown> {
    let mut reasons: BTreeMap<Unknown, u64> = BTreeMap::new();
    for sample in samples.iter().filter(|one| (from..=to).contains(&one.started)) {
        if let Answer::Unknown { why, .. } = &sample.answer {
            *reasons.entry(*why).or_default() += 1;
        }
    }
    reasons.into_iter().max_by_key(|(_, count)| *count).map(|(why, _)| why)
}
