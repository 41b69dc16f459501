//! Findings over time: from when to when each rule held, by the samples of all vantages.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::watch::Watch;
use crate::model::{Database, Finding, Rule, Sample, ServerName, VantageName};

/// One stretch of time in which a rule held on a server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// The finding as it was when gravest.
    pub finding: Finding,
    /// The first sample that the rule counts.
    pub from: Timestamp,
    /// The last sample in which it was seen.
    pub last: Timestamp,
    /// The first sample in which it was gone for good; `None` when none was recorded, which is not the same as lasting:
    /// it was seen until `last`.
    pub until: Option<Timestamp>,
    /// The vantages that saw it, by name.
    pub vantages: Vec<VantageName>,
    /// How many samples saw it.
    pub samples: u64,
}

/// Collects episodes from samples of all vantages, given in the order of `started`, without keeping the samples.
#[derive(Debug, Clone)]
pub struct Chronicle {
    database: Database,
    watches: BTreeMap<VantageName, Watch>,
    ended: Vec<Episode>,
}

impl Chronicle {
    /// Of this database, with nothing in it yet.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        Self { database: database.clone(), watches: BTreeMap::new(), ended: Vec::new() }
    }

    /// Takes one sample.
    pub fn observe(&mut self, sample: &Sample) {
        let watch = self.watches.entry(sample.vantage.clone()).or_insert_with(|| Watch::new(&self.database));
        self.ended.extend(watch.observe(sample));
    }

    /// All episodes by their beginning; what several vantages saw at the same time is one.
    #[must_use]
    pub fn finish(self) -> Vec<Episode> {
        let open = self.watches.values().flat_map(Watch::open);
        merge(self.ended.into_iter().chain(open).collect())
    }
}

/// What happened to a database, by its samples in any order: the same rule on the same server, seen by several vantages
/// at overlapping times, is one episode. Ordered by beginning.
#[must_use]
pub fn episodes<'a>(database: &Database, samples: impl IntoIterator<Item = &'a Sample>) -> Vec<Episode> {
    let mut chronicle = Chronicle::new(database);
    for sample in in_order(samples) {
        chronicle.observe(sample);
    }
    chronicle.finish()
}

/// Samples in the order in which they were taken.
pub(super) fn in_order<'a>(samples: impl IntoIterator<Item = &'a Sample>) -> Vec<&'a Sample> {
    let mut all: Vec<&Sample> = samples.into_iter().collect();
    all.sort_by(|one, other| {
        (one.started, &one.server, &one.vantage).cmp(&(other.started, &other.server, &other.vantage))
    });
    all
}

fn merge(mut all: Vec<Episode>) -> Vec<Episode> {
    all.sort_by_key(|episode| episode.from);
    let mut merged: Vec<Episode> = Vec::new();
    let mut latest: BTreeMap<(Rule, ServerName), usize> = BTreeMap::new();
    for episode in all {
        let key = (episode.finding.rule, episode.finding.server.clone());
        let before = latest.get(&key).copied().filter(|&at| merged[at].until.is_none_or(|until| episode.from <= until));
        if let Some(at) = before {
            join(&mut merged[at], episode);
        } else {
            latest.insert(key, merged.len());
            merged.push(episode);
        }
    }
    merged
}

/// Adds what another vantage saw of the same; it began later.
fn join(one: &mut Episode, other: Episode) {
    one.until = match (one.until, other.until) {
        (Some(one), Some(other)) => Some(one.max(other)),
        _ => None,
    };
    one.last = one.last.max(other.last);
    one.samples += other.samples;
    one.vantages.extend(other.vantages);
    one.vantages.sort_unstable();
    one.vantages.dedup();
    if other.finding.severity > one.finding.severity {
        one.finding = Finding { since: one.finding.since, ..other.finding };
    }
}
