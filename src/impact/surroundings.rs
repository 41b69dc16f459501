//! The period around an incident: its worst windows, and what the incident took of each budget.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::history::{self, Kind, Outcome, Series, Span, effective};
use crate::model::{Exclusion, ExclusionMode, FlowName, LostRuns, Objective, Segment, mode_at};
use crate::slo::{Interval, Period, Slice, spent_share, user_weighted_over_time, wilson};

use super::curve::Curve;
use super::estimate::Question;
use super::model::{BudgetShare, WindowFigures, Windowed};
use super::stretch::Stretch;
use super::uptime::{Event, user_uptime, usual_cutoff};
use super::windowed::{Cells, WorstWindow, knee};

const MINUTE: i64 = 60_000_000;

/// The series of normal logins of the flows that are asked for, with their outcomes.
pub(super) type Logins = BTreeMap<Series, Vec<Outcome>>;

/// The minutes of a period: their logins, and how they weigh.
struct Minutes {
    start: Timestamp,
    /// Good logins and all with a verdict, of all vantages.
    all: Vec<(u64, u64)>,
    /// The same of each part of the users, with its share; one part where nobody described them.
    parts: Vec<(f64, Vec<(u64, u64)>)>,
    /// People who usually want to sign in, minute by minute; `None` without demand: then each login weighs alike.
    people: Option<Vec<f64>>,
}

impl Minutes {
    fn new(question: &Question<'_>, logins: &Logins, flows: &[FlowName], demand: Option<&Curve>) -> Self {
        let period = question.history.period();
        let end = question.until.clamp(period.start, period.end);
        let micros = end.as_microsecond() - period.start.as_microsecond();
        let minutes = usize::try_from(micros / MINUTE).unwrap_or(0);
        let count = |sees: &dyn Fn(&Series) -> bool| {
            let mut cells = vec![(0_u64, 0_u64); minutes];
            let chosen = logins.iter().filter(|(series, _)| flows.contains(&series.flow) && sees(series));
            for outcome in chosen.flat_map(|(_, outcomes)| outcomes) {
                let minute = (outcome.slot.as_microsecond() - period.start.as_microsecond()).div_euclid(MINUTE);
                let cell = usize::try_from(minute).ok().and_then(|minute| cells.get_mut(minute));
                match (cell, history::by_verdict(outcome)) {
                    (None, _) | (_, Kind::Lost) => {}
                    (Some(cell), kind) => *cell = (cell.0 + u64::from(kind == Kind::Good), cell.1 + 1),
                }
            }
            cells
        };
        let all = count(&|_| true);
        let segments = question.population.segments();
        let parts = match demand {
            Some(_) if !segments.is_empty() => {
                let takes = |flow: &FlowName, of: &[FlowName]| of.is_empty() || of.contains(flow);
                let part = |segment: &Segment| {
                    let sees = |series: &Series| {
                        segment.vantages.contains(&series.vantage) && takes(&series.flow, &segment.flows)
                    };
                    (segment.share, count(&sees))
                };
                segments.iter().map(part).collect()
            }
            _ => vec![(1.0, all.clone())],
        };
        let people = demand.map(|curve| (0..minutes).map(|minute| people_in(curve, period.start, minute)).collect());
        Self { start: period.start, all, parts, people }
    }

    /// What each part of the users met in one minute (F10).
    fn slices(&self, minute: usize) -> impl Iterator<Item = Slice> {
        let people = self.people.as_ref().map(|people| people[minute]);
        self.parts.iter().map(move |(share, cells)| {
            let (good, n) = cells[minute];
            Slice { demand: people.map_or(n as f64, |people| share * people), n, bad: n - good }
        })
    }

    /// What was good of one minute, and what there was: nothing of a part without a probe.
    fn cell(&self, minute: usize) -> (f64, f64) {
        let seen = self.slices(minute).filter(|slice| slice.n > 0);
        seen.fold((0.0, 0.0), |(good, all), slice| {
            (good + slice.demand * (slice.n - slice.bad) as f64 / slice.n as f64, all + slice.demand)
        })
    }

    fn window(&self, worst: &WorstWindow, confidence: f64) -> WindowFigures {
        let range = worst.first as usize..(worst.first + worst.cells) as usize;
        let mut parts = vec![Vec::with_capacity(range.len()); self.parts.len()];
        for minute in range.clone() {
            for (part, slice) in parts.iter_mut().zip(self.slices(minute)) {
                part.push(slice);
            }
        }
        let parts: Vec<&[Slice]> = parts.iter().map(Vec::as_slice).collect();
        let (good, n) = self.all[range].iter().fold((0, 0), |sum, (good, n)| (sum.0 + good, sum.1 + n));
        let starts = self.start.as_microsecond() + worst.first as i64 * MINUTE;
        WindowFigures {
            start: Timestamp::from_microsecond(starts).unwrap_or(self.start),
            minutes: worst.cells,
            n,
            bad: n - good,
            availability: worst.availability,
            interval: user_weighted_over_time(&parts, confidence).interval,
        }
    }
}

/// The worst windows of the history's period, minute by minute: weighted by the parts of the users and their demand where
/// that is known, as every availability by users is (F10), else by runs.
pub(super) fn windowed(
    question: &Question<'_>,
    logins: &Logins,
    flows: &[FlowName],
    demand: Option<&Curve>,
) -> Windowed {
    let minutes = Minutes::new(question, logins, flows, demand);
    let curve = Cells::new((0..minutes.all.len()).map(|minute| minutes.cell(minute))).curve();
    let weights = match demand {
        Some(curve) => format!("minutes weighted by demand ({})", curve.source()),
        None => "minutes weighted by their number of probes".to_owned(),
    };
    let chosen = logins.iter().filter(|(series, _)| flows.contains(&series.flow));
    let events: Vec<Vec<Event>> = chosen.map(|(_, outcomes)| events(outcomes)).collect();
    let users = || events.iter().map(Vec::as_slice);
    Windowed {
        period: question.history.period().label.clone(),
        weights,
        knee: knee(&curve),
        worst: curve.iter().map(|worst| minutes.window(worst, question.policy.confidence)).collect(),
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
        let keeps = |series: &Series, outcome: &Outcome| {
            let good = kind_of(outcome) == Kind::Good && mode(series, outcome.slot).is_none();
            good && period.contains(outcome.slot) && within(outcome.started)
        };
        let bad = |(series, outcomes): (&Series, &Vec<Outcome>)| {
            outcomes.iter().filter(|outcome| spends(series, outcome)).count() + missing(series, outcomes)
        };
        let good = |(series, outcomes): (&Series, &Vec<Outcome>)| {
            outcomes.iter().filter(|outcome| keeps(series, outcome)).count()
        };
        let (bad, good) = (series().map(bad).sum::<usize>() as u64, series().map(good).sum::<usize>() as u64);
        let events = counts.planned.unwrap_or_else(|| effective(&counts, lost_runs).total());
        let target = objective.target.share();
        let allowed = (events > 0).then_some((1.0 - target) * events as f64);
        let spent = |failing: f64, allowed: f64| failing * (good + bad) as f64 / allowed;
        BudgetShare {
            objective: objective.name.clone(),
            period: period.label.clone(),
            bad,
            slots: events,
            allowed,
            share: spent_share(bad, target, events),
            interval: wilson(good + bad, bad, question.policy.confidence)
                .zip(allowed)
                .map(|(of, allowed)| Interval { low: spent(of.low, allowed), high: spent(of.high, allowed) }),
        }
    };
    question.objectives.iter().filter(|(objective, _)| flows.contains(&objective.flow)).map(of).collect()
}
