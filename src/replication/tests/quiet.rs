//! What must raise no alarm: every false alarm that was measured or feared.

use jiff::SignedDuration;

use super::stories::*;
use crate::model::{Link, Lsn, PostgresFacts, Rule, Severity, Slot, Unknown};
use crate::replication::Reading;

fn silent(samples: &[crate::model::Sample]) {
    let held = first_held(&pair(), samples);
    assert_eq!(held, []);
}

#[test]
fn a_healthy_pair_has_no_finding_and_is_said_to_be_clean() {
    let samples = act(0.0, 120.0, |_, _, _| {});
    let watch = watched(&pair(), &samples);
    assert_eq!(watch.findings(), []);
    assert_eq!(watch.explanation().sentence, "the database evidence is clean: not replication");
}

#[test]
fn an_idle_pair_is_healthy_however_long_nobody_writes() {
    silent(&act(0.0, 120.0, |second, primary, standby| {
        primary.links[0].replay_lag = None;
        primary.links[0].reply_age = Some(seconds(second % 9.6));
        standby.replay.as_mut().unwrap().last_commit_age = Some(seconds(second));
        standby.receiver.as_mut().unwrap().message_age = Some(seconds(second % 29.6));
    }));
}

#[test]
fn a_commit_that_waits_a_moment_is_healthy() {
    silent(&act(0.0, 60.0, |second, primary, _| {
        if !(second as u32).is_multiple_of(3) {
            waiting(primary, 1, 0.9);
        }
    }));
}

#[test]
fn a_busy_service_always_has_somebody_waiting_a_round_trip() {
    silent(&act(0.0, 60.0, |_, primary, _| waiting(primary, 12, 0.04)));
}

#[test]
fn a_bulk_load_without_a_login_is_no_hang() {
    // The sentinel counts the login role's sessions alone: what is left is a statement that took long before it waited.
    silent(&act(0.0, 10.0, |second, primary, _| {
        if second == 4.0 {
            waiting(primary, 1, 9.0);
        }
    }));
}

#[test]
fn a_standby_that_restarts_raises_nothing() {
    silent(
        &[
            calm(),
            play(0.0, 2.0, 1.0, |second| {
                let mut one = primary(at(second));
                one.links.clear();
                one.slots[0].active = false;
                let gone = if second < 1.0 { Unknown::Unreachable } else { Unknown::Starting };
                (Some(known(one)), Some(unknown(gone)))
            }),
            act(2.0, 20.0, |_, _, _| {}),
        ]
        .concat()[..],
    );
}

#[test]
fn a_base_backup_is_no_standby_and_no_fault() {
    silent(&act(0.0, 60.0, |second, primary, _| {
        let backup =
            |state: &str| Link { state: state.to_owned(), sync_state: "async".to_owned(), ..link("pg_basebackup") };
        primary.links.push(Link { reply_age: None, ..backup("backup") });
        primary.links.push(Link { reply_age: Some(seconds(second % 10.0)), ..backup("streaming") });
        primary.position = Some(Lsn(0x300_0060));
        // Its slot is temporary, which the sentinel leaves out.
        primary.slots.push(Slot { active: true, ..primary.slots[0].clone() });
    }));
}

#[test]
fn a_standby_that_catches_up_is_there_and_does_not_count() {
    let catching_up = |_, primary: &mut PostgresFacts, _: &mut PostgresFacts| {
        primary.links[0].state = "catchup".to_owned();
        primary.links[0].sync_state = "potential".to_owned();
    };
    let findings = watched(&pair(), &act(0.0, 10.0, catching_up)).findings();
    assert_eq!(shown(&findings), ["quorum-short@primary critical"]);
    assert!(
        findings[0].seen.starts_with("commits wait for standby `standby1`, which is connected but not yet streaming")
    );
    silent(&act(0.0, 10.0, |second, primary, standby| {
        catching_up(second, primary, standby);
        primary.sync_names = String::new();
    }));
}

#[test]
fn without_a_status_interval_the_age_of_a_reply_means_nothing() {
    silent(&act(0.0, 60.0, |second, primary, standby| {
        primary.links[0].reply_age = Some(seconds(second));
        standby.status_interval = seconds(0.0);
    }));
    silent(&act(0.0, 60.0, |_, primary, _| primary.links[0].reply_age = None));
}

#[test]
fn the_standbys_own_status_interval_counts() {
    silent(&act(0.0, 60.0, |second, primary, standby| {
        primary.links[0].reply_age = Some(seconds(second % 60.0));
        standby.status_interval = seconds(60.0);
    }));
}

