//! The faults of the lab, made by hand: which rules hold, on which server, how soon, and what is said.

use super::stories::*;
use crate::model::{Lsn, PostgresFacts, Rule, Slot, Unknown};
use crate::replication::{Reading, changes, episodes, explain};

fn ghost(second: f64, primary: &mut PostgresFacts) {
    primary.sync_names = "standby2".to_owned();
    primary.loaded = at(-0.4);
    primary.links[0].sync_state = "async".to_owned();
    if second > 0.0 {
        waiting(primary, 3, second);
    }
}

#[test]
fn a_name_that_nobody_has_is_named_before_a_login_has_timed_out() {
    let samples = [calm(), act(0.0, 10.0, |second, primary, _| ghost(second, primary))].concat();
    let held = first_held(&pair(), &samples);
    assert_eq!(
        held,
        [
            (Rule::QuorumShort, "primary".into(), 2.0),
            (Rule::SyncHang, "primary".into(), 3.0),
            (Rule::SyncWait, "primary".into(), 5.0)
        ]
    );
    let watch = watched(&pair(), &samples);
    insta::assert_snapshot!(watch.findings()[0].seen, @"commits wait for standby `standby2`, which has not connected since 2026-11-22 20:59:55 UTC, when watching began: synchronous_standby_names = 'standby2' asks for 1, 0 of them stream; connected: standby1 (streaming, async); watched since 2026-11-22 20:59:55 UTC");
    let explanation = watch.explanation();
    assert_eq!(explanation.reading, Reading::Cause(Rule::QuorumShort));
    insta::assert_snapshot!(explanation.sentence, @"commits wait for standby `standby2`, which has not connected since 2026-11-22 20:59:55 UTC, when watching began");
    assert_eq!(
        critical(&explanation.evidence),
        ["quorum-short@primary", "sync-wait@primary", "sync-hang@primary"],
        "the cause, then its effects"
    );
    let change = &changes(&samples)[0];
    assert_eq!((change.setting.as_str(), change.loaded), ("synchronous_standby_names", Some(at(-0.4))));
    assert_eq!((change.earliest, change.latest), (at(-1.0), at(0.012)), "the answer took 12 ms");
}

#[test]
fn an_episode_lasts_from_the_first_sample_that_counts_to_the_first_without() {
    let samples = [
        calm(),
        act(0.0, 10.0, |second, primary, _| ghost(second, primary)),
        play(10.0, 20.0, 1.0, |_| (Some(unknown(Unknown::NoAnswer)), None)),
        act(20.0, 30.0, |second, primary, _| ghost(second, primary)),
        act(30.0, 40.0, |_, _, _| {}),
    ]
    .concat();
    let all = episodes(&pair(), &samples);
    let short = all.iter().find(|it| it.finding.rule == Rule::QuorumShort).unwrap();
    assert_eq!((short.from, short.last, short.until), (at(0.0), at(29.0), Some(at(30.0))), "silence is no end");
    assert_eq!(short.samples, 20);
    let dark = all.iter().find(|it| it.finding.rule == Rule::Unknown).unwrap();
    assert_eq!((dark.from, dark.until), (at(10.0), Some(at(20.0))));
    let window = explain(&pair(), &samples, at(2.0), at(35.0));
    assert_eq!(window.reading, Reading::Cause(Rule::QuorumShort));
    assert_eq!(explain(&pair(), &samples, at(34.0), at(39.0)).reading, Reading::Clean);
    assert_eq!(explain(&pair(), &samples, at(100.0), at(200.0)).reading, Reading::Unknown);
}

#[test]
fn while_a_server_is_silent_what_held_there_still_does() {
    let samples = [
        calm(),
        act(0.0, 10.0, |second, primary, _| ghost(second, primary)),
        play(10.0, 15.0, 1.0, |_| (Some(unknown(Unknown::NoAnswer)), None)),
    ]
    .concat();
    let findings = watched(&pair(), &samples).findings();
    assert_eq!(
        shown(&findings),
        [
            "quorum-short@primary critical",
            "sync-wait@primary critical",
            "sync-hang@primary critical",
            "unknown@primary unknown"
        ]
    );
    assert!(findings[0].seen.ends_with("not known since 2026-11-22 21:00:09 UTC"), "{}", findings[0].seen);
}

