//! The audit against a real primary and its standby: each rule breaks where it should and holds where it should, no
//! secret comes out, and what changed is told with its instant.

mod command;
mod lab;
mod pair;
mod table;

use std::collections::BTreeMap;
use std::time::Duration;

use doorstep::audit::{Applies, Audit, Content, RawSetting, Round, ServerState, Setting, audit, audit_history, drift};
use doorstep::config::{Overrides, load};
use doorstep::model::{AuditRule, AuditTerms, Must, ServiceFacts, SettingExpectation, Severity};

use crate::bad_config::Memory;
use pair::{ACCESS, PASSWORD, Pair, Primary, Standby, Which};
use table::{Case, How, Judged, Ledger};

const SUPERUSER: &str = "postgres";
const MONITOR: &str = "monitor";

/// What no rule objects to, all of it said.
fn good_terms() -> AuditTerms {
    let service = ServiceFacts {
        connections: Some(20),
        hosts: Some(2),
        target_session_attrs: Some("read-write".to_owned()),
        deadline: Some(Duration::from_secs(5)),
        balancer_timeout: Some(Duration::from_secs(10)),
        lose_nothing: Some(false),
        standby_absence: Some(Duration::from_secs(1)),
        wal_disk_free: Some(10 << 30),
    };
    AuditTerms { service, expectations: Vec::new() }
}

fn judged(pair: &Pair, round: &Round, terms: &AuditTerms) -> Judged {
    Judged { round: round.clone(), audit: audit(&pair.database(MONITOR), round, terms) }
}

/// A change of a file that a rule objects to, and that a reload brings into force.
struct Fault {
    rule: AuditRule,
    severity: Severity,
    which: Which,
    set: &'static [(&'static str, &'static str)],
    applies: Applies,
    /// What the primary says when it has come about.
    comes: Option<(&'static str, &'static str)>,
}

/// One whose correction needs a reload.
const fn fault(
    rule: AuditRule,
    severity: Severity,
    which: Which,
    set: &'static [(&'static str, &'static str)],
) -> Fault {
    Fault { rule, severity, which, set, applies: Applies::Reload, comes: None }
}

impl Fault {
    const fn comes(mut self, sql: &'static str, answer: &'static str) -> Self {
        self.comes = Some((sql, answer));
        self
    }

    const fn applies(mut self, applies: Applies) -> Self {
        self.applies = applies;
        self
    }
}

const NAMES: &str = "synchronous_standby_names";
const SLOT_IDLE: &str = "select active from pg_replication_slots where slot_name = 's1'";
const LINKS: &str = "select count(*) from pg_stat_replication where state = 'streaming'";

/// Without a host name, and without a time limit on the link.
const BY_ADDRESS: &str =
    "host=127.0.0.1 port={port} user=replicator passfile={passfile} application_name=standby1 keepalives_idle=5";
const WITHOUT_KEEPALIVES: &str =
    "host=localhost port={port} user=replicator passfile={passfile} application_name=standby1";
const NOWHERE: &str = "host=localhost port=1 user=replicator passfile={passfile} keepalives_idle=5";

