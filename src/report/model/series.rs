//! Series for charts. All lists of one flow that run over time have one value per bin of [`FlowSeries::bins`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{Micros, StepName, VantageName};

/// The charts' data of one flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlowSeries {
    /// The time axis.
    pub bins: Bins,
    /// One row per vantage and step; per vantage the whole login comes first.
    pub timeline: Vec<TimelineRow>,
    /// What makes a cell slow, in words.
    pub slow_rule: String,
    /// Login time percentiles, one per bin.
    pub latency: Vec<LatencyPoint>,
    /// Login times by bin and size.
    pub heat_map: HeatMap,
}

/// Equal parts of the period; only the last may be cut short by its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bins {
    /// Start of the first bin.
    pub start: Timestamp,
    /// Width of each.
    pub width: Micros,
    /// How many.
    pub count: u32,
}

impl Bins {
    /// Start of bin `index`.
    #[must_use]
    pub fn start_of(&self, index: u32) -> Timestamp {
        let micros = i64::try_from(self.width.0).unwrap_or(i64::MAX).saturating_mul(i64::from(index));
        let start = self.start.as_microsecond().saturating_add(micros);
        Timestamp::from_microsecond(start).unwrap_or(Timestamp::MAX)
    }

    /// The bin that holds an instant.
    #[must_use]
    pub fn index_of(&self, instant: Timestamp) -> Option<usize> {
        let offset = u64::try_from(instant.as_microsecond() - self.start.as_microsecond()).ok()?;
        let index = offset.checked_div(self.width.0)?;
        (index < u64::from(self.count)).then(|| usize::try_from(index).ok()).flatten()
    }
}

/// One vantage and step over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimelineRow {
    /// The vantage.
    pub vantage: VantageName,
    /// The step; `None` is the whole login.
    pub step: Option<StepName>,
    /// One per bin.
    pub cells: Vec<CellState>,
    /// Measurements with a verdict, one count per bin.
    pub n: Vec<u32>,
    /// Bad ones among them, one count per bin.
    pub bad: Vec<u32>,
}

/// What a cell shows. Each has a shape of its own as well as a colour, but for nothing due, which is blank.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellState {
    /// Slots were due, or runs were recorded, and none has a verdict: neither up nor down.
    #[default]
    NoData,
    /// No slot was due, or none is yet, so that nothing is missing.
    NotDue,
    /// All good and none too slow.
    Ok,
    /// All good, but slow by [`FlowSeries::slow_rule`].
    Slow,
    /// At least one failed; how many stands in [`TimelineRow::bad`].
    Failed,
}

/// Login times of one bin; exact, not from a histogram. `None` without a finished login.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatencyPoint {
    /// Finished (good) logins.
    pub n: u32,
    /// Logins that a limit cut off.
    pub unfinished: u32,
    /// Median.
    pub p50: Option<Micros>,
    /// 95th percentile by nearest rank.
    pub p95: Option<Micros>,
    /// 99th percentile by nearest rank; the longest when `n` is below 100.
    pub p99: Option<Micros>,
}

/// Login times by bin and size.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeatMap {
    /// Edges of the size classes, ascending, evenly spaced on a log axis; class `i` holds `edges[i] <= t < edges[i + 1]`.
    /// Empty when no login finished.
    pub edges: Vec<Micros>,
    /// `counts[bin][class]`: good logins.
    pub counts: Vec<Vec<u32>>,
    /// Logins that a limit cut off, one count per bin: a band of their own above the map.
    pub unfinished: Vec<u32>,
}

/// An objective's error budget over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BurnDown {
    /// From the period's start to its end or to [`crate::report::model::Head::until`], in order of time.
    pub points: Vec<BurnPoint>,
}

/// One point of a budget burn-down.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BurnPoint {
    /// When.
    pub at: Timestamp,
    /// Share of the budget spent so far; above 1 when overspent.
    pub spent: f64,
    /// Share of the budget that an even spending would have used by then.
    pub ideal: f64,
}