#[test]
fn a_refused_connection_is_a_finding_at_once() {
    let refuse = |_| (Some(unknown(Unknown::NoConnectionLeft)), None);
    let samples = [calm(), play(0.0, 1.0, 1.0, refuse)].concat();
    assert_eq!(shown(&watched(&pair(), &samples).findings()), ["connections-exhausted@primary critical"]);
}

/// Nobody streams, and the slot waits.
fn standby_gone(primary: &mut PostgresFacts) {
    primary.links.clear();
    primary.slots[0].active = false;
    primary.slots[0].retained = Some(65_536);
}

#[test]
fn more_standbys_are_asked_for_than_there_are() {
    let samples = act(0.0, 10.0, |second, primary, _| {
        primary.sync_names = "FIRST 2 (standby1, standby2)".to_owned();
        waiting(primary, 1, second);
    });
    let watch = watched(&pair(), &samples);
    assert_eq!(critical(&watch.findings()), ["quorum-short@primary", "sync-wait@primary", "sync-hang@primary"]);
    insta::assert_snapshot!(watch.explanation().sentence, @"commits wait for standby `standby2`, which has not connected since 2026-11-22 21:00:00 UTC, when watching began");
}

#[test]
fn a_standby_that_streams_under_another_name_is_told() {
    let samples = act(0.0, 10.0, |_, primary, _| {
        primary.links[0].name = "walreceiver".to_owned();
        primary.links[0].sync_state = "async".to_owned();
    });
    let findings = watched(&pair(), &[calm(), samples].concat()).findings();
    assert_eq!(shown(&findings), ["quorum-short@primary critical", "standby-absent@primary warning"]);
    insta::assert_snapshot!(findings[0].fix, @"`walreceiver` streams under a name that is not asked for: correct synchronous_standby_names on `primary`, or application_name in the standby's primary_conninfo. ALTER SYSTEM SET synchronous_standby_names, then SELECT pg_reload_conf(): sessions that wait are freed at the standby's next reply, which can take wal_receiver_status_interval (10 s)");
}

#[test]
fn a_stopped_standby_stops_logins_when_commits_wait_for_it() {
    let stopped = play(0.0, 10.0, 1.0, |second| {
        let mut one = primary(at(second));
        standby_gone(&mut one);
        waiting(&mut one, 2, second);
        (Some(known(one)), Some(unknown(Unknown::Unreachable)))
    });
    let samples = [calm(), stopped].concat();
    let held = first_held(&pair(), &samples);
    let soon: Vec<_> = held.iter().map(|(rule, server, second)| format!("{rule}@{server} {second}")).collect();
    assert_eq!(
        soon,
        [
            "quorum-short@primary 2",
            "standby-absent@primary 2",
            "slot-idle@primary 2",
            "unknown@standby1 2.2",
            "sync-hang@primary 3",
            "sync-wait@primary 5"
        ]
    );
    let explanation = watched(&pair(), &samples).explanation();
    insta::assert_snapshot!(explanation.sentence, @"commits wait for standby `standby1`, which last streamed at 2026-11-22 20:59:59 UTC");
    assert_eq!(explanation.evidence[0].rule, Rule::QuorumShort);
}

#[test]
fn a_stopped_standby_stops_no_login_when_commits_do_not_wait() {
    for (names, commit) in [("", "on"), ("standby1", "off"), ("standby1", "local")] {
        let samples = act(0.0, 10.0, |_, primary, _| {
            standby_gone(primary);
            (primary.sync_names, primary.sync_commit) = (names.to_owned(), commit.to_owned());
        });
        let watch = watched(&pair(), &samples);
        let findings = watch.findings();
        assert_eq!(critical(&findings), [""; 0], "{names} {commit}");
        assert!(findings.iter().any(|it| it.rule == Rule::StandbyAbsent));
        let short = findings.iter().find(|it| it.rule == Rule::QuorumShort);
        assert_eq!(short.is_some(), !names.is_empty());
        assert!(short.is_none_or(|it| it.logins.starts_with("logins work")));
        assert_eq!(watch.explanation().reading, Reading::Clean, "not why logins fail");
    }
    let overridden = act(0.0, 10.0, |second, primary, _| {
        standby_gone(primary);
        primary.sync_commit = "local".to_owned();
        waiting(primary, 1, second);
    });
    let findings = watched(&pair(), &overridden).findings();
    assert_eq!(critical(&findings)[0], "quorum-short@primary", "a role may wait where the server does not");
}

