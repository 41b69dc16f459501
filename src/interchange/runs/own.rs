//! Runs as `doorstep runs` exports them, read back whole: the same identities, so that importing twice changes nothing.
//! CSV has no steps and hops; their sum, the login time, stands in for them as one step.

use serde_json::Value;

use super::Row;
use crate::model::{
    Failure, Hop, HttpVersion, Micros, Phase, Phases, Revision, Run, RunId, RunKind, StepName, StepRecord, StepRole,
    Verdict,
};

const MARKS: [&str; 8] = ["id", "kind", "flow", "vantage", "slot", "attempt", "started", "verdict"];

/// Whether a row is one of ours.
#[must_use]
pub fn is_own(row: &Row) -> bool {
    MARKS.iter().all(|mark| row.names().any(|name| name == *mark))
}

/// The run of a row.
///
/// # Errors
/// What is missing or wrong.
pub fn run(row: &Row) -> Result<Run, String> {
    let verdict_text = text(row, "verdict")?;
    let class = row.text("class");
    let verdict = Verdict::from_spelling(&verdict_text, class.as_deref())
        .ok_or_else(|| format!("verdict '{verdict_text}' does not go with class '{}'", class.unwrap_or_default()))?;
    let kind_text = text(row, "kind")?;
    let kind = RunKind::from_spelling(&kind_text).ok_or_else(|| format!("kind '{kind_text}' is unknown"))?;
    let failure = failure(row)?;
    let steps = match row.get("steps").and_then(Value::as_array) {
        Some(steps) => steps.iter().map(step).collect::<Result<_, _>>()?,
        None => whole_login(row, verdict, failure.as_ref())?,
    };
    let hops = row.get("hops").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let run = Run {
        id: parsed(row, "id")?,
        kind,
        flow: parsed(row, "flow")?,
        revision: Revision::from_recorded(&text(row, "revision")?),
        vantage: parsed(row, "vantage")?,
        slot: parsed(row, "slot")?,
        attempt: parsed(row, "attempt")?,
        started: parsed(row, "started")?,
        elapsed: micros(row, "elapsed_us")?,
        lag: micros(row, "lag_us")?,
        verdict,
        failure,
        account: row
            .text("account")
            .map(|name| name.parse().map_err(|why| format!("account '{name}': {why}")))
            .transpose()?,
        steps,
        hops: hops.iter().map(hop).collect::<Result<_, _>>()?,
    };
    let identity = RunId::new(run.kind, &run.flow, &run.vantage, run.slot, run.attempt);
    if identity != run.id {
        return Err(format!("the id {} is not that of its flow, vantage, slot and attempt, {identity}", run.id));
    }
    Ok(run)
}

fn text(row: &Row, name: &str) -> Result<String, String> {
    row.text(name).ok_or_else(|| format!("'{name}' is missing"))
}

fn parsed<T: std::str::FromStr>(row: &Row, name: &str) -> Result<T, String> {
    let text = text(row, name)?;
    text.parse().map_err(|_| format!("{name} '{text}' cannot be read"))
}

fn micros(row: &Row, name: &str) -> Result<Micros, String> {
    parsed(row, name).map(Micros)
}

fn failure(row: &Row) -> Result<Option<Failure>, String> {
    let nested = row.get("failure");
    let part = |name: &str| match nested {
        Some(failure) => failure[name].as_str().map(str::to_owned),
        None => row.text(name),
    };
    let Some(message) = part("message") else { return Ok(None) };
    let step =
        part("step").map(|name| StepName::new(&name).map_err(|why| format!("step '{name}': {why}"))).transpose()?;
    let phase =
        part("phase").map(|name| Phase::from_spelling(&name).ok_or_else(|| format!("phase '{name}' is unknown")));
    Ok(Some(Failure { step, phase: phase.transpose()?, message }))
}

/// One step that took the login time.
fn whole_login(row: &Row, verdict: Verdict, failure: Option<&Failure>) -> Result<Vec<StepRecord>, String> {
    if row.get("login_time_us").is_none() {
        return Ok(Vec::new());
    }
    let named = failure.and_then(|failure| failure.step.clone());
    let name = named.map_or_else(|| StepName::new("login").map_err(|why| why.to_string()), Ok)?;
    let micros = micros(row, "login_time_us")?;
    Ok(vec![StepRecord {
        name,
        role: StepRole::Login,
        offset: Micros(0),
        micros,
        done: verdict == Verdict::Good,
        evidence: vec!["imported without its steps".to_owned()],
    }])
}

fn step(value: &Value) -> Result<StepRecord, String> {
    let name = value["name"].as_str().and_then(|name| StepName::new(name).ok());
    let role = value["role"].as_str().and_then(StepRole::from_spelling);
    let (Some(name), Some(role)) = (name, role) else { return Err(format!("a step cannot be read: {value}")) };
    let evidence = value["evidence"].as_array().map_or(&[][..], Vec::as_slice);
    Ok(StepRecord {
        name,
        role,
        offset: number(value, "offset_us")?,
        micros: number(value, "time_us")?,
        done: value["done"].as_bool().ok_or("a step does not say whether it was done")?,
        evidence: evidence.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
    })
}

fn hop(value: &Value) -> Result<Hop, String> {
    let mut phases = Phases::default();
    for (name, time) in value["phases"].as_object().into_iter().flatten() {
        let phase = Phase::from_spelling(name).ok_or_else(|| format!("phase '{name}' is unknown"))?;
        let micros = number(time, "us")?;
        if time["cut"] == true { phases.cut(phase, micros) } else { phases.finish(phase, micros) }
    }
    let optional = |name: &str| value[name].as_str();
    let small = |name: &str| value[name].as_u64().and_then(|number| u16::try_from(number).ok());
    Ok(Hop {
        step: small("step").ok_or("a hop does not say its step")?,
        method: optional("method").unwrap_or_default().to_owned(),
        url: optional("url").unwrap_or_default().to_owned(),
        status: small("status"),
        version: optional("version").and_then(HttpVersion::from_spelling),
        address: optional("address").and_then(|address| address.parse().ok()),
        reused: value["reused"] == true,
        offset: number(value, "offset_us")?,
        phases,
        body_bytes: value["body_bytes"].as_u64().unwrap_or(0),
    })
}

fn number(value: &Value, name: &str) -> Result<Micros, String> {
    value[name].as_u64().map(Micros).ok_or_else(|| format!("'{name}' is no whole number of microseconds"))
}
