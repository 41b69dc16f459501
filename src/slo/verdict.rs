//! Whether an objective was met, as far as the data can tell (F6).

use serde::{Deserialize, Serialize};

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
    /// The stable spelling in reports.
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
