//! How logins failed, in eight ways that were measured on a real primary and standby.

use std::time::Duration;

use doorstep::diagnosis::{GroupedLogin, Shape, Signature, Signatures, signatures};
use doorstep::history::History;
use doorstep::incident::{Rules, detect};
use doorstep::model::{BadClass, RunKind, SplitMix, Verdict};

use jiff::{SignedDuration, Timestamp};

use crate::report_synthetic::{World, login, span};

pub(crate) const GOOD: Verdict = Verdict::Good;
pub(crate) const HANG: Verdict = Verdict::Bad(BadClass::Timeout);
pub(crate) const ERROR: Verdict = Verdict::Bad(BadClass::HttpStatus);

/// When it was wrong, in seconds.
pub(crate) const FAULT: std::ops::Range<f64> = 7_200.0..8_100.0;

/// What a login meets at a second of the fault, with its milliseconds, and a number between 0 and 1 of its own.
pub(crate) type Truth<'a> = &'a dyn Fn(f64, f64) -> (Verdict, u64);

/// Two places that log in every five seconds for four hours.
pub(crate) fn world(truth: Truth<'_>) -> World {
    let mut world = World::new(span(14_400), Duration::from_secs(5), &["berlin", "tokyo"]);
    for (index, (slot, place)) in world.slots(RunKind::Login).into_iter().enumerate() {
        let at = slot.duration_since(world.period.start).as_secs_f64();
        let own = SplitMix::of(&[index as u64, 7]).unit();
        let (verdict, millis) = if FAULT.contains(&at) { truth(at, own) } else { (GOOD, 50) };
        world.runs.push(login(&place, slot, 0, verdict, millis));
    }
    world
}

/// The signatures of the only incident; they count what the incident counts.
fn read(world: &World) -> Signatures {
    let mut history = History::new(&world.declarations, &world.period);
    for run in &world.runs {
        assert!(history.record(run, run.login_time()));
    }
    let incidents = detect(&history, &Rules::default()).incidents;
    let failing: Vec<_> = incidents.iter().filter(|one| one.symptom == doorstep::incident::Symptom::Failing).collect();
    assert_eq!(failing.len(), 1, "{incidents:?}");
    let found = signatures(&history, failing[0], 0.95).expect("failed logins");
    assert_eq!((found.failing.n, found.failing.failing), (failing[0].failing.n, failing[0].failing.failing));
    let counted: u64 = found.counts.iter().map(|one| one.share.failing).sum();
    assert_eq!(counted, found.failing.failing, "every failure has one signature");
    found
}

fn looks_like(found: &Signatures, words: &str) -> bool {
    for hint in &found.hints {
        assert!(!hint.evidence.is_empty() && !hint.alternatives.is_empty(), "{hint:?}");
        assert!(hint.evidence[0].contains(&format!("of {}", found.failing.n)), "{hint:?}");
    }
    found.hints.iter().any(|hint| hint.looks_like.contains(words))
}

fn failed(world: &World) -> u64 {
    world.runs.iter().filter(|run| run.verdict != GOOD).count() as u64
}

#[test]
fn a_lost_quorum_hangs_every_login_at_the_deadline() {
    let world = world(&|_, _| (HANG, 10_000));
    let found = read(&world);
    assert_eq!((found.failing.failing, found.failing.n), (failed(&world), failed(&world)));
    assert_eq!((found.course.shape, found.count(Signature::Hang)), (Shape::All, failed(&world)));
    assert_eq!(found.flows[0].deadline.map(|deadline| deadline.0), Some(10_000_000));
    assert!(looks_like(&found, "commits that all wait"), "{:?}", found.hints);
    assert_eq!(found.hints.len(), 1);
    let sentence = format!("{0} of {0} logins failed: no answer within 10.00 s", failed(&world));
    assert_eq!(found.sentence(), sentence);
}

#[test]
fn four_of_five_processes_at_a_wrong_endpoint_are_a_constant_lottery_of_errors() {
    let world = world(&|_, own| if own < 0.8 { (ERROR, 20) } else { (GOOD, 50) });
    let found = read(&world);
    assert_eq!((found.course.shape, found.leading().unwrap().signature), (Shape::Constant, Signature::ServerError));
    let interval = found.failing.interval.unwrap();
    assert!(interval.low < 0.8 && 0.8 < interval.high, "{interval:?}");
    assert_eq!(found.leading().unwrap().median.unwrap().0, 20_000, "fast");
    assert!(looks_like(&found, "some of the processes"), "{:?}", found.hints);
    assert!(!looks_like(&found, "for everybody") && !looks_like(&found, "commits that all wait"));
    assert_eq!(found.flows[0].deadline, None, "nothing hung");
}

#[test]
fn a_read_only_primary_answers_everybody_with_an_error() {
    let found = read(&world(&|_, _| (ERROR, 20)));
    assert!(looks_like(&found, "a wrong endpoint for everybody"), "{:?}", found.hints);
    assert_eq!(found.course.shape, Shape::All);
}

