//! Runs that were recorded elsewhere: by other probers, or by another store of ours. Text in, runs and the schedule that
//! they followed out, so that coverage can be told of them too.
//!
//! Reading order: `table` gives rows with their lines, of `delimited` text or `json`; `own` reads what `doorstep runs`
//! wrote, whole; `foreign` reads a time, a duration and an outcome from any `columns`, in their own `notation`; `times`
//! says which are believed; `place` makes runs of these, on the `slots` that they get; `spans` declares when they were
//! due.

mod columns;
mod delimited;
mod foreign;
mod json;
mod notation;
mod own;
mod place;
mod slots;
mod spans;
mod table;
mod times;

use jiff::Timestamp;

use crate::model::{Micros, Revision, Run, Schedule, VantageName, Verdict};

pub use columns::{Columns, Unit};
pub use foreign::observation;
pub use notation::Notation;
pub use own::{is_own, run};
pub use place::{Placed, Wanted, place};
pub use spans::{Conflict, agree, declarations, spans_of};
pub use table::{Layout, Row, Table, rows};
pub use times::Times;

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}: {reason}")]
pub struct LineError {
    /// From 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub reason: String,
}

/// What another prober saw once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Where it was read: a line from 1, or a sample's number.
    pub line: usize,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, if it was told.
    pub took: Option<Micros>,
    /// What it says.
    pub verdict: Verdict,
    /// Why it failed, in the other prober's words; empty for a good one.
    pub message: String,
}

/// A series was due from one instant to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueSpan {
    /// The vantage.
    pub vantage: VantageName,
    /// When it was due.
    pub schedule: Schedule,
    /// The revision of its flow.
    pub revision: Revision,
    /// The first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
}

/// Runs that are ready to be kept.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// The runs.
    pub runs: Vec<Run>,
    /// When they were due.
    pub due: Vec<DueSpan>,
    /// What has to be said about them.
    pub remarks: Vec<String>,
}
