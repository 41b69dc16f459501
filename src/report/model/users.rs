//! Who the users are, how many of them could log in, and which published revision says so.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{Revision, VantageName};
use crate::slo::Interval;

/// The users that figures are weighted by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PopulationHead {
    /// Equal revisions weigh alike: the hash of segments, demand and habits.
    pub revision: Revision,
    /// The parts with their weights, in the order of the configuration.
    pub weights: Vec<SegmentWeight>,
}

/// The weight of one part of the users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentWeight {
    /// Its name.
    pub segment: String,
    /// Its share of all sign-ins.
    pub share: f64,
}

/// A published revision, and what it says otherwise than the one before (F19).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublicationHead {
    /// 1 for the first report of the period.
    pub number: u32,
    /// When it was published.
    pub made_at: Timestamp,
    /// Who published it.
    pub author: String,
    /// What it says otherwise than the revision before, one line each; empty for the first.
    pub differences: Vec<String>,
}

/// How many users could log in: vantages weighted by the users that they stand for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserImpact {
    /// Share of the covered users' logins that would have succeeded; `None` when nobody is covered.
    pub availability: Option<f64>,
    /// Its interval (Wilson per segment for the effective number of its runs, combined by MOVER).
    pub interval: Option<Interval>,
    /// 1 - availability: the user impact.
    pub impact: Option<f64>,
    /// Availability over all users if every uncovered user failed (`low`), and if none did (`high`).
    pub if_uncovered: Interval,
    /// The same with the ends of the interval in place of the best guess.
    pub bounds: Interval,
    /// Share of demand, by segment and hour, that no vantage with data stands for.
    pub uncovered: f64,
    /// The parts, in the order of the configuration.
    pub segments: Vec<SegmentImpact>,
}

/// One part of the users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentImpact {
    /// Its name.
    pub name: String,
    /// Its share of all sign-ins.
    pub share: f64,
    /// The vantages that stand for it; none: nobody probes for these users.
    pub vantages: Vec<VantageName>,
    /// Runs with a verdict.
    pub n: u64,
    /// Bad ones among them.
    pub bad: u64,
    /// bad / n; `None` without runs.
    pub failing: Option<f64>,
    /// Wilson's interval of the failing share.
    pub interval: Option<Interval>,
}
