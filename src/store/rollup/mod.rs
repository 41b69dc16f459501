//! What a report needs of a compacted file beside its outcomes, counted once when the file is made: by the hour, and for
//! the whole of the file. Derived and disposable: a reader without a good rollup reads the runs themselves and says the
//! same.
//!
//! `v1/rollup/<vantage>/<date>/<name of the compacted file>.parquet`. One row is one series in one hour, or in the whole
//! day as far as the file holds it (`seconds` tells which); rows of days come first, in a row group of their own. `stamp`
//! is the sum of the runs' numbers, of which [`crate::store::ReadSummary::revision`] is made. The other columns are JSON;
//! histograms in it are HdrHistogram V2 in base64, of microseconds with three significant digits.

mod file;
mod json;

use jiff::Timestamp;

use super::day_key::midnight;
use super::key::day_of;
use super::stamp::Stamp;
use crate::history::{Chosen, Ledger, Parts, Series};
use crate::model::{Retries, Run};

pub(super) use file::{Wanted, decode, encode};

/// The width of the cells of [`Parts`] in a rollup, in microseconds.
pub const CELL: i64 = 300_000_000;
/// An hour in microseconds.
pub(super) const HOUR: i64 = 3_600_000_000;
/// A day in microseconds.
pub(super) const DAY: i64 = 24 * HOUR;

/// One series in one part of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// The series.
    pub series: Series,
    /// The start of the hour or day.
    pub start: Timestamp,
    /// An hour or a day, in microseconds.
    pub length: i64,
    /// Its slots by what their first attempt said.
    pub first_attempt: Chosen,
    /// Its slots by what their best attempt said.
    pub best_attempt: Chosen,
    /// What its runs said beside their outcomes, in cells of [`CELL`].
    pub parts: Parts,
    pub(super) stamp: Stamp,
}

/// Counts the runs of one vantage's day, which are in the order of a compacted file: days first, then hours.
pub(super) fn count(runs: &[Run]) -> Vec<Block> {
    let (mut days, mut hours) = (Vec::new(), Vec::new());
    for runs in runs.chunk_by(|a, b| a.flow == b.flow && a.kind == b.kind) {
        let mut day: Option<Block> = None;
        for runs in runs.chunk_by(|a, b| floor(a.slot, HOUR) == floor(b.slot, HOUR)) {
            let hour = block(runs);
            match &mut day {
                Some(day) => day.add(&hour),
                None => day = Some(Block { start: midnight(day_of(hour.start)), length: DAY, ..hour.clone() }),
            }
            hours.push(hour);
        }
        days.extend(day);
    }
    days.extend(hours);
    days
}

/// Counts runs of one series and hour.
fn block(runs: &[Run]) -> Block {
    let first = &runs[0];
    let (mut ledger, mut parts, mut stamp) = (Ledger::default(), Parts::default(), Stamp::default());
    for run in runs {
        let login = run.login_time();
        ledger.record(run, login);
        parts.add(run, floor(run.slot, CELL));
        stamp.add(run, login);
    }
    let chosen = |retries| Chosen::of(&ledger.outcomes(first.kind, retries));
    Block {
        series: Series::of(first),
        start: floor(first.slot, HOUR),
        length: HOUR,
        first_attempt: chosen(Retries::FirstAttempt),
        best_attempt: chosen(Retries::BestAttempt),
        parts,
        stamp,
    }
}

impl Block {
    fn add(&mut self, other: &Self) {
        self.first_attempt.merge(&other.first_attempt);
        self.best_attempt.merge(&other.best_attempt);
        self.parts.merge(&other.parts, Some);
        self.stamp.merge(other.stamp);
    }

    /// The first instant after it.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        moved(self.start, self.length)
    }
}

/// The start of the part of time, of this length since 1970, that holds an instant.
#[must_use]
pub(super) fn floor(instant: Timestamp, length: i64) -> Timestamp {
    let micros = instant.as_microsecond();
    moved(instant, -micros.rem_euclid(length))
}

/// An instant this many microseconds later.
pub(super) fn moved(instant: Timestamp, by: i64) -> Timestamp {
    let end = if by < 0 { Timestamp::MIN } else { Timestamp::MAX };
    // Whole microseconds: what lies below one is cut off.
    Timestamp::from_microsecond(instant.as_microsecond().saturating_add(by)).unwrap_or(end)
}