#[test]
fn a_lost_slot_holds_nothing_which_is_not_nothing_to_say() {
    let lost = |primary: &mut PostgresFacts| {
        primary.slots.push(Slot {
            active: false,
            wal_status: Some("lost".to_owned()),
            retained: None,
            ..primary.slots[0].clone()
        });
    };
    let findings = watched(&pair(), &act(0.0, 10.0, |_, primary, _| lost(primary))).findings();
    assert_eq!(shown(&findings), ["slot-lost@primary warning"], "every standby streams: it is nobody's");
    // A slot that never reserved anything holds nothing back.
    silent(&act(0.0, 10.0, |_, primary, _| {
        primary.slots.push(Slot { active: false, wal_status: None, retained: None, ..primary.slots[0].clone() });
    }));
    // A logical slot is no standby's; slots on a standby wait for a failover.
    silent(&act(0.0, 10.0, |_, primary, standby| {
        let idle = Slot { active: false, retained: Some(1 << 30), ..primary.slots[0].clone() };
        standby.slots.push(idle.clone());
        primary.slots.push(Slot { physical: false, ..idle });
    }));
}

#[test]
fn a_standby_in_maintenance_is_never_more_than_a_warning_when_no_commit_waits() {
    let samples = play(0.0, 600.0, 1.0, |second| {
        let mut one = primary(at(second));
        (one.sync_names, one.links) = (String::new(), Vec::new());
        one.slots[0].active = false;
        one.slots[0].retained = Some(second as u64 * 100_000);
        (Some(known(one)), Some(unknown(Unknown::Unreachable)))
    });
    let watch = watched(&pair(), &samples);
    assert!(watch.findings().iter().all(|it| it.severity <= Severity::Warning), "{:?}", shown(&watch.findings()));
    assert_eq!(watch.explanation().reading, Reading::Unknown, "the standby may say more");
}

#[test]
fn a_position_that_was_read_after_the_standbys_is_no_lag() {
    // Each second 100 MB are written, and the standby has replayed what was there when it was asked.
    silent(&act(0.0, 60.0, |second, primary, standby| {
        primary.position = Some(Lsn((second * 1e8) as u64));
        standby.position = Some(Lsn((second * 1e8) as u64 + 1));
    }));
    // What the primary has written since is not held against it, however much it is.
    silent(&act(0.0, 60.0, |second, primary, standby| {
        primary.position = Some(Lsn((second * 1e8) as u64));
        standby.position = Some(Lsn(((second - 0.7).max(0.0) * 1e8) as u64));
    }));
}

#[test]
fn a_promoted_primary_says_its_old_timeline_until_the_next_checkpoint() {
    silent(&act(0.0, 60.0, |second, primary, _| primary.timeline = if second < 30.0 { 1 } else { 2 }));
    silent(&act(0.0, 60.0, |_, _, standby| standby.timeline = 2));
}

#[test]
fn positions_that_parted_are_not_compared() {
    let findings = watched(
        &pair(),
        &act(0.0, 60.0, |second, primary, standby| {
            primary.position = Some(Lsn(0x900_0000 + second as u64 * 1_000));
            standby.timeline = 2;
            standby.receiver = None;
        }),
    )
    .findings();
    assert!(findings.iter().all(|it| !matches!(it.rule, Rule::ReplayLag | Rule::LaggingReads)));
}

#[test]
fn what_a_view_leaves_empty_is_no_zero_and_no_fault() {
    silent(&act(0.0, 30.0, |_, primary, standby| {
        primary.position = None;
        primary.links[0].reply_age = None;
        primary.links[0].behind = None;
        standby.position = None;
        let replay = standby.replay.as_mut().unwrap();
        (replay.last_commit_age, replay.gap, replay.wait) = (None, None, None);
    }));
}

#[test]
fn a_standby_that_follows_an_archive_alone_is_told_as_such_and_is_not_missed() {
    let mut database = pair();
    // Nothing new is archived, so nothing new is replayed.
    let samples = act(0.0, 30.0, |_, primary, standby| {
        (primary.sync_names, primary.links) = (String::new(), Vec::new());
        primary.slots.clear();
        standby.receiver = None;
        standby.replay.as_mut().unwrap().archive_only = true;
    });
    let watch = watched(&database, &samples);
    assert_eq!(shown(&watch.findings()), ["no-receiver@standby1 info"]);
    assert!(watch.findings()[0].seen.contains("restore_command is set"), "{}", watch.findings()[0].seen);
    assert_eq!(watch.explanation().reading, Reading::Clean);
    database.servers[1].serves_reads = true;
    let findings = watched(&database, &samples).findings();
    assert_eq!(shown(&findings), ["no-receiver@standby1 warning"], "logins that read from it see the past");
}