#[test]
fn slow_commits_behind_a_bounded_queue_grow_with_traffic_and_slow_the_good_ones() {
    let grows = |at: f64, own: f64| if own < (at - FAULT.start) / 900.0 { (HANG, 10_000) } else { (GOOD, 5_100) };
    let found = read(&world(&grows));
    assert_eq!(found.course.shape, Shape::Growing);
    assert!(found.course.early.share < found.course.late.share);
    assert_eq!(found.good.map(|good| good.0), Some(5_100_000));
    assert_eq!(found.good_before.map(|good| good.0), Some(50_000));
    assert!(looks_like(&found, "slow commits behind a bounded queue"), "{:?}", found.hints);
    assert!(!looks_like(&found, "commits that all wait") && !looks_like(&found, "some of the processes"));
}

#[test]
fn a_standby_that_comes_and_goes_fails_in_bursts() {
    let away = |at: f64, _: f64| if at % 60.0 < 36.0 { (HANG, 10_000) } else { (GOOD, 800) };
    let found = read(&world(&away));
    assert_eq!(found.course.shape, Shape::Bursts);
    assert!((10..=16).contains(&found.course.stretches), "{:?}", found.course);
    assert!(looks_like(&found, "a standby that comes and goes"), "{:?}", found.hints);
}

#[test]
fn connections_that_run_out_hang_some_and_refuse_others() {
    let found = read(&world(&|_, own| if own < 0.52 { (HANG, 10_000) } else { (ERROR, 20) }));
    assert!(looks_like(&found, "threads and connections that run out"), "{:?}", found.hints);
    assert_eq!(found.counts.len(), 2);
}

#[test]
fn logins_of_one_account_that_block_each_other_are_told_from_a_service_that_fails() {
    // Every fifth login meets another of its account, and fails with the database's statement_timeout.
    let mut found = read(&world(&|_, own| if own < 0.2 { (ERROR, 3_000) } else { (GOOD, 50) }));
    let login = |index: i64, failed| GroupedLogin {
        flow: "shop".parse().unwrap(),
        account: Some("probe".parse().unwrap()),
        started: Timestamp::from_second(1_700_000_000 + index / 5 * 60 + index % 5 * 10).unwrap(),
        ended: Timestamp::from_second(1_700_000_000 + index / 5 * 60 + index % 5 * 10 + if failed { 3 } else { 1 })
            .unwrap(),
        failed,
    };
    let logins: Vec<_> = (0..100)
        .flat_map(|index| {
            let mut all = vec![login(index, false)];
            if index % 5 == 0 {
                let first = all[0].clone();
                all.push(GroupedLogin {
                    started: first.started + SignedDuration::from_millis(500),
                    ..login(index, true)
                });
            }
            all
        })
        .collect();
    assert!(!looks_like(&found, "logins of one account"));
    found.group(&logins, Err("nobody said"), 0.95);
    assert!(looks_like(&found, "logins of one account that wait for each other"), "{:?}", found.hints);
    let said = found.groups();
    assert_eq!(said[0], "by account: not quantifiable, since all logins used probe");
    assert!(said[1].starts_with("begun while another login of the same account was under way 100 % ("), "{said:?}");
    assert!(said[1].contains(" of 20, alone 0 % (") && said[1].ends_with("of 100; more than by chance"), "{said:?}");
    assert_eq!(said[2], "with the load: not quantifiable, since nobody said");
}

#[test]
fn a_share_that_grows_with_the_load_looks_like_a_bounded_queue() {
    // Constant over time by the halves, since the load comes and goes: a minute of many sign-ins, a minute of few.
    let busy = |at: f64| at % 120.0 < 60.0;
    let world = world(&|_, own| if own < 0.25 { (HANG, 10_000) } else { (GOOD, 60) });
    let mut found = read(&world);
    assert!(!looks_like(&found, "slow commits behind a bounded queue"), "{:?}", found.hints);
    let start = world.period.start;
    let rate = |at: Timestamp| if busy(at.duration_since(start).as_secs_f64()) { 900.0 } else { 100.0 };
    let logins: Vec<_> = (0..400)
        .map(|index| {
            let started = start + SignedDuration::from_secs(7_200 + index * 2);
            let failed = rate(started) > 500.0 && index % 2 == 0;
            GroupedLogin { flow: "shop".parse().unwrap(), account: None, started, ended: started, failed }
        })
        .collect();
    found.group(&logins, Ok((&rate, "as stated")), 0.95);
    assert!(looks_like(&found, "slow commits behind a bounded queue"), "{:?}", found.hints);
    let [said] = found.groups().try_into().unwrap();
    assert!(said.starts_with("with the load (100 to 900 sign-ins per hour, as stated): from 900 on "), "{said}");
    assert!(said.ends_with("; more than by chance"), "{said}");
}

#[test]
fn a_session_that_cannot_be_read_is_told_from_a_login_that_fails() {
    let found = read(&world(&|_, _| (Verdict::Bad(BadClass::SessionUnusable), 50)));
    assert_eq!(found.leading().unwrap().signature, Signature::SessionUnusable);
    assert!(looks_like(&found, "read on a copy that lags"), "{:?}", found.hints);
}

#[test]
fn what_refuses_connections_is_said_to_be_no_replication_fault_that_was_seen() {
    let found = read(&world(&|_, _| (Verdict::Bad(BadClass::Connect), 5)));
    assert!(looks_like(&found, "no replication fault that was measured"), "{:?}", found.hints);
    assert_eq!(found.hints.len(), 1);
}
