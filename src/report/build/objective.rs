//! One objective: what was promised and what became of it.

use jiff::Timestamp;

use crate::model::{LostRuns, Objective, Policy, RunKind, VantageName};
use crate::report::model::{Budget, BurnDown, BurnPoint, Counts, ObjectiveReport, Standing};
use crate::slo::{
    Attainment, Interval, Period, Tally, burn_rate, left_after, period_budget, probability_met, spent_share, wilson,
};

use super::{Data, adjusted, timeline, users, verdict};
use crate::history::Outcome;
use crate::history::{self, Kind, Span, effective, within};

/// One series of the objective's flow, counted.
pub(super) struct Counted<'a> {
    pub(super) vantage: &'a VantageName,
    counts: Counts,
    pub(super) outcomes: &'a [Outcome],
}

pub(super) fn report(data: &Data<'_>, objective: &Objective, period: &Period) -> ObjectiveReport {
    let policy = data.inputs().policy;
    let span = Span::new(period, data.inputs().until);
    let threshold = objective.threshold.map(|threshold| threshold.at_most);
    let counted: Vec<Counted<'_>> = data
        .series(&objective.flow, RunKind::Login)
        .map(|(series, outcomes)| Counted {
            vantage: &series.vantage,
            counts: history::count(outcomes, data.expected(series), span, |o| within(threshold, o)),
            outcomes,
        })
        .collect();
    let counts = history::sum(counted.iter().map(|series| series.counts));
    let target = objective.target.share();
    let figures = figures(&counts, target, period.seconds(), (policy, is_running(period, span)));
    let over = || counted.iter().flat_map(|series| series.outcomes).filter(|o| is_over(o, threshold, period)).count();
    ObjectiveReport {
        name: objective.name.clone(),
        description: objective.description.clone(),
        flow: objective.flow.clone(),
        target,
        threshold,
        period: period.clone(),
        until: is_running(period, span).then_some(span.until),
        counts,
        over_threshold: threshold.map(|_| over() as u64),
        availability: figures.availability,
        failing: figures.failing,
        interval: figures.interval,
        if_lost: if_lost(&counts),
        budget: figures.budget,
        burn_rate: figures.burn_rate,
        verdict: figures.verdict,
        probability_met: figures.probability_met,
        verdict_note: figures.verdict_note,
        users: users::of(data, objective, &counted, span),
        burn_down: burn_down(data, &counted, objective, period, span),
        standing: Standing::default(),
        adjusted: adjusted::report(data, objective, &counted, period, span),
    }
}

/// What follows from counts, whether raw or adjusted.
pub(super) struct Figures {
    pub(super) availability: Option<f64>,
    pub(super) failing: Option<f64>,
    pub(super) interval: Option<Interval>,
    pub(super) budget: Option<Budget>,
    pub(super) burn_rate: Option<f64>,
    pub(super) verdict: Attainment,
    pub(super) probability_met: Option<f64>,
    pub(super) verdict_note: Option<String>,
}

/// Whether slots of a period are still to come.
pub(super) fn is_running(period: &Period, span: Span) -> bool {
    span.until < period.end
}

/// The figures of a promise from its counts and the length of its period in seconds, by a policy, for a period that
/// still runs or has ended.
pub(super) fn figures(counts: &Counts, target: f64, seconds: f64, (policy, running): (&Policy, bool)) -> Figures {
    let tally = effective(counts, policy.lost_runs);
    let availability = tally.share();
    let probability_met = probability_met(tally.total(), tally.bad, target);
    let budget = budget(counts, tally, target, seconds);
    let (verdict, verdict_note) = verdict::of(&verdict::Evidence { counts, tally, target, policy, running });
    Figures {
        availability,
        failing: availability.map(|_| tally.bad as f64 / tally.total() as f64),
        interval: wilson(tally.total(), tally.good, policy.confidence),
        budget,
        burn_rate: availability.map(|share| burn_rate(share, target)),
        verdict,
        probability_met,
        verdict_note,
    }
}

