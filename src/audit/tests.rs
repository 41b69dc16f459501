//! The audit over snapshots made by hand: what the course of several says, and what only several servers show.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::model::{
    AuditRule, AuditTerms, Database, Engine, Must, Server, ServerName, ServerRole, ServiceFacts, SettingExpectation,
    Severity, TlsMode, Unknown,
};

/// Settings that no rule objects to: name, value, unit and context.
const GOOD: [(&str, &str, Option<&str>, &str); 45] = [
    ("DateStyle", "ISO, MDY", None, "user"),
    ("archive_command", "", None, "sighup"),
    ("archive_mode", "off", None, "postmaster"),
    ("client_connection_check_interval", "10000", Some("ms"), "user"),
    ("cluster_name", "", None, "postmaster"),
    ("data_checksums", "on", None, "internal"),
    ("default_transaction_read_only", "off", None, "user"),
    ("fsync", "on", None, "sighup"),
    ("full_page_writes", "on", None, "sighup"),
    ("hot_standby", "on", None, "postmaster"),
    ("hot_standby_feedback", "on", None, "sighup"),
    ("idle_in_transaction_session_timeout", "60000", Some("ms"), "user"),
    ("log_min_duration_statement", "-1", Some("ms"), "superuser"),
    ("log_recovery_conflict_waits", "on", None, "sighup"),
    ("log_replication_commands", "on", None, "superuser"),
    ("log_timezone", "UTC", None, "sighup"),
    ("max_connections", "100", None, "postmaster"),
    ("max_locks_per_transaction", "64", None, "postmaster"),
    ("max_prepared_transactions", "0", None, "postmaster"),
    ("max_replication_slots", "10", None, "postmaster"),
    ("max_slot_wal_keep_size", "256", Some("MB"), "sighup"),
    ("max_standby_streaming_delay", "1000", Some("ms"), "sighup"),
    ("max_wal_senders", "10", None, "postmaster"),
    ("max_worker_processes", "8", None, "postmaster"),
    ("primary_conninfo", "host=db user=replicator keepalives_idle=5", None, "sighup"),
    ("primary_slot_name", "s1", None, "sighup"),
    ("recovery_min_apply_delay", "0", Some("ms"), "sighup"),
    ("recovery_target_timeline", "latest", None, "postmaster"),
    ("reserved_connections", "2", None, "postmaster"),
    ("restore_command", "", None, "sighup"),
    ("ssl", "on", None, "sighup"),
    ("statement_timeout", "30000", Some("ms"), "user"),
    ("superuser_reserved_connections", "3", None, "postmaster"),
    ("synchronous_commit", "on", None, "user"),
    ("synchronous_standby_names", "", None, "sighup"),
    ("timezone_abbreviations", "Default", None, "user"),
    ("wal_keep_size", "0", Some("MB"), "sighup"),
    ("wal_level", "replica", None, "postmaster"),
    ("wal_log_hints", "on", None, "postmaster"),
    ("wal_receiver_status_interval", "1", Some("s"), "sighup"),
    ("wal_receiver_timeout", "60000", Some("ms"), "sighup"),
    ("wal_sender_timeout", "10000", Some("ms"), "user"),
    ("work_mem", "4096", Some("kB"), "user"),
    ("max_parallel_workers", "8", None, "user"),
    ("listen_addresses", "*", None, "postmaster"),
];

fn at(hour: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + hour * 3600).unwrap()
}

fn setting(name: &str, value: &str, source: &str) -> Setting {
    let (_, _, unit, context) = GOOD.iter().find(|(good, ..)| *good == name).copied().unwrap();
    Setting::reduce(&RawSetting {
        name: name.to_owned(),
        setting: Some(value.to_owned()),
        unit: unit.map(str::to_owned),
        source: source.to_owned(),
        sourcefile: (source == "configuration file").then(|| "postgresql.conf".to_owned()),
        sourceline: (source == "configuration file").then_some(7),
        pending_restart: false,
        context: context.to_owned(),
    })
}

