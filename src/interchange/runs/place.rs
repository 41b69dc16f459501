//! Observations to runs on slots. Another prober follows its own clock; its runs get the slots of a schedule with the
//! same interval, one after the other, so that what is missing is counted. When they began stays exactly as recorded.

use std::f64::consts::TAU;
use std::time::Duration;

use jiff::Timestamp;

use super::{DueSpan, Observation, Taken};
use crate::model::{
    Failure, FlowName, Micros, Revision, Run, RunId, RunKind, Schedule, StepName, StepRecord, StepRole, VantageName,
    Verdict,
};

/// What the observations are to become.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The flow.
    pub flow: FlowName,
    /// Where they were made.
    pub vantage: VantageName,
    /// From one run to the next; estimated unless told.
    pub interval: Option<Duration>,
    /// The prober waited for one run to end before the next: what it omitted meanwhile is added (F16).
    pub closed_loop: bool,
}

/// Runs on their slots.
pub type Placed = Taken;

/// Intervals that people choose, in seconds: an estimate close to one of them is meant to be it.
const USUAL: [u64; 15] = [1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 300, 600, 900, 1800, 3600];
/// How close.
const NEAR: f64 = 0.02;
/// Phases that are spread more than this (length of their mean direction) have no common one.
const TOGETHER: f64 = 0.5;

/// Places observations.
///
/// # Errors
/// When there is nothing to place, or no interval to estimate.
pub fn place(mut seen: Vec<Observation>, wanted: &Wanted) -> Result<Placed, String> {
    let mut remarks = Vec::new();
    seen.sort_by(|a, b| a.at.cmp(&b.at).then(a.line.cmp(&b.line)));
    let before = seen.len();
    seen.dedup_by(|b, a| a.at == b.at && a.took == b.took && a.verdict == b.verdict);
    if seen.len() < before {
        remarks.push(format!("{} runs were here twice", before - seen.len()));
    }
    if seen.is_empty() {
        return Err("there is no run in it".to_owned());
    }
    let interval = match wanted.interval {
        Some(interval) => interval,
        None => {
            let interval =
                estimate(&seen).ok_or("two runs at least are needed to tell the interval: say --interval")?;
            remarks.push(format!(
                "the interval is taken to be {} s, the median of what was found; say --interval when it is not",
                interval.as_secs_f64()
            ));
            interval
        }
    };
    if wanted.closed_loop {
        let added = omitted(&seen, interval);
        remarks.push(format!("{} logins that the prober omitted while it waited were added (F16)", added.len()));
        seen.extend(added);
        seen.sort_by(|a, b| a.at.cmp(&b.at).then(a.line.cmp(&b.line)));
    }
    let Wanted { flow, vantage, .. } = wanted;
    let schedule = Schedule { flow: flow.clone(), kind: RunKind::Login, interval, vantages: vec![vantage.clone()] };
    let revision = Revision::of(format!("imported {flow}").as_bytes());
    let indices = indices(&seen, interval);
    let beyond = indices.iter().filter(|(_, attempt)| *attempt > 0).count();
    if beyond > 0 {
        remarks.push(format!(
            "{beyond} runs are more than one per interval: they are kept as further attempts, which count as the policy's \
             'retries' says; is the interval right?"
        ));
    }
    let run = |(seen, (index, attempt)): (&Observation, &(i64, u16))| {
        let slot = schedule.slot_in(vantage, *index)?;
        Some(run(seen, (flow, vantage, &revision), slot, *attempt))
    };
    let runs: Vec<Run> = seen.iter().zip(&indices).filter_map(run).collect();
    let bound = |index: i64| edge(index, interval);
    let (Some((first, _)), Some((last, _))) = (indices.first(), indices.last()) else {
        return Err("there is no run in it".to_owned());
    };
    let (from, to) = (bound(*first), bound(last + 1));
    let due = vec![DueSpan { vantage: vantage.clone(), schedule, revision, from, to }];
    Ok(Placed { runs, due, remarks })
}

