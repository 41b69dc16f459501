//! Incidents as CSV: one row per incident, or one per minute of one.

use crate::incident::{Incident, Scope, Symptom};
use crate::report::csv;

use super::incident_text::flows;

const COLUMNS: [&str; 26] = [
    "id",
    "flows",
    "symptom",
    "scope",
    "start_earliest",
    "start_latest",
    "end_earliest",
    "end_latest",
    "open",
    "low_us",
    "middle_us",
    "high_us",
    "n",
    "failing",
    "share",
    "share_low",
    "share_high",
    "peak_share",
    "peak_low",
    "peak_high",
    "peak_start",
    "first_failing",
    "first_vantage",
    "first_step",
    "detected",
    "linked",
];

/// One row per incident.
pub(super) fn list(incidents: &[Incident]) -> String {
    let mut text = csv::record(&COLUMNS.map(str::to_owned));
    for incident in incidents {
        text.push_str(&csv::record(&cells(incident)));
    }
    text
}

fn cells(incident: &Incident) -> [String; 26] {
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let peak = incident.peak.as_ref();
    let peak_interval = peak.and_then(|peak| peak.split.interval);
    let text = |value: Option<&dyn ToString>| value.map_or_else(String::new, ToString::to_string);
    [
        incident.id.to_string(),
        flows(incident),
        match incident.symptom {
            Symptom::Failing => "failing".to_owned(),
            Symptom::Slow => "slow".to_owned(),
        },
        match &incident.scope {
            Scope::Common => "common".to_owned(),
            Scope::OnePlace(vantage) => format!("one_place {vantage}"),
        },
        incident.start.earliest.to_string(),
        incident.start.latest.to_string(),
        incident.end.earliest.to_string(),
        incident.end.latest.to_string(),
        incident.open.to_string(),
        incident.low.0.to_string(),
        incident.middle.0.to_string(),
        incident.high.0.to_string(),
        incident.failing.n.to_string(),
        incident.failing.failing.to_string(),
        number(incident.failing.share),
        number(incident.failing.interval.map(|interval| interval.low)),
        number(incident.failing.interval.map(|interval| interval.high)),
        number(peak.and_then(|peak| peak.split.share)),
        number(peak_interval.map(|interval| interval.low)),
        number(peak_interval.map(|interval| interval.high)),
        text(peak.map(|peak| &peak.start as &dyn ToString)),
        incident.first_failing.to_string(),
        incident.first_vantage.to_string(),
        text(incident.first_step.as_ref().map(|step| step as &dyn ToString)),
        text(incident.detected.as_ref().map(|at| at as &dyn ToString)),
        text(incident.linked.as_ref().map(|id| id as &dyn ToString)),
    ]
}

/// One row per minute.
pub(super) fn minutes(incident: &Incident) -> String {
    let mut text = csv::record(&["minute", "n", "failing", "share"].map(str::to_owned));
    for minute in &incident.minutes {
        let share = if minute.n == 0 { String::new() } else { (minute.failing as f64 / minute.n as f64).to_string() };
        text.push_str(&csv::record(&[
            minute.start.to_string(),
            minute.n.to_string(),
            minute.failing.to_string(),
            share,
        ]));
    }
    text
}
