//! What became of every slot of a span: runs folded into outcomes, small and fixed in size, by flow, kind and vantage,
//! beside the slots that were declared; and how often databases were asked. Reports, incidents and impact are all read
//! off this one value, so that they cannot disagree about what happened. Knows no store, no objective and no rendering.
//!
//! Runs may come in any order; equal identities collapse. Memory grows with the slots of the span, not with hops.

mod adjusting;
mod asked;
mod chosen;
mod counting;
mod expected;
mod ledger;
mod parts;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{FlowName, Micros, Run, RunId, RunKind, ScheduleDeclaration, VantageName};
use crate::slo::Period;

pub use adjusting::count_adjusted;
pub use asked::{Asked, AskedSeries, AskedSlots};
pub use chosen::Chosen;
pub use counting::{Counts, Kind, Span, by_verdict, count, effective, sum, within, without_outcome};
pub use expected::Expected;
pub use ledger::{Ledger, Outcome, Place, end_of};
pub use parts::{Cell, MessageKey, Parts, StepParts, login_durations};

/// One flow's runs of one kind, from one vantage. The order is the order in reports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    /// The flow.
    pub flow: FlowName,
    /// Normal or wrong-password login.
    pub kind: RunKind,
    /// The vantage.
    pub vantage: VantageName,
}

impl Series {
    /// The series that a run belongs to.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        Self { flow: run.flow.clone(), kind: run.kind, vantage: run.vantage.clone() }
    }

    /// The identity of the run behind an outcome of this series.
    #[must_use]
    pub fn run_id(&self, outcome: &Outcome) -> RunId {
        RunId::new(self.kind, &self.flow, &self.vantage, outcome.slot, outcome.attempt)
    }
}

/// What became of every slot of a span.
#[derive(Debug)]
pub struct History {
    period: Period,
    expected: BTreeMap<Series, Expected>,
    intervals: BTreeMap<FlowName, Duration>,
    ledgers: BTreeMap<Series, Ledger>,
    labels: BTreeMap<VantageName, BTreeMap<String, String>>,
}

impl History {
    /// A history without runs. `declarations` are what workers declared, those in force at the period's start included,
    /// in any order.
    #[must_use]
    pub fn new(declarations: &[ScheduleDeclaration], period: &Period) -> Self {
        let expected = expected::from_declarations(declarations, period);
        let ledger = |(series, expected): (&Series, &Expected)| {
            (series.clone(), Ledger::with_capacity(expected.count(period.start, period.end)))
        };
        let ledgers = expected.iter().map(ledger).collect();
        let intervals = expected::intervals(&expected);
        let labels = expected::labels(declarations, period);
        Self { period: period.clone(), expected, intervals, ledgers, labels }
    }

    /// Takes a run with its login time (which a reader knows without the run's steps); false when its slot lies outside
    /// of the period, or when it was known already.
    pub fn record(&mut self, run: &Run, login: Option<Micros>) -> bool {
        self.period.contains(run.slot) && self.ledgers.entry(Series::of(run)).or_default().record(run, login)
    }

    /// Takes all runs of one series, none of which may lie outside of the period; how many were not known yet.
    pub fn append(&mut self, series: &Series, runs: &Ledger) -> u64 {
        match self.ledgers.get_mut(series) {
            Some(ledger) => ledger.append(runs),
            None => self.ledgers.entry(series.clone()).or_default().append(runs),
        }
    }

    /// The span that it covers.
    #[must_use]
    pub fn period(&self) -> &Period {
        &self.period
    }

    /// All series that were declared or recorded, with their runs.
    pub fn ledgers(&self) -> impl Iterator<Item = (&Series, &Ledger)> {
        self.ledgers.iter()
    }

    /// The runs of one series.
    #[must_use]
    pub fn ledger(&self, series: &Series) -> Option<&Ledger> {
        self.ledgers.get(series)
    }

    /// The declared slots of one series; `None` when nobody declared it.
    #[must_use]
    pub fn expected(&self, series: &Series) -> Option<&Expected> {
        self.expected.get(series)
    }

    /// The interval of a flow's normal logins, as last declared.
    #[must_use]
    pub fn interval(&self, flow: &FlowName) -> Option<Duration> {
        self.intervals.get(flow).copied()
    }

    /// The interval of a flow's normal logins, as last declared between two instants; `None` when none was.
    #[must_use]
    pub fn interval_between(&self, flow: &FlowName, from: Timestamp, to: Timestamp) -> Option<Duration> {
        expected::interval_between(&self.expected, flow, (from, to))
    }

    /// The labels of every vantage that declared a schedule, as last declared in the period.
    #[must_use]
    pub fn labels(&self) -> &BTreeMap<VantageName, BTreeMap<String, String>> {
        &self.labels
    }

    /// A label of a vantage, such as its region.
    #[must_use]
    pub fn label(&self, vantage: &VantageName, name: &str) -> Option<&str> {
        self.labels.get(vantage)?.get(name).map(String::as_str)
    }

    /// The first slot that may have a run, and the first after the last.
    #[must_use]
    pub fn span(&self) -> (Timestamp, Timestamp) {
        (self.period.start, self.period.end)
    }
}
