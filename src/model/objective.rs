//! Objectives: what was promised, for which flow, in whose calendar.

use jiff::tz::TimeZone;

use super::id::{FlowName, ObjectiveName};
use super::units::Micros;

/// A promise that is reported on. The calendar zone belongs to the objective, not to whoever reads the report.
#[derive(Debug, Clone)]
pub struct Objective {
    /// Unique name.
    pub name: ObjectiveName,
    /// What it is, for people; may be empty.
    pub description: String,
    /// The flow whose runs count.
    pub flow: FlowName,
    /// The share of runs that must be good.
    pub target: Target,
    /// For a latency objective: a run is good when it is good *and* within this threshold.
    pub threshold: Option<Threshold>,
    /// IANA zone of its weeks.
    pub zone: TimeZone,
}

/// A latency threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    /// The login time must be at most this, compared on the raw value, never on a bucket.
    pub at_most: Micros,
}

/// The share of runs that must be good, between 0 and 1 exclusive.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Target(f64);

/// Why a number is no target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not above 0 and below 100 %.
    #[error("a target lies above 0 % and below 100 %: with 100 % there is no error budget to report on")]
    OutOfRange,
}

impl Target {
    /// A target from a share.
    ///
    /// # Errors
    /// [`TargetError::OutOfRange`] unless `0 < share < 1`.
    pub fn new(share: f64) -> Result<Self, TargetError> {
        if share > 0.0 && share < 1.0 { Ok(Self(share)) } else { Err(TargetError::OutOfRange) }
    }

    /// The share.
    #[must_use]
    pub fn share(self) -> f64 {
        self.0
    }

    /// The error budget: the share that may be bad (b = 1 - SLO; Google SRE Workbook, chapter 2).
    #[must_use]
    pub fn budget(self) -> f64 {
        1.0 - self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_of_all_or_nothing_is_refused() {
        for share in [0.0, 1.0, -0.1, 1.1, f64::NAN] {
            assert_eq!(Target::new(share), Err(TargetError::OutOfRange));
        }
        assert!((Target::new(0.999).unwrap().budget() - 0.001).abs() < 1e-12);
    }
}
