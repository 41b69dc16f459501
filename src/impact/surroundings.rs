//! The period around an incident: its worst windows, and what the incident took of each budget.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::history::{self, Kind, Outcome, Series, Span};
use crate::model::{FlowName, Objective};
use crate::slo::{Period, spent_share};

use super::curve::Curve;
use super::estimate::Question;
use super::model::{BudgetShare, Windowed};
use super::stretch::Stretch;
use super::uptime::{Event, user_uptime, usual_cutoff};
use super::windowed::{Cells, knee};

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
    let worst = Cells::new(cells.into_iter().enumerate().map(cell)).curve();
    let weights = match demand {
        Some(curve) => format!("minutes weighted by demand ({})", curve.source()),
        None => "minutes weighted by their number of probes".to_owned(),
    };
    let events: Vec<Vec<Event>> = chosen().map(|outcomes| events(outcomes)).collect();
    let users = || events.iter().map(Vec::as_slice);
    Windowed {
        period: period.label.clone(),
        weights,
        knee: knee(&worst),
        worst,
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
/// period allows (F1).
pub(super) fn budget(
    question: &Question<'_>,
    logins: &Logins,
    flows: &[FlowName],
    stretches: &[Stretch],
) -> Vec<BudgetShare> {
    let of = |(objective, period): &(Objective, Period)| {
        let threshold = objective.threshold.map(|threshold| threshold.at_most);
        let kind_of = |outcome: &Outcome| history::within(threshold, outcome);
        let span = Span::new(period, question.until);
        let series = || logins.iter().filter(|(series, _)| series.flow == objective.flow);
        let counts = history::sum(
            series()
                .map(|(series, outcomes)| history::count(outcomes, question.history.expected(series), span, kind_of)),
        );
        let within = |outcome: &&Outcome| {
            period.contains(outcome.slot) && stretches.iter().any(|stretch| stretch.holds(outcome.started))
        };
        let bad =
            series().flat_map(|(_, outcomes)| outcomes).filter(within).filter(|o| kind_of(o) == Kind::Bad).count();
        let events = counts.planned.unwrap_or(counts.good + counts.bad);
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
