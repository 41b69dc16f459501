//! The same promise with the exclusions applied (F20), beside the raw figures and never instead of them.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::history::{self, Counts, Series, Span, within};
use crate::model::{Exclusion, ExclusionMode, Objective, RunKind, VantageName};
use crate::report::model::{AdjustedReport, AppliedExclusion};
use crate::slo::Period;

use super::Data;
use super::objective::{Counted, figures, is_running};

/// What became of the promise with exclusions; `None` when none touches it.
pub(super) fn report(
    data: &Data<'_>,
    objective: &Objective,
    counted: &[Counted<'_>],
    period: &Period,
    span: Span,
) -> Option<AdjustedReport> {
    let touching = touching(data.inputs().exclusions, objective, counted, period);
    if touching.is_empty() {
        return None;
    }
    let threshold = objective.threshold.map(|threshold| threshold.at_most);
    let adjusted = |series: &Counted<'_>| {
        let here = at(&touching, series.vantage);
        let expected = expected(data, objective, series);
        let mode_of = |slot| here.iter().find(|e| e.from <= slot && slot < e.to).map(|exclusion| exclusion.mode);
        history::count_adjusted(series.outcomes, expected, span, |outcome| within(threshold, outcome), mode_of)
    };
    let counts = history::sum(counted.iter().map(adjusted));
    let dropped: f64 = counted.iter().map(|series| dropped_seconds(&at(&touching, series.vantage), period)).sum();
    let seconds = period.seconds() - dropped / counted.len().max(1) as f64;
    let running = is_running(period, span);
    let figures = figures(&counts, objective.target.share(), seconds, (data.inputs().policy, running));
    let mut exclusions: Vec<AppliedExclusion> = touching
        .iter()
        .map(|exclusion| AppliedExclusion {
            exclusion: (*exclusion).clone(),
            late: exclusion.is_late(),
            touched: touched(data, objective, counted, exclusion, span),
        })
        .collect();
    exclusions.sort_by_key(|applied| (applied.exclusion.from, applied.exclusion.entered));
    Some(AdjustedReport {
        exclusions,
        counts,
        availability: figures.availability,
        failing: figures.failing,
        interval: figures.interval,
        budget: figures.budget,
        burn_rate: figures.burn_rate,
        verdict: figures.verdict,
        probability_met: figures.probability_met,
        verdict_note: figures.verdict_note,
    })
}

/// The exclusions that cover any slot of the promise, in order of entry: where two contradict each other, which nobody
/// can enter but by writing at the same instant, the one that was entered first holds.
fn touching<'e>(
    exclusions: &'e [Exclusion],
    objective: &Objective,
    counted: &[Counted<'_>],
    period: &Period,
) -> Vec<&'e Exclusion> {
    let touches = |exclusion: &&Exclusion| {
        exclusion.from < period.end
            && exclusion.to > period.start
            && (exclusion.flows.is_empty() || exclusion.flows.contains(&objective.flow))
            && counted.iter().any(|series| covers(exclusion, series.vantage))
    };
    let mut touching: Vec<&Exclusion> = exclusions.iter().filter(touches).collect();
    touching.sort_by_key(|exclusion| (exclusion.entered, exclusion.from, exclusion.to, exclusion.mode));
    touching
}

fn covers(exclusion: &Exclusion, vantage: &VantageName) -> bool {
    exclusion.vantages.is_empty() || exclusion.vantages.contains(vantage)
}

fn at<'e>(touching: &[&'e Exclusion], vantage: &VantageName) -> Vec<&'e Exclusion> {
    touching.iter().copied().filter(|exclusion| covers(exclusion, vantage)).collect()
}

fn expected<'d>(data: &'d Data<'_>, objective: &Objective, series: &Counted<'_>) -> Option<&'d history::Expected> {
    let vantage = series.vantage.clone();
    data.expected(&Series { flow: objective.flow.clone(), kind: RunKind::Login, vantage })
}

/// What the slots that an exclusion covers say when they are counted as measured.
fn touched(
    data: &Data<'_>,
    objective: &Objective,
    counted: &[Counted<'_>],
    exclusion: &Exclusion,
    span: Span,
) -> Counts {
    let (start, end) = (exclusion.from.max(span.start), exclusion.to.min(span.end));
    let span = Span { start, end, until: span.until.clamp(start, end) };
    let threshold = objective.threshold.map(|threshold| threshold.at_most);
    let here = counted.iter().filter(|series| covers(exclusion, series.vantage));
    let count = |series: &Counted<'_>| {
        history::count(series.outcomes, expected(data, objective, series), span, |o| within(threshold, o))
    };
    history::sum(here.map(count))
}

/// Time of the period that is dropped at one vantage, in seconds; overlaps count once.
fn dropped_seconds(here: &[&Exclusion], period: &Period) -> f64 {
    let dropped = here.iter().filter(|exclusion| exclusion.mode == ExclusionMode::DropTime);
    let spans: BTreeSet<(Timestamp, Timestamp)> =
        dropped.map(|exclusion| (exclusion.from.max(period.start), exclusion.to.min(period.end))).collect();
    let (mut seconds, mut reached) = (0.0, period.start);
    for (from, to) in spans {
        let from = from.max(reached);
        if to > from {
            seconds += to.duration_since(from).as_secs_f64();
            reached = to;
        }
    }
    seconds
}