/// What a server says: `db1` takes writes, `db2` follows it, `db3` follows `db2`.
fn state(server: &str) -> ServerState {
    let slot = |name: &str| SlotFacts {
        name: name.to_owned(),
        physical: true,
        temporary: false,
        active: true,
        wal_status: Some("reserved".to_owned()),
        retained: Some(0),
    };
    let link = |name: &str| LinkFacts {
        name: name.to_owned(),
        user: Some("replicator".to_owned()),
        address: Some("10.0.0.9".to_owned()),
        state: Some("streaming".to_owned()),
        sync_state: Some("async".to_owned()),
    };
    let line = HostAccess {
        line: 1,
        kind: Some("host".to_owned()),
        databases: vec!["replication".to_owned()],
        users: vec!["replicator".to_owned()],
        address: Some("all".to_owned()),
        mask: None,
        method: Some("scram-sha-256".to_owned()),
        broken: false,
    };
    let role =
        Role { name: "replicator".to_owned(), superuser: false, login: true, replication: true, valid_until: None };
    let mut settings: BTreeMap<String, Setting> =
        GOOD.iter().map(|(name, value, ..)| ((*name).to_owned(), setting(name, value, "configuration file"))).collect();
    if server == "db3" {
        settings.insert("primary_slot_name".to_owned(), setting("primary_slot_name", "s3", "configuration file"));
    }
    ServerState {
        clock_offset: 0,
        clock_uncertainty: 1_000,
        version: 160_004,
        started: at(-100),
        loaded: at(-100),
        in_recovery: server != "db1",
        system: 7,
        timeline: 1,
        asked_as: "monitor".to_owned(),
        sees_all: true,
        has_reserved: true,
        settings,
        roles: vec![role],
        overrides: Vec::new(),
        slots: match server {
            "db1" => vec![slot("s1")],
            "db2" => vec![slot("s3")],
            _ => Vec::new(),
        },
        links: match server {
            "db1" => vec![link("db2")],
            "db2" => vec![link("db3")],
            _ => Vec::new(),
        },
        receiver: None,
        databases: Vec::new(),
        extensions: BTreeMap::new(),
        archiver: None,
        wal_rate: Some(WalRate { bytes: 1_000, seconds: 1_000 }),
        host_access: vec![line],
        file_settings: Vec::new(),
        gaps: Vec::new(),
    }
}

fn database(servers: &[&str]) -> Database {
    let server = |name: &&str| Server {
        name: ServerName::new(name).unwrap(),
        host: format!("10.0.0.{}", &name[2..]),
        port: 5432,
        role: if *name == "db1" { ServerRole::Primary } else { ServerRole::Standby },
        application_name: (*name).to_owned(),
        serves_reads: false,
    };
    Database {
        name: "auth".parse().unwrap(),
        engine: Engine::PostgreSql,
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        database: "postgres".to_owned(),
        user: "monitor".to_owned(),
        password: None,
        tls: TlsMode::Verify,
        authority: None,
        login_role: Some("app".to_owned()),
        flows: Vec::new(),
        servers: servers.iter().map(server).collect(),
    }
}

/// A round at this hour; a server without a state did not answer.
fn round(hour: i64, servers: &[(&str, Option<ServerState>)]) -> Round {
    let snapshot = |(name, state): &(&str, Option<ServerState>)| Snapshot {
        server: ServerName::new(name).unwrap(),
        taken: at(hour),
        content: match state {
            Some(state) => Content::Read(Box::new(state.clone())),
            None => Content::Unread { why: Unknown::Unreachable, message: "nothing listens there".to_owned() },
        },
    };
    Round { database: "auth".parse().unwrap(), taken: at(hour), snapshots: servers.iter().map(snapshot).collect() }
}

fn with(server: &str, changes: &[(&str, &str)]) -> Option<ServerState> {
    let mut state = state(server);
    for (name, value) in changes {
        state.settings.insert((*name).to_owned(), setting(name, value, "configuration file"));
    }
    Some(state)
}

/// A pair in which the primary has these settings.
fn pair(hour: i64, changes: &[(&str, &str)]) -> Round {
    round(hour, &[("db1", with("db1", changes)), ("db2", with("db2", &[]))])
}