#[test]
fn clocks_that_differ_make_no_reply_old() {
    for skew in [-90.0, -30.0, 30.0, 90.0] {
        let replies = |second: f64, primary: &mut PostgresFacts| {
            let age = second % 9.6 - skew;
            primary.links[0].reply_age = Some(seconds(age.max(0.0)));
            primary.links[0].reply_ahead = (age < 0.0).then(|| seconds(-age));
        };
        let clock = |standby: &mut PostgresFacts| standby.at += SignedDuration::from_secs_f64(skew);
        let pairs = act(0.0, 60.0, |second, primary, standby| {
            replies(second, primary);
            clock(standby);
        });
        silent(&pairs);
        // The standby is not asked, but its stamps go on.
        let alone = play(0.0, 60.0, 1.0, |second| {
            let mut one = primary(at(second));
            replies(second, &mut one);
            (Some(known(one)), None)
        });
        let findings = watched(&pair(), &alone).findings();
        assert_eq!(findings, [], "{skew}");
    }
}

#[test]
fn replay_from_an_archive_needs_no_receiver() {
    silent(&act(0.0, 30.0, |second, primary, standby| {
        primary.sync_names = String::new();
        standby.receiver = None;
        standby.position = Some(Lsn(0x300_0060 + second as u64 * 5_000));
    }));
}

#[test]
fn a_standby_that_is_delayed_on_purpose_is_as_far_behind_as_it_should_be() {
    silent(&act(0.0, 60.0, |second, primary, standby| {
        primary.position = Some(Lsn(0x300_0060 + second as u64 * 5_000));
        standby.position = Some(Lsn(0x300_0060 + (second as u64).saturating_sub(30) * 5_000));
        standby.replay.as_mut().unwrap().delay = seconds(30.0);
    }));
}

#[test]
fn a_standby_of_a_standby_is_not_missed_at_the_primary() {
    let mut database = pair();
    let mut third = database.servers[1].clone();
    (third.name, third.application_name) = (server("standby2"), "standby2".to_owned());
    database.servers.push(third);
    let samples = act(0.0, 30.0, |_, _, standby| standby.links.push(link("standby2")));
    assert_eq!(watched(&database, &samples).findings(), []);
}

#[test]
fn a_hole_in_the_samples_is_no_evidence() {
    let waits = |second: f64| {
        let mut one = primary(at(second));
        waiting(&mut one, 1, 1.0);
        sample(PRIMARY, "here", at(second), known(one))
    };
    silent(&[waits(0.0), waits(10.0), waits(20.0), waits(30.0)]);
}

#[test]
fn a_server_that_is_no_more_asked_is_unknown_and_not_healthy() {
    let mut samples = act(0.0, 10.0, |_, _, _| {});
    samples.extend(play(10.0, 20.0, 1.0, |second| (Some(known(primary(at(second)))), None)));
    let watch = watched(&pair(), &samples);
    assert_eq!(shown(&watch.findings()), ["unknown@standby1 unknown"]);
    assert_eq!(watch.explanation().reading, Reading::Unknown);
    let alone = play(0.0, 20.0, 1.0, |second| (Some(known(primary(at(second)))), None));
    let explanation = watched(&pair(), &alone).explanation();
    assert_eq!(explanation.sentence, "nothing is known of `standby1`, so the database is not ruled out");
}

#[test]
fn what_only_a_person_can_mend_is_told_at_once() {
    for why in [Unknown::NoRights, Unknown::LoginRefused, Unknown::Tls, Unknown::Version, Unknown::NoSecret] {
        let samples = play(0.0, 1.0, 1.0, |_| (Some(unknown(why)), None));
        let findings = watched(&pair(), &samples).findings();
        assert_eq!(shown(&findings), ["unknown@primary unknown"]);
        assert!(findings[0].seen.contains(&format!("the reason why it is {why}")), "{}", findings[0].seen);
    }
}

#[test]
fn samples_of_others_mean_nothing() {
    let mut samples = act(0.0, 10.0, |_, primary, _| primary.read_only = true);
    for (place, sample) in samples.iter_mut().enumerate() {
        if place % 2 == 0 {
            sample.server = server("unlisted");
        } else {
            sample.database = crate::model::DatabaseName::new("other").unwrap();
        }
        sample.started += SignedDuration::from_secs(1);
    }
    silent(&samples);
}
