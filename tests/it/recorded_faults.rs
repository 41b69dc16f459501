//! The rules over samples that were recorded from real servers: exactly which rules held, and when, beside what was
//! measured of the same faults when the rules were chosen. `record` says how to record anew.

mod record;

use doorstep::model::Severity;
use doorstep::replication::{Reading, Watch, changes, episodes, explain};

use record::{Play, Record, recorded};

/// The rules of the reference may take this much longer: they want to see a thing again before they say it.
const GRACE: f64 = 3.0;

/// What holds while a fault lasts: each rule with its server and gravest severity, and the seconds within which the
/// reference saw it. No other rule may hold.
type Expected = &'static [(&'static str, f64)];

fn play(fault: &'static str, seconds: u64) -> Play {
    Play { fault: Some(fault), logins_per_second: Some(3), seconds, serves_reads: false }
}

/// When each rule was first found, in seconds after the fault was in full effect, up to its healing.
fn found(record: &Record) -> Vec<(String, f64)> {
    let (injected, healing) = (record.truth.injected.unwrap(), record.truth.healing.unwrap());
    let (mut watch, mut found) = (Watch::new(&record.database), Vec::<(String, f64)>::new());
    for sample in record.samples.iter().filter(|sample| sample.started < healing) {
        watch.observe(sample);
        for finding in watch.findings() {
            let name = format!("{}@{} {}", finding.rule, finding.server, finding.severity);
            if !found.iter().any(|(known, _)| *known == name) {
                found.push((name, sample.started.duration_since(injected).as_secs_f64()));
            }
        }
    }
    found
}

