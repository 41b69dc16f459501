//! Consecutive bad logins into downtime with bounds.

use jiff::Timestamp;

use crate::model::Micros;
use crate::report::model::{Downtime, Outage};
use crate::slo::{OutageBounds, outage_bounds};

use crate::history::Expected;
use crate::history::Outcome;
use crate::history::{Kind, Span, by_verdict, without_outcome};

/// Outages that are told one by one.
const SHOWN: usize = 10;

/// An outage that is under way while the outcomes are walked.
struct Open {
    not_before: Timestamp,
    begun_by: Timestamp,
    /// End of the first bad run since the last slot that says nothing: only from here on is the time surely down.
    surely_from: Timestamp,
    last_bad_began: Timestamp,
    /// Surely down before `surely_from`.
    low: Micros,
    runs: u64,
}

impl Open {
    fn surely_down(&self) -> Micros {
        let since = outage_bounds(self.not_before, self.surely_from, self.last_bad_began, self.last_bad_began);
        self.low + since.low
    }

    fn close(self, not_after: Timestamp, open: bool) -> Outage {
        let bounds = outage_bounds(self.not_before, self.begun_by, self.last_bad_began, not_after);
        Outage {
            not_before: self.not_before,
            begun_by: self.begun_by,
            lasted_until: self.last_bad_began,
            not_after,
            low: self.surely_down(),
            high: bounds.high,
            runs: self.runs,
            open,
        }
    }
}

/// The downtime that the outcomes of one vantage allow (F8). A slot that says nothing neither begins nor ends an
/// outage: it widens the bounds.
pub(super) fn downtime(outcomes: &[Outcome], expected: Option<&Expected>, span: Span) -> Downtime {
    let mut missing = expected.into_iter().flat_map(|expected| without_outcome(outcomes, expected, span)).peekable();
    let mut outages: Vec<Outage> = Vec::new();
    let mut open: Option<Open> = None;
    let mut last_good = span.start;
    let mut unsure = false;
    for outcome in outcomes {
        while missing.next_if(|&slot| slot < outcome.slot).is_some() {
            unsure = true;
        }
        match by_verdict(outcome) {
            Kind::Lost => unsure = true,
            Kind::Good => {
                outages.extend(open.take().map(|open| open.close(outcome.ended, false)));
                last_good = outcome.started;
                unsure = false;
            }
            Kind::Bad => {
                open = Some(continued(open, outcome, last_good, unsure));
                unsure = false;
            }
        }
    }
    outages.extend(open.map(|open| open.close(span.until.max(last_end(outcomes)), true)));
    summary(outages)
}

fn continued(open: Option<Open>, bad: &Outcome, last_good: Timestamp, unsure: bool) -> Open {
    let Some(mut open) = open else {
        return Open {
            not_before: last_good,
            begun_by: bad.ended,
            surely_from: bad.ended,
            last_bad_began: bad.started,
            low: Micros(0),
            runs: 1,
        };
    };
    if unsure {
        open.low = open.surely_down();
        open.surely_from = bad.ended;
    }
    open.last_bad_began = bad.started;
    open.runs += 1;
    open
}

fn last_end(outcomes: &[Outcome]) -> Timestamp {
    outcomes.last().map_or(Timestamp::MIN, |outcome| outcome.ended)
}

fn summary(outages: Vec<Outage>) -> Downtime {
    let middle = |outage: &Outage| OutageBounds { low: outage.low, high: outage.high }.middle();
    let mut downtime = Downtime {
        outages: outages.len() as u64,
        low: outages.iter().map(|outage| outage.low).sum(),
        middle: outages.iter().map(middle).sum(),
        high: outages.iter().map(|outage| outage.high).sum(),
        longest: outages,
    };
    downtime.longest.sort_by(|a, b| b.high.cmp(&a.high).then(a.not_before.cmp(&b.not_before)));
    downtime.longest.truncate(SHOWN);
    downtime.longest.sort_by_key(|outage| outage.not_before);
    downtime
}

/// The longest time without a verdict from any vantage; the whole span when there is none. `None` when the span has not
/// begun.
pub(super) fn longest_gap<'a>(series: impl Iterator<Item = &'a [Outcome]>, span: Span) -> Option<Micros> {
    let seen = instants(series, span);
    let gap = seen.windows(2).map(|pair| pair[1].as_microsecond() - pair[0].as_microsecond()).max()?;
    u64::try_from(gap).ok().filter(|&gap| gap > 0).map(Micros)
}

/// When a run with a verdict began anywhere, between the two ends of the span; in order.
pub(super) fn instants<'a>(series: impl Iterator<Item = &'a [Outcome]>, span: Span) -> Vec<Timestamp> {
    let mut seen = vec![span.start, span.until];
    for outcomes in series {
        // There may be millions: a list that doubles as it grows would take three times the memory.
        seen.reserve_exact(outcomes.len());
        let told = outcomes.iter().filter(|outcome| by_verdict(outcome) != Kind::Lost);
        seen.extend(told.map(|outcome| outcome.started.clamp(span.start, span.until)));
    }
    seen.sort_unstable();
    seen
}