fn expecting(setting: &str, must: Must) -> AuditTerms {
    let expectation = SettingExpectation {
        setting: setting.to_owned(),
        server: None,
        must,
        severity: Severity::Critical,
        because: None,
    };
    let service = ServiceFacts {
        connections: Some(20),
        hosts: Some(1),
        deadline: Some(Duration::from_secs(5)),
        balancer_timeout: Some(Duration::from_secs(10)),
        lose_nothing: Some(false),
        standby_absence: Some(Duration::from_secs(1)),
        wal_disk_free: Some(10 << 30),
        ..ServiceFacts::default()
    };
    AuditTerms { service, expectations: vec![expectation] }
}

fn unchanged(setting: &str) -> AuditTerms {
    expecting(setting, Must::NotChange)
}

const NAMES: &str = "synchronous_standby_names";

/// What was found of expectations, and why what was not checked was not.
fn told(audit: &Audit) -> (Vec<&str>, Vec<&str>) {
    let found = audit.findings.iter().filter(|finding| finding.rule == AuditRule::Expectation);
    let unchecked = audit.not_checked.iter().filter(|note| note.rule == AuditRule::Expectation);
    (found.map(|finding| finding.seen.as_str()).collect(), unchecked.map(|note| note.because.as_str()).collect())
}

#[test]
fn the_servers_made_by_hand_have_nothing_wrong() {
    let three = [("db1", with("db1", &[])), ("db2", with("db2", &[])), ("db3", with("db3", &[]))];
    let judged = audit(&database(&["db1", "db2", "db3"]), &round(0, &three), &unchanged("work_mem"));
    assert!(judged.findings.is_empty(), "{:#?}", judged.findings);
}

#[test]
fn what_must_not_change_is_held_against_the_last_time_it_was_read() {
    let rounds = [pair(0, &[]), round(1, &[("db1", None), ("db2", with("db2", &[]))]), pair(2, &[(NAMES, "standby2")])];
    let judged = audit_history(&database(&["db1", "db2"]), &rounds, &unchanged(NAMES), None).unwrap();
    let (found, unchecked) = told(&judged);
    let [found] = found.as_slice() else { panic!("{judged:#?}") };
    assert!(found.starts_with("synchronous_standby_names changed on db1 between"), "{found}");
    assert!(unchecked.is_empty() && !judged.held.contains(&AuditRule::Expectation), "{unchecked:?}");
    // Once more the same: nothing changed since.
    let again = [rounds[2].clone(), rounds[2].clone()];
    let judged = audit_history(&database(&["db1", "db2"]), &again, &unchanged(NAMES), None).unwrap();
    assert!(told(&judged).0.is_empty() && judged.held.contains(&AuditRule::Expectation), "{judged:#?}");
}

#[test]
fn what_changed_in_a_period_is_told_at_its_end() {
    let rounds = [
        pair(-1, &[(NAMES, "other")]),
        pair(0, &[]),
        pair(24, &[]),
        pair(48, &[(NAMES, "standby2")]),
        pair(72, &[(NAMES, "standby2")]),
        round(96, &[("db1", None), ("db2", None)]),
    ];
    let (pair, terms) = (database(&["db1", "db2"]), unchanged(NAMES));
    for upto in [5, 6] {
        let judged = audit_history(&pair, &rounds[..upto], &terms, Some(at(1))).unwrap();
        let (found, _) = told(&judged);
        assert_eq!(found.len(), 1, "the change of the day before the period is none of it: {found:?}");
        assert!(found[0].contains("2023-11-15T22:13:20Z and 2023-11-16T22:13:20Z"), "{found:?}");
    }
    let judged = audit_history(&pair, &rounds[..5], &terms, None).unwrap();
    assert!(told(&judged).0.is_empty(), "nothing changed since the round before");
}