#[test]
fn a_frozen_standby_is_named_by_the_age_of_its_reply_and_not_by_its_lag() {
    let samples = act(0.0, 30.0, |second, primary, _| {
        primary.links[0].reply_age = Some(seconds(second + 2.0));
        primary.links[0].replay_lag = Some(seconds(0.0042));
        waiting(primary, 4, second);
    });
    let samples = [calm(), samples].concat();
    let watch = watched(&pair(), &samples[..samples.len() - 24]);
    assert_eq!(critical(&watch.findings()), ["sync-wait@primary", "sync-hang@primary"]);
    insta::assert_snapshot!(watch.explanation().sentence, @"commits wait for a synchronous standby, sample after sample; what keeps it from replying is not known yet");
    let watch = watched(&pair(), &samples);
    assert_eq!(critical(&watch.findings()), ["stale-reply@primary", "sync-wait@primary", "sync-hang@primary"]);
    insta::assert_snapshot!(watch.explanation().sentence, @"commits wait for standby `standby1`, connected but silent: frozen or cut off");
    let first = first_held(&pair(), &samples).into_iter().find(|(rule, ..)| *rule == Rule::StaleReply).unwrap();
    assert_eq!(first.2, 20.0, "its last reply was two seconds old when it froze");
}

#[test]
fn a_frozen_standby_is_a_warning_where_another_replies() {
    let samples = act(0.0, 10.0, |second, primary, _| {
        primary.sync_names = "ANY 1 (standby1, standby2)".to_owned();
        primary.links[0].reply_age = Some(seconds(60.0 + second));
        primary.links.push(link("standby2"));
        primary.links.iter_mut().for_each(|link| link.sync_state = "quorum".to_owned());
    });
    assert_eq!(shown(&watched(&pair(), &samples).findings()), ["stale-reply@primary warning"]);
}

#[test]
fn a_slot_that_lost_its_wal_is_grave_and_stops_no_login() {
    let lost = |second: f64, primary: &mut PostgresFacts, standby: &mut PostgresFacts| {
        primary.sync_names = String::new();
        primary.links.clear();
        primary.slots[0].active = false;
        primary.slots[0].wal_status = Some(if second < 5.0 { "unreserved" } else { "lost" }.to_owned());
        primary.slots[0].retained = (second < 5.0).then_some(8_400_000);
        standby.receiver = None;
    };
    let early = watched(&pair(), &act(0.0, 4.0, lost)).findings();
    assert_eq!(
        shown(&early),
        ["standby-absent@primary warning", "slot-lost@primary warning", "no-receiver@standby1 warning"]
    );
    let watch = watched(&pair(), &act(0.0, 10.0, lost));
    assert_eq!(critical(&watch.findings()), ["slot-lost@primary"]);
    insta::assert_snapshot!(watch.findings()[0].seen, @"slot `s1` on `primary` has lost WAL that its standby needs: s1 is lost");
    insta::assert_snapshot!(watch.explanation().sentence, @"nothing in the database stops logins: not replication, though `slot-lost`, `standby-absent` and `no-receiver` were found");
}

#[test]
fn a_broken_link_is_said_by_both_ends() {
    let samples = act(0.0, 10.0, |_, primary, standby| {
        standby_gone(primary);
        standby.receiver = None;
    });
    assert_eq!(
        shown(&watched(&pair(), &[calm(), samples].concat()).findings()),
        [
            "quorum-short@primary critical",
            "standby-absent@primary warning",
            "slot-idle@primary warning",
            "no-receiver@standby1 warning"
        ]
    );
}

