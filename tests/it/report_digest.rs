//! A report from what was counted when days were compacted is the report from the runs themselves, byte for byte.

use std::path::Path;
use std::time::Duration;

use doorstep::clock::Clock;
use doorstep::history::{History, Series};
use doorstep::model::{BadClass, LostClass, Retries, Run, RunKind, StoreLocation, Verdict};
use doorstep::query::{self, Question};
use doorstep::report::json;
use doorstep::slo::Period;
use doorstep::store::{Digest, Piece, Shipper, Spool, Store};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::report_synthetic::{World, declarations, login, objective, run, schedule, time, vantage};

/// What is drawn: where the period lies, and what befalls each slot.
#[derive(Debug, Clone)]
struct Draw {
    zone: &'static str,
    /// From the period's local midnight, in seconds.
    shift: i64,
    hours: i64,
    best_attempt: bool,
    seed: u64,
}

fn draw() -> impl Strategy<Value = Draw> {
    let zone = prop::sample::select(vec!["UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York"]);
    // On whole hours, on cells of five minutes, and anywhere.
    let shift = prop_oneof![Just(0), Just(1_500), Just(4_051)];
    (zone, shift, prop::sample::select(vec![25_i64, 49]), any::<bool>(), any::<u64>())
        .prop_map(|(zone, shift, hours, best_attempt, seed)| Draw { zone, shift, hours, best_attempt, seed })
}

/// A number that looks random, the same for the same slot.
fn chance(seed: u64, slot: Timestamp, salt: u64) -> u64 {
    let mut word =
        seed ^ slot.as_microsecond().cast_unsigned().rotate_left(17) ^ salt.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (word ^ (word >> 31)) % 1_000
}

fn world(draw: &Draw) -> World {
    let zone = TimeZone::get(draw.zone).unwrap();
    let midnight = zone.to_timestamp(jiff::civil::date(2026, 11, 16).at(0, 0, 0, 0)).unwrap();
    let start = midnight + SignedDuration::from_secs(draw.shift);
    let period = Period::between(start, start + SignedDuration::from_hours(draw.hours), &zone).unwrap();
    let places = ["berlin", "tokyo"];
    let mut world = World::new(period.clone(), Duration::from_secs(120), &places);
    let schedules = [
        schedule(RunKind::Login, Duration::from_secs(120), &places),
        schedule(RunKind::WrongPassword, Duration::from_secs(900), &places),
    ];
    world.declarations = declarations(period.start, &schedules, &places);
    world.objectives =
        vec![(objective("login", 0.99, None), period.clone()), (objective("quick", 0.9, Some(140)), period)];
    if draw.best_attempt {
        world.policy.retries = Retries::BestAttempt;
    }
    world
}

fn runs(world: &World, seed: u64) -> Vec<Run> {
    let mut runs = Vec::new();
    // Also before and after the period: days are stored whole.
    let around = SignedDuration::from_hours(20);
    for declaration in &world.declarations {
        for flow in &declaration.flows {
            let (from, to) = (world.period.start - around, world.period.end + around);
            for slot in flow.schedule.slots(&declaration.vantage, from, to) {
                runs.extend(of_slot(flow.schedule.kind, &declaration.vantage, slot, seed));
            }
        }
    }
    runs
}

fn of_slot(kind: RunKind, place: &doorstep::model::VantageName, slot: Timestamp, seed: u64) -> Vec<Run> {
    let millis = 100 + chance(seed, slot, 1) / 10;
    let verdict = match chance(seed, slot, 2) {
        0..20 => return Vec::new(),
        20..40 => Verdict::Lost(LostClass::MissedSlot),
        40..70 => Verdict::Bad(BadClass::Timeout),
        70..100 => Verdict::Bad(BadClass::HttpStatus),
        100..104 => Verdict::Bad(BadClass::AcceptedWrongPassword),
        _ => Verdict::Good,
    };
    let mut all = vec![run(kind, place, slot, 0, verdict, millis)];
    if verdict == Verdict::Bad(BadClass::HttpStatus) {
        let again = if chance(seed, slot, 3) < 500 { Verdict::Good } else { Verdict::Bad(BadClass::Connect) };
        all.push(run(kind, place, slot, 1, again, millis + 7));
    }
    all
}

async fn ship(store: &Store, spool: &Path, runs: &[Run]) {
    let (spool, _) = Spool::open(spool, &Clock::system()).unwrap();
    for runs in runs.chunks(500) {
        let appended = futures_util::future::join_all(runs.iter().map(|run| spool.append(run))).await;
        assert!(appended.iter().all(Result::is_ok));
    }
    let shipped = Shipper::new(spool, store.clone(), Duration::ZERO).ship_all().await;
    assert!(shipped.errors.is_empty(), "{:?}", shipped.errors);
}

async fn compact_all(store: &Store) {
    for (vantage, date) in store.uncompacted(&[], jiff::civil::Date::MAX).await.unwrap() {
        store.compact(&vantage, date).await.unwrap();
    }
}

