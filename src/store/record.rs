//! One run as the JSON of a journal record. Knows no file: framing is `journal`'s.
//!
//! The names here are stored on disk. A field may be added with a default; none may change its meaning.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{
    AccountName, Failure, FlowName, Hop, Micros, Revision, Run, RunId, RunKind, StepRecord, VantageName, Verdict,
};

/// A run on its way out, borrowed.
#[derive(Serialize)]
struct Outgoing<'a> {
    id: RunId,
    kind: RunKind,
    flow: &'a FlowName,
    revision: &'a Revision,
    vantage: &'a VantageName,
    slot: i64,
    attempt: u16,
    started: i64,
    elapsed: Micros,
    lag: Micros,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: &'a Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: &'a Option<AccountName>,
    steps: &'a [StepRecord],
    hops: &'a [Hop],
}

/// A run as read back. Times are microseconds since 1970 UTC.
#[derive(Deserialize)]
struct Incoming {
    id: RunId,
    kind: RunKind,
    flow: FlowName,
    revision: Revision,
    vantage: VantageName,
    slot: i64,
    attempt: u16,
    started: i64,
    elapsed: Micros,
    lag: Micros,
    verdict: String,
    class: Option<String>,
    failure: Option<Failure>,
    account: Option<AccountName>,
    steps: Vec<StepRecord>,
    hops: Vec<Hop>,
}

/// Encodes a run. Times are kept in whole microseconds, which is all that [`crate::clock::Clock`] gives.
pub(super) fn encode(run: &Run) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Outgoing {
        id: run.id,
        kind: run.kind,
        flow: &run.flow,
        revision: &run.revision,
        vantage: &run.vantage,
        slot: run.slot.as_microsecond(),
        attempt: run.attempt,
        started: run.started.as_microsecond(),
        elapsed: run.elapsed,
        lag: run.lag,
        verdict: run.verdict.as_str(),
        class: run.verdict.class(),
        failure: &run.failure,
        account: &run.account,
        steps: &run.steps,
        hops: &run.hops,
    })
}

/// Decodes a run.
pub(super) fn decode(payload: &[u8]) -> Result<Run, serde_json::Error> {
    let read: Incoming = serde_json::from_slice(payload)?;
    let time = |micros| Timestamp::from_microsecond(micros).map_err(serde::de::Error::custom);
    let verdict = Verdict::from_spelling(&read.verdict, read.class.as_deref()).ok_or_else(|| {
        serde::de::Error::custom(format!("no verdict is spelled '{}' with class {:?}", read.verdict, read.class))
    })?;
    Ok(Run {
        id: read.id,
        kind: read.kind,
        flow: read.flow,
        revision: read.revision,
        vantage: read.vantage,
        slot: time(read.slot)?,
        attempt: read.attempt,
        started: time(read.started)?,
        elapsed: read.elapsed,
        lag: read.lag,
        verdict,
        failure: read.failure,
        account: read.account,
        steps: read.steps,
        hops: read.hops,
    })
}
