//! Slots into counts.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{LostRuns, Micros, Verdict};
use crate::slo::{Period, Tally};

use super::expected::Expected;
use super::ledger::Outcome;

/// Slots by what their run said. Every slot counts once, whatever the number of attempts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Slots due so far; `None` when no schedule was declared.
    pub due: Option<u64>,
    /// Slots due in the whole period, those to come included; `None` when no schedule was declared.
    pub planned: Option<u64>,
    /// Good.
    pub good: u64,
    /// Bad: the service failed a user.
    pub bad: u64,
    /// Lost: recorded, but the prober's own fault.
    pub lost: u64,
    /// Due, but no run was recorded; 0 when no schedule was declared.
    pub missing: u64,
    /// (good + bad) / due; `None` when no schedule was declared or nothing was due.
    pub coverage: Option<f64>,
}

/// A span of time, and until when its slots are due.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// The first instant.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
    /// Never before the start, never after the end.
    pub until: Timestamp,
}

impl Span {
    /// The span of a period whose slots are due until an instant.
    #[must_use]
    pub fn new(period: &Period, until: Timestamp) -> Self {
        Self { start: period.start, end: period.end, until: until.clamp(period.start, period.end) }
    }

    pub(super) fn contains(&self, instant: Timestamp) -> bool {
        self.start <= instant && instant < self.end
    }
}

/// How an outcome counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Good.
    Good,
    /// Bad: the service failed a user.
    Bad,
    /// Lost: it says nothing about the service.
    Lost,
}

/// By its verdict alone.
#[must_use]
pub fn by_verdict(outcome: &Outcome) -> Kind {
    match outcome.verdict {
        Verdict::Good => Kind::Good,
        Verdict::Bad(_) => Kind::Bad,
        Verdict::Lost(_) => Kind::Lost,
    }
}

/// Good within a threshold, on the raw value; a failure counts as over it.
#[must_use]
pub fn within(threshold: Option<Micros>, outcome: &Outcome) -> Kind {
    match (by_verdict(outcome), threshold) {
        (Kind::Good, Some(threshold)) if outcome.login.is_none_or(|login| login > threshold) => Kind::Bad,
        (kind, _) => kind,
    }
}

/// Counts the slots of one series in a span. A slot that was recorded though it was not declared (around a reload) was
/// due as well.
pub fn count(
    outcomes: &[Outcome],
    expected: Option<&Expected>,
    span: Span,
    kind_of: impl Fn(&Outcome) -> Kind,
) -> Counts {
    let mut counts = Counts::default();
    for outcome in outcomes.iter().filter(|outcome| span.contains(outcome.slot)) {
        match kind_of(outcome) {
            Kind::Good => counts.good += 1,
            Kind::Bad => counts.bad += 1,
            Kind::Lost => counts.lost += 1,
        }
    }
    if let Some(expected) = expected {
        let unrecorded = without_outcome(outcomes, expected, span);
        let (mut missing, mut to_come) = (0, 0);
        for slot in unrecorded {
            *(if slot < span.until { &mut missing } else { &mut to_come }) += 1;
        }
        let due = counts.good + counts.bad + counts.lost + missing;
        counts.missing = missing;
        counts.due = Some(due);
        counts.planned = Some(due + to_come);
    }
    with_coverage(counts)
}

/// Declared slots that no outcome served, in order. Both are in order, so that one walk beside the other is enough.
pub fn without_outcome<'a>(
    outcomes: &'a [Outcome],
    expected: &'a Expected,
    span: Span,
) -> impl Iterator<Item = Timestamp> + 'a {
    let mut next = outcomes.partition_point(|outcome| outcome.slot < span.start);
    expected.slots(span.start, span.end).filter(move |slot| {
        while outcomes.get(next).is_some_and(|outcome| outcome.slot < *slot) {
            next += 1;
        }
        outcomes.get(next).is_none_or(|outcome| outcome.slot != *slot)
    })
}

/// The sum over series. One without a declared schedule adds its recorded slots to what was due elsewhere.
pub fn sum(all: impl Iterator<Item = Counts>) -> Counts {
    let mut total = Counts::default();
    let (mut due, mut planned, mut declared) = (0, 0, false);
    for counts in all {
        total.good += counts.good;
        total.bad += counts.bad;
        total.lost += counts.lost;
        total.missing += counts.missing;
        let recorded = counts.good + counts.bad + counts.lost;
        due += counts.due.unwrap_or(recorded);
        planned += counts.planned.unwrap_or(recorded);
        declared |= counts.due.is_some();
    }
    total.due = declared.then_some(due);
    total.planned = declared.then_some(planned);
    with_coverage(total)
}

/// Fills in the coverage.
pub(super) fn with_coverage(mut counts: Counts) -> Counts {
    counts.coverage = counts.due.filter(|&due| due > 0).map(|due| (counts.good + counts.bad) as f64 / due as f64);
    counts
}

/// Good and bad as the policy treats what was lost or is missing.
#[must_use]
pub fn effective(counts: &Counts, lost_runs: LostRuns) -> Tally {
    let lost = match lost_runs {
        LostRuns::Excluded => 0,
        LostRuns::Bad => counts.lost + counts.missing,
    };
    Tally { good: counts.good, bad: counts.bad + lost }
}