#[test]
fn what_cannot_be_compared_is_not_checked_and_never_held() {
    let pair = database(&["db1", "db2"]);
    let judge = |rounds: &[Round], terms: &AuditTerms| audit_history(&pair, rounds, terms, None).unwrap();
    // Nothing is kept.
    let first = judge(&[self::pair(0, &[])], &unchanged(NAMES));
    assert_eq!(
        told(&first).1,
        ["synchronous_standby_names: no earlier snapshot is kept in which it was seen, to compare with"; 2]
    );
    // The role can no longer see it.
    let mut blinkered = state("db1");
    blinkered.sees_all = false;
    blinkered.settings.remove(NAMES);
    let rounds = [self::pair(0, &[]), round(1, &[("db1", Some(blinkered)), ("db2", with("db2", &[]))])];
    let hidden = judge(&rounds, &unchanged(NAMES));
    assert_eq!(told(&hidden).1, [format!("{NAMES}: role monitor may not read {NAMES}: grant pg_monitor to it")]);
    assert!(told(&hidden).0.is_empty() && !hidden.held.contains(&AuditRule::Expectation));
    // The asking role has a value of its own, which hides the server's.
    let mut own = state("db1");
    own.settings.insert("synchronous_commit".to_owned(), setting("synchronous_commit", "local", "user"));
    let rounds = [self::pair(0, &[]), round(1, &[("db1", Some(own)), ("db2", with("db2", &[]))])];
    let masked = judge(&rounds, &unchanged("synchronous_commit"));
    let (found, unchecked) = told(&masked);
    assert!(found.is_empty() && unchecked[0].contains("hides the server's"), "{found:?} {unchecked:?}");
    assert!(drift(&rounds).is_empty(), "it did not change: {:?}", drift(&rounds));
    let since = [rounds[0].clone(), rounds[1].clone(), self::pair(2, &[("synchronous_commit", "off")])];
    assert_eq!(told(&judge(&since, &unchanged("synchronous_commit"))).0.len(), 1, "held against what was seen before");
}

#[test]
fn an_expectation_that_holds_nothing_is_a_finding() {
    let judge = |terms: AuditTerms| audit(&database(&["db1", "db2"]), &pair(0, &[]), &terms);
    for must in [Must::NotChange, Must::Equal("10s".to_owned()), Must::AtLeast("1".to_owned()), Must::SameOnStandby] {
        let misspelt = judge(expecting("wal_sender_timeot", must.clone()));
        let (found, unchecked) = told(&misspelt);
        assert!(found[0].contains("no setting of db1, version 16: did you mean wal_sender_timeout?"), "{found:?}");
        assert!(unchecked.is_empty(), "{must:?}: {unchecked:?}");
        let finding = misspelt.findings.iter().find(|finding| finding.rule == AuditRule::Expectation).unwrap();
        assert!(finding.effect.contains("holds nothing") && finding.severity == Severity::Critical, "{finding:?}");
    }
    let mixed = judge(expecting("wal_sender_timeout", Must::AtLeast("16MB".to_owned())));
    assert!(told(&mixed).0[0].ends_with("cannot be compared with 16MB: on db1 it counts time"), "{:?}", told(&mixed).0);
    // No limit is no amount, less than which it could be.
    let endless = judge(expecting("log_min_duration_statement", Must::AtLeast("1s".to_owned())));
    let (found, unchecked) = told(&endless);
    assert!(found.is_empty() && unchecked[0].contains("expect it by equals: '-1'"), "{found:?} {unchecked:?}");
    // The letter case of a name does not matter to the server.
    let cased = judge(expecting("Wal_Sender_Timeout", Must::Equal("10s".to_owned())));
    assert!(cased.held.contains(&AuditRule::Expectation), "{:?}", told(&cased));
    let cased = judge(expecting("datestyle", Must::Equal("iso, mdy".to_owned())));
    assert!(cased.held.contains(&AuditRule::Expectation), "{:?}", told(&cased));
}

