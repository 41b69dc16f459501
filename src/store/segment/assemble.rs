//! Decoded columns into runs, steps and hops, with every value checked.

use jiff::Timestamp;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int32Type, Int64Type};

use super::columns::{Group, Interner, List};
use super::read::{Row, phase_path};
use super::{Columns, schema};
use crate::model::{
    Failure, FlowName, Hop, HttpVersion, Micros, Phase, Phases, Revision, Run, RunId, RunKind, StepRecord, StepRole,
    VantageName, Verdict,
};
use crate::store::error::SegmentError;

pub(super) fn timestamp(column: &'static str, micros: i64) -> Result<Timestamp, SegmentError> {
    Timestamp::from_microsecond(micros).map_err(|_| SegmentError::Value { column, value: micros.to_string() })
}

pub(super) fn small(column: &'static str, value: i32) -> Result<u16, SegmentError> {
    u16::try_from(value).map_err(|_| SegmentError::Value { column, value: value.to_string() })
}

pub(super) fn micros(value: i64) -> Micros {
    Micros(value.cast_unsigned())
}

fn text(column: &'static str, text: &ByteArray) -> Result<String, SegmentError> {
    let text = std::str::from_utf8(text.data());
    text.map(str::to_owned).map_err(|error| SegmentError::Value { column, value: error.to_string() })
}

/// The run columns of all rows of a group.
pub(super) fn read_runs(group: &Group<'_>, ids: &[RunId]) -> Result<Vec<Row>, SegmentError> {
    let (kinds, flows) = (group.required::<ByteArrayType>("kind")?, group.required::<ByteArrayType>("flow")?);
    let (revisions, vantages) =
        (group.required::<ByteArrayType>("revision")?, group.required::<ByteArrayType>("vantage")?);
    let (slots, attempts) = (group.required::<Int64Type>("slot")?, group.required::<Int32Type>("attempt")?);
    let (started, elapsed) = (group.required::<Int64Type>("started")?, group.required::<Int64Type>("elapsed_us")?);
    let (lags, verdicts) = (group.required::<Int64Type>("lag_us")?, group.required::<ByteArrayType>("verdict")?);
    let (classes, accounts) = (group.optional::<ByteArrayType>("class")?, group.optional::<ByteArrayType>("account")?);
    let failure_steps = group.optional::<ByteArrayType>("failure_step")?;
    let failure_phases = group.optional::<ByteArrayType>("failure_phase")?;
    let failure_messages = group.optional::<ByteArrayType>("failure_message")?;
    let login_times = group.optional::<Int64Type>("login_time_us")?;

    let mut kind = Interner::new("kind", RunKind::from_spelling);
    let mut flow = Interner::new("flow", |text| FlowName::new(text).ok());
    let mut revision = Interner::new("revision", |text| Some(Revision::from_recorded(text)));
    let mut vantage = Interner::new("vantage", |text| VantageName::new(text).ok());
    let mut account = Interner::new("account", |text| text.parse().ok());
    let mut failure_step = Interner::new("failure_step", |text| text.parse().ok());
    let mut failure_phase = Interner::new("failure_phase", Phase::from_spelling);
    let mut rows = Vec::with_capacity(ids.len());
    for (row, &id) in ids.iter().enumerate() {
        let failure = match &failure_messages[row] {
            None => None,
            Some(message) => Some(Failure {
                step: failure_step.get_optional(failure_steps[row].as_ref())?,
                phase: failure_phase.get_optional(failure_phases[row].as_ref())?,
                message: text("failure_message", message)?,
            }),
        };
        let run = Run {
            id,
            kind: kind.get(&kinds[row])?,
            flow: flow.get(&flows[row])?,
            revision: revision.get(&revisions[row])?,
            vantage: vantage.get(&vantages[row])?,
            slot: timestamp("slot", slots[row])?,
            attempt: small("attempt", attempts[row])?,
            started: timestamp("started", started[row])?,
            elapsed: micros(elapsed[row]),
            lag: micros(lags[row]),
            verdict: verdict(&verdicts[row], classes[row].as_ref())?,
            failure,
            account: account.get_optional(accounts[row].as_ref())?,
            steps: Vec::new(),
            hops: Vec::new(),
        };
        rows.push(Row { run, login_time: login_times[row].map(micros) });
    }
    Ok(rows)
}

pub(super) fn verdict(verdict: &ByteArray, class: Option<&ByteArray>) -> Result<Verdict, SegmentError> {
    let spelling = std::str::from_utf8(verdict.data()).unwrap_or_default();
    let class = class.map(|class| std::str::from_utf8(class.data()).unwrap_or_default());
    Verdict::from_spelling(spelling, class).ok_or_else(|| SegmentError::Value {
        column: "verdict",
        value: format!("{spelling}({})", class.unwrap_or_default()),
    })
}

/// An element of a list column, checked to be as long as the list's other columns.
fn same_length<V>(path: &str, expected: &[usize], list: List<V>) -> Result<Vec<V>, SegmentError> {
    if list.counts == expected { Ok(list.values) } else { Err(SegmentError::Length(path.to_owned())) }
}