/// Replay stands still while the primary writes.
fn paused(second: f64, primary: &mut PostgresFacts, standby: &mut PostgresFacts) {
    primary.position = Some(Lsn(0x300_0060 + (second.max(0.0) as u64) * 1_400));
    standby.position = Some(Lsn(0x300_0060));
    standby.replay.as_mut().unwrap().pause = "paused".to_owned();
}

#[test]
fn paused_replay_is_a_warning_unless_commits_wait_for_replay() {
    let quiet = watched(&pair(), &act(0.0, 12.0, paused));
    assert_eq!(shown(&quiet.findings()), ["replay-paused@standby1 warning", "replay-lag@standby1 warning"]);
    insta::assert_snapshot!(quiet.findings()[1].seen, @"standby `standby1` is behind: replay is paused; the primary had written 0/30005D8 at 2026-11-22 21:00:01 UTC, and 10.2 s later it is not replayed here");
    let applied = act(0.0, 12.0, |second, primary, standby| {
        paused(second, primary, standby);
        primary.sync_commit = "remote_apply".to_owned();
        waiting(primary, 1, second);
    });
    let watch = watched(&pair(), &applied);
    assert_eq!(critical(&watch.findings()), ["slow-replay@standby1", "sync-wait@primary", "sync-hang@primary"]);
    insta::assert_snapshot!(watch.explanation().sentence, @"commits wait until standby `standby1` has replayed them, and replay is paused");
}

#[test]
fn slow_commits_are_slow_replay_where_replay_is_late() {
    // Each commit waits a second: nobody waits for two, and the lag stays below two.
    let samples = act(0.0, 12.0, |_, primary, standby| {
        primary.sync_commit = "remote_apply".to_owned();
        waiting(primary, 4, 0.8);
        primary.links[0].replay_lag = Some(seconds(0.91));
        standby.replay.as_mut().unwrap().delay = seconds(1.0);
    });
    let held = first_held(&pair(), &samples);
    assert_eq!(held, [(Rule::SlowReplay, "standby1".into(), 2.2), (Rule::SyncWait, "primary".into(), 4.0)]);
    insta::assert_snapshot!(watched(&pair(), &samples).explanation().sentence, @"commits wait until standby `standby1` has replayed them, and it delays them by 1.0 s");
}

#[test]
fn logins_that_read_from_a_delayed_standby_are_told_their_session_is_not_there() {
    let mut database = pair();
    database.servers[1].serves_reads = true;
    let delayed = act(0.0, 6.0, |second, primary, standby| {
        primary.position = Some(Lsn(0x300_0060 + (second as u64) * 1_400));
        standby.position = Some(Lsn(0x300_0060 + (second as u64).saturating_sub(4) * 1_400));
        standby.replay.as_mut().unwrap().delay = seconds(4.0);
        standby.connection.login_sessions = Some(3);
    });
    let watch = watched(&database, &delayed);
    assert_eq!(shown(&watch.findings()), ["lagging-reads@standby1 critical"]);
    insta::assert_snapshot!(watch.findings()[0].seen, @"logins read from standby `standby1`, which shows the past: recovery_min_apply_delay = 4.0 s; the primary had written 0/3000B50 at 2026-11-22 21:00:02 UTC, and 3.2 s later it is not replayed here");
    let late = act(0.0, 6.0, |second, primary, _| {
        primary.position = Some(Lsn(0x300_0060 + (second as u64) * 1_400));
    });
    let held = first_held(&database, &late);
    assert_eq!(held, [(Rule::LaggingReads, "standby1".into(), 4.2)], "by what was observed alone");
}

#[test]
fn a_primary_that_refuses_writes_is_told() {
    let watch = watched(&pair(), &act(0.0, 2.0, |_, primary, _| primary.read_only = true));
    assert_eq!(shown(&watch.findings()), ["read-only@primary critical"]);
    assert_eq!(watch.explanation().sentence, "the primary `primary` refuses writes");
}