#[test]
fn an_expectation_says_what_brings_a_correction_about() {
    for (setting, wanted, applies) in [
        ("max_connections", "200", Applies::Restart),
        ("wal_keep_size", "1GB", Applies::Reload),
        ("work_mem", "64MB", Applies::Reload),
        ("data_checksums", "off", Applies::None),
    ] {
        let terms = expecting(setting, Must::Equal(wanted.to_owned()));
        let judged = audit(&database(&["db1", "db2"]), &pair(0, &[]), &terms);
        let finding = judged.findings.iter().find(|finding| finding.rule == AuditRule::Expectation).unwrap();
        assert_eq!(finding.applies, applies, "{setting}");
        assert_eq!(finding.values[0].place.as_deref(), Some("postgresql.conf:7"));
        assert_eq!(finding.fix.contains("is fixed"), setting == "data_checksums", "{}", finding.fix);
    }
    // What was kept before it was asked for.
    let json = r#"{"value": "100", "source": "default"}"#;
    assert_eq!(serde_json::from_str::<Setting>(json).unwrap().applies(), None);
}

#[test]
fn since_when_a_finding_holds_is_not_cut_off_by_a_round_in_which_its_server_was_silent() {
    let broken = [("fsync", "off")];
    let rounds = [
        pair(0, &[]),
        pair(1, &broken),
        round(2, &[("db1", None), ("db2", with("db2", &[]))]),
        pair(3, &broken),
        pair(4, &broken),
    ];
    let terms = AuditTerms { expectations: Vec::new(), ..unchanged("work_mem") };
    let judged = audit_history(&database(&["db1", "db2"]), &rounds, &terms, None).unwrap();
    let finding = judged.findings.iter().find(|finding| finding.rule == AuditRule::DurableWrites).unwrap();
    assert_eq!(finding.since, Some(at(1)), "it held before the silence, and not in the first round");
    // A round in which it was read and right does cut it off.
    let rounds = [pair(0, &broken), pair(1, &[]), pair(2, &broken)];
    let judged = audit_history(&database(&["db1", "db2"]), &rounds, &terms, None).unwrap();
    assert_eq!(judged.findings[0].since, None);
}

#[test]
fn a_standby_of_a_standby_has_its_slot_there() {
    let three = database(&["db1", "db2", "db3"]);
    let terms = unchanged("work_mem");
    let slots = |one: ServerState, two: ServerState, three_state: ServerState| {
        let servers = [("db1", Some(one)), ("db2", Some(two)), ("db3", Some(three_state))];
        let judged = audit(&three, &round(0, &servers), &terms);
        let rules = [AuditRule::StandbySlot, AuditRule::WalKeep];
        let found = judged.findings.into_iter().filter(|finding| rules.contains(&finding.rule)).map(|it| it.seen);
        let unchecked = judged.not_checked.into_iter().filter(|note| rules.contains(&note.rule)).map(|it| it.because);
        (found.collect::<Vec<_>>(), unchecked.collect::<Vec<_>>())
    };
    let nothing = (Vec::new(), Vec::new());
    assert_eq!(slots(state("db1"), state("db2"), state("db3")), nothing);
    let mut lost = state("db2");
    lost.slots[0].wal_status = Some("lost".to_owned());
    let (found, _) = slots(state("db1"), lost, state("db3"));
    assert_eq!(found, ["the slot of db3 on db2, s3, has lost log that the standby needs, or is about to"]);
    // Known to its upstream under another name: the slot that it uses tells.
    let mut renamed = state("db2");
    renamed.links[0].name = "walreceiver".to_owned();
    assert_eq!(slots(state("db1"), renamed, state("db3")), nothing);
    // It streams from a relay that nobody configured.
    let (mut bare, mut far) = (state("db2"), state("db3"));
    (bare.links, bare.slots) = (Vec::new(), Vec::new());
    far.receiver = Some(ReceiverFacts {
        status: Some("streaming".to_owned()),
        slot: Some("s3".to_owned()),
        host: Some("10.0.0.77".to_owned()),
        port: Some(5432),
        conninfo: Conninfo::default(),
    });
    let (found, unchecked) = slots(state("db1"), bare, far);
    assert!(found.is_empty() && unchecked.iter().all(|why| why.contains("10.0.0.77:5432")), "{found:?} {unchecked:?}");
    // It streams from nowhere: then the primary's slot is meant.
    let (mut bare, gone) = (state("db2"), state("db3"));
    (bare.links, bare.slots) = (Vec::new(), Vec::new());
    let (found, _) = slots(state("db1"), bare, gone);
    assert_eq!(found, ["the slot of db3 on db1, s3, does not exist"]);
}

