//! Runs to store, and stores to keep them in.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use doorstep::clock::Clock;
use doorstep::model::{
    Answer, BadClass, Failure, FlowName, Hop, HttpVersion, LostClass, Micros, Phase, Phases, Revision, Run, RunId,
    RunKind, Sample, StepName, StepRecord, StepRole, Unknown, VantageName, Verdict,
};
use doorstep::store::{Columns, Payload, ReadSummary, Row, RunFilter, Shipper, Spool, Store};
use jiff::Timestamp;

/// When the first sample run is due: ten minutes before midnight, so that some lie on the next day.
pub(crate) const START: &str = "2026-11-22T23:50:00Z";

pub(crate) fn vantage(name: &str) -> VantageName {
    VantageName::new(name).unwrap()
}

/// The run of slot `number`, one every five seconds, with two steps and three hops; every tenth timed out.
pub(crate) fn run(place: &str, number: u64) -> Run {
    let start: Timestamp = START.parse().unwrap();
    let slot =
        Timestamp::from_microsecond(start.as_microsecond() + i64::try_from(number).unwrap() * 5_000_000).unwrap();
    let (flow, vantage) = (FlowName::new("shop").unwrap(), vantage(place));
    let failed = number % 10 == 9;
    let failure = Failure {
        step: Some(step_name("sign-in")),
        phase: Some(Phase::Wait),
        message: "no answer within 10 s".to_owned(),
    };
    Run {
        id: RunId::new(RunKind::Login, &flow, &vantage, slot, 0),
        kind: RunKind::Login,
        flow,
        revision: Revision::of(b"shop, first edition"),
        vantage,
        slot,
        attempt: 0,
        started: Timestamp::from_microsecond(slot.as_microsecond() + 1_234).unwrap(),
        elapsed: Micros(90_000 + number),
        lag: Micros(number % 700),
        verdict: if failed { Verdict::Bad(BadClass::Timeout) } else { Verdict::Good },
        failure: failed.then_some(failure),
        account: Some("probe-1".parse().unwrap()),
        steps: vec![step("open-page", 0, 20_000), step("sign-in", 21_000, 60_000 + number)],
        hops: (0..3).map(|hop| sample_hop(hop, number, failed && hop == 2)).collect(),
    }
}

/// The same slot, unserved.
pub(crate) fn missed(place: &str, number: u64) -> Run {
    let run = run(place, number);
    let identity = (run.kind, run.flow, run.revision, run.vantage, run.slot);
    Run::never_began(identity, run.started, LostClass::MissedSlot, "the worker was not running".to_owned())
}

/// What was learned of the primary in second `number`: of every tenth that it starts, of the others nothing.
pub(crate) fn sample(place: &str, number: u64) -> Sample {
    let start: Timestamp = START.parse().unwrap();
    let slot =
        Timestamp::from_microsecond(start.as_microsecond() + i64::try_from(number).unwrap() * 1_000_000).unwrap();
    let why = if number.is_multiple_of(10) { Unknown::Starting } else { Unknown::NoAnswer };
    Sample {
        database: "main".parse().unwrap(),
        server: "primary".parse().unwrap(),
        vantage: vantage(place),
        slot,
        started: slot,
        elapsed: Micros(number),
        answer: Answer::Unknown { why, message: format!("second {number}") },
    }
}

/// The same slot, unserved.
pub(crate) fn lost_sample(place: &str, number: u64) -> Sample {
    Sample { answer: Answer::Unknown { why: Unknown::Lost, message: "late".to_owned() }, ..sample(place, number) }
}

fn step_name(name: &str) -> StepName {
    StepName::new(name).unwrap()
}

fn step(name: &str, offset: u64, micros: u64) -> StepRecord {
    StepRecord {
        name: step_name(name),
        role: StepRole::Login,
        offset: Micros(offset),
        micros: Micros(micros),
        done: true,
        evidence: vec!["status 200 as expected".to_owned(), "\"quoted\" \u{1F6AA}".to_owned()],
    }
}

fn sample_hop(hop: u16, number: u64, cut: bool) -> Hop {
    let mut phases = Phases::default();
    phases.finish(Phase::Send, Micros(50));
    if cut {
        phases.cut(Phase::Wait, Micros(10_000_000));
    } else {
        phases.finish(Phase::Wait, Micros(20_000 + number));
        phases.finish(Phase::Receive, Micros(300));
    }
    Hop {
        step: hop.min(1),
        method: "GET".to_owned(),
        url: format!("https://shop.example/page/{hop}"),
        status: (!cut).then_some(200),
        version: Some(HttpVersion::Http2),
        address: Some("192.0.2.7".parse().unwrap()),
        reused: hop > 0,
        offset: Micros(u64::from(hop) * 30_000),
        phases,
        body_bytes: 4_096,
    }
}

/// Opens a spool that nobody used before.
pub(crate) fn fresh_spool<T: Payload>(dir: &Path) -> Spool<T> {
    Spool::open(dir, &Clock::system()).unwrap().0
}

/// Records runs or samples, all at once.
pub(crate) async fn append_all<T: Payload>(spool: &Spool<T>, items: &[T]) {
    let appended = futures_util::future::join_all(items.iter().map(|item| spool.append(item))).await;
    for result in appended {
        result.unwrap();
    }
}

pub(crate) fn shipper<T: Payload>(spool: &Spool<T>, store: &Store) -> Shipper<T> {
    Shipper::new(spool.clone(), store.clone(), Duration::from_secs(3_600))
}

/// Ships everything and insists that it worked.
pub(crate) async fn ship<T: Payload>(spool: &Spool<T>, store: &Store) {
    let shipped = shipper(spool, store).ship_all().await;
    assert!(shipped.errors.is_empty() && shipped.waiting == 0, "{shipped}: {:?}", shipped.errors);
}

/// Reads rows in order.
pub(crate) async fn rows(store: &Store, filter: &RunFilter, columns: Columns) -> (Vec<Row>, ReadSummary) {
    let mut rows = Vec::new();
    let summary = store.read(filter, columns, &mut |row| rows.push(row)).await.unwrap();
    assert_eq!(summary.runs, rows.len() as u64);
    (rows, summary)
}

/// Reads all runs whole, by id, and insists that each came once.
pub(crate) async fn all_runs(store: &Store) -> BTreeMap<RunId, Run> {
    let (rows, _) = rows(store, &RunFilter::everything(), Columns::Everything).await;
    let count = rows.len();
    let runs: BTreeMap<RunId, Run> = rows.into_iter().map(|row| (row.run.id, row.run)).collect();
    assert_eq!(runs.len(), count, "a run was handed out twice");
    runs
}

/// Reads all samples.
pub(crate) async fn all_samples(store: &Store) -> Vec<Sample> {
    store.samples(Timestamp::MIN, Timestamp::MAX).await.unwrap()
}

pub(crate) fn by_id(runs: &[Run]) -> BTreeMap<RunId, Run> {
    runs.iter().map(|run| (run.id, run.clone())).collect()
}

/// Compacts whatever is not compacted.
pub(crate) async fn compact_all(store: &Store) {
    for (vantage, date) in store.uncompacted(&[], jiff::civil::Date::MAX).await.unwrap() {
        store.compact(&vantage, date).await.unwrap();
    }
}
