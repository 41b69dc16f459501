//! Alerts that belong to no objective: silence, and logins that must never have been let in.

use std::time::Duration;

use serde_json::{Value, json};

use super::alert;
use crate::model::{BadClass, Blame, FlowName};

/// Silence is told after so many intervals, and never sooner than [`SHORTEST_SILENCE`].
const INTERVALS: u32 = 5;
const SHORTEST_SILENCE: Duration = Duration::from_secs(600);

pub(super) fn rules(flows: &[(FlowName, Duration)]) -> Vec<Value> {
    let silence = flows.iter().map(|(flow, interval)| silent(flow, *interval));
    silence.chain([security()]).collect()
}

/// No data is neither up nor down, but somebody must hear of it.
fn silent(flow: &FlowName, interval: Duration) -> Value {
    let minutes = (interval * INTERVALS).max(SHORTEST_SILENCE).as_secs().div_ceil(60);
    let counted = format!("doorstep_logins_total{{flow=\"{flow}\",verdict=~\"good|bad\"}}");
    let expr = format!("sum(increase({counted}[{minutes}m])) == 0 or absent({counted})");
    let labels = json!({ "severity": "ticket", "flow": flow.as_str() });
    let summary = format!("{flow}: no login has said anything for {minutes} minutes: availability is unknown");
    alert("DoorstepNoData", &expr, Some("5m"), &labels, &summary)
}

/// A wrong password that is let in is told at its first time: a series that was not there before counts as an event.
fn security() -> Value {
    let classes: Vec<&str> =
        BadClass::ALL.iter().filter(|class| class.blame() == Blame::Security).map(|class| class.as_str()).collect();
    let all = format!("doorstep_runs_total{{class=~\"{}\"}}", classes.join("|"));
    let expr = format!("sum by (flow, class) (increase({all}[15m]) > 0 or ({all} unless {all} offset 15m) > 0)");
    let summary = "{{ $labels.flow }}: {{ $labels.class }}: somebody was let in who must not be";
    alert("DoorstepLetInWrongly", &expr, None, &json!({ "severity": "page", "security": "true" }), summary)
}
