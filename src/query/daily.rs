//! Many weeks in a moment: what became of the slots, counted by stretches of time rather than kept one by one. For charts
//! over weeks, usual step times, and the background that incidents are told from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::history::{History, Outcome, Series, login_durations};
use crate::model::{Retries, Verdict};
use crate::slo::{Durations, Period, Tally};
use crate::store::{Columns, Error, RunFilter, Store};

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

/// One outcome for each recorded slot, counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chosen {
    /// How many by what they say.
    pub verdicts: BTreeMap<Verdict, u64>,
    /// Login times of good ones, and those that were cut off or failed apart.
    pub login: Durations,
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

impl Chosen {
    /// Counts the outcomes of one series.
    #[must_use]
    pub fn of(outcomes: &[Outcome]) -> Self {
        let mut verdicts = BTreeMap::new();
        for outcome in outcomes {
            *verdicts.entry(outcome.verdict).or_default() += 1;
        }
        Self { verdicts, login: login_durations(outcomes) }
    }

    /// Recorded slots.
    #[must_use]
    pub fn recorded(&self) -> u64 {
        self.verdicts.values().sum()
    }

    /// Good and bad ones.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let count = |wanted: fn(&Verdict) -> bool| {
            self.verdicts.iter().filter(|(verdict, _)| wanted(verdict)).map(|(_, count)| count).sum()
        };
        Tally { good: count(|v| matches!(v, Verdict::Good)), bad: count(|v| matches!(v, Verdict::Bad(_))) }
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Self) {
        for (verdict, count) in &other.verdicts {
            *self.verdicts.entry(*verdict).or_default() += count;
        }
        self.login.merge(&other.login);
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
    let mut all = Vec::new();
    for pair in edges.windows(2).filter(|pair| pair[0] < pair[1]) {
        let period = Period { start: pair[0], end: pair[1], zone: "UTC".to_owned(), label: String::new() };
        let declarations = store.declarations(period.start, period.end).await?;
        let mut history = History::new(&declarations, &period);
        let filter = RunFilter::between(period.start, period.end);
        store.read(&filter, Columns::Summary, &mut |row| _ = history.record(&row.run, row.login_time)).await?;
        for (series, ledger) in history.ledgers() {
            let due = history.expected(series).map(|expected| expected.count(period.start, period.end));
            let chosen = |retries| Chosen::of(&ledger.outcomes(series.kind, retries));
            let (first_attempt, best_attempt) = (chosen(Retries::FirstAttempt), chosen(Retries::BestAttempt));
            let series = series.clone();
            all.push(Stretch { from: period.start, to: period.end, series, due, first_attempt, best_attempt });
        }
    }
    Ok(all)
}