#[test]
fn a_connection_string_that_cannot_be_read_is_told_and_shown_nowhere() {
    let clear = "host=127.0.0.1;port=17432;user=replicator;password=hunter2secret";
    let servers = [("db1", with("db1", &[])), ("db2", with("db2", &[("primary_conninfo", clear)]))];
    let round = round(0, &servers);
    let judged = audit(&database(&["db1", "db2"]), &round, &unchanged("work_mem"));
    let shown = format!("{judged:?}{}", serde_json::to_string(&round).unwrap());
    assert!(!shown.contains("hunter2") && !shown.contains("17432"), "{shown}");
    let finding = judged.findings.iter().find(|finding| finding.rule == AuditRule::Conninfo).unwrap();
    assert!(finding.seen.contains("no key=value"), "{}", finding.seen);
    assert!(!judged.findings.iter().any(|finding| finding.rule == AuditRule::ReplicationRole), "{judged:#?}");
    let notes = judged.not_checked.iter().filter(|note| note.rule == AuditRule::ReplicationRole);
    assert!(notes.into_iter().any(|note| note.because.contains("no user that can be read")), "{judged:#?}");
}

#[test]
fn what_an_older_snapshot_holds_is_reduced_again() {
    let kept = serde_json::to_string(&pair(0, &[])).unwrap();
    let good = "host=db keepalives_idle=5 user=replicator";
    assert!(kept.contains(good), "{kept}");
    let old = kept.replace(good, "host='127.0.0.1;user=r;password=hunter2'");
    let read: Round = serde_json::from_str(&old).unwrap();
    assert!(!serde_json::to_string(&read).unwrap().contains("hunter2"));
    let conninfo: Conninfo = serde_json::from_str(r#"{"host": "db1;password=hunter2", "port": "5432"}"#).unwrap();
    assert_eq!(conninfo.to_string(), "host=(hidden) port=5432");
    assert_eq!(serde_json::from_str::<Round>(&kept).unwrap(), pair(0, &[]), "and nothing else changes");
}

#[test]
fn fixes_that_write_do_not_hang_with_the_commits_that_they_are_to_free() {
    let mut one = state("db1");
    one.roles[0].replication = false;
    one.overrides = vec![Override {
        database: None,
        role: Some("App".to_owned()),
        setting: "synchronous_commit".to_owned(),
        value: "local".to_owned(),
    }];
    let servers = [("db1", Some(one)), ("db2", with("db2", &[]))];
    let judged = audit(&database(&["db1", "db2"]), &round(0, &servers), &unchanged("work_mem"));
    let fixes: Vec<&str> = judged.findings.iter().map(|finding| finding.fix.as_str()).collect();
    assert_eq!(
        fixes,
        [
            "set synchronous_commit = local; alter role replicator login replication valid until 'infinity'",
            "set synchronous_commit = local; alter role \"App\" reset synchronous_commit",
        ]
    );
}

#[test]
fn counts_read_as_people_write_them_and_limits_with_their_value() {
    let seen = |changes: &[(&str, &str)], rule: AuditRule| {
        let judged = audit(&database(&["db1", "db2"]), &pair(0, changes), &unchanged("work_mem"));
        judged.findings.into_iter().find(|finding| finding.rule == rule).map(|it| it.seen).unwrap()
    };
    assert_eq!(
        seen(&[(NAMES, "ghost")], AuditRule::SyncCount),
        "commits wait for 1 standby and 0 of those that count are connected"
    );
    assert_eq!(seen(&[(NAMES, "db2")], AuditRule::SyncCount), "commits wait for 1 of 1 standby: there is no spare");
    for (limit, told) in
        [("60000", "after 1min, which is later than 20 s"), ("2000", "after 2s, which is sooner than 5 s")]
    {
        let seen = seen(&[(NAMES, "db2"), ("wal_sender_timeout", limit)], AuditRule::SenderTimeout);
        assert!(seen.ends_with(told), "{seen}");
    }
}
