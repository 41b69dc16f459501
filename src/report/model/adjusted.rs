//! A promise with exclusions applied, beside the raw figures.

use serde::{Deserialize, Serialize};

use crate::model::Exclusion;
use crate::slo::{Attainment, Interval};

use super::{Budget, Counts};

/// What became of a promise when exclusions are applied (F20). Every field means what it means in the raw report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdjustedReport {
    /// The exclusions that touched it, by their first instant.
    pub exclusions: Vec<AppliedExclusion>,
    /// Slots by verdict. Dropped time is neither due nor planned; dropped events are planned only.
    pub counts: Counts,
    /// good / (good + bad), lost and missing as the policy says. `None` when nothing is left.
    pub availability: Option<f64>,
    /// The failing share.
    pub failing: Option<f64>,
    /// Wilson's interval of the availability.
    pub interval: Option<Interval>,
    /// The error budget; dropped time shrinks it.
    pub budget: Option<Budget>,
    /// (1 - availability) / (1 - target).
    pub burn_rate: Option<f64>,
    /// What the evidence allows to say.
    pub verdict: Attainment,
    /// P(met).
    pub probability_met: Option<f64>,
    /// Why the verdict is not, or not only, what P(met) says.
    pub verdict_note: Option<String>,
}

/// One exclusion and what it touched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppliedExclusion {
    /// The entry: span, mode, reason, author, time of entry.
    pub exclusion: Exclusion,
    /// It was entered only after what it covers had begun.
    pub late: bool,
    /// The slots that it covers, counted as measured.
    pub touched: Counts,
}