#[test]
fn a_standby_of_another_timeline_or_system_is_no_copy() {
    let parted = |primary: &mut PostgresFacts, standby: &mut PostgresFacts| {
        primary.sync_names = String::new();
        primary.links.clear();
        standby.receiver = None;
    };
    let samples = act(0.0, 10.0, |second, primary, standby| {
        parted(primary, standby);
        standby.timeline = 2;
        primary.position = Some(Lsn(0x400_0000 + second as u64));
    });
    let watch = watched(&pair(), &samples);
    assert_eq!(critical(&watch.findings()), ["timeline-differs@standby1"]);
    assert!(watch.findings().iter().all(|it| it.rule != Rule::ReplayLag), "parted positions mean nothing");
    assert_eq!(watch.explanation().reading, Reading::Clean, "no login fails of it");
    let samples = act(0.0, 10.0, |_, primary, standby| {
        parted(primary, standby);
        standby.system += 1;
    });
    assert_eq!(critical(&watched(&pair(), &samples).findings()), ["system-differs@standby1"]);
}

#[test]
fn all_sessions_at_the_standby_are_a_wrong_endpoint_even_if_seen_now_and_then() {
    let samples = act(0.0, 10.0, |second, primary, standby| {
        primary.connection.login_sessions = Some(0);
        standby.connection.login_sessions = Some(u32::from(second == 1.0 || second == 8.0));
    });
    let watch = watched(&pair(), &samples);
    assert_eq!(shown(&watch.findings()), ["wrong-endpoint@standby1 critical"]);
    insta::assert_snapshot!(watch.findings()[0].seen, @"the login service connects to `standby1`, which cannot write: 2 of 2 sessions of role `app` seen in the last 30 s were here; the server is in recovery");
    assert_eq!(watched(&pair(), &samples[..10]).findings(), [], "one may be an operator's");
    let healed = [samples, act(10.0, 50.0, |_, _, _| {})].concat();
    assert_eq!(watched(&pair(), &healed).findings(), []);
    let ended = &episodes(&pair(), &healed)[0];
    assert_eq!((ended.from, ended.last, ended.until), (at(1.2), at(8.2), Some(at(9.2))));
}

#[test]
fn some_sessions_at_the_standby_are_told_as_a_share() {
    let samples = act(0.0, 5.0, |_, primary, standby| {
        primary.connection.login_sessions = Some(1);
        standby.connection.login_sessions = Some(4);
    });
    let watch = watched(&pair(), &samples);
    insta::assert_snapshot!(watch.findings()[0].seen, @"the login service has some of its sessions on `standby1`, which cannot write: 20 of 25 sessions of role `app` seen in the last 30 s were here; the server is in recovery");
    insta::assert_snapshot!(watch.explanation().sentence, @"the login service has some of its sessions on `standby1`, which cannot write");
}

#[test]
fn connections_run_out_because_commits_hang() {
    let full = play(0.0, 10.0, 1.0, |second| {
        let mut one = primary(at(second));
        ghost(second, &mut one);
        one.connection.clients = (20 + 3 * second as u32).min(37);
        one.connection.sync_waiters = 20;
        (Some(known(one)), Some(known(standby(at(second)))))
    });
    let watch = watched(&pair(), &full);
    assert_eq!(
        critical(&watch.findings()),
        ["quorum-short@primary", "sync-wait@primary", "sync-hang@primary", "connections-exhausted@primary"]
    );
    insta::assert_snapshot!(watch.explanation().sentence, @"commits wait for standby `standby2`, which has not connected since 2026-11-22 21:00:00 UTC, when watching began; connections are used up, because commits hang");
    let nearly = act(0.0, 10.0, |_, primary, _| primary.connection.clients = 30);
    let findings = watched(&pair(), &nearly).findings();
    assert_eq!(shown(&findings), ["connections-exhausted@primary warning"]);
    assert_eq!(
        findings[0].seen.split(": ").nth(1).unwrap().split(';').next(),
        Some("30 sessions of 37 that ordinary roles can have")
    );
}

