//! What was injected, counted while it is drawn. Tallies of several vantages add.

use std::collections::BTreeMap;

/// What probes met in one minute of an outage, by slot; re-probes are not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MinuteTruth {
    /// Runs with a verdict, at the vantages and flows that the outage meets.
    pub runs: u64,
    /// Those that failed because of it.
    pub failing: u64,
    /// All that failed, for whatever reason.
    pub bad: u64,
}

/// What befell runs because of one trouble of the prober.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Troubled {
    pub(super) lost: u64,
    pub(super) bad: u64,
    pub(super) silent: u64,
}

/// Counts of one simulation, or of one vantage of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Runs written, re-probes included.
    pub runs: u64,
    /// Good ones.
    pub good: u64,
    /// Bad ones.
    pub bad: u64,
    /// Lost ones.
    pub lost: u64,
    /// Re-probes among the runs.
    pub reprobes: u64,
    /// Slots of which nothing was written.
    pub silent: u64,
    /// Bad ones while nothing was wrong.
    pub background: u64,
    /// By outage: minutes since 1970 that probes met.
    pub outages: Vec<BTreeMap<i64, MinuteTruth>>,
    pub(super) prober: Vec<Troubled>,
}

impl Tally {
    pub(super) fn new(outages: usize, troubles: usize) -> Self {
        Self { outages: vec![BTreeMap::new(); outages], prober: vec![Troubled::default(); troubles], ..Self::default() }
    }

    /// Adds what another vantage of the same simulation met.
    pub fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.good += other.good;
        self.bad += other.bad;
        self.lost += other.lost;
        self.reprobes += other.reprobes;
        self.silent += other.silent;
        self.background += other.background;
        for (mine, theirs) in self.outages.iter_mut().zip(&other.outages) {
            for (&minute, truth) in theirs {
                let sum = mine.entry(minute).or_default();
                sum.runs += truth.runs;
                sum.failing += truth.failing;
                sum.bad += truth.bad;
            }
        }
        for (mine, theirs) in self.prober.iter_mut().zip(&other.prober) {
            mine.lost += theirs.lost;
            mine.bad += theirs.bad;
            mine.silent += theirs.silent;
        }
    }
}