fn is_over(outcome: &Outcome, threshold: Option<crate::model::Micros>, period: &Period) -> bool {
    period.contains(outcome.slot)
        && history::by_verdict(outcome) == Kind::Good
        && within(threshold, outcome) == Kind::Bad
}

/// The two extremes: all that was lost or is missing bad, or good.
fn if_lost(counts: &Counts) -> Option<Interval> {
    let lost = counts.lost + counts.missing;
    let low = Tally { good: counts.good, bad: counts.bad + lost }.share()?;
    let high = Tally { good: counts.good + lost, bad: counts.bad }.share()?;
    Some(Interval { low, high })
}

/// The budget of the planned slots, or, where none were declared, of the counted ones.
fn budget(counts: &Counts, tally: Tally, target: f64, seconds: f64) -> Option<Budget> {
    if tally.total() == 0 {
        return None;
    }
    let events = counts.planned.unwrap_or(tally.total());
    let spent = spent_share(tally.bad, target, events)?;
    let allowed_events = (1.0 - target) * events as f64;
    let allowed_minutes = period_budget(target, seconds) / 60.0;
    Some(Budget {
        allowed_events,
        spent_events: tally.bad,
        left_events: left_after(allowed_events, spent),
        allowed_minutes,
        spent_minutes: allowed_minutes * spent,
        left_minutes: left_after(allowed_minutes, spent),
        spent_share: spent,
    })
}

/// The share of the budget spent by the end of each bin, beside an even spending.
fn burn_down(
    data: &Data<'_>,
    counted: &[Counted<'_>],
    objective: &Objective,
    period: &Period,
    span: Span,
) -> Option<BurnDown> {
    let counts = history::sum(counted.iter().map(|series| series.counts));
    let policy = data.inputs().policy;
    let tally = effective(&counts, policy.lost_runs);
    if tally.total() == 0 {
        return None;
    }
    let (target, events) = (objective.target.share(), counts.planned.unwrap_or(tally.total()));
    let threshold = objective.threshold.map(|threshold| threshold.at_most);
    let bins = timeline::bins(period, data.builder.interval(&objective.flow));
    let mut bad = vec![0_u64; bins.count as usize];
    for slot in counted.iter().flat_map(|series| bad_slots(data, objective, series, threshold, span)) {
        if let Some(bin) = bins.index_of(slot) {
            bad[bin] += 1;
        }
    }
    let mut points = vec![BurnPoint { at: period.start, spent: 0.0, ideal: 0.0 }];
    let mut spent = 0;
    for (index, bad) in (1..).zip(bad) {
        let at = bins.start_of(index).min(span.until);
        spent += bad;
        let ideal = at.duration_since(period.start).as_secs_f64() / period.seconds();
        points.push(BurnPoint { at, spent: spent_share(spent, target, events)?, ideal });
        if at >= span.until {
            break;
        }
    }
    Some(BurnDown { points })
}

/// The slots of one series that spend the budget.
fn bad_slots(
    data: &Data<'_>,
    objective: &Objective,
    counted: &Counted<'_>,
    threshold: Option<crate::model::Micros>,
    span: Span,
) -> Vec<Timestamp> {
    let lost_is_bad = data.inputs().policy.lost_runs == LostRuns::Bad;
    let spends = |outcome: &&Outcome| match within(threshold, outcome) {
        Kind::Good => false,
        Kind::Bad => true,
        Kind::Lost => lost_is_bad,
    };
    let mut slots: Vec<Timestamp> = counted.outcomes.iter().filter(spends).map(|outcome| outcome.slot).collect();
    let series =
        history::Series { flow: objective.flow.clone(), kind: RunKind::Login, vantage: counted.vantage.clone() };
    if let Some(expected) = data.expected(&series).filter(|_| lost_is_bad) {
        let missing = history::without_outcome(counted.outcomes, expected, span);
        slots.extend(missing.filter(|&slot| slot < span.until));
    }
    slots
}
