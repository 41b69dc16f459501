//! One run as JSON, with every step, hop and phase. Times are microseconds, as the names say.

use serde_json::{Value, json};

use crate::model::{Blame, Hop, HttpVersion, Phase, Run, StepRecord};

/// One run as one line.
#[must_use]
pub fn line(run: &Run) -> String {
    value(run).to_string()
}

/// One run.
#[must_use]
pub fn value(run: &Run) -> Value {
    json!({
        "id": run.id.to_string(),
        "kind": run.kind.as_str(),
        "flow": run.flow.as_str(),
        "revision": run.revision.as_str(),
        "vantage": run.vantage.as_str(),
        "slot": run.slot.to_string(),
        "attempt": run.attempt,
        "started": run.started.to_string(),
        "lateness_us": run.lateness().0,
        "elapsed_us": run.elapsed.0,
        "lag_us": run.lag.0,
        "login_time_us": run.login_time().map(|time| time.0),
        "verdict": run.verdict.as_str(),
        "class": run.verdict.class(),
        "blame": run.verdict.blame().map(Blame::as_str),
        "failure": run.failure.as_ref().map(|failure| json!({
            "step": failure.step.as_ref().map(crate::model::StepName::as_str),
            "phase": failure.phase.map(Phase::as_str),
            "message": failure.message,
        })),
        "account": run.account.as_ref().map(crate::model::AccountName::as_str),
        "steps": run.steps.iter().map(step).collect::<Vec<_>>(),
        "hops": run.hops.iter().map(hop).collect::<Vec<_>>(),
    })
}

fn step(step: &StepRecord) -> Value {
    json!({
        "name": step.name.as_str(),
        "role": step.role.as_str(),
        "offset_us": step.offset.0,
        "time_us": step.micros.0,
        "done": step.done,
        "evidence": step.evidence,
    })
}

fn hop(hop: &Hop) -> Value {
    let phases: serde_json::Map<String, Value> = hop
        .phases
        .iter()
        .map(|(phase, time)| (phase.as_str().to_owned(), json!({ "us": time.micros.0, "cut": time.cut })))
        .collect();
    json!({
        "step": hop.step,
        "method": hop.method,
        "url": hop.url,
        "status": hop.status,
        "version": hop.version.map(HttpVersion::as_str),
        "address": hop.address.map(|address| address.to_string()),
        "reused": hop.reused,
        "offset_us": hop.offset.0,
        "body_bytes": hop.body_bytes,
        "phases": phases,
    })
}
