//! The JSON of a rollup's columns. Names here are stored: a field may be added with a default, none may change.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::history::{Cell, Chosen, Parts, StepParts};
use crate::model::{Micros, Phase, Revision, StepName, StepRole, Verdict};
use crate::slo::{Durations, LatencyHistogram};

#[derive(Serialize, Deserialize)]
struct WrittenDurations {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    hdr: String,
    shortest: Option<Micros>,
    longest: Option<Micros>,
    unfinished: u64,
    at_least: Option<Micros>,
    failed: u64,
}

#[derive(Serialize, Deserialize)]
struct WrittenVerdict {
    verdict: String,
    class: Option<String>,
    count: u64,
}

#[derive(Serialize, Deserialize)]
struct WrittenChosen {
    verdicts: Vec<WrittenVerdict>,
    login: WrittenDurations,
}

#[derive(Serialize, Deserialize)]
struct WrittenMessage {
    verdict: String,
    class: Option<String>,
    slot: i64,
    attempt: u16,
    message: String,
}

#[derive(Serialize, Deserialize)]
struct WrittenStep {
    name: StepName,
    position: usize,
    role: StepRole,
    times: WrittenDurations,
    /// Start, n, bad, timed and sum of each cell.
    cells: Vec<(i64, u32, u32, u32, u64)>,
}

#[derive(Serialize, Deserialize)]
struct WrittenParts {
    revisions: Vec<(Revision, i64)>,
    messages: Vec<WrittenMessage>,
    steps: Vec<WrittenStep>,
    phases: Vec<(Phase, WrittenDurations)>,
}

/// What was counted of slots.
pub(super) fn chosen(chosen: &Chosen) -> Result<String, serde_json::Error> {
    let verdict = |(verdict, count): (&Verdict, &u64)| WrittenVerdict {
        verdict: verdict.as_str().to_owned(),
        class: verdict.class().map(str::to_owned),
        count: *count,
    };
    let verdicts = chosen.verdicts.iter().map(verdict).collect();
    serde_json::to_string(&WrittenChosen { verdicts, login: durations(&chosen.login) })
}

/// As [`chosen`] wrote it; `None` for anything else.
pub(super) fn read_chosen(text: &str) -> Option<Chosen> {
    let read: WrittenChosen = serde_json::from_str(text).ok()?;
    let verdict = |one: &WrittenVerdict| Some((verdict(&one.verdict, one.class.as_deref())?, one.count));
    let verdicts = read.verdicts.iter().map(verdict).collect::<Option<BTreeMap<_, _>>>()?;
    Some(Chosen { verdicts, login: read_durations(&read.login)? })
}

/// What runs said beside their outcomes.
pub(super) fn parts(parts: &Parts) -> Result<String, serde_json::Error> {
    let step = |(name, step): (&StepName, &StepParts)| WrittenStep {
        name: name.clone(),
        position: step.position,
        role: step.role,
        times: durations(&step.times),
        cells: step
            .cells
            .iter()
            .map(|(start, cell)| (start.as_microsecond(), cell.n, cell.bad, cell.timed, cell.sum))
            .collect(),
    };
    let mut messages = Vec::new();
    for (verdict, first) in &parts.messages {
        for ((slot, attempt), message) in first {
            messages.push(WrittenMessage {
                verdict: verdict.as_str().to_owned(),
                class: verdict.class().map(str::to_owned),
                slot: slot.as_microsecond(),
                attempt: *attempt,
                message: message.clone(),
            });
        }
    }
    serde_json::to_string(&WrittenParts {
        revisions: parts.revisions.iter().map(|(name, first)| (name.clone(), first.as_microsecond())).collect(),
        messages,
        steps: parts.steps.iter().map(step).collect(),
        phases: parts.phases.iter().map(|(phase, times)| (*phase, durations(times))).collect(),
    })
}

/// As [`parts`] wrote it; `None` for anything else.
pub(super) fn read_parts(text: &str) -> Option<Parts> {
    let read: WrittenParts = serde_json::from_str(text).ok()?;
    let mut parts = Parts::default();
    for (revision, started) in read.revisions {
        parts.revisions.insert(revision, instant(started)?);
    }
    for one in read.messages {
        let of_class = parts.messages.entry(verdict(&one.verdict, one.class.as_deref())?).or_default();
        of_class.insert((instant(one.slot)?, one.attempt), one.message);
    }
    for step in read.steps {
        let cell = |&(start, n, bad, timed, sum): &_| Some((instant(start)?, Cell { n, bad, timed, sum }));
        let cells = step.cells.iter().map(cell).collect::<Option<_>>()?;
        let times = read_durations(&step.times)?;
        parts.steps.insert(step.name, StepParts { position: step.position, role: step.role, times, cells });
    }
    for (phase, times) in read.phases {
        parts.phases.insert(phase, read_durations(&times)?);
    }
    Some(parts)
}

fn durations(times: &Durations) -> WrittenDurations {
    let empty = times.finished.count() == 0;
    WrittenDurations {
        hdr: if empty { String::new() } else { STANDARD.encode(times.finished.encoded()) },
        shortest: times.shortest,
        longest: times.longest,
        unfinished: times.unfinished,
        at_least: times.at_least,
        failed: times.failed,
    }
}

fn read_durations(read: &WrittenDurations) -> Option<Durations> {
    let finished = if read.hdr.is_empty() {
        LatencyHistogram::new()
    } else {
        LatencyHistogram::decoded(&STANDARD.decode(&read.hdr).ok()?)?
    };
    Some(Durations {
        finished,
        shortest: read.shortest,
        longest: read.longest,
        unfinished: read.unfinished,
        at_least: read.at_least,
        failed: read.failed,
    })
}

fn verdict(verdict: &str, class: Option<&str>) -> Option<Verdict> {
    Verdict::from_spelling(verdict, class)
}

fn instant(micros: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond(micros).ok()
}
