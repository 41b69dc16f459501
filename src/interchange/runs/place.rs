//! Observations to runs on slots. Another prober follows its own clock; its runs get the slots of a schedule with the
//! same interval (`slots` says which), so that what is missing is counted. When they began stays exactly as recorded.

use std::time::Duration;

use super::slots::{Place, estimate, places, span};
use super::{DueSpan, Observation, Taken};
use crate::interchange::counted;
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

/// Places observations beside the runs that the store has of their series already.
///
/// # Errors
/// When there is nothing to place, or no interval to estimate.
pub fn place(mut seen: Vec<Observation>, wanted: &Wanted, recorded: &[Run]) -> Result<Placed, String> {
    let mut remarks = Vec::new();
    in_order(&mut seen);
    let before = seen.len();
    seen.dedup_by(|b, a| a.at == b.at && a.took == b.took && a.verdict == b.verdict);
    if seen.len() < before {
        remarks.push(format!("{} here twice", counted(before - seen.len(), "run was", "runs were")));
    }
    let interval = interval(&seen, wanted, &mut remarks)?;
    if wanted.closed_loop {
        let added = omitted(&seen, interval);
        let told = counted(added.len(), "login", "logins");
        remarks.push(format!("added what the prober omitted while it waited (F16): {told}"));
        seen.extend(added);
        in_order(&mut seen);
    }
    let Wanted { flow, vantage, .. } = wanted;
    let schedule = Schedule { flow: flow.clone(), kind: RunKind::Login, interval, vantages: vec![vantage.clone()] };
    let places = places(&seen, &schedule, vantage, recorded)?;
    remarks.extend(doubts(&places));
    let Some((from, to)) = span(&places, &schedule) else { return Err(NOTHING.to_owned()) };
    let revision = Revision::of(format!("imported {flow}").as_bytes());
    let runs = seen.iter().zip(&places).map(|(seen, place)| run(seen, (flow, vantage, &revision), place)).collect();
    let due = vec![DueSpan { vantage: vantage.clone(), schedule, revision, from, to }];
    Ok(Placed { runs, due, remarks })
}

const NOTHING: &str = "there is no run in it";

/// In order of time, and as they were read.
fn in_order(seen: &mut [Observation]) {
    seen.sort_by(|a, b| a.at.cmp(&b.at).then(a.line.cmp(&b.line)));
}

fn interval(seen: &[Observation], wanted: &Wanted, remarks: &mut Vec<String>) -> Result<Duration, String> {
    if seen.is_empty() {
        return Err(NOTHING.to_owned());
    }
    if let Some(interval) = wanted.interval {
        return Ok(interval);
    }
    let interval = estimate(seen).ok_or("two runs at least are needed to tell the interval: say --interval")?;
    remarks.push(format!(
        "the interval is taken to be {} s, the median of what was found; say --interval when it is not",
        interval.as_secs_f64()
    ));
    Ok(interval)
}

