//! The latency part of a report: distributions with the error of every percentile.

use serde::{Deserialize, Serialize};

use crate::model::{Micros, Phase, StepName, StepRole, VantageName};

/// Login, step and phase times of one flow. Scheduled attempts only: repeated ones would count bad times twice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlowLatency {
    /// Login time (network and service, from the first step to the proof of identity) of good runs.
    pub login: Distribution,
    /// Login time by vantage, by name.
    pub vantages: Vec<VantageLatency>,
    /// Step times, in the order of the flow.
    pub steps: Vec<StepLatency>,
    /// Phase times of single hops, in the order of time.
    pub phases: Vec<PhaseLatency>,
}

/// Login time from one vantage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VantageLatency {
    /// The vantage.
    pub vantage: VantageName,
    /// Its login times.
    pub login: Distribution,
}

/// Time of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepLatency {
    /// The step.
    pub step: StepName,
    /// What it means for a user; logging out is no part of the login time.
    pub role: StepRole,
    /// Times of the steps that were done.
    pub times: Distribution,
}

/// Time of one phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseLatency {
    /// The phase.
    pub phase: Phase,
    /// Its times, one per hop that had this phase.
    pub times: Distribution,
}

/// A distribution of durations, from a histogram of three significant digits.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Distribution {
    /// Finished measurements: the percentiles are of these.
    pub n: u64,
    /// Measurements that a limit cut off: each took at least `at_least`. They are the tail that the percentiles
    /// cannot show.
    pub unfinished: u64,
    /// The shortest of the cut-off times; `None` when none was cut off.
    pub at_least: Option<Micros>,
    /// Measurements that ended in a failure without being cut off; their times say nothing about a login.
    pub failed: u64,
    /// Shortest finished time.
    pub shortest: Option<Micros>,
    /// Longest finished time.
    pub longest: Option<Micros>,
    /// p50, p90, p95, p99, p99.9, in this order; empty when `n` is 0.
    pub percentiles: Vec<Percentile>,
}

impl Distribution {
    /// The percentile with this label (`p50`, `p90`, `p95`, `p99`, `p99.9`).
    #[must_use]
    pub fn percentile(&self, label: &str) -> Option<&Percentile> {
        self.percentiles.iter().find(|percentile| percentile.label == label)
    }
}

/// One percentile with its errors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Percentile {
    /// `p50`, `p90`, `p95`, `p99`, `p99.9`.
    pub label: String,
    /// The same as a share.
    pub quantile: f64,
    /// The value: the upper end of the histogram bucket that holds it.
    pub value: Micros,
    /// Lower end of its rank interval, widened by the bucket; `None`: the sample is too small to bound it.
    pub low: Option<Micros>,
    /// Upper end of its rank interval, widened by the bucket; `None`: the sample is too small to bound it.
    pub high: Option<Micros>,
    /// Width of the bucket that holds the value: the histogram's own error.
    pub bucket: Micros,
}
