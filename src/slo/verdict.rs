//! Whether an objective was met, as far as the data can tell (F6).

use serde::{Deserialize, Serialize};

use super::beta;

/// From this probability on, an objective is called met; below its complement, missed.
const SURE: f64 = 0.95;

/// What the data say about an objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attainment {
    /// Probably met.
    Met,
    /// Probably missed.
    Missed,
    /// The data allow both.
    Undecided,
    /// No run gave a verdict.
    NoData,
}

impl Attainment {
    /// The word for it in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::Undecided => "undecided",
            Self::NoData => "no data",
        }
    }
}

/// P(met): the posterior probability that the underlying share, which is Beta(n - bad + 1/2, bad + 1/2) from Jeffreys'
/// prior, is at least the target. It takes events as independent: under outages it speaks of the isolated failures
/// only. `None` without events.
#[must_use]
pub fn probability_met(n: u64, bad: u64, target: f64) -> Option<f64> {
    (n > 0).then(|| {
        // The failing share's lower tail: the same number without the loss of digits of `1 - cdf`.
        beta::cdf(bad as f64 + 0.5, (n - bad) as f64 + 0.5, 1.0 - target)
    })
}

/// The verdict that a probability supports: met from 0.95, missed until 0.05, else undecided.
#[must_use]
pub fn attainment(probability_met: Option<f64>) -> Attainment {
    match probability_met {
        None => Attainment::NoData,
        Some(p) if p >= SURE => Attainment::Met,
        Some(p) if p <= 1.0 - SURE => Attainment::Missed,
        Some(_) => Attainment::Undecided,
    }
}
