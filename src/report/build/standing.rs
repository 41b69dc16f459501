//! Where an objective stands: as measured, against its past, and what follows by the budget policy.

use jiff::Timestamp;

use crate::history::effective;
use crate::incident::{Bounds, Incident, Scope, Symptom};
use crate::model::Objective;
use crate::report::model::{BudgetShare, Change, ObjectiveReport, Standing, Week};
use crate::slo::{Episode, Interval, Measured, Tally, difference, measured_with_episodes, wilson};

use super::incidents::within_bounds;
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

/// What the period was (F5): of each incident the part that lies inside, overlapping ones once. The policy may count lost
/// runs as bad; what was measured does not.
fn measured(
    data: &Data<'_>,
    objective: &Objective,
    report: &ObjectiveReport,
    incidents: &[(&Incident, Option<BudgetShare>)],
) -> Option<Measured> {
    let (start, until) = (report.period.start, data.inputs().until.min(report.period.end));
    let length = until.duration_since(start).as_secs_f64();
    if length <= 0.0 {
        return None;
    }
    let all = stretches(incidents.iter().map(|(incident, _)| (incident.start, incident.end)));
    let touching = all.iter().filter(|(begin, end)| end.latest > start && begin.earliest < until);
    let episodes: Vec<Episode> = touching
        .map(|&(begin, end)| {
            let (probes, failures) = within_bounds(data, objective, &report.period, (begin, end));
            episode((clipped(begin, start, until), clipped(end, start, until)), probes, failures)
        })
        .collect();
    let counts = &report.counts;
    let inside: u64 = episodes.iter().map(|episode| episode.failures).sum();
    let isolated = counts.bad.checked_sub(inside)?;
    measured_with_episodes(length, &episodes, (counts.good + counts.bad, isolated), data.confidence())
}

/// Starts and ends of incidents as stretches of time that do not overlap, in order.
fn stretches(incidents: impl Iterator<Item = (Bounds, Bounds)>) -> Vec<(Bounds, Bounds)> {
    let mut sorted: Vec<(Bounds, Bounds)> = incidents.collect();
    sorted.sort_by_key(|(begin, _)| begin.earliest);
    let mut apart: Vec<(Bounds, Bounds)> = Vec::new();
    for (begin, end) in sorted {
        match apart.last_mut() {
            Some((first, last)) if begin.earliest <= last.latest => {
                first.latest = first.latest.min(begin.latest);
                last.earliest = last.earliest.max(end.earliest);
                last.latest = last.latest.max(end.latest);
            }
            _ => apart.push((begin, end)),
        }
    }
    apart
}

/// The part of an end's bounds that lies in the period: what it leaves out, the periods beside it count.
fn clipped(bounds: Bounds, from: Timestamp, to: Timestamp) -> Bounds {
    Bounds { earliest: bounds.earliest.clamp(from, to), latest: bounds.latest.clamp(from, to) }
}

/// Each end lies anywhere within its bounds: the variance of a uniform error is a twelfth of its width squared (F8).
fn episode((begin, end): (Bounds, Bounds), probes: u64, failures: u64) -> Episode {
    let between = |from: Timestamp, to: Timestamp| to.duration_since(from).as_secs_f64().max(0.0);
    let duration = Interval { low: between(begin.latest, end.earliest), high: between(begin.earliest, end.latest) };
    let width = |bounds: Bounds| between(bounds.earliest, bounds.latest);
    let deviation = width(begin).hypot(width(end)) / 12.0_f64.sqrt();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn bounds(earliest: i64, latest: i64) -> Bounds {
        Bounds { earliest: at(earliest), latest: at(latest) }
    }

    #[test]
    fn incidents_that_overlap_are_one_stretch_with_the_outer_ends() {
        let all = [
            (bounds(900, 960), bounds(1_500, 1_560)),
            (bounds(100, 160), bounds(700, 760)),
            (bounds(150, 170), bounds(300, 330)),
            (bounds(740, 800), bounds(820, 880)),
        ];
        let expected = [(bounds(100, 160), bounds(820, 880)), (bounds(900, 960), bounds(1_500, 1_560))];
        assert_eq!(stretches(all.into_iter()), expected);
    }

    #[test]
    fn the_parts_of_an_outage_in_two_periods_make_the_whole() {
        let (begin, end) = (bounds(900, 960), bounds(1_500, 1_560));
        let middle = |from: i64, to: i64| {
            let part = episode((clipped(begin, at(from), at(to)), clipped(end, at(from), at(to))), 10, 10);
            assert!(part.duration.low >= 0.0 && part.duration.high <= (to - from) as f64);
            f64::midpoint(part.duration.low, part.duration.high)
        };
        let whole = middle(0, 2_000);
        assert!((whole - 600.0).abs() < 1e-9);
        // Between its ends, and within the bounds of each.
        for edge in [1_200, 930, 1_520, 100, 1_900] {
            assert!((middle(0, edge) + middle(edge, 2_000) - whole).abs() < 1e-9, "{edge}");
        }
    }
}
