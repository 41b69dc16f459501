//! Where logins fail, and what the probes could not see.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::incidents::{Background, Gap};
use crate::model::{FlowName, Micros, StepName};
use crate::slo::Interval;

/// The failing share of one flow in one region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlaceCell {
    /// The region label of the vantages; a vantage without one stands for itself.
    pub region: String,
    /// The flow.
    pub flow: FlowName,
    /// Runs with a verdict.
    pub n: u64,
    /// Bad ones among them.
    pub bad: u64,
    /// bad / n; `None` without runs.
    pub failing: Option<f64>,
    /// Wilson's interval of it.
    pub interval: Option<Interval>,
}

/// What the probes of one flow could see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sight {
    /// The flow.
    pub flow: FlowName,
    /// Vantages with a verdict.
    pub vantages: u32,
    /// The longest stretches without any verdict, in order of time.
    pub gaps: Vec<Gap>,
    /// How long it was silent in all: the sum of all stretches without a verdict that are longer than twice the interval.
    #[serde(default, skip_serializing_if = "nothing")]
    pub silent: Micros,
    /// The shortest total outage that no probe could have missed; `None` without a verdict.
    pub surely: Option<Micros>,
    /// The chance to see shorter ones.
    pub chances: Vec<Chance>,
    /// What failed outside of incidents.
    pub background: Background,
}

fn nothing(time: &Micros) -> bool {
    time.0 == 0
}

/// The chance that an outage of this length meets a probe.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Chance {
    /// How long it lasts.
    pub outage: Micros,
    /// For a schedule that is spread evenly over its interval (F9); `None` when no schedule was declared.
    pub planned: Option<f64>,
    /// As the probes really stood: the share of instants at which it could begin and be seen.
    pub measured: f64,
}

/// Past times of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepBaseline {
    /// The flow.
    pub flow: FlowName,
    /// The step; `None` is the whole login.
    pub step: Option<StepName>,
    /// From when on.
    pub from: Timestamp,
    /// Until before when.
    pub to: Timestamp,
    /// Finished measurements.
    pub n: u64,
    /// Their median.
    pub p50: Option<Micros>,
    /// Their 95th percentile.
    pub p95: Option<Micros>,
}
