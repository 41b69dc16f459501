//! What a sentinel learns of real servers, held against what the servers were made to be.

use doorstep::model::{Facts, Micros, PostgresFacts, ServerRole};
use doorstep::sentinel::Session;

use crate::support::postgres::{Cluster, PASSWORD, session};

async fn facts(session: &mut Session) -> PostgresFacts {
    let answer = session.ask().await;
    answer.postgres().unwrap_or_else(|| panic!("{answer:?}")).clone()
}

/// Asks until it is so.
async fn facts_when(session: &mut Session, reached: impl Fn(&PostgresFacts) -> bool) -> PostgresFacts {
    for _ in 0..200 {
        let facts = facts(session).await;
        if reached(&facts) {
            return facts;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("waited in vain: {:?}", facts(session).await);
}

struct Pair {
    primary: Cluster,
    standby: Cluster,
    of_primary: Session,
    of_standby: Session,
}

/// A primary and its standby `standby1`, asked by `doorstep`; the login service connects as `web`.
fn pair() -> Pair {
    let primary = Cluster::start(&["wal_receiver_status_interval = 7s", "wal_sender_timeout = 42s"]);
    primary.monitor("doorstep");
    primary.sql(&format!("create role web login password '{PASSWORD}'; create table t (i int); grant all on t to web"));
    let standby = primary.standby("standby1", &[]);
    let mut database = primary.database("doorstep");
    database.login_role = Some("web".to_owned());
    let of_primary = session(&database);
    database.servers = vec![standby.listed("standby1", ServerRole::Standby)];
    Pair { of_primary, of_standby: session(&database), primary, standby }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_pair_is_seen_as_it_is() {
    let mut pair = pair();
    // The first reply comes a moment after the stream begins.
    let replied =
        |facts: &PostgresFacts| facts.links.iter().any(|link| link.state == "streaming" && link.reply_age.is_some());
    pair.primary.sql("insert into t values (1)");
    let primary = facts_when(&mut pair.of_primary, replied).await;
    let of = |cluster: &Cluster, sql: &str| cluster.sql(sql);
    assert_eq!(primary.version.to_string(), of(&pair.primary, "show server_version_num"));
    assert_eq!(primary.system.to_string(), of(&pair.primary, "select system_identifier from pg_control_system()"));
    assert_eq!(primary.position.unwrap().to_string(), of(&pair.primary, "select pg_current_wal_lsn()"));
    assert_eq!(primary.timeline, 1);
    let micros =
        |function: &str| of(&pair.primary, &format!("select (extract(epoch from {function}) * 1000000)::bigint"));
    assert_eq!(primary.loaded.as_microsecond().to_string(), micros("pg_conf_load_time()"));
    assert_eq!(primary.started.as_microsecond().to_string(), micros("pg_postmaster_start_time()"));
    assert!(!primary.in_recovery && !primary.read_only && primary.replay.is_none() && primary.receiver.is_none());
    assert_eq!((primary.status_interval, primary.sender_timeout), (Micros(7_000_000), Micros(42_000_000)));
    assert_eq!((primary.sync_names.as_str(), primary.sync_commit.as_str()), ("", "on"));
    let link = &primary.links[0];
    assert_eq!((link.name.as_str(), link.sync_state.as_str(), primary.links.len()), ("standby1", "async", 1));
    assert!(link.reply_age.unwrap() < Micros(20_000_000), "{link:?}");
    let slot = &primary.slots[0];
    assert_eq!((slot.name.as_str(), slot.physical, slot.active, primary.slots.len()), ("standby1", true, true, 1));
    assert_eq!(slot.wal_status.as_deref(), Some("reserved"));
    let connection = &primary.connection;
    assert_eq!((connection.limit, connection.login_sessions, connection.sync_waiters), (97, Some(0), 0));
    assert!(connection.clients >= 1 && connection.oldest_sync_wait.is_none());
    assert_eq!(primary.pending_restart, Vec::<String>::new());

    let caught_up = |facts: &PostgresFacts| facts.position >= primary.position;
    let standby = facts_when(&mut pair.of_standby, caught_up).await;
    assert_eq!((standby.system, standby.timeline, standby.in_recovery), (primary.system, 1, true));
    assert_eq!(standby.received, standby.position);
    let receiver = standby.receiver.unwrap();
    assert_eq!((receiver.status.as_str(), receiver.slot.as_deref()), ("streaming", Some("standby1")));
    let replay = standby.replay.unwrap();
    assert_eq!((replay.pause.as_str(), replay.gap, replay.delay), ("not paused", Some(0), Micros(0)));
    assert!(replay.last_commit_age.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_that_wait_are_seen_with_their_age_and_their_role() {
    let mut pair = pair();
    pair.primary.sql("alter system set synchronous_standby_names = 'standby2'");
    pair.primary.sql("alter system set max_connections = 50");
    pair.primary.sql("select pg_reload_conf()");
    pair.primary.wait_until("show synchronous_standby_names", "standby2");
    let _bulk = pair.primary.background("insert into t values (2)");
    let waiting = "select count(*) from pg_stat_activity where wait_event = 'SyncRep'";
    pair.primary.wait_until(waiting, "1");
    let seen = facts(&mut pair.of_primary).await;
    assert_eq!((seen.connection.sync_waiters, seen.connection.oldest_sync_wait), (0, None), "not of the login role");
    assert_eq!((seen.sync_names.as_str(), seen.links[0].sync_state.as_str()), ("standby2", "async"));
    assert_eq!(seen.pending_restart, ["max_connections"]);
    let _login = pair.primary.background_as("web", "insert into t values (3)");
    let first = facts_when(&mut pair.of_primary, |facts| facts.connection.sync_waiters == 1).await;
    assert_eq!(first.connection.login_sessions, Some(1));
    let later = facts(&mut pair.of_primary).await;
    let grown = later.connection.oldest_sync_wait.unwrap().0 - first.connection.oldest_sync_wait.unwrap().0;
    let passed = later.at.as_microsecond() - first.at.as_microsecond();
    assert!(i64::try_from(grown).unwrap().abs_diff(passed) < 2_000, "{grown} in {passed} us");
    pair.primary.sql("alter system reset synchronous_standby_names");
    pair.primary.sql("select pg_reload_conf()");
    facts_when(&mut pair.of_primary, |facts| facts.connection.sync_waiters == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_says_how_it_replays() {
    let mut pair = pair();
    pair.standby.sql("select pg_wal_replay_pause()");
    pair.primary.sql("insert into t select generate_series(1, 10000)");
    let written = facts(&mut pair.of_primary).await.position.unwrap();
    let behind = |facts: &PostgresFacts| {
        facts.received >= Some(written) && facts.replay.as_ref().is_some_and(|replay| replay.pause == "paused")
    };
    let paused = facts_when(&mut pair.of_standby, behind).await;
    let gap = paused.replay.unwrap().gap.unwrap();
    assert_eq!(gap, paused.received.unwrap().since(paused.position.unwrap()));
    assert!(gap > 500_000, "{gap}");
    let held = facts_when(&mut pair.of_primary, |facts| facts.links[0].behind.is_some_and(|bytes| bytes >= gap)).await;
    assert!(held.slots[0].retained.unwrap() < u64::MAX);
    pair.standby.sql("select pg_wal_replay_resume()");
    let caught_up = |facts: &PostgresFacts| facts.replay.as_ref().is_some_and(|replay| replay.gap == Some(0));
    facts_when(&mut pair.of_standby, caught_up).await;

    pair.standby.sql("alter system set primary_conninfo = 'host=127.0.0.1 port=1'");
    pair.standby.sql("select pg_reload_conf()");
    let cut = facts_when(&mut pair.of_standby, |facts| facts.receiver.is_none()).await;
    assert!(cut.in_recovery && cut.received.is_some());
    let gone = facts_when(&mut pair.of_primary, |facts| facts.links.is_empty()).await;
    assert!(!gone.slots[0].active);

    assert!(!cut.replay.unwrap().archive_only, "it is told to follow a primary");
    pair.standby.sql("alter system set restore_command = 'false'");
    pair.standby.sql("alter system set primary_conninfo = ''");
    pair.standby.sql("select pg_reload_conf()");
    let told = |facts: &PostgresFacts| facts.replay.as_ref().is_some_and(|replay| replay.archive_only);
    assert_eq!(facts_when(&mut pair.of_standby, told).await.receiver, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commit_level_of_logins_follows_the_servers_own_precedence() {
    let cluster = Cluster::start(&[]);
    cluster.monitor("doorstep");
    cluster.sql(&format!("create role web login password '{PASSWORD}'; create role other"));
    let mut database = cluster.database("doorstep");
    database.login_role = Some("web".to_owned());
    let mut session = session(&database);
    for (statement, expected) in [
        ("alter role other set synchronous_commit = off", None),
        ("alter role all set synchronous_commit = off", Some("off")),
        ("alter database postgres set synchronous_commit = local", Some("local")),
        ("alter role web set synchronous_commit = remote_write", Some("remote_write")),
        ("alter role web in database template1 set synchronous_commit = off", Some("remote_write")),
        ("alter role web in database postgres set synchronous_commit = remote_apply", Some("remote_apply")),
    ] {
        cluster.sql(statement);
        let facts = facts(&mut session).await;
        assert_eq!(facts.connection.login_commit.as_deref(), expected, "{statement}");
        assert_eq!(facts.commit_of_logins(), expected.unwrap_or("on"), "{statement}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_are_kept_as_they_were_told() {
    let mut pair = pair();
    for session in [&mut pair.of_primary, &mut pair.of_standby] {
        let told = Facts::PostgreSql(facts(session).await);
        let kept = serde_json::to_string(&told).unwrap();
        assert_eq!(serde_json::from_str::<Facts>(&kept).unwrap(), told);
        assert!(!kept.contains(PASSWORD));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_role_that_does_not_exist_is_not_a_role_without_sessions() {
    let cluster = Cluster::start(&[]);
    cluster.monitor("doorstep");
    let mut database = cluster.database("doorstep");
    for (role, sessions) in [(Some("it's \\ nobody"), None), (Some("postgres"), Some(0)), (None, None)] {
        database.login_role = role.map(str::to_owned);
        assert_eq!(facts(&mut session(&database)).await.connection.login_sessions, sessions, "{role:?}");
    }
}