/// Everything that is asked of a store, as text.
async fn answers(store: &Store, world: &World) -> Vec<String> {
    let question = Question {
        site: "Example Shop",
        period: &world.period,
        until: world.until,
        objectives: &world.objectives,
        population: &world.population,
        policy: &world.policy,
        detection: &doorstep::model::DetectionRules::default(),
        databases: &[],
        audit_terms: &std::collections::BTreeMap::new(),
        tried: &[],
        generated_from: "doorstep test",
    };
    let report = query::report(store, &question, &mut |_, _| {}).await.unwrap();
    let reading = query::read(store, &world.period, &mut |_, _| {}).await.unwrap();
    let mut others = vec![reading.data_revision.to_string(), told(&reading.history)];
    let days = query::daily(store, world.period.start, world.period.end).await.unwrap();
    others.extend(days.iter().map(|day| format!("{day:?}")));
    others.extend(json::render(&report).lines().map(str::to_owned));
    others
}

/// Tells the first line that differs, of thousands.
fn assert_same(found: &[String], expected: &[String], when: &str) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{when}");
    }
    assert_eq!(found.len(), expected.len(), "{when}");
}

fn told(history: &History) -> String {
    let of = |(series, ledger): (&Series, &doorstep::history::Ledger)| {
        let one = |run: doorstep::history::Outcome| {
            let place = ledger.place(&run);
            (run.slot, run.attempt, run.started, run.ended, run.verdict, run.login, place)
        };
        format!("{series:?} {:?}", ledger.all().map(one).collect::<Vec<_>>())
    };
    history.ledgers().map(of).collect()
}

/// How many runs are told one by one, and how many blocks.
async fn pieces(store: &Store, period: &Period) -> (usize, usize) {
    let (mut rows, mut blocks) = (0, 0);
    let want = Digest { outcomes: true, parts: true, chosen: true };
    let mut count = |piece| match piece {
        Piece::Row(_) => rows += 1,
        Piece::Counted(_) => blocks += 1,
        Piece::Outcomes(..) | Piece::Note(_) => {}
    };
    store.digest((period.start, period.end), want, &mut count).await.unwrap();
    (rows, blocks)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn what_was_counted_says_what_the_runs_say(draw in draw()) {
        let world = world(&draw);
        let folder = tempfile::tempdir().unwrap();
        let runs = runs(&world, draw.seed);
        let (late, early): (Vec<Run>, Vec<Run>) = runs.into_iter().partition(|run| chance(draw.seed, run.slot, 4) < 10);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(async {
            let store = Store::open(&StoreLocation::Folder(folder.path().join("store"))).unwrap();
            for declaration in &world.declarations {
                store.declare(declaration).await.unwrap();
            }
            ship(&store, &folder.path().join("early"), &early).await;
            let raw = answers(&store, &world).await;
            assert_eq!(pieces(&store, &world.period).await.1, 0);
            compact_all(&store).await;
            let (rows, blocks) = pieces(&store, &world.period).await;
            assert!(rows == 0 && blocks > 0, "{rows} runs, {blocks} blocks");
            assert_same(&answers(&store, &world).await, &raw, "compacted");

            ship(&store, &folder.path().join("late"), &late).await;
            let raw = answers(&store, &world).await;
            compact_all(&store).await;
            assert_eq!(pieces(&store, &world.period).await.0, 0);
            assert_same(&answers(&store, &world).await, &raw, "late runs compacted");

            damage(&folder.path().join("store/v1/rollup"), draw.seed);
            assert!(pieces(&store, &world.period).await.0 > 0, "some are read one by one");
            assert_same(&answers(&store, &world).await, &raw, "without good rollups");
        });
    }
}

/// Removes, cuts or changes each file in turn.
fn damage(folder: &Path, seed: u64) {
    let mut number = seed;
    for vantage in std::fs::read_dir(folder).unwrap() {
        for date in std::fs::read_dir(vantage.unwrap().path()).unwrap() {
            for file in std::fs::read_dir(date.unwrap().path()).unwrap() {
                let path = file.unwrap().path();
                let mut bytes = std::fs::read(&path).unwrap();
                number = number.wrapping_add(1);
                match number % 3 {
                    0 => std::fs::remove_file(&path).unwrap(),
                    1 => std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap(),
                    _ => {
                        // The metadata says another version.
                        let key = b"doorstep.rollup";
                        let at = bytes.windows(key.len()).position(|window| window == key).unwrap();
                        bytes[at] = b'D';
                        std::fs::write(&path, bytes).unwrap();
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_store_of_one_run_is_compacted_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreLocation::Folder(folder.path().join("store"))).unwrap();
    let one = login(&vantage("berlin"), time("2026-11-16T23:59:59.999999Z"), 0, Verdict::Good, 120);
    ship(&store, &folder.path().join("spool"), std::slice::from_ref(&one)).await;
    compact_all(&store).await;
    let days = query::daily(&store, time("2026-11-16T00:00:00Z"), time("2026-11-18T00:00:00Z")).await.unwrap();
    assert_eq!(days.len(), 1, "{days:?}");
    assert_eq!((days[0].from, days[0].due), (time("2026-11-16T00:00:00Z"), None));
    assert_eq!(days[0].first_attempt.tally().share(), Some(1.0));
    assert_eq!(days[0].first_attempt.login.shortest, one.login_time());
    assert_eq!(days[0].best_attempt, days[0].first_attempt);
}
