//! Incidents with what each took from the budgets, and what was noted near their start.

use jiff::{SignedDuration, Timestamp};

use crate::history::{Kind, within};
use crate::incident::{Bounds, Incident, Symptom};
use crate::model::{Micros, Objective, RunKind};
use crate::report::model::{BudgetShare, IncidentRow, ObjectiveReport};
use crate::slo::Period;

use super::{Context, Data};

/// Events from so long before the earliest start to so long after the latest are neighbours.
const BEFORE: SignedDuration = SignedDuration::from_mins(60);
const AFTER: SignedDuration = SignedDuration::from_mins(15);

/// One row per incident of the context, with what it cost.
pub(super) fn rows(context: &Context, costs: Vec<Vec<BudgetShare>>) -> Vec<IncidentRow> {
    let row = |(incident, budget): (&Incident, Vec<BudgetShare>)| {
        let since = |from: Timestamp| {
            let micros = incident.detected?.as_microsecond() - from.as_microsecond();
            Some(Micros(u64::try_from(micros).unwrap_or(0)))
        };
        let near = |at: Timestamp| {
            let earliest = incident.start.earliest.checked_sub(BEFORE).unwrap_or(Timestamp::MIN);
            let latest = incident.start.latest.checked_add(AFTER).unwrap_or(Timestamp::MAX);
            earliest <= at && at <= latest
        };
        let people = context.people.get(&incident.id);
        IncidentRow {
            incident: incident.clone(),
            seen_after: incident.detection_delay(),
            seen_after_start: since(incident.start.earliest),
            budget,
            people: people.map(|people| people.affected.clone()),
            locked_out: people.map(|people| people.locked_out.clone()),
            delayed: people.map(|people| people.delayed.clone()),
            near: context.events.iter().filter(|event| near(event.at)).cloned().collect(),
        }
    };
    context.incidents.iter().zip(costs).map(row).collect()
}

/// What an incident took from an objective; `None` without a budget.
pub(super) fn cost(
    data: &Data<'_>,
    objective: &Objective,
    report: &ObjectiveReport,
    incident: &Incident,
) -> Option<BudgetShare> {
    let allowed = report.budget?.allowed_events;
    let (_, bad) = within_bounds(data, objective, &report.period, (incident.start, incident.end));
    let share = bad as f64 / allowed;
    Some(BudgetShare { objective: objective.name.clone(), bad, share, share_of_four: share / 4.0 })
}

/// Whether an incident can have cost this objective anything: slow logins cost only those with a threshold.
pub(super) fn concerns(incident: &Incident, objective: &Objective) -> bool {
    incident.flows.contains(&objective.flow) && (incident.symptom == Symptom::Failing || objective.threshold.is_some())
}

/// Runs of an objective with a verdict, and bad ones, whose slot lies within the period and the outer bounds of a start
/// and an end. The good runs that show the bounds are no part of what lies between.
pub(super) fn within_bounds(
    data: &Data<'_>,
    objective: &Objective,
    period: &Period,
    (begin, end): (Bounds, Bounds),
) -> (u64, u64) {
    let threshold = objective.threshold.map(|threshold| threshold.at_most);
    let (mut n, mut bad) = (0, 0);
    for (_, outcomes) in data.series(&objective.flow, RunKind::Login) {
        let from = outcomes.partition_point(|outcome| outcome.slot < begin.earliest);
        let inside = outcomes[from..].iter().take_while(|outcome| outcome.slot < end.latest);
        for outcome in inside.filter(|outcome| period.contains(outcome.slot)) {
            match within(threshold, outcome) {
                Kind::Good => n += u64::from(begin.earliest < outcome.started && outcome.ended < end.latest),
                Kind::Bad => {
                    n += 1;
                    bad += 1;
                }
                Kind::Lost => {}
            }
        }
    }
    (n, bad)
}
