//! Where an objective stands: as measured, against its past, and what follows by the budget policy.

use crate::history::effective;
use crate::incident::{Bounds, Incident, Scope, Symptom};
use crate::model::Objective;
use crate::report::model::{BudgetShare, Change, ObjectiveReport, Standing, Week};
use crate::slo::{Episode, Interval, Measured, Tally, difference, measured_with_episodes, wilson};

use super::incidents::within_incident;
use super::{Data, PastPeriod, clauses, windows};

pub(super) fn of(
    data: &Data<'_>,
    objective: &Objective,
    report: &ObjectiveReport,
    incidents: &[(&Incident, Option<BudgetShare>)],
) -> Standing {
    let context = data.inputs().context;
    let (windows, knee) = windows::of(data, objective, &report.period);
    Standing {
        measured: measured(data, objective, report, incidents),
        change: change(data, objective, report),
        weeks: weeks(data, objective, report, common(incidents)),
        windows,
        windows_before: context.past_windows.get(&objective.name).cloned().unwrap_or_default(),
        knee,
        sign_ins: context.sign_ins.get(&objective.name).copied(),
        outlook: None,
        clauses: clauses::of(&data.inputs().policy.clauses, report, incidents),
    }
}

/// What the period was (F5). The policy may count lost runs as bad; what was measured does not.
fn measured(
    data: &Data<'_>,
    objective: &Objective,
    report: &ObjectiveReport,
    incidents: &[(&Incident, Option<BudgetShare>)],
) -> Option<Measured> {
    let until = data.inputs().until.min(report.period.end);
    let length = until.duration_since(report.period.start).as_secs_f64();
    if length <= 0.0 {
        return None;
    }
    let mut last_end = None;
    let mut episodes: Vec<Episode> = Vec::new();
    for (incident, _) in incidents {
        let (probes, failures) = within_incident(data, objective, report, incident);
        // Incidents that overlap are one stretch of time: the first stands for both.
        let overlaps = last_end.is_some_and(|end| incident.start.earliest < end);
        if failures > 0 && !overlaps {
            last_end = Some(incident.end.latest);
            episodes.push(episode(incident, probes, failures));
        }
    }
    let counts = &report.counts;
    let inside: u64 = episodes.iter().map(|episode| episode.failures).sum();
    let isolated = counts.bad.checked_sub(inside)?;
    measured_with_episodes(length, &episodes, (counts.good + counts.bad, isolated), data.confidence())
}

/// Each end lies anywhere within its bounds: the variance of a uniform error is a twelfth of its width squared (F8).
fn episode(incident: &Incident, probes: u64, failures: u64) -> Episode {
    let seconds = |bounds: Bounds| bounds.latest.duration_since(bounds.earliest).as_secs_f64();
    let duration = Interval { low: incident.low.0 as f64 / 1e6, high: incident.high.0 as f64 / 1e6 };
    let deviation = seconds(incident.start).hypot(seconds(incident.end)) / 12.0_f64.sqrt();
    Episode { duration, deviation, probes, failures }
}

/// Outages, counted as those of past weeks are: seen from several places, and failing.
fn common(incidents: &[(&Incident, Option<BudgetShare>)]) -> u64 {
    let counts = |incident: &Incident| incident.scope == Scope::Common && incident.symptom == Symptom::Failing;
    incidents.iter().filter(|(incident, _)| counts(incident)).count() as u64
}

fn tally(data: &Data<'_>, report: &ObjectiveReport) -> Tally {
    effective(&report.counts, data.inputs().policy.lost_runs)
}

fn before<'a>(data: &'a Data<'_>, report: &ObjectiveReport) -> Option<&'a PastPeriod> {
    data.inputs().context.past.iter().rev().find(|past| past.start < report.period.start)
}

/// The period before, when zero lies outside of the interval of the difference.
fn change(data: &Data<'_>, objective: &Objective, report: &ObjectiveReport) -> Option<Change> {
    let past = before(data, report)?;
    let old = *past.tallies.get(&objective.name)?;
    let (difference, interval) = difference(tally(data, report), old, data.confidence())?;
    let told = interval.low > 0.0 || interval.high < 0.0;
    let availability = old.share()?;
    told.then(|| Change { label: past.label.clone(), availability, difference })
}

fn weeks(data: &Data<'_>, objective: &Objective, report: &ObjectiveReport, incidents: u64) -> Vec<Week> {
    let confidence = data.confidence();
    let week = |label: &str, start, tally: Tally, incidents| Week {
        label: label.to_owned(),
        start,
        n: tally.total(),
        bad: tally.bad,
        availability: tally.share(),
        interval: wilson(tally.total(), tally.good, confidence),
        incidents,
    };
    let past = data.inputs().context.past.iter().map(|past| {
        let tally = past.tallies.get(&objective.name).copied().unwrap_or_default();
        let seen = past.incidents.as_ref().map(|flows| flows.get(&objective.flow).copied().unwrap_or(0));
        week(&past.label, past.start, tally, seen)
    });
    let this = week(&report.period.label, report.period.start, tally(data, report), Some(incidents));
    past.chain([this]).collect()
}
