//! When a server answered: stretches of time, not samples, so that a week of them can be kept. Where there is none, nothing
//! was learned of it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::silence::longest_gap;
use crate::model::{Answer, Database, Sample, ServerName};

/// A stretch of time with an answer at both ends and no silence between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// The first answer.
    pub from: Timestamp,
    /// The last.
    pub to: Timestamp,
}

/// When one server answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The server.
    pub server: ServerName,
    /// By time, apart from each other.
    pub stretches: Vec<Stretch>,
}

/// Collects stretches from samples of one database without keeping the samples.
#[derive(Debug, Clone)]
pub struct Answers {
    apart: SignedDuration,
    servers: Vec<ServerName>,
    stretches: BTreeMap<ServerName, Vec<Stretch>>,
}

impl Answers {
    /// Silences that are no longer than `least` are not told: who draws a week cannot show them, and there may be many.
    #[must_use]
    pub fn new(database: &Database, least: SignedDuration) -> Self {
        let servers = database.servers.iter().map(|server| server.name.clone()).collect();
        Self { apart: longest_gap(database).max(least), servers, stretches: BTreeMap::new() }
    }

    /// Takes one sample; those of a server come in the order of their slots.
    pub fn observe(&mut self, sample: &Sample) {
        if !matches!(sample.answer, Answer::Facts(_)) {
            return;
        }
        let at = sample.started;
        let mine = self.stretches.entry(sample.server.clone()).or_default();
        match mine.last_mut() {
            Some(last) if at.duration_since(last.to) <= self.apart => last.to = last.to.max(at),
            _ => mine.push(Stretch { from: at, to: at }),
        }
    }

    /// One for each configured server, also for one that never answered.
    #[must_use]
    pub fn finish(mut self) -> Vec<Answered> {
        let mut of = |server: ServerName| {
            let stretches = self.stretches.remove(&server).unwrap_or_default();
            Answered { server, stretches }
        };
        self.servers.into_iter().map(&mut of).collect()
    }
}