/// The steps of all rows of a group, without evidence unless everything is read, and how many each row has.
pub(super) fn read_steps(group: &Group<'_>, columns: Columns) -> Result<(Vec<usize>, Vec<StepRecord>), SegmentError> {
    let List { counts, values: names } = group.list::<ByteArrayType>(&schema::step_path("name"))?;
    let texts = |path: &str| same_length(path, &counts, group.list::<ByteArrayType>(path)?);
    let numbers = |path: &str| same_length(path, &counts, group.list::<Int64Type>(path)?);
    let roles = texts(&schema::step_path("role"))?;
    let (offsets, times) = (numbers(&schema::step_path("offset_us"))?, numbers(&schema::step_path("network_us"))?);
    let done_path = schema::step_path("done");
    let done = same_length(&done_path, &counts, group.list::<BoolType>(&done_path)?)?;
    let evidence = if columns >= Columns::Everything { Some(texts(&schema::step_path("evidence"))?) } else { None };

    let mut name = Interner::new("steps.name", |text| text.parse().ok());
    let mut role = Interner::new("steps.role", StepRole::from_spelling);
    let steps = (0..names.len()).map(|index| {
        Ok(StepRecord {
            name: name.get(&names[index])?,
            role: role.get(&roles[index])?,
            offset: micros(offsets[index]),
            micros: micros(times[index]),
            done: done[index],
            evidence: evidence.as_ref().map_or(Ok(Vec::new()), |all| texts_of(&all[index]))?,
        })
    });
    Ok((counts.clone(), steps.collect::<Result<_, SegmentError>>()?))
}

fn texts_of(json: &ByteArray) -> Result<Vec<String>, SegmentError> {
    serde_json::from_slice(json.data())
        .map_err(|error| SegmentError::Value { column: "steps.evidence", value: error.to_string() })
}

/// The columns of a hop that only [`Columns::Everything`] reads.
struct HopTexts {
    methods: Vec<ByteArray>,
    urls: Vec<ByteArray>,
    versions: Vec<Option<ByteArray>>,
    addresses: Vec<Option<ByteArray>>,
}

/// The hops of all rows of a group, without texts unless everything is read, and how many each row has.
pub(super) fn read_hops(group: &Group<'_>, columns: Columns) -> Result<(Vec<usize>, Vec<Hop>), SegmentError> {
    let List { counts, values: steps } = group.list::<Int32Type>(&schema::hop_path("step"))?;
    let texts = |path: &str| same_length(path, &counts, group.list::<ByteArrayType>(path)?);
    let optional_texts = |path: &str| same_length(path, &counts, group.nullable_list::<ByteArrayType>(path)?);
    let numbers = |path: &str| same_length(path, &counts, group.list::<Int64Type>(path)?);
    let (status_path, reused_path) = (schema::hop_path("status"), schema::hop_path("reused"));
    let statuses = same_length(&status_path, &counts, group.nullable_list::<Int32Type>(&status_path)?)?;
    let reused = same_length(&reused_path, &counts, group.list::<BoolType>(&reused_path)?)?;
    let (offsets, body_bytes) = (numbers(&schema::hop_path("offset_us"))?, numbers(&schema::hop_path("body_bytes"))?);
    let cut = optional_texts(&schema::hop_path("cut"))?;
    let mut phase_times = Vec::new();
    for &phase in Phase::ALL {
        let path = phase_path(phase);
        phase_times.push((phase, same_length(&path, &counts, group.nullable_list::<Int64Type>(&path)?)?));
    }
    let details = if columns >= Columns::Everything {
        Some(HopTexts {
            methods: texts(&schema::hop_path("method"))?,
            urls: texts(&schema::hop_path("url"))?,
            versions: optional_texts(&schema::hop_path("version"))?,
            addresses: optional_texts(&schema::hop_path("address"))?,
        })
    } else {
        None
    };

    let mut version = Interner::new("hops.version", HttpVersion::from_spelling);
    let mut address = Interner::new("hops.address", |text| text.parse().ok());
    let hops = (0..steps.len()).map(|index| {
        let mut hop = Hop {
            step: small("hops.step", steps[index])?,
            method: String::new(),
            url: String::new(),
            status: statuses[index].map(|status| small("hops.status", status)).transpose()?,
            version: None,
            address: None,
            reused: reused[index],
            offset: micros(offsets[index]),
            phases: phases(&phase_times, index, cut[index].as_ref())?,
            body_bytes: body_bytes[index].cast_unsigned(),
        };
        if let Some(details) = &details {
            hop.method = text("hops.method", &details.methods[index])?;
            hop.url = text("hops.url", &details.urls[index])?;
            hop.version = version.get_optional(details.versions[index].as_ref())?;
            hop.address = address.get_optional(details.addresses[index].as_ref())?;
        }
        Ok(hop)
    });
    Ok((counts.clone(), hops.collect::<Result<_, SegmentError>>()?))
}

fn phases(times: &[(Phase, Vec<Option<i64>>)], index: usize, cut: Option<&ByteArray>) -> Result<Phases, SegmentError> {
    let cut = cut.map_or(Ok(String::new()), |cut| text("hops.cut", cut))?;
    let mut phases = Phases::default();
    for (phase, times) in times {
        if let Some(time) = times[index] {
            if cut.split(',').any(|name| name == phase.as_str()) {
                phases.cut(*phase, micros(time));
            } else {
                phases.finish(*phase, micros(time));
            }
        }
    }
    Ok(phases)
}