const FAULTS: [Fault; 33] = [
    fault(AuditRule::SyncNames, Severity::Critical, Primary, &[(NAMES, "standby2")]),
    fault(AuditRule::SyncNames, Severity::Warning, Primary, &[(NAMES, "ANY 1 (STANDBY1, standby2)")]),
    fault(AuditRule::SyncCount, Severity::Critical, Primary, &[(NAMES, "FIRST 2 (standby1, standby2)")]),
    fault(AuditRule::SyncCount, Severity::Warning, Primary, &[(NAMES, "standby1")]),
    fault(AuditRule::SyncStar, Severity::Warning, Primary, &[(NAMES, "*")]),
    fault(AuditRule::SyncIntent, Severity::Warning, Primary, &[(NAMES, "standby1"), ("synchronous_commit", "local")]),
    fault(AuditRule::SyncIntent, Severity::Warning, Primary, &[(NAMES, "standby1"), ("synchronous_commit", "off")]),
    fault(
        AuditRule::RemoteApply,
        Severity::Warning,
        Primary,
        &[(NAMES, "standby1"), ("synchronous_commit", "remote_apply")],
    ),
    fault(AuditRule::ReadOnlyDefault, Severity::Critical, Primary, &[("default_transaction_read_only", "on")]),
    fault(AuditRule::SlotLimit, Severity::Warning, Primary, &[("max_slot_wal_keep_size", "-1")]),
    fault(AuditRule::SenderTimeout, Severity::Critical, Primary, &[("wal_sender_timeout", "0")]),
    fault(AuditRule::SenderTimeout, Severity::Warning, Primary, &[(NAMES, "standby1"), ("wal_sender_timeout", "1min")]),
    fault(AuditRule::SenderTimeout, Severity::Warning, Primary, &[(NAMES, "standby1"), ("wal_sender_timeout", "4s")]),
    fault(AuditRule::DurableWrites, Severity::Critical, Primary, &[("full_page_writes", "off")]),
    fault(AuditRule::DurableWrites, Severity::Critical, Standby, &[("fsync", "off")]),
    fault(AuditRule::PendingRestart, Severity::Warning, Standby, &[("max_connections", "50")])
        .applies(Applies::Restart),
    fault(AuditRule::SessionTimeouts, Severity::Info, Primary, &[("statement_timeout", "0")]),
    fault(AuditRule::SessionTimeouts, Severity::Info, Primary, &[("idle_in_transaction_session_timeout", "0")]),
    fault(AuditRule::SessionTimeouts, Severity::Info, Primary, &[("client_connection_check_interval", "0")]),
    fault(AuditRule::LogEvidence, Severity::Info, Primary, &[("log_replication_commands", "off")]),
    fault(AuditRule::LogEvidence, Severity::Info, Standby, &[("log_timezone", "America/Chicago")]),
    fault(AuditRule::LogEvidence, Severity::Info, Standby, &[("log_recovery_conflict_waits", "off")]),
    fault(AuditRule::ReceiverTimeout, Severity::Critical, Standby, &[("wal_receiver_timeout", "0")]),
    fault(AuditRule::ReceiverTimeout, Severity::Critical, Standby, &[("wal_receiver_status_interval", "0")]),
    fault(AuditRule::ReceiverTimeout, Severity::Warning, Standby, &[("wal_receiver_status_interval", "30s")]),
    fault(AuditRule::ApplyDelay, Severity::Warning, Standby, &[("recovery_min_apply_delay", "4s")]),
    fault(AuditRule::StreamingDelay, Severity::Warning, Standby, &[("max_standby_streaming_delay", "-1")]),
    fault(AuditRule::StandbySlot, Severity::Critical, Standby, &[("primary_slot_name", "s_1")]).comes(SLOT_IDLE, "f"),
    fault(AuditRule::StandbySlot, Severity::Critical, Standby, &[("primary_slot_name", "")]).comes(SLOT_IDLE, "f"),
    // The slot is there, and its standby is not.
    fault(AuditRule::StandbySlot, Severity::Critical, Standby, &[("primary_conninfo", NOWHERE)])
        .comes(SLOT_IDLE, "f")
        .applies(Applies::None),
    fault(AuditRule::WalKeep, Severity::Warning, Standby, &[("primary_slot_name", "")]).comes(LINKS, "1"),
    fault(AuditRule::Conninfo, Severity::Warning, Standby, &[("primary_conninfo", BY_ADDRESS)]).comes(LINKS, "1"),
    fault(AuditRule::Conninfo, Severity::Warning, Standby, &[("primary_conninfo", WITHOUT_KEEPALIVES)])
        .comes(LINKS, "1"),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_rule_breaks_and_holds() {
    let Some(pair) = Pair::start().await else { return };
    let mut ledger = Ledger::default();
    healthy(&pair, &mut ledger).await;
    command::everything(&pair).await;
    what_changed(&pair).await;
    reloaded(&pair, &mut ledger).await;
    stated(&pair, &mut ledger).await;
    expected(&pair, &mut ledger).await;
    latent(&pair, &mut ledger).await;
    files(&pair, &mut ledger).await;
    outside(&pair, &mut ledger).await;
    recorded(&pair, &mut ledger).await;
    rights(&pair).await;
    restarted(&pair, &mut ledger).await;
    promoted(&pair, &mut ledger).await;
    ledger.is_the_table();
}

/// A healthy pair: nothing is found at all, and every rule was checked.
async fn healthy(pair: &Pair, ledger: &mut Ledger) {
    let round = pair.round(SUPERUSER).await;
    let judged = judged(pair, &round, &good_terms());
    assert!(judged.findings.is_empty(), "{:#?}", judged.findings);
    for rule in AuditRule::ALL.iter().filter(|rule| **rule != AuditRule::Expectation) {
        ledger.holds(How::Real, &judged, *rule);
    }
    let unseen: Vec<_> = judged.not_checked.iter().map(|note| note.rule).collect();
    assert_eq!(unseen, [AuditRule::ReplicationRole], "but for the password, which no statement shows");
}

async fn reloaded(pair: &Pair, ledger: &mut Ledger) {
    for fault in &FAULTS {
        let set: Vec<_> = fault.set.iter().map(|(name, value)| (*name, pair.filled(value))).collect();
        pair.set(fault.which, &set.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>()).await;
        if let Some((sql, answer)) = fault.comes {
            pair.says(Primary, sql, answer).await;
        }
        let judged = judged(pair, &pair.round(MONITOR).await, &good_terms());
        ledger.breaks(&judged, &Case::real(fault.rule, fault.severity, fault.which.name(), fault.applies));
        pair.set(fault.which, &[]).await;
    }
    pair.streams().await;
    replayed(pair, ledger).await;
    // Two more that are healthy where another rule is not.
    pair.set(Primary, &[(NAMES, "Standby1"), ("synchronous_commit", "on")]).await;
    let judged = judged(pair, &pair.round(MONITOR).await, &good_terms());
    for rule in [AuditRule::SyncNames, AuditRule::SyncStar, AuditRule::SyncIntent, AuditRule::SenderTimeout] {
        ledger.holds(How::Real, &judged, rule);
    }
    pair.set(Primary, &[]).await;
}

/// Commits that wait for replay: only where nothing bounds it. And two standbys where one has to answer.
async fn replayed(pair: &Pair, ledger: &mut Ledger) {
    pair.set(Primary, &[(NAMES, "standby1"), ("synchronous_commit", "remote_apply")]).await;
    pair.set(Standby, &[("max_standby_streaming_delay", "1s")]).await;
    let bounded = judged(pair, &pair.round(MONITOR).await, &good_terms());
    ledger.holds(How::Real, &bounded, AuditRule::RemoteApply);
    pair.set(Standby, &[("max_standby_streaming_delay", "1s"), ("recovery_min_apply_delay", "2s")]).await;
    let late = judged(pair, &pair.round(MONITOR).await, &good_terms());
    for (rule, severity) in [(AuditRule::RemoteApply, Severity::Warning), (AuditRule::ApplyDelay, Severity::Critical)] {
        ledger.breaks(&late, &Case::real(rule, severity, "standby1", Applies::Reload));
    }
    pair.set(Standby, &[]).await;
    pair.set(Primary, &[(NAMES, "ANY 1 (standby1, standby2)")]).await;
    let second = pair.receive_as("standby2");
    pair.says(Primary, LINKS, "2").await;
    let spare = judged(pair, &pair.round(MONITOR).await, &good_terms());
    for rule in [AuditRule::SyncCount, AuditRule::SyncNames] {
        ledger.holds(How::Real, &spare, rule);
    }
    drop(second);
    pair.says(Primary, LINKS, "1").await;
    pair.set(Primary, &[]).await;
}

/// What is said by statements, not by files.
async fn stated(pair: &Pair, ledger: &mut Ledger) {
    for (does, undoes, rule, severity) in [
        (
            "alter role app set synchronous_commit = local",
            "alter role app reset synchronous_commit",
            AuditRule::Overrides,
            Severity::Warning,
        ),
        (
            "alter role app set default_transaction_read_only = on",
            "alter role app reset default_transaction_read_only",
            AuditRule::Overrides,
            Severity::Critical,
        ),
        (
            "alter role app set statement_timeout = '1s'",
            "alter role app reset statement_timeout",
            AuditRule::Overrides,
            Severity::Warning,
        ),
        (
            "select pg_create_physical_replication_slot('left_over', true)",
            "select pg_drop_replication_slot('left_over')",
            AuditRule::ForeignSlots,
            Severity::Warning,
        ),
        (
            "alter role replicator noreplication",
            "alter role replicator replication",
            AuditRule::ReplicationRole,
            Severity::Critical,
        ),
        (
            "alter role replicator nologin",
            "alter role replicator login",
            AuditRule::ReplicationRole,
            Severity::Critical,
        ),
        (
            "alter role replicator valid until '2020-01-01'",
            "alter role replicator valid until 'infinity'",
            AuditRule::ReplicationRole,
            Severity::Critical,
        ),
        (
            "do $$ begin execute format('alter role replicator valid until %L', now() + interval '13 days'); end $$",
            "do $$ begin execute format('alter role replicator valid until %L', now() + interval '15 days'); end $$",
            AuditRule::ReplicationRole,
            Severity::Critical,
        ),
    ] {
        pair.sql(Primary, does).await;
        let judged = judged(pair, &pair.round(MONITOR).await, &good_terms());
        ledger.breaks(&judged, &Case::real(rule, severity, "primary1", Applies::None));
        pair.sql(Primary, undoes).await;
    }
    // The role's password is good for fifteen days now.
    let judged = judged(pair, &pair.round(SUPERUSER).await, &good_terms());
    for rule in [AuditRule::Overrides, AuditRule::ForeignSlots, AuditRule::ReplicationRole] {
        ledger.holds(How::Real, &judged, rule);
    }
    pair.sql(Primary, "alter role replicator valid until 'infinity'").await;
}

/// Faults that the open link survives: `pg_hba.conf` on either server, a password in the clear. That the password is
/// wrong is seen by nobody, and said.
async fn latent(pair: &Pair, ledger: &mut Ledger) {
    for which in [Primary, Standby] {
        let rest = "host all all 127.0.0.1/32 scram-sha-256\n";
        // No server here offers TLS.
        let unprotected = "hostnossl replication replicator 127.0.0.1/32 scram-sha-256\n";
        let protected = unprotected.replace("hostnossl", "hostssl");
        for line in ["", protected.as_str(), "host replication replicator 127.0.0.1/32 reject\n"] {
            pair.allow(which, &format!("{line}{rest}"));
            pair.reload(which).await;
            let refused = judged(pair, &pair.round(SUPERUSER).await, &good_terms());
            let case = Case::real(AuditRule::HostAccess, Severity::Critical, which.name(), Applies::Reload);
            let finding = ledger.breaks(&refused, &case);
            assert!(finding.seen.contains(&format!("pg_hba.conf of {}", which.name())), "{}", finding.seen);
            pair.says(Primary, LINKS, "1").await;
        }
        pair.allow(which, &format!("{unprotected}{rest}"));
        pair.reload(which).await;
        let plain = judged(pair, &pair.round(SUPERUSER).await, &good_terms());
        ledger.holds(How::Real, &plain, AuditRule::HostAccess);
        pair.allow(which, ACCESS);
        pair.reload(which).await;
    }
    let clear = format!("{} password=wrong-{PASSWORD}", pair.conninfo());
    pair.set(Standby, &[("primary_conninfo", &clear)]).await;
    let round = pair.round(MONITOR).await;
    let judged = judged(pair, &round, &good_terms());
    ledger.breaks(&judged, &Case::real(AuditRule::Conninfo, Severity::Warning, "standby1", Applies::Reload));
    let told = format!("{}{:?}", serde_json::to_string(&round).unwrap(), judged.audit);
    assert!(told.contains("password=(hidden)") && !told.contains(PASSWORD), "a password came through");
    let unseen = judged.not_checked.iter().find(|note| note.rule == AuditRule::ReplicationRole).unwrap();
    assert!(unseen.because.contains("cannot be seen by any statement"), "{}", unseen.because);
    // With separators of another program the server takes it, and connects nowhere.
    let garbled = format!("host=localhost;port={};user=replicator;password={PASSWORD}", pair.port(Primary));
    pair.set(Standby, &[("primary_conninfo", &garbled)]).await;
    let round = pair.round(MONITOR).await;
    let judged = self::judged(pair, &round, &good_terms());
    let finding =
        ledger.breaks(&judged, &Case::real(AuditRule::Conninfo, Severity::Warning, "standby1", Applies::Reload));
    assert!(finding.seen.contains("no key=value"), "{}", finding.seen);
    let told = format!("{}{:?}", serde_json::to_string(&round).unwrap(), judged.audit);
    assert!(!told.contains(PASSWORD), "a password came through");
    pair.set(Standby, &[]).await;
    pair.streams().await;
}

/// Files against what is in force.
async fn files(pair: &Pair, ledger: &mut Ledger) {
    let mut settings = pair.good(Primary);
    settings.insert("work_mem", "8MB".to_owned());
    pair.write(Primary, &settings);
    let edited = judged(pair, &pair.round(SUPERUSER).await, &good_terms());
    let case = Case::real(AuditRule::LoadedFiles, Severity::Warning, "primary1", Applies::Reload);
    ledger.breaks(&edited, &case);
    settings.insert("no_such_setting", "1".to_owned());
    pair.write(Primary, &settings);
    let broken = judged(pair, &pair.round(SUPERUSER).await, &good_terms());
    let seen = &ledger.breaks(&broken, &case).seen;
    assert!(seen.contains("the next reload changes nothing"), "{seen}");
    // A value that is none, and one that waits for a restart, keep no other line from coming into force.
    settings.remove("no_such_setting");
    for (name, value, says, applies) in [
        ("log_lock_waits", "perhaps", "a value that the server does not take", Applies::Reload),
        ("max_connections", "50", "waits for a restart", Applies::Restart),
    ] {
        let mut settings = settings.clone();
        settings.insert(name, value.to_owned());
        pair.write(Primary, &settings);
        pair.sql(Primary, "select pg_reload_conf()").await;
        pair.says(Primary, "select setting from pg_settings where name = 'work_mem'", "8192").await;
        let skipped = judged(pair, &pair.round(SUPERUSER).await, &good_terms());
        let finding = ledger.breaks(&skipped, &Case { applies, ..case });
        assert!(finding.seen.contains(says), "{}", finding.seen);
        pair.set(Primary, &[]).await;
    }
    // In force, and in the file no more.
    let mut settings = pair.good(Primary);
    settings.remove("log_timezone");
    pair.write(Primary, &settings);
    let gone = judged(pair, &pair.round(SUPERUSER).await, &good_terms());
    let finding = ledger.breaks(&gone, &case);
    let told: Vec<&str> = finding.values.iter().map(|value| value.value.as_str()).collect();
    assert!(told.contains(&"in the file no more"), "{finding:#?}");
    pair.set(Primary, &[]).await;
    pair.sql(Primary, "alter system set work_mem = '9MB'").await;
    pair.reload(Primary).await;
    let shadowed = judged(pair, &pair.round(MONITOR).await, &good_terms());
    ledger.breaks(&shadowed, &Case::real(AuditRule::ManagedFiles, Severity::Info, "primary1", Applies::Reload));
    pair.sql(Primary, "alter system reset work_mem").await;
    pair.reload(Primary).await;
    let healed = judged(pair, &pair.round(SUPERUSER).await, &good_terms());
    ledger.holds(How::Real, &healed, AuditRule::LoadedFiles);
    ledger.holds(How::Real, &healed, AuditRule::ManagedFiles);
}

/// What no server says: facts of the service, held against real servers.
async fn outside(pair: &Pair, ledger: &mut Ledger) {
    let round = pair.round(MONITOR).await;
    let with = |change: fn(&mut ServiceFacts)| {
        let mut terms = good_terms();
        change(&mut terms.service);
        judged(pair, &round, &terms)
    };
    let year = Duration::from_secs(365 * 86_400);
    let mut terms = good_terms();
    terms.service.standby_absence = Some(year);
    let (warning, critical) = (Severity::Warning, Severity::Critical);
    for (judged, rule, severity, applies) in [
        (with(|it| it.connections = Some(36)), AuditRule::ServicePool, warning, Applies::Restart),
        (with(|it| it.target_session_attrs = None), AuditRule::ServiceTarget, critical, Applies::None),
        (with(|it| it.deadline = Some(Duration::ZERO)), AuditRule::ServiceDeadline, warning, Applies::None),
        (with(|it| it.deadline = Some(Duration::from_secs(11))), AuditRule::ServiceDeadline, warning, Applies::None),
        (with(|it| it.lose_nothing = Some(true)), AuditRule::SyncIntent, warning, Applies::Reload),
        (with(|it| it.wal_disk_free = Some(1 << 20)), AuditRule::SlotLimit, warning, Applies::Reload),
        (judged(pair, &round, &terms), AuditRule::SlotLimit, warning, Applies::Reload),
    ] {
        ledger.breaks(&judged, &Case::stated(rule, severity, applies));
    }
    let silent = judged(pair, &round, &AuditTerms::default());
    for rule in [AuditRule::ServicePool, AuditRule::ServiceTarget, AuditRule::ServiceDeadline, AuditRule::SlotLimit] {
        let because = &silent.not_checked.iter().find(|note| note.rule == rule).unwrap().because;
        assert!(because.contains("service."), "{rule}: {because}");
    }
    // What is advised is what the configuration takes.
    let advised = &silent.not_checked.iter().find(|note| note.rule == AuditRule::ServiceDeadline).unwrap().because;
    let word = advised.split_once("service.deadline (").and_then(|(_, rest)| rest.split_once(':')).unwrap().0;
    assert_eq!(service_of(&format!("deadline: {word}")).deadline, Some(Duration::ZERO), "{advised}");
}

/// The facts of the service as a configuration says them.
fn service_of(written: &str) -> ServiceFacts {
    let text = format!(
        "flows: []
databases:
  auth: {{ user: monitor, service: {{ {written} }}, servers: {{ db1: {{ host: db1, role: primary }} }} }}"
    );
    let files = Memory::with(&[("doorstep.yaml", &text)]);
    let loaded = load(std::path::Path::new("doorstep.yaml"), &files, &Overrides::default());
    let site = loaded.site.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
    site.audit_terms.values().next().expect("the database's").service.clone()
}

/// Expectations in each of their forms.
async fn expected(pair: &Pair, ledger: &mut Ledger) {
    let round = pair.round(MONITOR).await;
    let with = |setting: &str, must: Must| {
        let expectation = SettingExpectation {
            setting: setting.to_owned(),
            server: None,
            must,
            severity: Severity::Critical,
            because: None,
        };
        judged(pair, &round, &AuditTerms { expectations: vec![expectation], ..good_terms() })
    };
    let text = |text: &str| text.to_owned();
    for (setting, must, applies) in [
        ("wal_sender_timeout", Must::Equal(text("20s")), Applies::Reload),
        ("max_connections", Must::AtLeast(text("41")), Applies::Restart),
        ("cluster_name", Must::SameOnStandby, Applies::Restart),
        ("block_size", Must::Equal(text("4096")), Applies::None),
        // An expectation that holds nothing.
        ("no_such_setting", Must::Equal(text("1")), Applies::None),
        ("wal_sender_timeout", Must::AtLeast(text("16MB")), Applies::None),
    ] {
        let case = Case::real(AuditRule::Expectation, Severity::Critical, "primary1", applies);
        ledger.breaks(&with(setting, must), &case);
    }
    for (setting, must) in [
        ("wal_sender_timeout", Must::Equal(text("10000 ms"))),
        ("max_slot_wal_keep_size", Must::AtLeast(text("0.25GB"))),
        ("max_connections", Must::SameOnStandby),
        ("max_connections", Must::AtLeastOnStandby),
    ] {
        ledger.holds(How::Real, &with(setting, must), AuditRule::Expectation);
    }
    let misspelt = with("wal_sender_timeot", Must::NotChange);
    let finding = misspelt.findings.iter().find(|finding| finding.rule == AuditRule::Expectation).unwrap();
    assert!(finding.seen.contains("did you mean wal_sender_timeout?"), "{}", finding.seen);
    let endless = with("log_min_duration_statement", Must::AtLeast(text("1s")));
    assert!(endless.not_checked.iter().any(|note| note.because.contains("equals: '-1'")), "{:#?}", endless.audit);
}

/// What a change of a file looks like from two snapshots, with the instant at which it came into force.
async fn what_changed(pair: &Pair) {
    let before = pair.round(MONITOR).await;
    pair.set(Primary, &[(NAMES, "standby2")]).await;
    pair.sql(Primary, "alter role app set lock_timeout = '5s'").await;
    let after = pair.round(MONITOR).await;
    pair.sql(Primary, "alter role app reset lock_timeout").await;
    let rounds = [before, after];
    // What is said of roles reaches the standby a moment later, before or after the second round.
    let changes: Vec<_> = drift(&rounds).into_iter().filter(|one| one.server.as_str() == "primary1").collect();
    let told: Vec<_> =
        changes.iter().map(|one| (one.what.as_str(), one.before.as_deref(), one.after.as_deref())).collect();
    assert_eq!(
        told,
        [("lock_timeout for role app", None, Some("5s")), (NAMES, Some(""), Some("standby2"))],
        "and nothing else"
    );
    let named = &changes[1];
    let loaded = rounds[1].snapshots[0].state().unwrap().loaded;
    assert_eq!(named.loaded, Some(loaded));
    assert!(named.earliest < loaded && loaded < named.latest, "{named:?}");
    let terms = AuditTerms {
        expectations: vec![SettingExpectation {
            setting: NAMES.to_owned(),
            server: None,
            must: Must::NotChange,
            severity: Severity::Critical,
            because: Some("the outage".to_owned()),
        }],
        ..good_terms()
    };
    let database = pair.database(MONITOR);
    let judged = audit_history(&database, &rounds, &terms, None).unwrap();
    let finding = judged.findings.iter().find(|finding| finding.rule == AuditRule::Expectation).unwrap();
    assert!(
        finding.seen.contains(&format!("at {loaded:.0}")) && finding.seen.contains("the outage"),
        "{}",
        finding.seen
    );
    let ghost = judged.findings.iter().find(|finding| finding.rule == AuditRule::SyncNames).unwrap();
    assert_eq!(ghost.since, None, "it was not there before");
    let again = audit_history(&database, &[rounds[1].clone(), rounds[1].clone()], &terms, None).unwrap();
    let ghost = again.findings.iter().find(|finding| finding.rule == AuditRule::SyncNames).unwrap();
    assert_eq!(ghost.since, Some(rounds[1].taken));
    assert!(!again.findings.iter().any(|finding| finding.rule == AuditRule::Expectation), "nothing changed since");
    pair.set(Primary, &[]).await;
}

/// What cannot be set on one machine is shown on snapshots of real servers, changed.
async fn recorded(pair: &Pair, ledger: &mut Ledger) {
    let round = pair.round(SUPERUSER).await;
    let changed = |which: Which, change: &dyn Fn(&mut ServerState)| {
        let mut round = round.clone();
        let Content::Read(state) = &mut round.snapshots[usize::from(which == Standby)].content else {
            panic!("not read")
        };
        change(state);
        judged(pair, &round, &good_terms())
    };
    let (critical, warning) = (Severity::Critical, Severity::Warning);
    for (rule, severity, which, applies, change) in [
        (
            AuditRule::Copies,
            critical,
            Standby,
            Applies::None,
            &(|it: &mut ServerState| it.system += 1) as &dyn Fn(&mut ServerState),
        ),
        (AuditRule::Copies, critical, Standby, Applies::None, &|it| it.timeline += 1),
        (AuditRule::Copies, critical, Primary, Applies::None, &|it| it.in_recovery = true),
        (AuditRule::Versions, critical, Standby, Applies::Restart, &|it| it.version = 160_004),
        (AuditRule::Versions, warning, Standby, Applies::None, &|it| {
            it.databases.iter_mut().for_each(|one| one.actual_version = Some("2.36".to_owned()));
        }),
        (AuditRule::Versions, warning, Standby, Applies::None, &|it| {
            it.databases.iter_mut().for_each(|one| one.encoding = "LATIN1".to_owned());
        }),
        (AuditRule::ClockOffset, warning, Standby, Applies::None, &|it| it.clock_offset = -1_500_000),
        (AuditRule::StandbySlot, critical, Primary, Applies::None, &|it| {
            it.slots.iter_mut().for_each(|slot| slot.wal_status = Some("lost".to_owned()));
        }),
        (AuditRule::StandbySlot, critical, Primary, Applies::None, &|it| {
            it.slots.iter_mut().for_each(|slot| slot.wal_status = Some("unreserved".to_owned()));
        }),
        (AuditRule::StandbySlot, critical, Primary, Applies::None, &|it| {
            it.slots.iter_mut().for_each(|slot| slot.physical = false);
        }),
        // From version 16 on, connections can be kept for monitoring: some, and for the role that asks.
        (AuditRule::ReservedConnections, warning, Primary, Applies::Restart, &|it| newer(it, "0", true)),
        (AuditRule::ReservedConnections, warning, Primary, Applies::Restart, &|it| newer(it, "2", false)),
    ] {
        ledger.breaks(&changed(which, change), &Case::recorded(rule, severity, which.name(), applies));
    }
    ledger.holds(How::Recorded, &changed(Primary, &|it| newer(it, "2", true)), AuditRule::ReservedConnections);
    let silent = changed(Primary, &|it| it.version = 160_004);
    let notes: Vec<_> = silent.not_checked.iter().map(|note| note.rule).collect();
    assert!(notes.contains(&AuditRule::ReservedConnections), "{:#?}", silent.audit);
    let unsure = changed(Primary, &|it| (it.clock_offset, it.clock_uncertainty) = (1_500_000, 2_000_000));
    assert!(unsure.not_checked.iter().any(|note| note.rule == AuditRule::ClockOffset), "{:#?}", unsure.audit);
    // A standby that logins read from.
    let mut database = pair.database(MONITOR);
    database.servers[1].serves_reads = true;
    let mut late = round.clone();
    if let Content::Read(state) = &mut late.snapshots[1].content {
        state.settings.insert("recovery_min_apply_delay".to_owned(), setting("recovery_min_apply_delay", "4000"));
    }
    for (round, rule, severity) in
        [(&round, AuditRule::StreamingDelay, warning), (&late, AuditRule::ApplyDelay, critical)]
    {
        let reads = Judged { round: round.clone(), audit: audit(&database, round, &good_terms()) };
        ledger.breaks(&reads, &Case::recorded(rule, severity, "standby1", Applies::Reload));
    }
    let unread = audit(&pair.database(MONITOR), &Round { snapshots: Vec::new(), ..round.clone() }, &good_terms());
    assert!(unread.findings.is_empty() && !unread.saw_all_servers());
    assert!(unread.held.iter().all(|rule| rule.as_str().starts_with("service-")), "{:?}", unread.held);
}

/// A setting as a server of another version, or set otherwise, would say it.
fn setting(name: &str, value: &str) -> Setting {
    Setting::reduce(&RawSetting {
        name: name.to_owned(),
        setting: Some(value.to_owned()),
        unit: (name == "recovery_min_apply_delay").then(|| "ms".to_owned()),
        source: "configuration file".to_owned(),
        sourcefile: Some("/etc/postgresql.conf".to_owned()),
        sourceline: Some(7),
        pending_restart: false,
        context: if name == "reserved_connections" { "postmaster" } else { "sighup" }.to_owned(),
    })
}

/// Version 16, with so many connections for those that may use them.
fn newer(state: &mut ServerState, reserved: &str, may_use: bool) {
    state.version = 160_004;
    state.has_reserved = may_use;
    state.settings.insert("reserved_connections".to_owned(), setting("reserved_connections", reserved));
}

/// What a role without rights sees is never taken for health.
async fn rights(pair: &Pair) {
    let plain = judged(pair, &pair.round("plain").await, &good_terms());
    assert!(!plain.saw_all_servers() && plain.servers.iter().all(|server| server.blinkered));
    for rule in [AuditRule::SyncNames, AuditRule::SyncCount, AuditRule::Conninfo, AuditRule::PendingRestart] {
        let note = plain.not_checked.iter().find(|note| note.rule == rule);
        assert!(note.is_some_and(|note| note.because.contains("pg_monitor")), "{rule}: {note:?}");
    }
    let monitor = judged(pair, &pair.round(MONITOR).await, &good_terms());
    let unchecked: BTreeMap<_, _> = monitor.not_checked.iter().map(|note| (note.rule, note.because.as_str())).collect();
    let rules: Vec<_> = unchecked.keys().copied().collect();
    assert_eq!(rules, [AuditRule::LoadedFiles, AuditRule::ReplicationRole, AuditRule::HostAccess]);
    assert!(unchecked[&AuditRule::HostAccess].contains("superuser"), "{unchecked:?}");
    assert!(monitor.saw_all_servers() && monitor.findings.is_empty(), "{:#?}", monitor.findings);
    pair.sql(Primary, "alter role monitor set statement_timeout = '7s'").await;
    let own = judged(pair, &pair.round(MONITOR).await, &good_terms());
    let note = own.not_checked.iter().find(|note| note.rule == AuditRule::SessionTimeouts).unwrap();
    assert!(note.because.contains("hides the server's"), "{}", note.because);
    pair.sql(Primary, "alter role monitor reset statement_timeout").await;
    let refused = judged(pair, &pair.round("nobody").await, &good_terms());
    assert!(refused.servers.iter().all(|server| server.unread.is_some()), "{:#?}", refused.servers);
}

/// What needs a restart, in as few as possible.
async fn restarted(pair: &Pair, ledger: &mut Ledger) {
    pair.restart_with(
        Primary,
        &[
            ("max_wal_senders", "2"),
            ("max_replication_slots", "2"),
            ("superuser_reserved_connections", "1"),
            ("wal_log_hints", "off"),
            ("hot_standby", "off"),
            ("archive_mode", "on"),
        ],
    );
    let idle = judged(pair, &pair.round(MONITOR).await, &good_terms());
    let archive = Case::real(AuditRule::Archive, Severity::Critical, "primary1", Applies::Reload);
    assert!(ledger.breaks(&idle, &archive).seen.contains("nothing archives"));
    let failing = [
        ("max_wal_senders", "2"),
        ("max_replication_slots", "2"),
        ("superuser_reserved_connections", "1"),
        ("wal_log_hints", "off"),
        ("hot_standby", "off"),
        ("archive_mode", "on"),
        ("archive_command", "/bin/false"),
    ];
    pair.set(Primary, &failing).await;
    pair.restart_with(Standby, &[("recovery_target_timeline", "current")]);
    pair.streams().await;
    pair.sql(Primary, "create table written (); select pg_switch_wal()").await;
    pair.says(Primary, "select failed_count > 0 from pg_stat_archiver", "t").await;
    let broken = judged(pair, &pair.round(MONITOR).await, &good_terms());
    for (rule, severity, server, applies) in [
        (AuditRule::SenderRoom, Severity::Warning, "primary1", Applies::Restart),
        (AuditRule::ReservedConnections, Severity::Warning, "primary1", Applies::Restart),
        (AuditRule::Rewind, Severity::Info, "primary1", Applies::Restart),
        (AuditRule::HotStandby, Severity::Warning, "primary1", Applies::Restart),
        (AuditRule::Archive, Severity::Critical, "primary1", Applies::Reload),
        (AuditRule::RecoveryTarget, Severity::Warning, "standby1", Applies::Restart),
    ] {
        ledger.breaks(&broken, &Case::real(rule, severity, server, applies));
    }
    let rooms: Vec<&str> = seen_of(&broken, AuditRule::SenderRoom);
    assert_eq!(
        rooms,
        [
            "1 link in use, and max_wal_senders leaves fewer than two free",
            "1 slot in use, and max_replication_slots leaves fewer than two free"
        ]
    );
    // The primary asks for more than the standby has.
    pair.restart_with(Standby, &[]);
    let room = [
        ("max_connections", "60"),
        ("max_worker_processes", "9"),
        ("max_wal_senders", "7"),
        ("max_prepared_transactions", "1"),
        ("max_locks_per_transaction", "65"),
    ];
    let archives = [("archive_mode", "on"), ("archive_command", "/bin/true")];
    pair.restart_with(Primary, &[&room[..], &archives].concat());
    pair.sql(Primary, "create table written_again (); select pg_switch_wal()").await;
    pair.says(
        Primary,
        "select last_archived_time > coalesce(last_failed_time, '-infinity') from pg_stat_archiver",
        "t",
    )
    .await;
    let more = judged(pair, &pair.round(MONITOR).await, &good_terms());
    ledger.breaks(&more, &Case::real(AuditRule::StandbyCapacity, Severity::Critical, "standby1", Applies::Restart));
    let short = seen_of(&more, AuditRule::StandbyCapacity);
    assert_eq!(short, room.map(|(name, _)| format!("{name} is lower on standby1 than on primary1")));
    ledger.holds(How::Real, &more, AuditRule::Archive);
    pair.restart_with(Standby, &room);
    pair.streams().await;
    let healed = judged(pair, &pair.round(MONITOR).await, &good_terms());
    assert!(healed.findings.is_empty(), "{:#?}", healed.findings);
}

/// Two servers that take writes, then one whose log is good for no standby: the pair is none afterwards.
async fn promoted(pair: &Pair, ledger: &mut Ledger) {
    pair.sql(Standby, "select pg_promote()").await;
    let two = judged(pair, &pair.round(MONITOR).await, &good_terms());
    ledger.breaks(&two, &Case::real(AuditRule::Copies, Severity::Critical, "standby1", Applies::None));
    pair.sql(Primary, "select pg_drop_replication_slot('s1')").await;
    pair.restart_with(Primary, &[("wal_level", "minimal"), ("max_wal_senders", "0")]);
    let alone = judged(pair, &pair.round(MONITOR).await, &good_terms());
    ledger.breaks(&alone, &Case::real(AuditRule::WalLevel, Severity::Critical, "primary1", Applies::Restart));
}

/// What is said of a rule, finding by finding.
fn seen_of(audit: &Audit, rule: AuditRule) -> Vec<&str> {
    audit.findings.iter().filter(|finding| finding.rule == rule).map(|finding| finding.seen.as_str()).collect()
}
