//! The rules for MariaDB over samples made by hand, with the values that real servers gave.

use std::time::Duration;

use jiff::Timestamp;

use super::super::watch::Watch;
use crate::model::{
    Answer, Database, DatabaseName, Engine, Facts, Finding, Gtids, MariaFacts, Micros, ReplicaLink, Rule, Sample,
    Server, ServerName, ServerRole, Severity, TlsMode, VantageName,
};

fn gtids(text: &str) -> Gtids {
    Gtids::parse(text).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn server(name: &str, role: ServerRole) -> Server {
    Server {
        name: ServerName::new(name).unwrap(),
        host: "127.0.0.1".to_owned(),
        port: 3306,
        role,
        application_name: name.to_owned(),
        serves_reads: false,
    }
}

fn database() -> Database {
    Database {
        name: DatabaseName::new("auth").unwrap(),
        engine: Engine::MariaDb,
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        database: "auth".to_owned(),
        user: "monitor".to_owned(),
        password: None,
        tls: TlsMode::Off,
        authority: None,
        login_role: Some("app".to_owned()),
        flows: Vec::new(),
        servers: vec![server("db1", ServerRole::Primary), server("db2", ServerRole::Standby)],
    }
}

fn primary() -> MariaFacts {
    MariaFacts {
        at: at(0),
        version: "10.11.19-MariaDB".to_owned(),
        started: at(-1000),
        server_id: 1,
        read_only: false,
        transactions_read_only: false,
        written: gtids("0-1-57"),
        semi_sync_wanted: true,
        semi_sync_on: true,
        semi_sync_clients: 1,
        unacknowledged: 0,
        semi_sync_timeout: Micros(10_000_000),
        waits_without_replica: true,
        waiters: 0,
        oldest_wait: None,
        streams: 1,
        clients: 5,
        limit: 100,
        login_sessions: Some(3),
        replica: None,
    }
}

fn replica() -> MariaFacts {
    let link = ReplicaLink {
        io_running: "Yes".to_owned(),
        sql_running: "Yes".to_owned(),
        io_error: None,
        sql_error: None,
        behind: Some(Micros(0)),
        delay: Micros(0),
        applied: gtids("0-1-57"),
        primary: "db1:3306".to_owned(),
    };
    let here = MariaFacts { server_id: 2, read_only: true, semi_sync_wanted: false, semi_sync_on: false, ..primary() };
    MariaFacts { semi_sync_clients: 0, streams: 0, login_sessions: Some(0), replica: Some(link), ..here }
}

fn linked(change: impl FnOnce(&mut ReplicaLink)) -> MariaFacts {
    let mut facts = replica();
    change(facts.replica.as_mut().unwrap());
    facts
}

/// What holds after so many seconds in which both servers said the same each second.
fn after(
    seconds: i64,
    database: &Database,
    primary: Option<&MariaFacts>,
    replica: Option<&MariaFacts>,
) -> Vec<Finding> {
    let mut watch = Watch::new(database);
    for second in 0..=seconds {
        for (name, facts) in [("db1", primary), ("db2", replica)] {
            let Some(facts) = facts else { continue };
            watch.observe(&Sample {
                database: database.name.clone(),
                server: ServerName::new(name).unwrap(),
                vantage: VantageName::new("berlin").unwrap(),
                slot: at(second),
                started: at(second),
                elapsed: Micros(5_000),
                answer: Answer::Facts(Box::new(Facts::MariaDb(facts.clone()))),
            });
        }
    }
    watch.findings()
}

fn rules(findings: &[Finding]) -> Vec<(Rule, Severity, &str)> {
    findings.iter().map(|it| (it.rule, it.severity, it.server.as_str())).collect()
}

fn found(primary: &MariaFacts, replica: &MariaFacts) -> Vec<Finding> {
    after(5, &database(), Some(primary), Some(replica))
}

#[test]
fn a_healthy_pair_has_no_finding() {
    assert_eq!(rules(&found(&primary(), &replica())), []);
    let busy = MariaFacts { waiters: 2, oldest_wait: Some(Micros(40_000)), ..primary() };
    assert_eq!(rules(&found(&busy, &replica())), [], "a commit on its way to the replica and back");
}

#[test]
fn a_lost_replica_hangs_commits_until_the_timeout_then_leaves_them_unprotected() {
    let waits =
        MariaFacts { semi_sync_clients: 0, streams: 0, waiters: 1, oldest_wait: Some(Micros(6_090_000)), ..primary() };
    let findings = after(5, &database(), Some(&waits), None);
    assert_eq!(
        rules(&findings),
        [
            (Rule::QuorumShort, Severity::Critical, "db1"),
            (Rule::SyncWait, Severity::Critical, "db1"),
            (Rule::SyncHang, Severity::Critical, "db1"),
            (Rule::StandbyAbsent, Severity::Warning, "db1"),
        ]
    );
    assert!(findings[0].logins.contains("hangs for 10.0 s"), "{}", findings[0].logins);
    let alone = MariaFacts { semi_sync_on: false, semi_sync_clients: 0, streams: 0, unacknowledged: 4, ..primary() };
    let findings = after(5, &database(), Some(&alone), None);
    assert_eq!(
        rules(&findings),
        [(Rule::StandbyAbsent, Severity::Warning, "db1"), (Rule::SemiSyncOff, Severity::Warning, "db1")]
    );
    assert!(findings[1].seen.contains("4 commits since the server started went on alone"), "{}", findings[1].seen);
}

#[test]
fn a_timeout_beyond_patience_is_a_hang_for_good() {
    let endless = MariaFacts {
        semi_sync_clients: 0,
        streams: 0,
        waiters: 3,
        oldest_wait: Some(Micros(31_000_000)),
        semi_sync_timeout: Micros(2_000_000_000_000),
        ..primary()
    };
    let findings = after(5, &database(), Some(&endless), None);
    assert_eq!(findings[0].rule, Rule::QuorumShort);
    assert!(findings[0].logins.starts_with("every login hangs until its own deadline"), "{}", findings[0].logins);
    assert!(findings[0].fix.contains("SET GLOBAL rpl_semi_sync_master_enabled = OFF"));
}

#[test]
fn a_replica_that_is_connected_and_silent_is_named_so() {
    let frozen = MariaFacts { waiters: 1, oldest_wait: Some(Micros(3_500_000)), ..primary() };
    let findings = after(5, &database(), Some(&frozen), None);
    assert_eq!(rules(&findings)[0], (Rule::StaleReply, Severity::Critical, "db1"));
    assert!(!rules(&findings).iter().any(|(rule, ..)| *rule == Rule::QuorumShort));
}

#[test]
fn a_replica_that_fetches_without_acknowledging_is_told_apart() {
    let deaf = MariaFacts { semi_sync_clients: 0, ..primary() };
    let findings = found(&deaf, &replica());
    assert_eq!(rules(&findings), [(Rule::QuorumShort, Severity::Critical, "db1")]);
    assert!(findings[0].fix.contains("rpl_semi_sync_slave_enabled"), "{}", findings[0].fix);
}

#[test]
fn stopped_threads_are_told_with_their_error() {
    let cut = linked(|link| (link.io_running, link.behind) = ("No".to_owned(), None));
    assert_eq!(rules(&found(&primary(), &cut)), [(Rule::ReplicaStopped, Severity::Warning, "db2")]);
    let duplicate = linked(|link| {
        (link.sql_running, link.behind) = ("No".to_owned(), None);
        link.sql_error = Some("1062: Duplicate entry".to_owned());
    });
    let findings = found(&primary(), &duplicate);
    assert_eq!(rules(&findings), [(Rule::ReplicaStopped, Severity::Critical, "db2")]);
    assert!(findings[0].seen.contains("last error 1062: Duplicate entry"), "{}", findings[0].seen);
    assert!(findings[0].fix.starts_with("make the replica again"), "{}", findings[0].fix);
}

#[test]
fn lag_is_never_guessed_from_silence() {
    let late = linked(|link| link.behind = Some(Micros(9_000_000)));
    assert_eq!(rules(&found(&primary(), &late)), [(Rule::ReplayLag, Severity::Warning, "db2")]);
    let delayed = linked(|link| (link.behind, link.delay) = (Some(Micros(9_000_000)), Micros(10_000_000)));
    assert_eq!(rules(&found(&primary(), &delayed)), [], "it is told to be late, and no login reads it");
    let stalled = linked(|link| link.applied = gtids("0-1-50"));
    let findings = found(&primary(), &stalled);
    assert_eq!(rules(&findings), [(Rule::ReplayLag, Severity::Warning, "db2")], "0 seconds while the link is cut");
    assert!(findings[0].seen.contains("7 transactions of the primary are not applied here"), "{}", findings[0].seen);
}

#[test]
fn logins_that_read_from_a_late_replica_see_the_past() {
    let mut database = database();
    database.servers[1].serves_reads = true;
    let delayed = linked(|link| (link.behind, link.delay) = (Some(Micros(4_000_000)), Micros(10_000_000)));
    let findings = after(5, &database, Some(&primary()), Some(&delayed));
    assert_eq!(rules(&findings), [(Rule::LaggingReads, Severity::Critical, "db2")]);
}

#[test]
fn a_primary_that_refuses_writes_is_named_with_its_setting() {
    for (facts, said) in [
        (MariaFacts { read_only: true, ..primary() }, "read_only = ON (error 1290)"),
        (MariaFacts { transactions_read_only: true, ..primary() }, "tx_read_only = ON (error 1792)"),
    ] {
        let findings = found(&facts, &replica());
        assert_eq!(rules(&findings), [(Rule::ReadOnly, Severity::Critical, "db1")]);
        assert!(findings[0].seen.ends_with(said), "{}", findings[0].seen);
    }
}

#[test]
fn a_writable_replica_warns_and_one_that_was_written_to_is_a_second_primary() {
    let writable = MariaFacts { read_only: false, ..replica() };
    assert_eq!(rules(&found(&primary(), &writable)), [(Rule::WrongRole, Severity::Warning, "db2")]);
    let astray = MariaFacts { written: gtids("0-2-58"), ..writable };
    let findings = found(&primary(), &astray);
    assert_eq!(rules(&findings), [(Rule::TwoPrimaries, Severity::Critical, "db2")]);
    assert!(findings[0].seen.contains("wrote 0-2-58 itself"), "{}", findings[0].seen);
    let free = MariaFacts { read_only: false, replica: None, ..replica() };
    assert_eq!(rules(&found(&primary(), &free))[0], (Rule::TwoPrimaries, Severity::Critical, "db2"));
    let unattached = MariaFacts { replica: None, ..replica() };
    assert_eq!(rules(&found(&primary(), &unattached)), [(Rule::WrongRole, Severity::Warning, "db2")]);
}

#[test]
fn roles_that_are_exchanged_are_one_finding_even_with_logins_where_they_belong() {
    assert_eq!(rules(&found(&replica(), &primary())), [(Rule::WrongRole, Severity::Warning, "db1")]);
}

#[test]
fn logins_on_a_replica_are_at_the_wrong_end() {
    let visited = MariaFacts { login_sessions: Some(4), ..replica() };
    let findings = found(&primary(), &visited);
    assert_eq!(rules(&findings), [(Rule::WrongEndpoint, Severity::Critical, "db2")]);
    assert!(findings[0].seen.contains("has some of its sessions on"), "{}", findings[0].seen);
    let unknown = MariaFacts { login_sessions: None, ..replica() };
    assert_eq!(rules(&found(&primary(), &unknown)), [], "unknown sessions are no finding");
}

#[test]
fn connections_are_told_before_the_last_is_gone() {
    let many = MariaFacts { clients: 80, ..primary() };
    assert_eq!(rules(&found(&many, &replica())), [(Rule::ConnectionsExhausted, Severity::Warning, "db1")]);
    let all = MariaFacts { clients: 100, ..primary() };
    assert_eq!(rules(&found(&all, &replica())), [(Rule::ConnectionsExhausted, Severity::Critical, "db1")]);
}

#[test]
fn a_demoted_primary_is_told_with_who_writes_now() {
    let demoted = MariaFacts { server_id: 1, ..replica() };
    let promoted = MariaFacts { server_id: 2, ..primary() };
    let findings = found(&demoted, &promoted);
    assert!(rules(&findings).contains(&(Rule::WrongRole, Severity::Warning, "db1")), "{:?}", rules(&findings));
    let nobody = found(&demoted, &replica());
    assert!(rules(&nobody).contains(&(Rule::WrongRole, Severity::Critical, "db1")), "{:?}", rules(&nobody));
}
