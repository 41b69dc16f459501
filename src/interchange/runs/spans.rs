//! When imported series were due, as declarations beside those that the store has already: a declaration says all flows
//! of its vantage, so a new series must repeat the others, and leave them as they were before and after.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::super::measure;
use super::{DueSpan, Taken};
use crate::model::{FlowDeclaration, Run, RunKind, Schedule, ScheduleDeclaration, VantageName};

const INSTANT: SignedDuration = SignedDuration::from_micros(1);
/// Declarations that follow each other this closely are corrections of the same moment: the last one holds.
const MOMENT: SignedDuration = SignedDuration::from_millis(1);

/// The declarations that add these spans of one vantage to what is declared already. The same spans again give the same
/// declarations, or none.
#[must_use]
pub fn declarations(
    vantage: &VantageName,
    labels: &BTreeMap<String, String>,
    existing: &[ScheduleDeclaration],
    spans: &[DueSpan],
) -> Vec<ScheduleDeclaration> {
    let spans: Vec<&DueSpan> = spans.iter().filter(|span| span.vantage == *vantage).collect();
    let mut known: Vec<&ScheduleDeclaration> =
        existing.iter().filter(|declaration| declaration.vantage == *vantage).collect();
    known.sort_by_key(|declaration| declaration.from);
    let (Some(first), Some(last)) = (spans.iter().map(|span| span.from).min(), spans.iter().map(|span| span.to).max())
    else {
        return Vec::new();
    };
    let mut bounds: BTreeSet<Timestamp> = known.iter().map(|declaration| declaration.from).collect();
    bounds.extend(spans.iter().flat_map(|span| [span.from, span.to]));
    let mut declared: Vec<ScheduleDeclaration> = Vec::new();
    let mut done = None;
    for bound in bounds.into_iter().filter(|bound| (first..=last).contains(bound)) {
        let settled = bound.saturating_add(MOMENT).unwrap_or(bound);
        if done.is_some_and(|done| bound <= done) {
            continue;
        }
        done = Some(settled);
        let held = known.iter().rev().find(|declaration| declaration.from <= settled);
        let held_flows = held.map_or(&[][..], |declaration| declaration.flows.as_slice());
        let wanted = with(held_flows, &spans, bound);
        // What the store would say here: the later of the two.
        let said = match (held, declared.last()) {
            (Some(held), Some(own)) if own.from > held.from => own.flows.as_slice(),
            (None, Some(own)) => own.flows.as_slice(),
            _ => held_flows,
        };
        if same(said, &wanted) {
            continue;
        }
        // Of two declarations from the same instant neither is the later one.
        let taken = held.map(|held| held.from).filter(|&from| from >= bound);
        let from = taken.map_or(bound, |from| from.saturating_add(INSTANT).unwrap_or(from));
        let labels = held.map_or(labels, |held| &held.labels).clone();
        let databases = held.map(|held| held.databases.clone()).unwrap_or_default();
        declared.push(ScheduleDeclaration { vantage: vantage.clone(), labels, from, flows: wanted, databases });
    }
    declared
}

/// A series that the store says was due otherwise at the same time: runs placed by another schedule would count beside
/// those that it has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the store says that {} was due at {vantage} {} from {from} to {to}, and these runs would be due {}: a series has one \
     schedule at a time, or its runs count twice; {}leave this time out with --from and --to, or keep them apart under \
     another --at, --flow or --store",
    declared.flow, said(declared, wanted), said(wanted, declared), way_out(declared, wanted)
)]
pub struct Conflict {
    /// Where.
    pub vantage: VantageName,
    /// As the store has it.
    pub declared: Schedule,
    /// As the import would have it.
    pub wanted: Schedule,
    /// Since when it is so.
    pub from: Timestamp,
    /// Until when: the end of the import, or of the declaration.
    pub to: Timestamp,
}

fn said(schedule: &Schedule, other: &Schedule) -> String {
    let each = format!("each {}", measure::duration(schedule.interval.into()));
    if schedule.interval != other.interval {
        return each;
    }
    let places: Vec<&str> = schedule.vantages.iter().map(VantageName::as_str).collect();
    format!("{each} as one of {}", places.join(", "))
}

