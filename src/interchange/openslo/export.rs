//! Objectives to OpenSLO documents: one Service per flow, one SLO per objective.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::{measure, yaml};
use super::{FLOW, NAME, UNDER, VERSION, indicator, plain_name, service_description, service_name};
use crate::model::{LostRuns, Objective, Policy, Retries};

/// A Monday: weeks of Doorstep are those of ISO 8601.
const FIRST_DAY: &str = "2026-01-05 00:00:00";
/// Longer descriptions are refused by OpenSLO.
const LONGEST_DESCRIPTION: usize = 1050;

/// The documents, and what they cannot say. `bounds` are those of the worker's histogram, ascending, in seconds.
#[must_use]
pub fn export(objectives: &[&Objective], policy: &Policy, bounds: &[f64]) -> (String, Vec<String>) {
    let mut remarks = general(policy);
    let mut names = Names::default();
    let mut documents = Vec::new();
    let mut services = BTreeSet::new();
    for objective in objectives {
        let service = service_name(objective.flow.as_str());
        if services.insert(service.clone()) {
            documents.push(json!({
                "apiVersion": VERSION,
                "kind": "Service",
                "metadata": { "name": service, "displayName": objective.flow.as_str() },
                "spec": { "description": service_description(objective.flow.as_str()) },
            }));
        }
        match measure::counters(objective, policy.lost_runs, bounds) {
            Some(counters) => {
                if let Some(stricter) = &counters.stricter {
                    remarks.push(format!(
                        "{}: the worker's histogram has no bound at its threshold, so the indicator counts logins \
                         within {stricter}: it is stricter than the report",
                        objective.name
                    ));
                }
                documents.push(slo(objective, &service, &names.take(objective), &counters, &mut remarks));
            }
            None => remarks.push(format!(
                "{}: left out: its threshold lies below every bound of the worker's histogram",
                objective.name
            )),
        }
    }
    let mut text = String::new();
    for remark in &remarks {
        text.push_str(&format!("# Not expressed: {remark}\n"));
    }
    let bodies: Vec<String> = documents.iter().map(yaml::block).collect();
    text.push_str(&bodies.join("---\n"));
    (text, remarks)
}

/// What no document of OpenSLO has a word for.
fn general(policy: &Policy) -> Vec<String> {
    let mut remarks = vec![
        format!(
            "a verdict needs a coverage of at least {} %; missing runs are not in any counter",
            policy.least_coverage * 100.0
        ),
        "exclusions, user weights and intervals of confidence".to_owned(),
    ];
    if policy.retries == Retries::BestAttempt {
        remarks.push("retries: best_attempt; the counters know scheduled logins only".to_owned());
    }
    if policy.lost_runs == LostRuns::Bad {
        remarks.push("lost_runs: bad also counts slots that were never recorded; the counters do not".to_owned());
    }
    remarks
}

fn slo(
    objective: &Objective,
    service: &str,
    name: &str,
    counters: &measure::Counters,
    remarks: &mut Vec<String>,
) -> Value {
    let mut annotations = Map::new();
    annotations.insert(FLOW.to_owned(), objective.flow.as_str().into());
    if name != objective.name.as_str() {
        annotations.insert(NAME.to_owned(), objective.name.as_str().into());
    }
    if let Some(threshold) = objective.threshold {
        annotations.insert(UNDER.to_owned(), measure::duration(threshold.at_most).into());
    }
    let mut spec = json!({
        "service": service,
        "indicator": indicator::ours(name, &sum(&counters.good), &sum(&counters.total)),
        "timeWindow": [{
            "duration": "1w",
            "isRolling": false,
            "calendar": { "startTime": FIRST_DAY, "timeZone": objective.zone.iana_name().unwrap_or("UTC") },
        }],
        "budgetingMethod": "Occurrences",
        "objectives": [{ "displayName": objective.name.as_str(), "target": objective.target.share() }],
    });
    if !objective.description.is_empty() {
        if objective.description.chars().count() > LONGEST_DESCRIPTION {
            remarks.push(format!("{}: its description is cut at {LONGEST_DESCRIPTION} characters", objective.name));
        }
        let description: String = objective.description.chars().take(LONGEST_DESCRIPTION).collect();
        spec["description"] = description.into();
    }
    json!({
        "apiVersion": VERSION,
        "kind": "SLO",
        "metadata": { "name": name, "displayName": objective.name.as_str(), "annotations": annotations },
        "spec": spec,
    })
}

fn sum(counter: &str) -> String {
    format!("sum({counter})")
}

/// Names of SLOs, each once.
#[derive(Default)]
struct Names(BTreeSet<String>);

impl Names {
    fn take(&mut self, objective: &Objective) -> String {
        let plain = plain_name(objective.name.as_str());
        let numbered = (2..).map(|number| format!("{plain}-{number}"));
        let free = std::iter::once(plain.clone()).chain(numbered).find(|name| !self.0.contains(name));
        let free = free.unwrap_or(plain);
        self.0.insert(free.clone());
        free
    }
}