#[test]
fn roles_that_are_not_what_is_configured_are_told_once_each() {
    let both = act(0.0, 10.0, |_, _, standby| {
        (standby.in_recovery, standby.receiver, standby.replay) = (false, None, None);
        standby.timeline = 2;
    });
    assert_eq!(critical(&watched(&pair(), &both).findings()), ["two-primaries@standby1"]);
    let lone = act(0.0, 10.0, |_, primary, _| {
        (primary.in_recovery, primary.slots) = (true, Vec::new());
        primary.connection.login_sessions = Some(0);
    });
    let watch = watched(&pair(), &lone);
    assert_eq!(critical(&watch.findings()), ["wrong-role@primary"]);
    insta::assert_snapshot!(watch.explanation().sentence, @"the primary `primary` is a standby: no server is known to take writes");
    let swapped = act(0.0, 10.0, |_, primary, standby| {
        std::mem::swap(primary, standby);
        primary.connection.login_sessions = Some(0);
        standby.links[0].name = "primary".to_owned();
        standby.sync_names = "primary".to_owned();
    });
    assert_eq!(
        shown(&watched(&pair(), &swapped).findings()),
        ["wrong-role@primary warning"],
        "roles that are exchanged are one mistake"
    );
}

#[test]
fn a_standby_that_is_listed_as_the_primary_is_one_finding_even_with_logins_on_it() {
    let lone = act(0.0, 10.0, |_, primary, _| {
        (primary.in_recovery, primary.slots, primary.links) = (true, Vec::new(), Vec::new());
        (primary.replay, primary.receiver) = (standby(at(0.0)).replay, standby(at(0.0)).receiver);
        primary.connection.login_sessions = Some(3);
    });
    assert_eq!(shown(&watched(&pair(), &lone).findings()), ["wrong-role@primary critical"]);
}

#[test]
fn one_server_that_is_listed_twice_is_no_second_primary() {
    let twice = act(0.0, 10.0, |_, primary, standby| {
        let at = standby.at;
        *standby = PostgresFacts { at, ..primary.clone() };
    });
    let findings = watched(&pair(), &twice).findings();
    assert_eq!(shown(&findings), ["wrong-role@standby1 warning"]);
    assert!(findings[0].seen.starts_with("`standby1` leads to the same server as `primary`"), "{}", findings[0].seen);
}

#[test]
fn two_servers_that_take_writes_come_before_everything_else() {
    let both = act(0.0, 10.0, |second, primary, standby| {
        ghost(second, primary);
        (standby.in_recovery, standby.receiver, standby.replay) = (false, None, None);
    });
    let watch = watched(&pair(), &both);
    assert_eq!(critical(&watch.findings())[0], "two-primaries@standby1");
    assert_eq!(watch.explanation().reading, Reading::Cause(Rule::TwoPrimaries));
}

#[test]
fn a_promoted_standby_is_one_finding_and_its_slot_that_nobody_uses_no_second() {
    let promoted = |spare: bool| {
        act(0.0, 10.0, move |_, primary, standby| {
            primary.links.clear();
            primary.sync_names.clear();
            (primary.slots[0].active, primary.slots[0].retained) = (false, Some(96));
            if spare {
                primary.slots.push(Slot { name: "s2".to_owned(), ..primary.slots[0].clone() });
            }
            (standby.in_recovery, standby.receiver, standby.replay, standby.timeline) = (false, None, None, 2);
        })
    };
    assert_eq!(shown(&watched(&pair(), &promoted(false)).findings()), ["two-primaries@standby1 critical"]);
    let with_another = shown(&watched(&pair(), &promoted(true)).findings());
    assert_eq!(with_another, ["two-primaries@standby1 critical", "slot-idle@primary warning"]);
}

#[test]
fn a_login_role_that_is_nowhere_is_unknown_and_never_clean() {
    let samples = act(0.0, 10.0, |_, primary, standby| {
        primary.connection.login_sessions = None;
        standby.connection.login_sessions = None;
    });
    let watch = watched(&pair(), &samples);
    assert_eq!(shown(&watch.findings()), ["unknown@primary unknown"], "once, where roles are made");
    let explanation = watch.explanation();
    assert_eq!(explanation.reading, Reading::Unknown);
    insta::assert_snapshot!(explanation.sentence, @"there is no role `app` on `primary`: logins cannot be told from other sessions, so the database is not ruled out");
    let mended = [samples, act(10.0, 12.0, |_, _, _| {})].concat();
    assert_eq!(watched(&pair(), &mended).explanation().reading, Reading::Clean);
    let unreadable = act(0.0, 5.0, |_, primary, _| primary.sync_names = "SOMETIMES 2 (a".to_owned());
    assert_eq!(watched(&pair(), &unreadable).explanation().reading, Reading::Unknown);
    let mute = act(0.0, 5.0, |_, _, standby| standby.replay = None);
    assert_eq!(shown(&watched(&pair(), &mute).findings()), ["unknown@standby1 unknown"]);
}

