//! A two-sided interval: of confidence, or of hard bounds. What it means is said where it is used.

use serde::{Deserialize, Serialize};

/// A lower and an upper end, both belonging to the interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Upper minus lower end.
    #[must_use]
    pub fn width(self) -> f64 {
        self.high - self.low
    }

    /// The interval of the opposite share: failing instead of good, or the other way round.
    #[must_use]
    pub fn complement(self) -> Self {
        Self { low: 1.0 - self.high, high: 1.0 - self.low }
    }
}