fn way_out(declared: &Schedule, wanted: &Schedule) -> String {
    if declared.interval == wanted.interval {
        return String::new();
    }
    format!("say --interval {}, ", measure::duration(declared.interval.into()))
}

/// The first series of these spans that the store declares otherwise, for longer than one interval: where one schedule
/// ends and the next begins, their edges may overlap.
///
/// # Errors
/// [`Conflict`].
pub fn agree(existing: &[ScheduleDeclaration], spans: &[DueSpan]) -> Result<(), Box<Conflict>> {
    for span in spans {
        let mut held: Vec<&ScheduleDeclaration> =
            existing.iter().filter(|declaration| declaration.vantage == span.vantage).collect();
        held.sort_by_key(|declaration| declaration.from);
        for (index, declaration) in held.iter().enumerate() {
            let until = held.get(index + 1).map_or(Timestamp::MAX, |next| next.from);
            let (from, to) = (declaration.from.max(span.from), until.min(span.to));
            let other = declaration.flows.iter().map(|flow| &flow.schedule).find(|schedule| {
                schedule.flow == span.schedule.flow
                    && schedule.kind == span.schedule.kind
                    && **schedule != span.schedule
            });
            let Some(declared) = other else { continue };
            let longest = declared.interval.max(span.schedule.interval);
            if from.duration_until(to) > SignedDuration::try_from(longest).unwrap_or(SignedDuration::MAX) {
                let (vantage, declared, wanted) = (span.vantage.clone(), declared.clone(), span.schedule.clone());
                return Err(Box::new(Conflict { vantage, declared, wanted, from, to }));
            }
        }
    }
    Ok(())
}

/// Whether the same flows are due, in any order.
fn same(one: &[FlowDeclaration], other: &[FlowDeclaration]) -> bool {
    one.len() == other.len() && one.iter().all(|flow| other.contains(flow))
}

/// What is held, and the spans that cover an instant. A series that is declared already stays as it is.
fn with(held: &[FlowDeclaration], spans: &[&DueSpan], at: Timestamp) -> Vec<FlowDeclaration> {
    let mut flows = held.to_vec();
    for span in spans.iter().filter(|span| span.from <= at && at < span.to) {
        let same = |flow: &FlowDeclaration| {
            flow.schedule.flow == span.schedule.flow && flow.schedule.kind == span.schedule.kind
        };
        if !flows.iter().any(same) {
            flows.push(FlowDeclaration { schedule: span.schedule.clone(), revision: span.revision.clone() });
        }
    }
    flows
}

