//! People of each part of the users, in each stretch: intents, affected, locked out, delayed; sums of both.

use jiff::Timestamp;

use crate::model::{ActivityClass, Demand, FlowName, Micros, Population, Segment, VantageName};
use crate::slo::{Tally, wilson};

use super::curve::Curve;
use super::figure::Estimate;
use super::retries::{Attempts, distinct_by_activity, most_delayed_at, with_retries};
use super::stretch::Stretch;

/// A part of the users with its demand.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) name: &'a str,
    pub(super) share: f64,
    /// `None`: nobody described the users, so that all vantages stand for them.
    pub(super) segment: Option<&'a Segment>,
    users: Option<f64>,
    /// Its curve, and the share of it that is its own.
    curve: Option<(Curve, f64)>,
}

impl Part<'_> {
    /// Whether runs of a flow from a vantage stand for it.
    pub(super) fn is_seen_by(&self, flow: &FlowName, vantage: &VantageName) -> bool {
        self.segment.is_none_or(|segment| {
            segment.vantages.contains(vantage) && (segment.flows.is_empty() || segment.flows.contains(flow))
        })
    }

    /// People who want to sign in during a stretch, at least `offset` before its end; `None` without demand.
    pub(super) fn intents(&self, stretch: &Stretch, offset: Micros) -> Option<Estimate> {
        let (curve, share) = self.curve.as_ref()?;
        Some(stretch.intents(curve, offset).times(Estimate::exact(*share)))
    }
}

/// The users in parts, and where their demand comes from, or why there is none.
pub(super) fn parts<'a>(
    population: &'a Population,
    unusual: &[(Timestamp, Timestamp)],
) -> (Vec<Part<'a>>, Result<String, String>) {
    let habits = population.habits();
    let read = |demand: &Demand| Curve::new(demand, unusual);
    let all: Option<Result<Curve, String>> = habits.demand.as_ref().map(read);
    let common = all.as_ref().and_then(|curve| curve.as_ref().ok());
    let users = habits.users.map(|users| users as f64);
    let mut missing = None;
    let part = |segment: &'a Segment| {
        let own = segment.demand.as_ref().map(read);
        let curve = match own {
            Some(Ok(curve)) => Some((curve, 1.0)),
            Some(Err(why)) => {
                missing = Some(why);
                None
            }
            None => common.map(|curve| (curve.clone(), segment.share)),
        };
        let users = segment.users.map(|users| users as f64).or(users.map(|users| users * segment.share));
        Part { name: &segment.name, share: segment.share, segment: Some(segment), users, curve }
    };
    let mut parts: Vec<Part<'a>> = population.segments().iter().map(part).collect();
    if parts.is_empty() {
        let curve = common.map(|curve| (curve.clone(), 1.0));
        parts.push(Part { name: "all users", share: 1.0, segment: None, users, curve });
    }
    let source = parts.iter().find_map(|part| part.curve.as_ref()).map(|(curve, _)| curve.source().to_owned());
    let why = match (missing, all) {
        (Some(why), _) | (None, Some(Err(why))) => Err(why),
        _ => source.ok_or_else(|| {
            "nobody said how many people want to sign in: add 'demand' to the population file".to_owned()
        }),
    };
    (parts, why)
}

/// What one part met in one stretch.
#[derive(Debug, Clone)]
pub(super) struct Met {
    pub(super) tally: Tally,
    /// Failing share with Wilson's bounds; `None` without a run.
    pub(super) failing: Option<Estimate>,
    /// `None` without demand.
    pub(super) intents: Option<Estimate>,
    /// Low, middle, high; `None` without demand, runs, or a word on retries.
    attempts: Option<[Attempts; 3]>,
}

impl Met {
    pub(super) fn new(
        part: &Part<'_>,
        stretch: &Stretch,
        tally: Tally,
        retries: Option<&[Micros]>,
        confidence: f64,
    ) -> Self {
        let failing = wilson(tally.total(), tally.bad, confidence).map(|interval| Estimate {
            low: interval.low,
            middle: tally.bad as f64 / tally.total() as f64,
            high: interval.high,
        });
        let intents = part.intents(stretch, Micros(0));
        let attempts = match (failing, retries, intents) {
            (Some(failing), Some(retries), Some(_)) => Some(attempts(part, stretch, failing, retries)),
            _ => None,
        };
        Self { tally, failing, intents, attempts }
    }

    /// People with at least one failed attempt.
    pub(super) fn affected(&self) -> Option<Estimate> {
        Some(self.intents?.times(self.failing?))
    }

    /// A count of the attempts.
    pub(super) fn of_attempts(&self, count: impl Fn(&Attempts) -> f64) -> Option<Estimate> {
        let [low, middle, high] = self.attempts.as_ref()?;
        Some(Estimate { low: count(low), middle: count(middle), high: count(high) })
    }
}

/// Attempts at the lower ends, middles and upper ends. The number of delayed people does not rise with the failing share
/// all the way: it gets the least and the most of the shares between.
fn attempts(part: &Part<'_>, stretch: &Stretch, failing: Estimate, retries: &[Micros]) -> [Attempts; 3] {
    let of = |share: f64, end: fn(Estimate) -> f64| {
        with_retries(|offset| part.intents(stretch, offset).map_or(0.0, end), share, retries)
    };
    let low_end: fn(Estimate) -> f64 = |estimate| estimate.low;
    let high_end: fn(Estimate) -> f64 = |estimate| estimate.high;
    let mut low = of(failing.low, low_end);
    let middle = of(failing.middle, |e| e.middle);
    let mut high = of(failing.high, high_end);
    let last = retries.last().copied().unwrap_or_default();
    let most = |end: fn(Estimate) -> f64| {
        let people = |offset| part.intents(stretch, offset).map_or(0.0, end);
        most_delayed_at(people(Micros(0)), people(last), retries.len(), (failing.low, failing.high))
    };
    low.delayed = low.delayed.min(of(failing.high, low_end).delayed);
    high.delayed = of(most(high_end), high_end).delayed;
    [low, middle, high]
}

/// Different people among the affected of one part, which may have been hit in several stretches.
pub(super) fn distinct(part: &Part<'_>, affected: Estimate, activity: &[ActivityClass]) -> Option<Estimate> {
    let users = part.users?;
    Some(affected.map(|failures| distinct_by_activity(users, failures, activity)))
}
