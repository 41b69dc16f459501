//! Prometheus rules over the worker's own metrics: recording rules per objective, burn-rate alerts, silence, the
//! security alarm, and what the databases behind the logins suffer. Each alert that would mislead (one failure fires
//! it, or nothing can) is changed or left out, and that is said.

mod alerts;
mod burn;
mod databases;
mod recording;

use std::time::Duration;

use serde_json::{Value, json};

use super::{measure, yaml};
use crate::model::{DatabaseName, FlowName, LostRuns, Objective};

pub use burn::Window;

/// An objective, and how often it is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'a> {
    /// The objective.
    pub objective: &'a Objective,
    /// The interval of its flow.
    pub interval: Duration,
    /// How many vantages probe it.
    pub vantages: usize,
}

impl Watched<'_> {
    /// Runs due within a time, over all vantages.
    fn runs_in(&self, time: Duration) -> f64 {
        time.as_secs_f64() / self.interval.as_secs_f64() * self.vantages as f64
    }
}

/// What the rules are made for.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// The window whose budget the burn-rate rules guard.
    pub window: Window,
    /// No alert on fewer failures than this in its long window.
    pub least_failures: u64,
    /// How lost runs count.
    pub lost_runs: LostRuns,
    /// Bounds of the worker's histogram, ascending, in seconds.
    pub bounds: &'a [f64],
    /// The databases behind the logins.
    pub databases: &'a [DatabaseName],
}

/// The rule file and what has to be said about it.
#[must_use]
pub fn rules(watched: &[Watched<'_>], settings: &Settings<'_>) -> (String, Vec<String>) {
    let (mut groups, mut remarks, mut flows) = (Vec::new(), Vec::new(), Vec::<(FlowName, Duration)>::new());
    for one in watched {
        let name = one.objective.name.as_str();
        let Some(counters) = measure::counters(one.objective, settings.lost_runs, settings.bounds) else {
            remarks.push(format!("{name}: left out: its threshold lies below every bound of the worker's histogram"));
            continue;
        };
        if let Some(stricter) = &counters.stricter {
            remarks.push(format!(
                "{name}: the worker's histogram has no bound at its threshold: logins within {stricter} count as good"
            ));
        }
        let mut rules = recording::rules(name, &counters);
        rules.extend(burn::alerts(one, settings, &mut remarks));
        // No objective's name can make this one of the other groups, whatever it is called.
        groups.push(json!({ "name": format!("doorstep-objective-{name}"), "rules": rules }));
        if !flows.iter().any(|(flow, _)| *flow == one.objective.flow) {
            flows.push((one.objective.flow.clone(), one.interval));
        }
    }
    groups.push(json!({ "name": "doorstep", "rules": alerts::rules(&flows) }));
    if !settings.databases.is_empty() {
        groups.push(json!({ "name": "doorstep-databases", "rules": databases::rules(settings.databases) }));
    }
    let mut text = String::new();
    for remark in &remarks {
        text.push_str(&format!("# {remark}\n"));
    }
    text.push_str(&yaml::block(&json!({ "groups": groups })));
    (text, remarks)
}

/// An alerting rule.
fn alert(name: &str, expr: &str, wait: Option<&str>, labels: &Value, summary: &str) -> Value {
    let mut rule = json!({ "alert": name, "expr": expr, "labels": labels, "annotations": { "summary": summary } });
    if let Some(wait) = wait {
        rule["for"] = wait.into();
    }
    rule
}