/// The spans of runs that have their slots already (our own exports). A series whose slots are those of one of these
/// schedules was due by it from its first slot to its last; of another one nothing is known.
#[must_use]
pub fn spans_of(runs: Vec<Run>, schedules: &[Schedule]) -> Taken {
    let mut series: BTreeMap<(&str, RunKind, &str), Vec<&Run>> = BTreeMap::new();
    for run in &runs {
        series.entry((run.flow.as_str(), run.kind, run.vantage.as_str())).or_default().push(run);
    }
    let (mut due, mut remarks) = (Vec::new(), Vec::new());
    for ((flow, kind, vantage), mut runs) in series {
        runs.sort_by_key(|run| run.slot);
        let fits = |schedule: &&Schedule| {
            let at = |run: &&Run| schedule.slot_in(&run.vantage, schedule.interval_index(run.slot)) == Some(run.slot);
            schedule.flow.as_str() == flow && schedule.kind == kind && runs.iter().all(at)
        };
        match (schedules.iter().find(fits), runs.first(), runs.last()) {
            (Some(schedule), Some(first), Some(last)) => due.push(DueSpan {
                vantage: first.vantage.clone(),
                schedule: schedule.clone(),
                revision: last.revision.clone(),
                from: first.slot,
                to: last.slot.saturating_add(INSTANT).unwrap_or(last.slot),
            }),
            _ => remarks.push(format!(
                "no schedule of doorstep.yaml has the slots of {flow} ({kind}) at {vantage}: their coverage stays as the \
                 store knows it"
            )),
        }
    }
    Taken { runs, due, remarks }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{FlowName, Revision};

    fn at(minutes: i64) -> Timestamp {
        "2026-11-23T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
    }

    fn span(flow: &str, from: i64, to: i64) -> DueSpan {
        let vantage = VantageName::new("berlin").unwrap();
        let schedule = Schedule {
            flow: FlowName::new(flow).unwrap(),
            kind: RunKind::Login,
            interval: Duration::from_secs(60),
            vantages: vec![vantage.clone()],
        };
        DueSpan { vantage, schedule, revision: Revision::of(b"x"), from: at(from), to: at(to) }
    }

    /// Which flows a store that holds these declarations says are due at a minute.
    fn due(all: &[ScheduleDeclaration], minute: i64) -> String {
        let mut all: Vec<_> = all.iter().collect();
        all.sort_by_key(|declaration| declaration.from);
        let instant = at(minute) + SignedDuration::from_secs(1);
        let held = all.iter().rev().find(|declaration| declaration.from <= instant);
        let mut names: Vec<_> =
            held.map_or(Vec::new(), |held| held.flows.iter().map(|flow| flow.schedule.flow.to_string()).collect());
        names.sort();
        names.join("+")
    }

    #[test]
    fn a_series_has_one_schedule_at_a_time() {
        let vantage = VantageName::new("berlin").unwrap();
        let store = declarations(&vantage, &BTreeMap::new(), &[], &[span("a", 0, 20), span("b", 0, 40)]);
        let other = |flow: &str, seconds: u64, from: i64, to: i64| {
            let mut span = span(flow, from, to);
            span.schedule.interval = Duration::from_secs(seconds);
            span
        };
        assert_eq!(agree(&store, &[span("a", 0, 90), other("c", 30, 0, 20), other("a", 30, 20, 90)]), Ok(()));
        assert_eq!(agree(&store, &[other("a", 30, 19, 90)]), Ok(()), "edges may overlap by one interval");
        let conflict = agree(&store, &[span("a", 0, 90), other("b", 30, 25, 90)]).unwrap_err();
        assert_eq!((conflict.from, conflict.to), (at(25), at(40)));
        assert_eq!(
            conflict.to_string(),
            "the store says that b was due at berlin each 1m from 2026-11-23T10:25:00Z to 2026-11-23T10:40:00Z, and these \
             runs would be due each 30s: a series has one schedule at a time, or its runs count twice; say --interval 1m, \
             leave this time out with --from and --to, or keep them apart under another --at, --flow or --store"
        );
        let mut elsewhere = span("b", 0, 40);
        elsewhere.schedule.vantages.push(VantageName::new("ohio").unwrap());
        let told = agree(&store, &[elsewhere]).unwrap_err().to_string();
        assert!(told.contains("each 1m as one of berlin from") && told.contains("as one of berlin, ohio: a"), "{told}");
        assert!(told.contains("twice; leave this time out"), "{told}");
    }

    #[test]
    fn series_of_one_vantage_lie_beside_each_other_in_any_order() {
        let vantage = VantageName::new("berlin").unwrap();
        let spans = [span("a", 0, 20), span("b", 10, 30), span("c", 5, 40), span("a", 35, 50)];
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
            let mut store: Vec<ScheduleDeclaration> = Vec::new();
            for _twice in 0..2 {
                for index in order {
                    let new = declarations(&vantage, &BTreeMap::new(), &store, &spans[index..=index]);
                    store
                        .extend(new.into_iter().filter(|declaration| !store.contains(declaration)).collect::<Vec<_>>());
                }
            }
            let told: Vec<String> = [-1, 0, 7, 12, 25, 32, 37, 45, 55].map(|minute| due(&store, minute)).into();
            assert_eq!(told, ["", "a", "a+c", "a+b+c", "b+c", "c", "a+c", "a", ""], "{order:?}");
            let again = declarations(&vantage, &BTreeMap::new(), &store, &spans);
            assert!(again.iter().all(|declaration| store.contains(declaration)), "{again:?}");
        }
    }
}
