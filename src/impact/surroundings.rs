//! The period around an incident: its worst windows, and what the incident took of each budget.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::history::{self, Kind, Outcome, Series, Span, effective};
use crate::model::{Exclusion, ExclusionMode, FlowName, LostRuns, Objective, mode_at};
use crate::slo::{Period, Slice, spent_share, user_weighted_over_time};

use super::curve::Curve;
use super::estimate::Question;
use super::model::{BudgetShare, WindowFigures, Windowed};
use super::stretch::Stretch;
use super::uptime::{Event, user_uptime, usual_cutoff};
use super::windowed::{Cells, WorstWindow, knee};

const MINUTE: i64 = 60_000_000;

/// The series of normal logins of the flows that are asked for, with their outcomes.
pub(super) type Logins = BTreeMap<Series, Vec<Outcome>>;

/// The worst windows of the history's period, minute by minute: weighted by demand where it is known, else by runs.
pub(super) fn windowed(
    question: &Question<'_>,
    logins: &Logins,
    flows: &[FlowName],
    demand: Option<&Curve>,
) -> Windowed {
    let period = question.history.period();
    let end = question.until.clamp(period.start, period.end);
    let minutes = (end.as_microsecond() - period.start.as_microsecond()) / MINUTE;
    let mut cells = vec![(0_u64, 0_u64); usize::try_from(minutes).unwrap_or(0)];
    let chosen = || logins.iter().filter(|(series, _)| flows.contains(&series.flow)).map(|(_, outcomes)| outcomes);
    for outcome in chosen().flatten() {
        let minute = (outcome.slot.as_microsecond() - period.start.as_microsecond()).div_euclid(MINUTE);
        let cell = usize::try_from(minute).ok().and_then(|minute| cells.get_mut(minute));
        match (cell, history::by_verdict(outcome)) {
            (None, _) | (_, Kind::Lost) => {}
            (Some(cell), kind) => *cell = (cell.0 + u64::from(kind == Kind::Good), cell.1 + 1),
        }
    }
    let weight = |minute: usize, n: u64| demand.map_or(n as f64, |curve| people_in(curve, period.start, minute));
    let cell = |(minute, (good, n)): (usize, (u64, u64))| match n {
        0 => (0.0, 0.0),
        n => (weight(minute, n) * good as f64 / n as f64, weight(minute, n)),
    };
    let curve = Cells::new(cells.iter().copied().enumerate().map(cell)).curve();
    let window = |worst: &WorstWindow| {
        let (first, length) = (worst.first as usize, worst.cells as usize);
        let slice =
            |(at, (good, n)): (usize, &(u64, u64))| Slice { demand: weight(first + at, *n), n: *n, bad: n - good };
        let slices: Vec<Slice> = cells[first..first + length].iter().enumerate().map(slice).collect();
        let starts = period.start.as_microsecond() + worst.first as i64 * MINUTE;
        WindowFigures {
            start: Timestamp::from_microsecond(starts).unwrap_or(period.start),
            minutes: worst.cells,
            n: slices.iter().map(|slice| slice.n).sum(),
            bad: slices.iter().map(|slice| slice.bad).sum(),
            availability: worst.availability,
            interval: user_weighted_over_time(&[&slices], question.policy.confidence).interval,
        }
    };
    let weights = match demand {
        Some(curve) => format!("minutes weighted by demand ({})", curve.source()),
        None => "minutes weighted by their number of probes".to_owned(),
    };
    let events: Vec<Vec<Event>> = chosen().map(|outcomes| events(outcomes)).collect();
    let users = || events.iter().map(Vec::as_slice);
    Windowed {
        period: period.label.clone(),
        weights,
        knee: knee(&curve),
        worst: curve.iter().map(window).collect(),
        probe_uptime: usual_cutoff(users()).and_then(|cutoff| user_uptime(users(), cutoff)),
    }
}

fn people_in(curve: &Curve, start: Timestamp, minute: usize) -> f64 {
    let at = |minute: usize| {
        let micros =
            start.as_microsecond().saturating_add(i64::try_from(minute).unwrap_or(i64::MAX).saturating_mul(MINUTE));
        Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
    };
    curve.between(at(minute), at(minute + 1)).middle
}

fn events(outcomes: &[Outcome]) -> Vec<Event> {
    let event = |outcome: &Outcome| {
        let good = match history::by_verdict(outcome) {
            Kind::Lost => return None,
            kind => kind == Kind::Good,
        };
        Some((outcome.started.as_microsecond() as f64 / 1e6, good))
    };
    outcomes.iter().filter_map(event).collect()
}

/// What the stretches took of the budget of each promise on these flows: bad slots over those that the promise's whole
/// period allows (F1), with what was lost as the policy counts it, and with exclusions as they say.
pub(super) fn budget(
    question: &Question<'_>,
    logins: &Logins,
    flows: &[FlowName],
    stretches: &[Stretch],
    exclusions: &[&Exclusion],
) -> Vec<BudgetShare> {
    let lost_runs = question.policy.lost_runs;
    let of = |(objective, period): &(Objective, Period)| {
        let threshold = objective.threshold.map(|threshold| threshold.at_most);
        let kind_of = |outcome: &Outcome| history::within(threshold, outcome);
        let span = Span::new(period, question.until);
        let series = || logins.iter().filter(|(series, _)| series.flow == objective.flow);
        let mode = |series: &Series, slot| mode_at(exclusions.iter().copied(), &series.flow, &series.vantage, slot);
        let counts = history::sum(series().map(|(series, outcomes)| {
            let expected = question.history.expected(series);
            history::count_adjusted(outcomes, expected, span, kind_of, |slot| mode(series, slot))
        }));
        let within = |instant| stretches.iter().any(|stretch| stretch.holds(instant));
        let spends = |series: &Series, outcome: &Outcome| {
            let kind = kind_of(outcome);
            period.contains(outcome.slot)
                && within(outcome.started)
                && (kind == Kind::Bad || (kind == Kind::Lost && lost_runs == LostRuns::Bad))
                && mode(series, outcome.slot).is_none()
        };
        let missing = |series: &Series, outcomes: &[Outcome]| match question.history.expected(series) {
            Some(expected) if lost_runs == LostRuns::Bad => history::without_outcome(outcomes, expected, span)
                .filter(|slot| *slot < span.until && within(*slot))
                // What counts as good are recorded runs: a slot without any stays missing.
                .filter(|slot| mode(series, *slot).is_none_or(|mode| mode == ExclusionMode::CountAsGood))
                .count(),
            _ => 0,
        };
        let bad = |(series, outcomes): (&Series, &Vec<Outcome>)| {
            outcomes.iter().filter(|outcome| spends(series, outcome)).count() + missing(series, outcomes)
        };
        let bad: usize = series().map(bad).sum();
        let events = counts.planned.unwrap_or_else(|| effective(&counts, lost_runs).total());
        let target = objective.target.share();
        BudgetShare {
            objective: objective.name.clone(),
            period: period.label.clone(),
            bad: bad as u64,
            allowed: (events > 0).then_some((1.0 - target) * events as f64),
            share: spent_share(bad as u64, target, events),
        }
    };
    question.objectives.iter().filter(|(objective, _)| flows.contains(&objective.flow)).map(of).collect()
}
