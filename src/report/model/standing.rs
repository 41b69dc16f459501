//! Where an objective stands: what the period was as measured, against its past, and what may become of its budget.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::impact::Estimate;
use crate::model::Micros;
use crate::slo::{Interval, Measured};

/// Everything about an objective that looks beyond its counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// What the period was (F5): outages by their measured length, isolated failures as a sample.
    pub measured: Option<Measured>,
    /// The period before, when its difference is more than the intervals allow.
    pub change: Option<Change>,
    /// This period and those before it, the oldest first; only this one when nothing is known of others.
    pub weeks: Vec<Week>,
    /// The worst window of each length in this period (F12).
    pub windows: Vec<Window>,
    /// The same over the weeks before; empty when nothing is known of them.
    pub windows_before: Vec<Window>,
    /// Where the curve of this period bends: the outage that dominates it. `None` when nothing failed.
    pub knee: Option<Knee>,
    /// People who wanted to sign in and those who met a failure; `None` when the demand is not known.
    pub sign_ins: Option<SignIns>,
    /// What may become of the budget until the end of a running period.
    pub outlook: Option<Outlook>,
    /// The clauses of the budget policy, and which of them apply.
    pub clauses: Vec<Clause>,
}

/// The difference to the period before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// What the period before is called.
    pub label: String,
    /// Its availability.
    pub availability: f64,
    /// This availability minus that.
    pub difference: f64,
}

/// One period among several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Week {
    /// What it is called.
    pub label: String,
    /// Its first instant.
    pub start: Timestamp,
    /// Runs with a verdict.
    pub n: u64,
    /// Bad ones among them.
    pub bad: u64,
    /// 1 - bad / n; `None` without runs.
    pub availability: Option<f64>,
    /// Wilson's interval of it.
    pub interval: Option<Interval>,
    /// Incidents that touched it; `None` when nobody looked.
    pub incidents: Option<u64>,
}

/// The worst stretch of a length.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// The length.
    pub length: Micros,
    /// Availability of the worst stretch of this length.
    pub availability: f64,
    /// Wilson's interval of it (F4); the choice of the worst among many is not in it. `None` where none was computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
}

/// The bend of a curve of windows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Knee {
    /// The shortest window that holds the dominant outage.
    pub length: Micros,
    /// How long that outage was, if it was total: the window's failing share times its length.
    pub outage: Micros,
}

/// People who want to sign in, as far as demand is known: who comes twice is two of them, who tries again is one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SignIns {
    /// Expected in the period, or until the end of the data, where probes cover them.
    pub expected: Estimate,
    /// Those with at least one failed attempt; the upper end holds all whom no probe covers.
    pub failed: Estimate,
}

/// What may become of the budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outlook {
    /// The chance that the period ends with budget left.
    pub inside: f64,
    /// Share of the budget spent, over time: lower end, median and upper end of what may come.
    pub fan: Vec<FanPoint>,
    /// From what it was estimated, in words.
    pub basis: String,
}

/// What may have been spent by an instant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FanPoint {
    /// When.
    pub at: Timestamp,
    /// Spent share of the budget: 39 of 40 futures are above it, or at it.
    pub low: f64,
    /// Half of the futures are below.
    pub middle: f64,
    /// 39 of 40 futures are below it, or at it.
    pub high: f64,
}

/// A rule about what follows from the state of the budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clause {
    /// When it applies, in words.
    pub when: String,
    /// What is to be done.
    pub text: String,
    /// Whether it does.
    pub applies: bool,
    /// Why, with the number.
    pub because: String,
    /// It applies, and so does a clause about a larger share of the budget: that one is what is asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub superseded: bool,
}