#[test]
fn a_standby_never_connected_only_where_nothing_could_be_missed() {
    let sentence = |samples: &[crate::model::Sample]| watched(&pair(), samples).explanation().sentence;
    // The server started an hour before anybody watched it.
    let samples = [calm(), act(0.0, 10.0, |second, primary, _| ghost(second, primary))].concat();
    insta::assert_snapshot!(sentence(&samples), @"commits wait for standby `standby2`, which has not connected since 2026-11-22 20:59:55 UTC, when watching began");
    let young = |second: f64, primary: &mut PostgresFacts| {
        ghost(second, primary);
        primary.started = at(-7.0);
    };
    let from_its_start = act(-5.0, 10.0, |second, primary, _| young(second, primary));
    insta::assert_snapshot!(sentence(&from_its_start), @"commits wait for standby `standby2`, which has never connected");
    let hole = [
        act(-5.0, 0.0, |second, primary, _| young(second, primary)),
        act(20.0, 30.0, |second, primary, _| young(second, primary)),
    ];
    assert!(sentence(&hole.concat()).contains("has not connected since"), "{}", sentence(&hole.concat()));
    let unused = act(0.0, 10.0, |second, primary, _| {
        ghost(second, primary);
        let slot = primary.slots[0].clone();
        primary.slots.push(crate::model::Slot {
            name: "standby2".to_owned(),
            active: false,
            wal_status: None,
            retained: None,
            ..slot
        });
    });
    insta::assert_snapshot!(sentence(&unused), @"commits wait for standby `standby2`, which has never connected: its slot `standby2` was never used");
}

#[test]
fn a_reply_that_never_changes_is_old_whatever_the_clocks_say() {
    // The standby's clock is a minute ahead, and it is not asked: by the difference of the clocks its reply is young.
    let frozen = play(0.0, 30.0, 1.0, |second| {
        let mut one = primary(at(second));
        one.links[0].reply_age = Some(seconds((second - 60.0).max(0.0)));
        one.links[0].reply_ahead = Some(seconds((60.0 - second).max(0.0)));
        (Some(known(one)), Some(unknown(Unknown::Unreachable)))
    });
    let held = first_held(&pair(), &frozen);
    let stale = held.iter().find(|(rule, ..)| *rule == Rule::StaleReply);
    assert_eq!(stale, Some(&(Rule::StaleReply, "primary".into(), 22.0)), "twenty seconds and two samples");
    // A clock that is behind: old from the first sample on, if it were believed.
    let behind = play(0.0, 10.0, 1.0, |second| {
        let mut one = primary(at(second));
        one.links[0].reply_age = Some(seconds(60.0 + second));
        (Some(known(one)), Some(unknown(Unknown::Unreachable)))
    });
    let watch = watched(&pair(), &behind);
    assert!(shown(&watch.findings()).contains(&"stale-reply@primary unknown".to_owned()), "{:?}", watch.findings());
    assert!(watch.explanation().sentence.contains("whether standby `standby1` replies cannot be told yet"));
}

#[test]
fn slow_replay_is_told_only_where_logins_wait_for_replay() {
    let paused_while = |of_server: &'static str, of_logins: Option<&'static str>| {
        let samples = act(0.0, 12.0, |second, primary, standby| {
            paused(second, primary, standby);
            primary.sync_commit = of_server.to_owned();
            primary.connection.login_commit = of_logins.map(str::to_owned);
            waiting(primary, 1, second);
        });
        critical(&watched(&pair(), &samples).findings())
    };
    let slow = ["slow-replay@standby1", "sync-wait@primary", "sync-hang@primary"];
    assert_eq!(paused_while("remote_apply", None), slow);
    assert_eq!(paused_while("on", Some("remote_apply")), slow);
    let waits = ["sync-wait@primary", "sync-hang@primary"];
    assert_eq!(paused_while("on", None), waits, "what waits does not wait for replay");
    assert_eq!(paused_while("remote_apply", Some("on")), waits);
}