/// Plays a record and holds what was found against what was to be.
async fn holds(name: &str, play: Play, expected: Expected, sentence: &str) -> Record {
    let record = recorded(name, play).await;
    let found = found(&record);
    let names = |all: &mut dyn Iterator<Item = String>| {
        let mut all: Vec<String> = all.collect();
        all.sort_unstable();
        all
    };
    let wanted = names(&mut expected.iter().map(|(rule, _)| (*rule).to_owned()));
    assert_eq!(names(&mut found.iter().map(|(rule, _)| rule.clone())), wanted, "{name}: {found:?}");
    for (rule, within) in expected {
        let (_, second) = found.iter().find(|(it, _)| it == rule).unwrap();
        assert!(*second <= within + GRACE, "{name}: {rule} after {second:.1} s, measured {within}");
    }
    let (injected, healing) = (record.truth.injected.unwrap(), record.truth.healing.unwrap());
    assert_eq!(explain(&record.database, &record.samples, injected, healing).sentence, sentence, "{name}");
    record
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_pair_is_healthy() {
    let play = Play { fault: None, logins_per_second: None, seconds: 60, serves_reads: false };
    let record = recorded("idle", play).await;
    assert!(record.samples.len() >= 140 && record.samples.iter().all(|sample| sample.answer.postgres().is_some()));
    assert_eq!(episodes(&record.database, &record.samples), []);
    let ages = record.samples.iter().filter_map(|it| it.answer.postgres()?.replay.as_ref()?.last_commit_age);
    let oldest = ages.max().unwrap();
    assert!(oldest.0 > 15_000_000, "the usual measure of lag, which is not used, cried here: {oldest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a1_a_name_that_nobody_has() {
    let expected: Expected = &[
        ("quorum-short@primary critical", 1.0),
        ("sync-wait@primary critical", 5.0),
        ("sync-hang@primary critical", 3.0),
    ];
    let sentence = "commits wait for standby `standby2`, which has not connected since 2026-11-24 03:16:54 UTC, when watching \
                    began";
    let record = holds("a1", play("a1", 15), expected, sentence).await;
    let change = &changes(&record.samples)[0];
    assert_eq!((change.before.as_str(), change.after.as_str()), ("standby1", "standby2"));
    assert!(change.loaded.is_some_and(|at| change.earliest <= at && at <= change.latest), "{change:?}");
    let all = episodes(&record.database, &record.samples);
    let healed = record.truth.healed.unwrap();
    assert!(all.iter().all(|it| it.until.is_some_and(|until| until.duration_since(healed).as_secs() < 2)), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_a_stopped_standby() {
    let expected: Expected = &[
        ("quorum-short@primary critical", 1.0),
        ("sync-wait@primary critical", 5.0),
        ("sync-hang@primary critical", 3.0),
        ("standby-absent@primary warning", 1.0),
        ("slot-idle@primary warning", 1.0),
        ("unknown@standby1 unknown", 2.0),
    ];
    holds(
        "b1",
        play("b1", 12),
        expected,
        "commits wait for standby `standby1`, which last streamed at 2026-11-24 03:17:42 UTC",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b2_a_frozen_standby_is_told_long_before_the_server_gives_up() {
    let expected: Expected = &[
        ("sync-wait@primary critical", 5.0),
        ("sync-hang@primary critical", 3.0),
        ("stale-reply@primary critical", 20.0),
        ("quorum-short@primary critical", 60.0),
        ("standby-absent@primary warning", 60.0),
        ("slot-idle@primary warning", 60.0),
        // By what was observed; the gap in bytes took 70 s to reach a limit.
        ("replay-lag@standby1 warning", 7.0),
    ];
    let sentence = "commits wait for standby `standby1`, connected but silent: frozen or cut off";
    holds("b2", play("b2", 75), expected, sentence).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c2_a_lost_slot_stops_no_login() {
    let expected: Expected = &[
        ("slot-lost@primary critical", 4.0),
        ("standby-absent@primary warning", 1.0),
        ("no-receiver@standby1 warning", 1.0),
        ("replay-lag@standby1 warning", 7.0),
    ];
    let sentence = "nothing in the database stops logins: not replication, though `slot-lost`, `standby-absent`, \
                    `no-receiver` and `replay-lag` were found";
    holds("c2", play("c2", 25), expected, sentence).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e2_paused_replay_that_commits_wait_for() {
    let expected: Expected = &[
        ("replay-paused@standby1 warning", 1.0),
        ("slow-replay@standby1 critical", 5.0),
        ("sync-wait@primary critical", 5.0),
        ("sync-hang@primary critical", 3.0),
        ("replay-lag@standby1 warning", 7.0),
    ];
    let sentence = "commits wait until standby `standby1` has replayed them, and replay is paused";
    holds("e2", play("e2", 15), expected, sentence).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e3_sessions_that_are_read_from_a_delayed_standby() {
    let sentence = "logins read from standby `standby1`, which shows the past";
    let play = Play { serves_reads: true, ..play("e3", 15) };
    holds("e3", play, &[("lagging-reads@standby1 critical", 3.0)], sentence).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e5_slow_commits_without_one_that_waits_for_two_seconds() {
    let expected: Expected = &[("sync-wait@primary critical", 5.0), ("slow-replay@standby1 critical", 5.0)];
    let sentence = "commits wait until standby `standby1` has replayed them, and it delays them by 1.0 s";
    holds("e5", Play { logins_per_second: Some(6), ..play("e5", 25) }, expected, sentence).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f1_another_timeline_stops_no_login() {
    let expected: Expected = &[
        ("timeline-differs@standby1 critical", 2.0),
        ("no-receiver@standby1 warning", 2.0),
        ("standby-absent@primary warning", 1.0),
        ("slot-idle@primary warning", 1.0),
    ];
    let sentence = "nothing in the database stops logins: not replication, though `timeline-differs`, `standby-absent`, \
                    `slot-idle` and `no-receiver` were found";
    holds("f1", play("f1", 25), expected, sentence).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f2_another_system_stops_no_login() {
    let expected: Expected = &[
        ("system-differs@standby1 critical", 2.0),
        ("no-receiver@standby1 warning", 2.0),
        ("standby-absent@primary warning", 1.0),
        ("slot-idle@primary warning", 1.0),
        // While the other cluster is made.
        ("unknown@standby1 unknown", 2.0),
    ];
    let sentence = "nothing in the database stops logins: not replication, though `system-differs`, `standby-absent`, \
                    `slot-idle` and `no-receiver` were found";
    holds("f2", play("f2", 25), expected, sentence).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h2_four_of_five_processes_at_the_standby() {
    let sentence = "the login service has some of its sessions on `standby1`, which cannot write";
    let record = holds("h2", play("h2", 35), &[("wrong-endpoint@standby1 critical", 1.0)], sentence).await;
    let (injected, healing) = (record.truth.injected.unwrap(), record.truth.healing.unwrap());
    let explanation = explain(&record.database, &record.samples, injected, healing);
    assert_eq!(explanation.evidence[0].severity, Severity::Critical);
    assert!(matches!(explanation.reading, Reading::Cause(_)));
    insta::assert_snapshot!(explanation.evidence[0].seen, @"the login service has some of its sessions on `standby1`, which cannot write: 112 of 139 sessions of role `app` seen in the last 30 s were here; the server is in recovery");
}
