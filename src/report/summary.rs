//! The report in one line for a chat, and in a few for a terminal.

use super::ReportModel;
use super::format::{about, count, counted, named, percent, span};
use super::model::{FailureRow, FlowReport, IncidentRow, ObjectiveReport};
use crate::impact::Estimate;
use crate::incident::{Scope, Symptom};
use crate::slo::Attainment;

/// What was reported on, what became of the promises, the worst of them, and why logins failed. An alarm stands in
/// front of it all.
#[must_use]
pub fn lines(model: &ReportModel) -> Vec<String> {
    let mut lines: Vec<String> = model
        .alarms
        .iter()
        .map(|alarm| {
            let times = counted(alarm.count, "time", "times");
            format!("SECURITY: {} at {}: {times}", alarm.class, alarm.flow)
        })
        .collect();
    lines.push(subject(model));
    lines.push(one_line(model));
    lines.push(worst(model));
    lines.push(failures(&model.flows));
    lines
}

fn subject(model: &ReportModel) -> String {
    let head = &model.head;
    let due: Option<u64> = head.slots.iter().map(|row| row.due).sum();
    let missing: u64 = head.slots.iter().filter_map(|row| row.missing).sum();
    let coverage = match due {
        Some(due) => format!("{} due, {} without a run", counted(due, "slot", "slots"), count(missing)),
        None => "slots due are unknown".to_owned(),
    };
    let places = counted(head.vantages.len() as u64, "vantage", "vantages");
    let running = if head.until.is_some() { ", still running" } else { "" };
    let runs = counted(head.runs, "run", "runs");
    format!("{}, {}{running}: {runs} from {places}; {coverage}", head.site, named(&head.period))
}

/// `3 objectives: 2 met, 1 undecided; 1 outage and 2 slow spells, 3.8k-7.3k sign-ins met a failure`.
#[must_use]
pub fn one_line(model: &ReportModel) -> String {
    let verdicts = verdicts(&model.objectives);
    let common: Vec<&IncidentRow> = model.incidents.iter().filter(|row| row.incident.scope == Scope::Common).collect();
    if common.is_empty() {
        return if model.detection.is_some() { format!("{verdicts}; no incident") } else { verdicts };
    }
    let seen = outages_and_slow_spells(&common);
    let outages: Vec<&&IncidentRow> = common.iter().filter(|row| row.incident.symptom == Symptom::Failing).collect();
    let people: Vec<_> = outages.iter().filter_map(|row| row.people()).collect();
    if people.is_empty() {
        return format!("{verdicts}; {seen}");
    }
    let sum = |end: fn(&Estimate) -> f64| about(people.iter().map(end).sum());
    let whole = if people.len() < outages.len() { "at least " } else { "" };
    let met = format!("{whole}{}-{} sign-ins", sum(|people| people.low), sum(|people| people.high));
    format!("{verdicts}; {seen}, {met} met a failure")
}

/// `1 outage and 2 slow spells`: logins that failed, apart from those that were only slow.
#[must_use]
pub fn outages_and_slow_spells(rows: &[&IncidentRow]) -> String {
    let number = |symptom| rows.iter().filter(|row| row.incident.symptom == symptom).count() as u64;
    let outages = counted(number(Symptom::Failing), "outage", "outages");
    match number(Symptom::Slow) {
        0 => outages,
        slow if number(Symptom::Failing) == 0 => counted(slow, "slow spell", "slow spells"),
        slow => format!("{outages} and {}", counted(slow, "slow spell", "slow spells")),
    }
}

fn verdicts(objectives: &[ObjectiveReport]) -> String {
    if objectives.is_empty() {
        return "no objective is configured".to_owned();
    }
    let kinds = [
        Attainment::Met,
        Attainment::Missed,
        Attainment::OnCourse,
        Attainment::OffCourse,
        Attainment::Undecided,
        Attainment::NotKnown,
        Attainment::NoData,
    ];
    let parts: Vec<String> = kinds
        .iter()
        .map(|&kind| (kind, objectives.iter().filter(|objective| objective.policy_verdict() == kind).count()))
        .filter(|(_, number)| *number > 0)
        .map(|(kind, number)| format!("{number} {}", kind.as_str()))
        .collect();
    let many = counted(objectives.len() as u64, "objective", "objectives");
    format!("{many}: {}", parts.join(", "))
}

/// The objective that spent most of its budget.
fn worst(model: &ReportModel) -> String {
    let spent = |objective: &&ObjectiveReport| objective.budget.map(|budget| budget.spent_share);
    let worst = model
        .objectives
        .iter()
        .filter(|objective| spent(objective).is_some())
        .max_by(|a, b| spent(a).partial_cmp(&spent(b)).unwrap_or(std::cmp::Ordering::Equal));
    let Some(objective) = worst else { return "no login has a verdict".to_owned() };
    let mut text = format!(
        "{}: {} of logins failed, {} of the budget spent",
        objective.name,
        percent(objective.failing, objective.interval),
        objective.budget.map_or_else(String::new, |budget| super::words::spent(budget.spent_share))
    );
    if let Some(users) = objective.users.as_ref().filter(|users| users.impact.is_some()) {
        text.push_str(&format!(", user impact {}", percent(users.impact, users.interval)));
    }
    text
}

fn failures(flows: &[FlowReport]) -> String {
    let mut rows: Vec<(&FlowReport, &FailureRow)> =
        flows.iter().flat_map(|flow| flow.failures.iter().map(move |row| (flow, row))).collect();
    rows.sort_by_key(|(_, row)| std::cmp::Reverse(row.count));
    let shown: Vec<String> = rows
        .iter()
        .take(3)
        .map(|(flow, row)| format!("{} {}({}) at {}", count(row.count), row.verdict, row.class, flow.name))
        .collect();
    let slowest = flows.iter().filter_map(|flow| flow.latency.login.percentile("p95")).map(|p95| p95.value).max();
    let slow = slowest.map_or_else(String::new, |p95| format!("; p95 of a login {}", span(p95)));
    let recorded = flows.iter().any(|flow| flow.counts.good + flow.counts.bad + flow.counts.lost > 0);
    if !recorded {
        return "no run was recorded".to_owned();
    }
    if shown.is_empty() { format!("no run failed{slow}") } else { format!("{}{slow}", shown.join(", ")) }
}
