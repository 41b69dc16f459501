//! Incidents of a known truth: found with ends that hold it, under one name whatever span is asked for, and never found
//! where there are none.

use std::time::Duration;

use doorstep::clock::Clock;
use doorstep::history::History;
use doorstep::incident::{Basis, Detection, Incident, Rules, Scope, Symptom, detect};
use doorstep::model::{BadClass, LostClass, RunKind, Verdict};
use doorstep::query;
use doorstep::slo::Period;
use doorstep::store::{Spool, Store};
use jiff::{SignedDuration, Timestamp};

use crate::report_synthetic::{World, flow, login, span, vantage};

const PLACES: [&str; 5] = ["berlin", "dublin", "lima", "oslo", "tokyo"];
const DAY: i64 = 86_400;

/// A deterministic number between 0 and 1 for a slot: the same for ever.
fn chance(slot: Timestamp, place: &str, salt: u64) -> f64 {
    let mut state = slot.as_microsecond() as u64 ^ salt.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for byte in place.bytes() {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((state ^ (state >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// What a login at a second of the span and a place says, and how many milliseconds it takes.
type Truth<'a> = &'a dyn Fn(f64, &str, Timestamp) -> (Verdict, u64);

const BAD: Verdict = Verdict::Bad(BadClass::HttpStatus);

fn world(days: i64, seconds: u64, places: &[&str], truth: Truth<'_>) -> World {
    let mut world = World::new(span(days * DAY), Duration::from_secs(seconds), places);
    for (slot, place) in world.slots(RunKind::Login) {
        let at = slot.duration_since(world.period.start).as_secs_f64();
        let (verdict, millis) = truth(at, place.as_str(), slot);
        world.runs.push(login(&place, slot, 0, verdict, millis));
    }
    world
}

fn detected(world: &World, rules: &Rules) -> Detection {
    let mut history = History::new(&world.declarations, &world.period);
    for run in &world.runs {
        assert!(history.record(run, run.login_time()));
    }
    detect(&history, rules)
}

fn at(world: &World, seconds: f64) -> Timestamp {
    world.period.start + SignedDuration::from_secs_f64(seconds)
}

/// The only incident, whose ends must hold the truth.
fn only(world: &World, detection: &Detection, (start, end): (f64, f64)) -> Incident {
    let [incident] = detection.incidents.as_slice() else {
        let all: Vec<_> = detection.incidents.iter().map(|one| (&one.id, one.symptom, &one.scope, one.start)).collect();
        panic!("{} incidents: {all:?}", all.len())
    };
    holds(world, incident, (start, end));
    incident.clone()
}

fn holds(world: &World, incident: &Incident, (start, end): (f64, f64)) {
    let (start, end) = (at(world, start), at(world, end));
    assert!(incident.start.earliest <= start && start <= incident.start.latest, "{start} {:?}", incident.start);
    assert!(incident.end.earliest <= end && end <= incident.end.latest, "{end} {:?}", incident.end);
    let length = u64::try_from(end.duration_since(start).as_micros()).unwrap();
    assert!(incident.low.0 <= length && length <= incident.high.0, "{length} {} {}", incident.low, incident.high);
}

#[test]
fn an_outage_is_found_within_its_bounds_from_any_number_of_places() {
    for (count, delay_under) in [(1, 300), (3, 120), (5, 100)] {
        let truth = (30_000.0, 33_600.0);
        let fails = |at: f64, _: &str, slot| {
            let bad = (truth.0..truth.1).contains(&at) || chance(slot, "background", 1) < 0.0005;
            (if bad { BAD } else { Verdict::Good }, 300)
        };
        let world = world(2, 60, &PLACES[..count], &fails);
        let incident = only(&world, &detected(&world, &Rules::default()), truth);
        assert_eq!((incident.symptom, incident.scope.clone()), (Symptom::Failing, Scope::Common));
        assert!(!incident.open);
        let delay = incident.detection_delay().unwrap().0 / 1_000_000;
        assert!(delay < delay_under, "{count} places: {delay} s");
        // Every login between failed; slots near the ends cannot be more than the interval wrong.
        assert_eq!(incident.failing.share, Some(1.0));
        let expected = 60 * count as u64;
        assert!(incident.failing.n.abs_diff(expected) <= 1 + count as u64, "{} {expected}", incident.failing.n);
        assert_eq!(incident.minutes.iter().map(|minute| minute.n).sum::<u64>(), incident.failing.n);
        // With more places the ends are known better: within two intervals over their number, and the logins themselves.
        let spread = (incident.high.0 - incident.low.0) / 1_000_000;
        assert!(spread <= 4 * 60 / count as u64 + 5, "{count} places: {spread} s");
        assert_eq!(incident.splits.classes[0].name, "http_status");
        assert_eq!(incident.splits.steps[0].name, "open");
        assert_eq!(incident.splits.vantages.len(), count);
    }
}

#[test]
fn a_partial_outage_has_its_share_and_wider_ends() {
    let truth = (40_000.0, 54_400.0);
    for salt in 0..5 {
        let fails = |at: f64, place: &str, slot| {
            let share = if (truth.0..truth.1).contains(&at) { 0.3 } else { 0.0005 };
            (if chance(slot, place, salt) < share { BAD } else { Verdict::Good }, 300)
        };
        let world = world(2, 60, &PLACES[..3], &fails);
        let incident = only(&world, &detected(&world, &Rules::default()), truth);
        let interval = incident.failing.interval.unwrap();
        assert!(interval.low < 0.3 && 0.3 < interval.high, "{:?}", incident.failing);
        let peak = incident.peak.unwrap();
        assert!(peak.split.share > incident.failing.share && peak.length.0 == 300_000_000, "{peak:?}");
        assert!(incident.detection_delay().unwrap().0 < 1_800_000_000);
    }
}

#[test]
fn weeks_without_an_incident_have_none() {
    for salt in 0..6 {
        let fails =
            |_: f64, place: &str, slot| (if chance(slot, place, salt) < 0.002 { BAD } else { Verdict::Good }, 300);
        let world = world(7, 60, &PLACES[..3], &fails);
        let detection = detected(&world, &Rules::default());
        assert_eq!(detection.incidents, [], "salt {salt}");
        let background = &detection.background[0];
        assert_eq!(background.basis, Basis::Measured);
        assert!(background.p0 >= 0.002 && background.p0 <= 0.005, "{background:?}");
        assert_eq!(background.exceeded, []);
    }
}

#[test]
fn a_place_with_a_background_of_its_own_is_named() {
    let fails = |_: f64, place: &str, slot| {
        let share = if place == "lima" { 0.02 } else { 0.0005 };
        (if chance(slot, place, 3) < share { BAD } else { Verdict::Good }, 300)
    };
    let world = world(7, 60, &PLACES, &fails);
    let detection = detected(&world, &Rules::default());
    let exceeded = &detection.background[0].exceeded;
    assert_eq!(exceeded.len(), 1, "{:?}", detection.background[0]);
    assert_eq!(exceeded[0].vantage, Some(vantage("lima")));
    assert!(exceeded[0].interval.low > detection.background[0].p0);
}

#[test]
fn a_spell_within_a_single_hour_is_no_background() {
    let mut world = World::new(span(3_000), Duration::from_secs(20), &PLACES[..3]);
    let slow = |at: f64| (1_500.0..1_620.0).contains(&at);
    for (slot, place) in world.slots(RunKind::Login) {
        let at = slot.duration_since(world.period.start).as_secs_f64();
        world.runs.push(login(&place, slot, 0, Verdict::Good, if slow(at) { 4_000 } else { 300 }));
    }
    let detection = detected(&world, &Rules::default());
    let [spell] = detection.incidents.as_slice() else { panic!("{} incidents", detection.incidents.len()) };
    assert_eq!(spell.symptom, Symptom::Slow);
    let background = detection.background.iter().find(|one| one.symptom == Symptom::Slow).unwrap();
    assert_eq!((background.failing, background.exceeded.len()), (0, 0), "{background:?}");
    assert!(background.n > 300, "{background:?}");
}

#[test]
fn an_outage_shorter_than_a_peak_has_none_and_its_minutes_are_whole() {
    let truth = (40_020.0, 40_060.0);
    let fails = |at: f64, _: &str, _| (if (truth.0..truth.1).contains(&at) { BAD } else { Verdict::Good }, 300);
    let world = world(1, 5, &PLACES[..3], &fails);
    let incident = only(&world, &detected(&world, &Rules::default()), truth);
    assert_eq!((incident.failing.share, incident.peak), (Some(1.0), None));
    // Forty seconds of 36 runs a minute, in the one or two minutes that they touch.
    let n: u64 = incident.minutes.iter().map(|minute| minute.n).sum();
    let whole = 36 * incident.minutes.len() as u64;
    assert!(n.abs_diff(whole) <= 3 * incident.minutes.len() as u64, "{:?}", incident.minutes);
    assert_eq!(incident.minutes.iter().map(|minute| minute.failing).sum::<u64>(), incident.failing.failing);
}

#[test]
fn a_failure_that_took_long_began_with_its_outage() {
    let truth = (40_000.0, 40_060.0);
    let fails = |at: f64, _: &str, slot: Timestamp| {
        let bad = (truth.0..truth.1).contains(&at) && chance(slot, "all", 4) < 0.8;
        if bad { (BAD, 3_000) } else { (Verdict::Good, 5) }
    };
    let world = world(1, 1, &PLACES[..3], &fails);
    let incident = only(&world, &detected(&world, &Rules::default()), truth);
    assert!(incident.start.earliest <= incident.first_failing, "{:?} {}", incident.start, incident.first_failing);
    // Some three good logins in a row prove each end, and three begin in a second.
    assert!(incident.high.0 < 68_000_000 && incident.low.0 > 50_000_000, "{} to {}", incident.low, incident.high);
}

#[test]
fn probing_again_after_a_failure_alarms_earlier_and_counts_nothing_twice() {
    let truth = (40_000.0, 41_200.0);
    let down = |at: f64| (truth.0..truth.1).contains(&at);
    let fails = |at: f64, _: &str, _| (if down(at) { BAD } else { Verdict::Good }, 300);
    let mut world = world(1, 60, &PLACES[..3], &fails);
    let without = only(&world, &detected(&world, &Rules::default()), truth);
    let again: Vec<_> = world
        .runs
        .iter()
        .filter(|run| run.verdict == BAD)
        .flat_map(|run| (1..=6_u16).map(|attempt| (run.vantage.clone(), run.slot, attempt)))
        .map(|(place, slot, attempt)| {
            let started = slot + SignedDuration::from_secs(5 * i64::from(attempt));
            let at = started.duration_since(world.period.start).as_secs_f64();
            let mut run = login(&place, slot, attempt, if down(at) { BAD } else { Verdict::Good }, 300);
            run.started = started;
            run
        })
        .collect();
    world.runs.extend(again);
    let with = only(&world, &detected(&world, &Rules::default()), truth);
    let delay = |incident: &Incident| incident.detection_delay().unwrap().0;
    assert!(delay(&with) < delay(&without), "{} against {}", delay(&with), delay(&without));
    assert_eq!((&with.id, with.failing, with.peak), (&without.id, without.failing, without.peak));
    assert_eq!((with.minutes, with.splits), (without.minutes, without.splits));
    assert!(with.high <= without.high, "{} against {}", with.high, without.high);
}

#[test]
fn what_one_place_sees_is_a_class_of_its_own() {
    let truth = (30_000.0, 40_000.0);
    let fails = |at: f64, place: &str, _| {
        (if place == "lima" && (truth.0..truth.1).contains(&at) { BAD } else { Verdict::Good }, 300)
    };
    let world = world(2, 60, &PLACES[..3], &fails);
    let incident = only(&world, &detected(&world, &Rules::default()), truth);
    assert_eq!(incident.scope, Scope::OnePlace(vantage("lima")));
    // The numbers are of all places: a third of the logins failed.
    assert!((incident.failing.share.unwrap() - 1.0 / 3.0).abs() < 0.01, "{:?}", incident.failing);
    assert_eq!(incident.splits.vantages[0].name, "lima");
    assert_eq!(incident.splits.regions[0].name, "eu-lima");
}

#[test]
fn what_the_prober_lost_is_no_failure() {
    let fails = |at: f64, _: &str, _| {
        (if (30_000.0..40_000.0).contains(&at) { Verdict::Lost(LostClass::LocalNetwork) } else { Verdict::Good }, 300)
    };
    let world = world(2, 60, &PLACES[..3], &fails);
    assert_eq!(detected(&world, &Rules::default()).incidents, []);
}

#[test]
fn a_place_that_said_nothing_during_an_outage_is_named() {
    let truth = (30_000.0, 33_600.0);
    let fails = |at: f64, place: &str, _| {
        let during = (truth.0 - 600.0..truth.1 + 600.0).contains(&at);
        match (place, during) {
            ("oslo", true) => (Verdict::Lost(LostClass::Aborted), 300),
            _ => (if (truth.0..truth.1).contains(&at) { BAD } else { Verdict::Good }, 300),
        }
    };
    let mut world = world(2, 60, &PLACES[..4], &fails);
    // One loses its runs, another records none at all.
    let during = at(&world, truth.0 - 600.0)..at(&world, truth.1 + 600.0);
    world.runs.retain(|run| run.vantage.as_str() != "lima" || !during.contains(&run.slot));
    let incident = only(&world, &detected(&world, &Rules::default()), truth);
    assert_eq!(incident.silent, [vantage("lima"), vantage("oslo")]);
    assert_eq!(incident.splits.vantages.len(), 2);
}

#[test]
fn slow_logins_that_lead_up_to_failing_ones_are_linked_with_them() {
    let fails = |at: f64, _: &str, slot: Timestamp| {
        let usual = 300 + (chance(slot, "latency", 1) * 100.0) as u64;
        match at {
            30_000.0..33_600.0 => (Verdict::Good, usual + ((at - 30_000.0) * 1.0) as u64),
            33_600.0..40_000.0 => (BAD, 300),
            _ => (Verdict::Good, usual),
        }
    };
    let world = world(2, 60, &PLACES[..3], &fails);
    let detection = detected(&world, &Rules::default());
    let [slow, failing] = detection.incidents.as_slice() else { panic!("{} incidents", detection.incidents.len()) };
    assert_eq!((slow.symptom, failing.symptom), (Symptom::Slow, Symptom::Failing));
    assert_eq!((slow.linked.as_ref(), failing.linked.as_ref()), (Some(&failing.id), Some(&slow.id)));
    holds(&world, failing, (33_600.0, 40_000.0));
    // Twice the median of 350 ms is passed after about six minutes.
    let passed = slow.first_failing.duration_since(at(&world, 30_000.0)).as_secs();
    assert!((200..500).contains(&passed), "{passed}");
    assert!(slow.end.latest <= at(&world, 33_700.0), "{:?}", slow.end);
}

#[test]
fn an_objectives_threshold_says_what_is_slow() {
    let fails = |at: f64, _: &str, _| (Verdict::Good, if (30_000.0..40_000.0).contains(&at) { 500 } else { 300 });
    let mut world = world(2, 60, &PLACES[..3], &fails);
    assert_eq!(detected(&world, &Rules::default()).incidents, [], "less than twice as slow");
    world.objectives[0].0 = crate::report_synthetic::objective("fast", 0.95, Some(400));
    let rules = Rules::new(Rules::default().detection, &[world.objectives[0].0.clone()], 0.95);
    let incident = only(&world, &detected(&world, &rules), (30_000.0, 40_000.0));
    assert_eq!(incident.symptom, Symptom::Slow);
}

#[test]
fn an_outage_under_way_is_open() {
    let fails = |at: f64, _: &str, _| (if at > 160_000.0 { BAD } else { Verdict::Good }, 300);
    let world = world(2, 60, &PLACES[..3], &fails);
    let detection = detected(&world, &Rules::default());
    let [incident] = detection.incidents.as_slice() else { panic!("{} incidents", detection.incidents.len()) };
    assert!(incident.open);
    let last = world.runs.iter().map(|run| run.slot).max().unwrap();
    assert_eq!(incident.end.latest, last + SignedDuration::from_millis(300), "the end of the last login");
}

/// A store that holds these runs.
async fn stored(world: &World, folder: &std::path::Path) -> Store {
    let (spool, _) = Spool::open(folder, &Clock::system()).expect("a spool");
    for runs in world.runs.chunks(500) {
        let recorded = futures_util::future::join_all(runs.iter().map(|run| spool.append(run))).await;
        assert!(recorded.iter().all(Result::is_ok));
    }
    let store = Store::in_memory().with_spool(folder);
    for declaration in &world.declarations {
        store.declare(declaration).await.expect("a declaration");
    }
    store
}

/// What is found when the span between two seconds of a world is asked for.
async fn asked(store: &Store, world: &World, from: f64, to: f64) -> Vec<Incident> {
    let period = Period { start: at(world, from), end: at(world, to), ..world.period.clone() };
    let found = query::incidents(store, &period, &Rules::default(), &mut |_, _| {}).await.expect("incidents");
    found.detection.incidents
}

#[tokio::test]
async fn an_incident_has_the_same_name_and_size_whatever_span_is_asked_for() {
    // Two outages, of which the longer one lasts over two ends of the spans below.
    let outages = [(30_000.0, 31_000.0), (100_000.0, 200_000.0)];
    let fails = |at: f64, place: &str, slot| {
        let bad = outages.iter().any(|(from, to)| (*from..*to).contains(&at)) || chance(slot, place, 5) < 0.001;
        (if bad { BAD } else { Verdict::Good }, 300)
    };
    let world = world(4, 120, &PLACES[..3], &fails);
    let folder = tempfile::tempdir().expect("a folder");
    let store = stored(&world, folder.path()).await;
    let of = |from, to| asked(&store, &world, from, to);
    let all = of(0.0, 345_600.0).await;
    assert_eq!(all.len(), 2);
    holds(&world, &all[0], outages[0]);
    holds(&world, &all[1], outages[1]);
    assert!(of(150_000.0, 151_000.0).await == all[1..], "inside the long one");
    assert!(of(90_000.0, 110_000.0).await == all[1..], "over its beginning");
    assert!(of(190_000.0, 210_000.0).await == all[1..], "over its end");
    assert!(of(30_500.0, 30_600.0).await == all[..1]);
    assert_eq!(of(250_000.0, 260_000.0).await, []);
    let unknown = "20261116-0900-000000".parse().unwrap();
    let none = query::incident(&store, &unknown, &Rules::default(), &mut |_, _| {}).await.expect("a reading");
    assert!(none.is_none());
}

#[tokio::test]
async fn weeks_with_different_backgrounds_do_not_change_what_crosses_between_them() {
    const WEEK: f64 = 604_800.0;
    // Over the edge of the first two weeks; over that of the last two, in part; seconds after an edge is crossed.
    let total = (WEEK - 5_000.0, WEEK + 7_200.0);
    let part = (2.0 * WEEK - 60_000.0, 2.0 * WEEK + 40_000.0);
    let lima = (300_000.0, 320_000.0);
    let slow = (2.0 * WEEK + 300_000.0, 2.0 * WEEK + 320_000.0);
    let within = |(from, to): (f64, f64), at| (from..to).contains(&at);
    let fails = |at: f64, place: &str, slot| {
        let background = if at < WEEK {
            0.001
        } else if at < 2.0 * WEEK {
            0.012
        } else {
            0.0
        };
        let share = if within(part, at) { 0.4 } else { background };
        let bad = within(total, at) || (place == "lima" && within(lima, at)) || chance(slot, place, 9) < share;
        (if bad { BAD } else { Verdict::Good }, if within(slow, at) { 3_000 } else { 300 })
    };
    let world = world(21, 300, &["berlin", "lima", "tokyo"], &fails);
    let folder = tempfile::tempdir().expect("a folder");
    let store = stored(&world, folder.path()).await;
    let all = asked(&store, &world, 0.0, 3.0 * WEEK).await;
    for (truth, symptom) in
        [(lima, Symptom::Failing), (total, Symptom::Failing), (part, Symptom::Failing), (slow, Symptom::Slow)]
    {
        let mine: Vec<&Incident> = all
            .iter()
            .filter(|one| one.symptom == symptom && one.first_failing < at(&world, truth.1))
            .filter(|one| at(&world, truth.0) < one.end.latest)
            .collect();
        assert_eq!(mine.len(), 1, "{truth:?}");
        assert!(!mine[0].open);
        holds(&world, mine[0], truth);
    }
    let seconds = |at: Timestamp| at.duration_since(world.period.start).as_secs_f64();
    for one in &all {
        let (from, to) = (seconds(one.first_failing), seconds(one.end.latest));
        let inside = f64::midpoint(from, to);
        for (from, to) in [
            (inside, inside + 60.0),
            (from - 3_600.0, inside),
            (inside, to + 3_600.0),
            (from - 90_000.0, to + 90_000.0),
        ] {
            let found = asked(&store, &world, from.max(0.0), to).await;
            let same = found.iter().find(|found| found.id == one.id);
            assert!(same == Some(one), "{} from {from} to {to}: {same:#?}\n{one:#?}", one.id);
        }
        let opened = query::incident(&store, &one.id, &Rules::default(), &mut |_, _| {}).await.expect("a reading");
        assert!(opened.is_some_and(|(found, _)| found == *one), "{}", one.id);
    }
}

#[test]
fn an_outage_without_a_good_probe_before_it_counts_from_the_first_probe() {
    let fails = |at: f64, _: &str, _| (if at < 9_000.0 { BAD } else { Verdict::Good }, 300);
    let mut world = world(1, 60, &PLACES[..3], &fails);
    let first = world.runs.iter().map(|run| run.started).min().unwrap();
    // Nobody probed in the days before: they are no part of the outage.
    world.period.start -= SignedDuration::from_hours(100);
    let detection = detected(&world, &Rules::default());
    let [incident] = detection.incidents.as_slice() else { panic!("{} incidents", detection.incidents.len()) };
    assert!(incident.start_unseen);
    assert_eq!(incident.start.earliest, first);
    assert!(incident.high.0 <= 9_100_000_000 && incident.low.0 >= 8_900_000_000, "{} {}", incident.low, incident.high);
}

#[test]
fn nothing_and_next_to_nothing_are_said_calmly() {
    let mut world = World::new(span(DAY), Duration::from_secs(60), &PLACES[..3]);
    let none = detected(&world, &Rules::default());
    assert_eq!((none.incidents.len(), none.background.len()), (0, 0));
    world.runs.push(login(&vantage("lima"), world.slots(RunKind::Login)[5].0, 0, BAD, 300));
    let one = detected(&world, &Rules::default());
    assert_eq!((one.incidents.len(), one.background.len()), (0, 1));
    let background = &one.background[0];
    assert_eq!((background.flow.clone(), background.basis, background.n), (flow(), Basis::Assumed, 1));
    assert!(background.interval.is_some_and(|interval| interval.high <= 1.0));
}
