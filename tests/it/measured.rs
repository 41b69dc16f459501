//! What a period was, as measured: of each outage the part that lies in it, and of what overlaps, every moment once.

use std::time::Duration;

use doorstep::history::History;
use doorstep::incident::{Incident, Rules, Symptom, detect};
use doorstep::model::{BadClass, RunKind, Verdict};
use doorstep::report::ReportModel;
use doorstep::slo::{Measured, Period};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::report_synthetic::{World, login, objective, span};

const PLACES: [&str; 2] = ["berlin", "tokyo"];
const BAD: Verdict = Verdict::Bad(BadClass::HttpStatus);
const DAY: i64 = 86_400;

/// Days of a login every minute at two places; `truth` says what becomes of one, and how many milliseconds it takes, by
/// the seconds since the first.
fn world(days: i64, truth: impl Fn(f64) -> (Verdict, u64)) -> World {
    let mut world = World::new(span(days * DAY), Duration::from_secs(120), &PLACES);
    for (slot, place) in world.slots(RunKind::Login) {
        let (verdict, millis) = truth(slot.duration_since(world.period.start).as_secs_f64());
        world.runs.push(login(&place, slot, 0, verdict, millis));
    }
    world
}

/// Everything that is found in it.
fn incidents(world: &World) -> Vec<Incident> {
    let mut history = History::new(&world.declarations, &world.period);
    world.runs.iter().for_each(|run| assert!(history.record(run, run.login_time())));
    let objectives: Vec<_> = world.objectives.iter().map(|(objective, _)| objective.clone()).collect();
    detect(&history, &Rules::new(Rules::default().detection, &objectives, 0.95)).incidents
}

/// The report of the span between two days of a world that holds more.
fn report(world: &mut World, from: i64, to: i64) -> ReportModel {
    let begin = Timestamp::from_second(span(1).start.as_second()).unwrap();
    let day = |day: i64| begin + SignedDuration::from_secs(day * DAY);
    world.period = Period::between(day(from), day(to), &TimeZone::UTC).unwrap();
    world.until = world.period.end;
    world.objectives.iter_mut().for_each(|(_, period)| period.clone_from(&world.period));
    world.report()
}

fn measured(model: &ReportModel) -> Measured {
    model.objectives[0].standing.measured.expect("a measured availability")
}

#[test]
fn each_week_counts_its_own_part_of_an_outage_and_the_parts_make_the_whole() {
    // From three hours before the weeks' edge until nine hours after it.
    let (from, to) = (7.0 * 86_400.0 - 10_800.0, 7.0 * 86_400.0 + 32_400.0);
    let mut world = world(14, |at| (if (from..to).contains(&at) { BAD } else { Verdict::Good }, 300));
    world.context.incidents = incidents(&world);
    assert_eq!(world.context.incidents.len(), 1);
    let [first, second, both] = [(0, 7), (7, 14), (0, 14)].map(|(from, to)| measured(&report(&mut world, from, to)));
    let week = 7.0 * 86_400.0;
    for (measured, down, seconds) in [(first, 10_800.0, week), (second, 32_400.0, week), (both, 43_200.0, 2.0 * week)] {
        let truth = 1.0 - down / seconds;
        assert!((measured.availability - truth).abs() < 120.0 / seconds, "{measured:?} {truth}");
        assert!(measured.interval.low <= truth && truth <= measured.interval.high, "{measured:?} {truth}");
    }
    let mean = f64::midpoint(first.availability, second.availability);
    assert!((mean - both.availability).abs() < 1e-9, "{first:?} {second:?} {both:?}");
}

#[test]
fn of_slow_and_failing_logins_at_once_a_latency_objective_loses_neither() {
    // Half an hour of slow logins; within it ten hours begin in which all fail.
    let mut world = world(7, |at| match at {
        100_000.0..101_800.0 => (Verdict::Good, 3_000),
        101_800.0..137_800.0 => (BAD, 300),
        _ => (Verdict::Good, 300),
    });
    world.objectives[0].0 = objective("fast", 0.95, Some(1_000));
    let mut found = incidents(&world);
    assert_eq!(found.iter().map(|one| one.symptom).collect::<Vec<_>>(), [Symptom::Slow, Symptom::Failing]);
    let truth = 1.0 - 37_800.0 / 604_800.0;
    for overlap in [false, true] {
        if overlap {
            // As two flows' incidents may: the small one ends within the large one.
            found[0].end = doorstep::incident::Bounds {
                earliest: found[1].start.latest + SignedDuration::from_mins(5),
                latest: found[1].start.latest + SignedDuration::from_mins(9),
            };
        }
        world.context.incidents.clone_from(&found);
        let model = report(&mut world, 0, 7);
        let measured = measured(&model);
        assert!((measured.availability - truth).abs() < 1e-3, "{measured:?} {truth}");
        assert!(measured.interval.low <= truth && truth <= measured.interval.high, "{measured:?} {truth}");
        assert!(measured.interval.high - measured.interval.low < 0.005, "{measured:?}");
    }
}

#[test]
fn two_incidents_at_once_cost_once() {
    let mut world = world(7, |at| (if (90_000.0..150_480.0).contains(&at) { BAD } else { Verdict::Good }, 300));
    let found = incidents(&world);
    assert_eq!(found.len(), 1);
    let mut within = found[0].clone();
    within.start = doorstep::incident::Bounds {
        earliest: found[0].start.latest + SignedDuration::from_hours(1),
        latest: found[0].start.latest + SignedDuration::from_hours(2),
    };
    world.context.incidents = vec![found[0].clone()];
    let alone = measured(&report(&mut world, 0, 7));
    world.context.incidents = vec![found[0].clone(), within];
    assert_eq!(measured(&report(&mut world, 0, 7)), alone);
    assert!((alone.availability - 0.9).abs() < 1e-3, "{alone:?}");
}

#[test]
fn a_week_in_which_all_fails_is_measured_and_never_below_nothing() {
    for (until, truth) in [(1e9, 0.0), (302_400.0, 0.5)] {
        let mut world = world(7, |at| (if at < until { BAD } else { Verdict::Good }, 300));
        world.context.incidents = incidents(&world);
        assert_eq!(world.context.incidents.len(), 1);
        assert!(world.context.incidents[0].start_unseen);
        // Somebody who looks at a wider span must not make the outage longer than the period.
        world.context.incidents[0].start.earliest = world.period.start - SignedDuration::from_hours(400);
        let measured = measured(&report(&mut world, 0, 7));
        assert!((measured.availability - truth).abs() < 1e-3, "{measured:?} {truth}");
        assert!(measured.interval.low >= 0.0 && measured.interval.low <= truth + 1e-9, "{measured:?}");
    }
}