#[test]
fn a_lag_of_two_seconds_by_the_primarys_own_measure_is_told() {
    let behind = |lag: f64| {
        let samples = act(0.0, 6.0, |_, primary, _| primary.links[0].replay_lag = Some(seconds(lag)));
        shown(&watched(&pair(), &samples).findings())
    };
    assert_eq!(behind(2.1), ["replay-lag@standby1 warning"]);
    assert_eq!(behind(1.9), [""; 0]);
}

#[test]
fn three_slots_of_a_second_are_enough_wherever_they_lie_in_it() {
    for places in [[0.9, 1.5, 2.0], [0.1, 1.5, 2.9], [0.0, 1.0, 2.0]] {
        let samples: Vec<_> = places
            .iter()
            .map(|&second| {
                let mut one = primary(at(second));
                ghost(second, &mut one);
                sample(PRIMARY, "here", at(second), known(one))
            })
            .collect();
        let held = first_held(&pair(), &samples);
        assert!(held.contains(&(Rule::QuorumShort, "primary".into(), places[2])), "{places:?}: {held:?}");
    }
}

#[test]
fn replay_that_waits_for_a_lock_is_told_when_there_is_something_to_replay() {
    let samples = act(0.0, 10.0, |_, _, standby| {
        let replay = standby.replay.as_mut().unwrap();
        (replay.wait, replay.gap) = (Some("Lock/relation".to_owned()), Some(2_000));
        standby.connection.lock_waiters = 5;
    });
    assert_eq!(shown(&watched(&pair(), &samples).findings()), ["replay-blocked@standby1 warning"]);
    let mut database = pair();
    database.servers[1].serves_reads = true;
    let watch = watched(&database, &samples);
    assert_eq!(shown(&watch.findings()), ["replay-blocked@standby1 critical"]);
    assert_eq!(watch.explanation().reading, Reading::Cause(Rule::ReplayBlocked));
}

#[test]
fn what_two_vantages_see_at_once_is_one_episode() {
    let here = [calm(), act(0.0, 10.0, |second, primary, _| ghost(second, primary)), act(10.0, 20.0, |_, _, _| {})];
    let here = here.concat();
    let mut there = here.clone();
    for sample in &mut there {
        sample.vantage = crate::model::VantageName::new("there").unwrap();
        sample.started += jiff::SignedDuration::from_millis(500);
    }
    let all = episodes(&pair(), here.iter().chain(&there));
    let short: Vec<_> = all.iter().filter(|it| it.finding.rule == Rule::QuorumShort).collect();
    assert_eq!(short.len(), 1);
    assert_eq!((short[0].from, short[0].until, short[0].samples), (at(0.0), Some(at(10.5)), 20));
    assert_eq!(short[0].vantages.iter().map(ToString::to_string).collect::<Vec<_>>(), ["here", "there"]);
    assert_eq!(changes(here.iter().chain(&there)).len(), 2, "to the ghost and back, each once");
}

#[test]
fn no_word_depends_on_the_interval() {
    for step in [0.25, 0.5, 1.0, 2.0, 5.0] {
        let mut database = pair();
        database.interval = std::time::Duration::from_secs_f64(step);
        let samples = play(0.0, 40.0, step, |second| {
            let mut one = primary(at(second));
            ghost(second, &mut one);
            (Some(known(one)), Some(known(standby(at(second)))))
        });
        let held = first_held(&database, &samples);
        let when = |rule| held.iter().find(|(it, ..)| *it == rule).map(|(.., second)| *second).unwrap();
        let (short, wait) = (when(Rule::QuorumShort), when(Rule::SyncWait));
        assert!((2.0 - step..=2.05_f64.max(2.0 * step)).contains(&short), "{step}: {short}");
        // A login hangs from the second sample on, and the first that counts must have waited for 0.2 s.
        assert!((4.0..=(4.05 + step).max(3.0 * step)).contains(&wait), "{step}: {wait}");
    }
}