/// The begin of an interval.
fn edge(index: i64, interval: Duration) -> Timestamp {
    let micros = i64::try_from(interval.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_microsecond(index.saturating_mul(micros)).unwrap_or(Timestamp::MAX)
}

/// The median pause, or the usual interval that is near it.
fn estimate(seen: &[Observation]) -> Option<Duration> {
    let mut pauses: Vec<i64> =
        seen.windows(2).map(|pair| pair[1].at.as_microsecond() - pair[0].at.as_microsecond()).collect();
    pauses.retain(|&pause| pause > 0);
    pauses.sort_unstable();
    let seconds = *pauses.get(pauses.len() / 2)? as f64 / 1e6;
    let usual = USUAL.iter().find(|&&usual| (seconds - usual as f64).abs() <= NEAR * usual as f64);
    Some(match usual {
        Some(&usual) => Duration::from_secs(usual),
        None => Duration::from_millis(((seconds * 1e3).round() as u64).max(1)),
    })
}

/// The interval of each observation and its number in it, in order of time. No two are the same.
fn indices(seen: &[Observation], interval: Duration) -> Vec<(i64, u16)> {
    let length = interval.as_micros() as f64;
    let phase = phase(seen, length);
    let mut placed: Vec<(i64, u16)> = Vec::with_capacity(seen.len());
    for one in seen {
        let wanted = ((one.at.as_microsecond() as f64 - phase) / length).round() as i64;
        let next = match placed.as_slice() {
            // The one before began late, and there is room before it.
            [.., (earlier, _), (last, 0)] if wanted == *last && *earlier < last - 1 => {
                let moved = *last - 1;
                placed.pop();
                placed.push((moved, 0));
                (wanted, 0)
            }
            [.., (last, attempt)] if wanted <= *last => (*last, attempt.saturating_add(1)),
            _ => (wanted, 0),
        };
        placed.push(next);
    }
    placed
}

/// Where in its interval the prober usually begins, in microseconds: the mean direction on a circle. Runs that are
/// spread over the whole interval belong to the one in which they lie.
fn phase(seen: &[Observation], length: f64) -> f64 {
    let angles = seen.iter().map(|one| (one.at.as_microsecond() as f64).rem_euclid(length) / length * TAU);
    let (sine, cosine) = angles.fold((0.0, 0.0), |(sine, cosine), angle| (sine + angle.sin(), cosine + angle.cos()));
    if sine.hypot(cosine) / (seen.len() as f64) < TOGETHER {
        return length / 2.0;
    }
    sine.atan2(cosine).rem_euclid(TAU) / TAU * length
}

/// What a prober that waits for each run omitted: after a run of d, logins at each interval, which would have waited
/// d - interval, d - 2 interval, .. (F16; Tene's coordinated omission, `record_correct` of `HdrHistogram`).
fn omitted(seen: &[Observation], interval: Duration) -> Vec<Observation> {
    let step = Micros::from(interval);
    let mut added = Vec::new();
    for one in seen {
        let (mut left, mut at) = (one.took.unwrap_or_default(), one.at);
        while left.0 >= step.0.saturating_mul(2) {
            left = left.saturating_sub(step);
            let Ok(next) = at.checked_add(interval) else { break };
            at = next;
            let message =
                format!("not probed: the prober still waited for the run of {} (F16): {}", one.at, one.message);
            let message = if one.verdict == Verdict::Good { String::new() } else { message };
            added.push(Observation { line: one.line, at, took: Some(left), verdict: one.verdict, message });
        }
    }
    added
}

fn run(
    seen: &Observation,
    (flow, vantage, revision): (&FlowName, &VantageName, &Revision),
    slot: Timestamp,
    attempt: u16,
) -> Run {
    let steps = match (seen.took, StepName::new("login")) {
        (Some(micros), Ok(name)) => vec![StepRecord {
            name,
            role: StepRole::Login,
            offset: Micros(0),
            micros,
            done: seen.verdict == Verdict::Good,
            evidence: vec![format!("imported: line {}", seen.line)],
        }],
        _ => Vec::new(),
    };
    let failed = seen.verdict != Verdict::Good;
    Run {
        id: RunId::new(RunKind::Login, flow, vantage, slot, attempt),
        kind: RunKind::Login,
        flow: flow.clone(),
        revision: revision.clone(),
        vantage: vantage.clone(),
        slot,
        attempt,
        started: seen.at,
        elapsed: seen.took.unwrap_or_default(),
        lag: Micros(0),
        verdict: seen.verdict,
        failure: failed.then(|| Failure { step: None, phase: None, message: seen.message.clone() }),
        account: None,
        steps,
        hops: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::model::BadClass;

    fn seen(offsets_ms: &[i64]) -> Vec<Observation> {
        let start: Timestamp = "2026-11-23T10:00:07Z".parse().unwrap();
        let one = |(line, offset): (usize, &i64)| Observation {
            line,
            at: start + SignedDuration::from_millis(*offset),
            took: Some(Micros(1_000)),
            verdict: Verdict::Good,
            message: String::new(),
        };
        offsets_ms.iter().enumerate().map(one).collect()
    }

    fn wanted(interval: Option<u64>) -> Wanted {
        Wanted {
            flow: FlowName::new("shop").unwrap(),
            vantage: VantageName::new("elsewhere").unwrap(),
            interval: interval.map(Duration::from_secs),
            closed_loop: false,
        }
    }

    fn missing(placed: &Placed) -> u64 {
        let due = &placed.due[0];
        let expected = due.schedule.count(&due.vantage, due.from, due.to);
        let slots: BTreeSet<_> = placed.runs.iter().map(|run| run.slot).collect();
        assert!(slots.iter().all(|slot| due.from <= *slot && *slot < due.to));
        expected - slots.len() as u64
    }

    #[test]
    fn a_gap_is_missing_and_an_unknown_interval_is_estimated() {
        let mut offsets: Vec<i64> = (0..100).map(|index| index * 15_000 + (index * 37) % 400).collect();
        offsets.drain(40..45);
        let placed = place(seen(&offsets), &wanted(None)).unwrap();
        assert_eq!((placed.runs.len(), missing(&placed)), (95, 5));
        assert_eq!(placed.due[0].schedule.interval, Duration::from_secs(15));
        assert!(placed.remarks[0].contains("15 s"), "{:?}", placed.remarks);
        assert!(placed.runs.iter().all(|run| run.attempt == 0));
        assert!(place(Vec::new(), &wanted(Some(15))).is_err() && place(seen(&[5]), &wanted(None)).is_err());
    }

    #[test]
    fn runs_beyond_the_interval_are_kept_and_told() {
        let offsets: Vec<i64> = (0..60).map(|index| index * 30_000).collect();
        let placed = place(seen(&offsets), &wanted(Some(60))).unwrap();
        let ids: BTreeSet<_> = placed.runs.iter().map(|run| run.id).collect();
        assert_eq!((placed.runs.len(), ids.len()), (60, 60));
        assert!(placed.remarks.iter().any(|remark| remark.contains("more than one per interval")));
    }

    /// F16: `record_correct(60000, 15000)` adds 45000, 30000 and 15000.
    #[test]
    fn a_closed_loop_omits_what_it_waits_for() {
        let mut all = seen(&[0]);
        all[0].took = Some(Micros(60_000_000));
        all[0].verdict = Verdict::Bad(BadClass::Timeout);
        let added = omitted(&all, Duration::from_secs(15));
        assert_eq!(added.iter().map(|one| one.took.unwrap().0 / 1000).collect::<Vec<_>>(), [45_000, 30_000, 15_000]);
        all.extend(seen(&[75_000, 90_000]));
        let placed = place(all, &Wanted { closed_loop: true, ..wanted(Some(15)) }).unwrap();
        assert_eq!((placed.runs.len(), missing(&placed)), (6, 1), "the slot of the end itself stays missing");
        assert_eq!(placed.runs.iter().filter(|run| run.verdict != Verdict::Good).count(), 4);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_order_is_kept(
            pauses in prop::collection::vec(1_i64..100_000, 1..80), seconds in 1_u64..120,
        ) {
            let offsets: Vec<i64> = pauses.iter().scan(0, |at, pause| { *at += pause; Some(*at) }).collect();
            let placed = place(seen(&offsets), &wanted(Some(seconds))).unwrap();
            let ids: BTreeSet<_> = placed.runs.iter().map(|run| run.id).collect();
            prop_assert_eq!(ids.len(), offsets.len());
            prop_assert!(placed.runs.windows(2).all(|pair| pair[0].started <= pair[1].started));
            prop_assert!(placed.runs.windows(2).all(|pair| (pair[0].slot, pair[0].attempt) < (pair[1].slot, pair[1].attempt)));
            prop_assert_eq!(&place(seen(&offsets), &wanted(Some(seconds))).unwrap().runs, &placed.runs);
        }

        #[test]
        fn jitter_within_half_an_interval_costs_no_slot(jitter in prop::collection::vec(-5_000_i64..5_000, 20..80)) {
            let offsets: Vec<i64> = jitter.iter().enumerate().map(|(index, jitter)| index as i64 * 30_000 + jitter).collect();
            let placed = place(seen(&offsets), &wanted(Some(30))).unwrap();
            prop_assert_eq!(missing(&placed), 0);
        }
    }
}
