//! Many weeks in a moment: what became of the slots, counted by stretches of time rather than kept one by one. For charts
//! over weeks, usual step times, and the background that incidents are told from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::history::{Chosen, History, Series};
use crate::model::Retries;
use crate::slo::Period;
use crate::store::{Digest, Error, Piece, Store};

/// One series in one stretch of time. Stretches in which a series was neither recorded nor declared are left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    /// The first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
    /// The series.
    pub series: Series,
    /// Slots that were declared; `None` when no schedule was.
    pub due: Option<u64>,
    /// Slots by what their first attempt said.
    pub first_attempt: Chosen,
    /// Slots by what their best attempt said.
    pub best_attempt: Chosen,
}

impl Stretch {
    /// The counts by a policy.
    #[must_use]
    pub fn chosen(&self, retries: Retries) -> &Chosen {
        match retries {
            Retries::FirstAttempt => &self.first_attempt,
            Retries::BestAttempt => &self.best_attempt,
        }
    }
}

/// What a store says of each UTC day, or part of one, between two instants, by series; in order of time, then of series.
///
/// # Errors
/// As [`stretches`].
pub async fn daily(store: &Store, from: Timestamp, to: Timestamp) -> Result<Vec<Stretch>, Error> {
    let mut edges = vec![from];
    let mut day = TimeZone::UTC.to_datetime(from).date();
    while let Ok(next) = day.tomorrow() {
        day = next;
        match TimeZone::UTC.to_timestamp(day.to_datetime(Time::midnight())) {
            Ok(midnight) if midnight < to => edges.push(midnight),
            _ => break,
        }
    }
    edges.push(to);
    stretches(store, &edges).await
}

/// What a store says of each stretch of time between two neighbours of `edges`, which ascend; in order of time, then of
/// series.
///
/// # Errors
/// Whatever keeps the store from being read or understood: nothing is left out silently.
pub async fn stretches(store: &Store, edges: &[Timestamp]) -> Result<Vec<Stretch>, Error> {
    let (Some(&first), Some(&last)) = (edges.first(), edges.last()) else { return Ok(Vec::new()) };
    let declarations = store.declarations(first, last).await?;
    let mut all = Vec::new();
    for pair in edges.windows(2).filter(|pair| pair[0] < pair[1]) {
        let period = Period { start: pair[0], end: pair[1], zone: "UTC".to_owned(), label: String::new() };
        let mut history = History::new(&declarations, &period);
        let mut counted: BTreeMap<Series, [Chosen; 2]> = BTreeMap::new();
        let want = Digest { outcomes: false, parts: false, chosen: true };
        let mut add = |piece| match piece {
            Piece::Row(row) => _ = history.record(&row.run, row.login_time),
            Piece::Counted(block) => {
                let [first, best] = counted.entry(block.series).or_default();
                first.merge(&block.first_attempt);
                best.merge(&block.best_attempt);
            }
            Piece::Outcomes(..) | Piece::Note(_) => {}
        };
        store.digest((period.start, period.end), want, &mut add).await?;
        // No slot is both counted and told by a run: its attempts share an hour.
        for (series, ledger) in history.ledgers() {
            let [first, best] = counted.entry(series.clone()).or_default();
            first.merge(&Chosen::of(&ledger.outcomes(series.kind, Retries::FirstAttempt)));
            best.merge(&Chosen::of(&ledger.outcomes(series.kind, Retries::BestAttempt)));
        }
        for (series, [first_attempt, best_attempt]) in counted {
            let due = history.expected(&series).map(|expected| expected.count(period.start, period.end));
            all.push(Stretch { from: period.start, to: period.end, series, due, first_attempt, best_attempt });
        }
    }
    Ok(all)
}