/// What may be wrong with where the runs went.
fn doubts(places: &[Place]) -> Vec<String> {
    let mut remarks = Vec::new();
    let beyond = places.iter().filter(|place| !place.known && place.attempt > 0).count();
    if beyond > 0 {
        let told = counted(beyond, "run is", "runs are");
        remarks.push(format!(
            "{told} beyond one per interval, kept as further attempts, which count as the policy's 'retries' says; is the \
             interval right?"
        ));
    }
    let changed = places.iter().filter(|place| place.changed).count();
    if changed > 0 {
        let told = counted(changed, "run is", "runs are");
        remarks.push(format!("{told} in the store with another outcome: what is there stays"));
    }
    remarks
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
    &Place { slot, attempt, .. }: &Place,
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

    use jiff::{SignedDuration, Timestamp};
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
        let placed = place(seen(&offsets), &wanted(None), &[]).unwrap();
        assert_eq!((placed.runs.len(), missing(&placed)), (95, 5));
        assert_eq!(placed.due[0].schedule.interval, Duration::from_secs(15));
        assert!(placed.remarks[0].contains("15 s"), "{:?}", placed.remarks);
        assert!(placed.runs.iter().all(|run| run.attempt == 0));
        assert!(place(Vec::new(), &wanted(Some(15)), &[]).is_err() && place(seen(&[5]), &wanted(None), &[]).is_err());
    }

    #[test]
    fn runs_beyond_the_interval_are_kept_and_told() {
        let offsets: Vec<i64> = (0..60).map(|index| index * 30_000).collect();
        let placed = place(seen(&offsets), &wanted(Some(60)), &[]).unwrap();
        let ids: BTreeSet<_> = placed.runs.iter().map(|run| run.id).collect();
        assert_eq!((placed.runs.len(), ids.len()), (60, 60));
        assert!(placed.remarks.iter().any(|remark| remark.contains("30 runs are beyond one per interval")));
    }

    /// What a prober writes each week reaches back into the week before, and its phase is another one then.
    #[test]
    fn what_is_imported_again_with_more_is_the_same_run() {
        let offsets: Vec<i64> = (0..60).map(|index| index * 60_000 + (index % 7) * 9_000).collect();
        let first = place(seen(&offsets[..40]), &wanted(Some(60)), &[]).unwrap();
        let mut more = seen(&offsets[20..]);
        more[3].verdict = Verdict::Bad(BadClass::Timeout);
        let second = place(more, &wanted(Some(60)), &first.runs).unwrap();
        let ids = |placed: &Placed| placed.runs.iter().map(|run| run.id).collect::<BTreeSet<_>>();
        assert_eq!(ids(&first).union(&ids(&second)).count(), 60);
        assert_eq!(ids(&first).intersection(&ids(&second)).count(), 20);
        assert_eq!(second.remarks, ["1 run is in the store with another outcome: what is there stays"]);
        // At another interval they are recognised too.
        let other = place(seen(&offsets[20..40]), &wanted(Some(30)), &first.runs).unwrap();
        assert!(ids(&other).is_subset(&ids(&first)));
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
        let placed = place(all, &Wanted { closed_loop: true, ..wanted(Some(15)) }, &[]).unwrap();
        assert_eq!((placed.runs.len(), missing(&placed)), (6, 1), "the slot of the end itself stays missing");
        assert_eq!(placed.runs.iter().filter(|run| run.verdict != Verdict::Good).count(), 4);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_order_is_kept(
            pauses in prop::collection::vec(1_i64..100_000, 1..80), seconds in 1_u64..120,
        ) {
            let offsets: Vec<i64> = pauses.iter().scan(0, |at, pause| { *at += pause; Some(*at) }).collect();
            let placed = place(seen(&offsets), &wanted(Some(seconds)), &[]).unwrap();
            let ids: BTreeSet<_> = placed.runs.iter().map(|run| run.id).collect();
            prop_assert_eq!(ids.len(), offsets.len());
            prop_assert!(placed.runs.windows(2).all(|pair| pair[0].started <= pair[1].started));
            prop_assert!(placed.runs.windows(2).all(|pair| (pair[0].slot, pair[0].attempt) < (pair[1].slot, pair[1].attempt)));
            prop_assert_eq!(&place(seen(&offsets), &wanted(Some(seconds)), &[]).unwrap().runs, &placed.runs);
        }

        #[test]
        fn overlapping_pieces_in_any_order_give_each_run_one_identity(
            pauses in prop::collection::vec(0_i64..100_000, 2..60), seconds in 1_u64..120,
            cuts in prop::collection::vec((0_usize..60, 0_usize..60), 1..5),
        ) {
            let offsets: Vec<i64> = pauses.iter().scan(0, |at, pause| { *at += pause; Some(*at) }).collect();
            let mut distinct = offsets.clone();
            distinct.dedup();
            let mut store: Vec<Run> = Vec::new();
            let whole = (0, offsets.len());
            for (one, other) in cuts.into_iter().chain([whole, whole]) {
                let (from, to) = (one.min(other).min(offsets.len()), one.max(other).min(offsets.len()));
                if from == to {
                    continue;
                }
                let placed = place(seen(&offsets[from..to]), &wanted(Some(seconds)), &store).unwrap();
                for run in placed.runs {
                    match store.iter().find(|kept| kept.id == run.id) {
                        Some(kept) => prop_assert_eq!(kept.started, run.started, "no run is taken for another"),
                        None => store.push(run),
                    }
                }
            }
            prop_assert_eq!(store.len(), distinct.len());
        }

        #[test]
        fn jitter_within_half_an_interval_costs_no_slot(jitter in prop::collection::vec(-5_000_i64..5_000, 20..80)) {
            let offsets: Vec<i64> = jitter.iter().enumerate().map(|(index, jitter)| index as i64 * 30_000 + jitter).collect();
            let placed = place(seen(&offsets), &wanted(Some(30)), &[]).unwrap();
            prop_assert_eq!(missing(&placed), 0);
        }
    }
}
