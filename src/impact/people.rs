//! People of each part of the users, in each stretch: intents, affected, locked out, delayed; sums of both.

use jiff::Timestamp;

use crate::model::{ActivityClass, Demand, FlowName, Micros, Policy, Population, Segment, VantageName};
use crate::slo::{Slice, Tally, user_weighted_over_time, wilson};

use super::curve::Curve;
use super::figure::Estimate;
use super::retries::{Attempts, distinct_by_activity, most_delayed_at, with_retries};
use super::slices::{PartSlice, Seen};
use super::stretch::{Between, Stretch, common};

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

    /// People who usually want to sign in within these spans; without demand, its share of their seconds: as many at
    /// any time.
    pub(super) fn weight(&self, spans: &[Between], by_demand: bool) -> f64 {
        match self.curve.as_ref().filter(|_| by_demand) {
            Some((curve, share)) => {
                share * spans.iter().fold(0.0, |sum, (from, to)| sum + curve.between(*from, *to).middle)
            }
            None => self.share * spans.iter().fold(0.0, |sum, (from, to)| sum + to.duration_since(*from).as_secs_f64()),
        }
    }

    /// Whether its demand is known.
    pub(super) fn has_demand(&self) -> bool {
        self.curve.is_some()
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

/// What one part met in one stretch: in the slices of it that probes looked at, and in those that none did.
#[derive(Debug, Clone)]
pub(super) struct Met {
    pub(super) tally: Tally,
    /// Failing share, its hours weighted by demand, with bounds; `None` without a run.
    pub(super) failing: Option<Estimate>,
    /// People of the slices with a run; `None` without demand, or without such a slice.
    pub(super) intents: Option<Estimate>,
    /// Low, middle, high; `None` without demand, runs, or a word on retries.
    attempts: Option<[Attempts; 3]>,
    /// People of the other slices; `None` without demand.
    pub(super) unseen: Option<Estimate>,
    /// What they did if every attempt of theirs failed; `None` without demand or a word on retries.
    unseen_attempts: Option<Attempts>,
}

impl Met {
    /// `slices` are those of the stretch; `keep` are the spans that count.
    pub(super) fn new(
        part: &Part<'_>,
        stretch: &Stretch,
        slices: &[PartSlice],
        keep: &[Between],
        retries: Option<&[Micros]>,
        policy: &Policy,
    ) -> Self {
        let is_seen = |seen: &Seen| seen.tally(policy.lost_runs).total() > 0;
        let spans = |wanted: bool| -> Vec<Between> {
            let chosen = slices.iter().filter(|slice| is_seen(&slice.seen) == wanted);
            common(&chosen.map(|slice| slice.span).collect::<Vec<_>>(), keep)
        };
        let (seen, unseen) = (stretch.within(&spans(true)), stretch.within(&spans(false)));
        let tally: Tally = slices.iter().map(|slice| slice.seen.tally(policy.lost_runs)).sum();
        let failing = failing(part, slices, policy);
        let intents = failing.and_then(|_| part.intents(&seen, Micros(0)));
        let attempts = match (failing, retries, intents) {
            (Some(failing), Some(retries), Some(_)) => Some(attempts(part, &seen, failing, retries)),
            _ => None,
        };
        let unseen_attempts = retries.filter(|_| part.has_demand()).map(|retries| {
            with_retries(|offset| part.intents(&unseen, offset).map_or(0.0, |people| people.high), 1.0, retries)
        });
        Self { tally, failing, intents, attempts, unseen: part.intents(&unseen, Micros(0)), unseen_attempts }
    }

    /// People with at least one failed attempt, of the slices with a run.
    pub(super) fn affected(&self) -> Option<Estimate> {
        Some(self.intents?.times(self.failing?))
    }

    /// A count of the attempts, of the slices with a run.
    pub(super) fn of_attempts(&self, count: impl Fn(&Attempts) -> f64) -> Option<Estimate> {
        let [low, middle, high] = self.attempts.as_ref()?;
        Some(Estimate { low: count(low), middle: count(middle), high: count(high) })
    }

    /// The most people of the other slices.
    pub(super) fn most_unseen(&self) -> f64 {
        self.unseen.map_or(0.0, |people| people.high)
    }

    /// The least failed attempts per person affected: each attempt fails on its own, with the smallest failing share.
    /// `None` when nobody may have wanted to sign in.
    pub(super) fn least_per_person(&self) -> Option<f64> {
        let [low, ..] = self.attempts.as_ref()?;
        if low.affected > 0.0 {
            return Some(low.failed / low.affected);
        }
        // As the share goes to zero nobody who failed once fails again.
        (self.intents?.high > 0.0).then_some(1.0)
    }

    /// The most attempts of the people of the other slices.
    pub(super) fn most_unseen_attempts(&self, count: impl Fn(&Attempts) -> f64) -> f64 {
        self.unseen_attempts.as_ref().map_or(0.0, count)
    }
}

/// The failing share of a part in one stretch, its hours weighted by demand (F10), with its bounds; where nobody wants to
/// sign in, of its runs. `None` without a run.
fn failing(part: &Part<'_>, slices: &[PartSlice], policy: &Policy) -> Option<Estimate> {
    let slice = |slice: &PartSlice| {
        let tally = slice.seen.tally(policy.lost_runs);
        Slice { demand: part.weight(&slice.counted, part.has_demand()), n: tally.total(), bad: tally.bad }
    };
    let slices: Vec<Slice> = slices.iter().map(slice).collect();
    let weighted = user_weighted_over_time(&[&slices], policy.confidence);
    if let (Some(good), Some(interval)) = (weighted.availability, weighted.interval) {
        return Some(Estimate { low: 1.0 - interval.high, middle: 1.0 - good, high: 1.0 - interval.low });
    }
    let (n, bad) = slices.iter().fold((0, 0), |(n, bad), slice| (n + slice.n, bad + slice.bad));
    let interval = wilson(n, bad, policy.confidence)?;
    Some(Estimate { low: interval.low, middle: bad as f64 / n as f64, high: interval.high })
}

/// Attempts at the lower ends, middles and upper ends. The number of delayed people does not rise with the failing share
/// all the way: it gets the least and the most of the shares between.
///
/// Attempts and failed ones take each attempt to fail on its own (F13), but for their upper end: where the same people
/// fail every time, q of them do so at each attempt of theirs that falls into the outage, which is q times what happens
/// when everything fails.
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
    let everything = of(1.0, high_end);
    high.failed = failing.high * everything.failed;
    let (first, again) = (everything.affected, everything.attempts - everything.affected);
    high.attempts = first + failing.high * again;
    [low, middle, high]
}

/// Different people among the affected of one part, which may have been hit in several stretches.
///
/// The middle lets chance decide anew at each sign-in (F13). Probes cannot tell whether it does, so the bounds hold both
/// extremes: where a fixed part of the users fails at every sign-in, those of them who came once or more, U q (1 - exp(-I
/// / U)), in the stretch where these are most; where nobody fails twice, as many as sign-ins, but no more than users.
pub(super) fn distinct(part: &Part<'_>, met: &[Met], activity: &[ActivityClass]) -> Option<Estimate> {
    let users = part.users?;
    let affected: Vec<Estimate> = met.iter().filter_map(Met::affected).collect();
    let all: Estimate = affected.iter().copied().sum();
    let same = |met: &Met| {
        let (intents, failing) = (met.intents?, met.failing?);
        Some(failing.low * distinct_by_activity(users, intents.low, activity))
    };
    let unseen: f64 = met.iter().map(Met::most_unseen).sum();
    Some(Estimate {
        low: met.iter().filter_map(same).fold(0.0, f64::max),
        middle: distinct_by_activity(users, all.middle, activity),
        high: (all.high + unseen).min(users),
    })
}
