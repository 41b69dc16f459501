//! The sentinel and its rules on a real MariaDB primary with a semi-synchronous replica: each fault has its rule on its
//! server in time, no other rule is critical, and a pair without a fault is quiet.

use std::path::Path;
use std::time::{Duration, Instant};

use doorstep::model::{Answer, Database, Rule, Server, Severity, TlsMode, Unknown};

use crate::support::mariadb::{PASSWORD, PRIMARY, Pair, REPLICA, Watcher, session};

/// What may be critical together while commits wait for a replica.
const WAITING: &[Rule] = &[Rule::SyncWait, Rule::SyncHang, Rule::QuorumShort, Rule::StaleReply];

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_without_a_fault_is_quiet_for_a_minute() {
    let Some(pair) = Pair::start(10) else { return };
    let mut watcher = Watcher::new(pair.database());
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        watcher.round().await;
        assert!(watcher.findings.is_empty(), "{:#?}", watcher.findings);
        // Logins for half of the time, then nobody.
        if begun.elapsed() < Duration::from_secs(30) {
            let (said, millis) = pair.commit().join().unwrap();
            assert_eq!(said, "committed", "after {millis} ms");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_replica_costs_one_slow_commit_or_all() {
    let Some(pair) = Pair::start(5) else { return };
    let mut watcher = Watcher::new(pair.database());

    pair.lab(&["fault", "replica-stopped"]);
    let commit = pair.commit();
    watcher.until(Rule::SyncHang, PRIMARY, 6, WAITING).await;
    let off = watcher.until(Rule::SemiSyncOff, PRIMARY, 12, WAITING).await;
    assert!(off.severity == Severity::Warning && off.seen.contains("went on alone"), "{off:?}");
    let (said, millis) = commit.join().unwrap();
    assert!(said == "committed" && (4_900..8_000).contains(&millis), "{said} after {millis} ms");
    let (said, millis) = pair.commit().join().unwrap();
    assert!(said == "committed" && millis < 2_000, "unprotected: {said} after {millis} ms");
    watcher.until(Rule::StandbyAbsent, PRIMARY, 6, WAITING).await;
    pair.lab(&["heal"]);
    watcher.until_quiet(15).await;

    pair.lab(&["fault", "semi-sync-disabled"]);
    let deaf = watcher.until(Rule::QuorumShort, PRIMARY, 6, WAITING).await;
    assert!(deaf.seen.contains("those that fetch acknowledge nothing"), "{deaf:?}");
    assert_eq!(pair.commit().join().unwrap().0, "committed");
    watcher.until(Rule::SemiSyncOff, PRIMARY, 6, WAITING).await;
    follow_runbook(&pair, Rule::SemiSyncOff);
    // Without a commit that the replica acknowledges it would stay off.
    assert_eq!(pair.commit().join().unwrap().0, "committed");
    watcher.until_quiet(15).await;

    pair.lab(&["fault", "endless-wait"]);
    let short = watcher.until(Rule::QuorumShort, PRIMARY, 6, WAITING).await;
    assert!(short.logins.starts_with("every login hangs"), "{short:?}");
    let commit = pair.commit();
    watcher.until(Rule::SyncHang, PRIMARY, 6, WAITING).await;
    watcher.until(Rule::SyncWait, PRIMARY, 8, WAITING).await;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(4) {
        watcher.round().await;
    }
    assert!(!commit.is_finished(), "the commit waits twice as long as the ordinary timeout");
    pair.lab(&["heal"]);
    let (_, millis) = commit.join().unwrap();
    assert!(millis > 8_000, "it waited for {millis} ms");
    watcher.until_quiet(15).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_replica_is_told_from_a_lost_one() {
    // Commits wait long enough for two samples of one that has waited for two seconds, also on a busy machine.
    let Some(pair) = Pair::start(10) else { return };
    let mut watcher = Watcher::new(pair.database());
    pair.lab(&["fault", "replica-frozen"]);
    let commit = pair.commit();
    watcher.until(Rule::StaleReply, PRIMARY, 10, &[Rule::SyncWait, Rule::SyncHang]).await;
    let silent = watcher.until(Rule::Unknown, REPLICA, 8, WAITING).await;
    assert!(silent.seen.contains("it does not answer in time"), "{silent:?}");
    assert_eq!(commit.join().unwrap().0, "committed");
    watcher.until(Rule::SemiSyncOff, PRIMARY, 12, WAITING).await;
    pair.lab(&["heal"]);
    watcher.until_quiet(20).await;

    // Bad input, on the same servers.
    let database = pair.database();
    let wrong = unknown(&database, PRIMARY, "wrong", Unknown::LoginRefused).await;
    assert!(wrong.contains("1045") && wrong.contains("monitor"), "{wrong}");
    let blind = Database { user: "blind".to_owned(), ..pair.database() };
    for server in [PRIMARY, REPLICA] {
        let no_rights = unknown(&blind, server, PASSWORD, Unknown::NoRights).await;
        assert!(no_rights.contains("GRANT REPLICA MONITOR, PROCESS"), "{no_rights}");
    }
    let tls = Database { tls: TlsMode::Verify, ..pair.database() };
    let tls = unknown(&tls, PRIMARY, PASSWORD, Unknown::Tls).await;
    assert!(tls.contains("the server offers no TLS"), "{tls}");
    let mut nobody = pair.database();
    nobody.servers[0].port = 1;
    let nobody = unknown(&nobody, PRIMARY, PASSWORD, Unknown::Unreachable).await;
    assert!(nobody.contains("nothing listens there"), "{nobody}");
    exhausted(&pair.database(), &pair).await;
}

/// Does what a rule's runbook says, in its order, and nothing else.
fn follow_runbook(pair: &Pair, rule: Rule) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/runbooks/{rule}.md"));
    let page = std::fs::read_to_string(path).unwrap();
    let mut blocks = 0;
    for block in page.split("```sql mariadb-").skip(1) {
        let (server, rest) = block.split_once('\n').unwrap();
        pair.lab(&["sql", server, rest.split("```").next().unwrap()]);
        blocks += 1;
    }
    assert!(blocks > 0, "{rule}: its runbook has no statement to run");
}

#[test]
fn every_command_of_the_readme_works_on_a_pair() {
    let Some(pair) = Pair::place(3) else { return };
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let commands: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix("scripts/lab mariadb ")).collect();
    assert!(commands.len() >= 5, "{commands:?}");
    for command in commands {
        let words: Vec<&str> = command.split('#').next().unwrap().split_whitespace().collect();
        pair.lab(&words);
    }
    assert!(!pair.folder().exists(), "nothing is left");
}

/// `doorstep database check` by hand: how it ends, and what it says.
fn check(pair: &Pair, arguments: &[&str]) -> (Option<i32>, String) {
    let path = pair.folder().join("doorstep.yaml");
    std::fs::write(&path, pair.lab(&["config"])).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_doorstep"));
    command.args(["database", "check", "--for", "4s", "--config"]).arg(path).args(arguments);
    let done = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(!said.contains(PASSWORD), "{said}");
    (done.status.code(), said.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[test]
fn the_check_by_hand_says_what_a_pair_says() {
    let Some(pair) = Pair::start(10) else { return };
    assert_eq!(check(&pair, &["--quiet"]), (Some(0), String::new()));
    let (code, said) = check(&pair, &[]);
    assert_eq!(code, Some(0), "{said}");
    for part in [
        "auth: the database evidence is clean: not replication",
        "primary1 (127.0.0.1:",
        "takes writes",
        "commits wait for one of 1 replica up to 10.0 s; 0 wait now",
        "fetching Yes, applying Yes, behind 0.0 s",
        "no finding",
    ] {
        assert!(said.contains(part), "no '{part}' in {said}");
    }
    pair.lab(&["fault", "read-only"]);
    let (code, said) = check(&pair, &["--quiet"]);
    assert_eq!(code, Some(1), "{said}");
    for part in [
        "CRITICAL read-only on primary1 (cause), since ",
        "read_only = ON (error 1290)",
        "runbook doorstep runbook read-only --engine mariadb",
        "findings: 1 critical",
    ] {
        assert!(said.contains(part), "no '{part}' in {said}");
    }
    let (_, json) = check(&pair, &["--format", "json"]);
    let read: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(read[0]["findings"][0]["engine"], "mariadb", "{json}");
    assert_eq!(read[0]["findings"][0]["runbook"], "doorstep runbook read-only --engine mariadb");
    pair.lab(&["fault", "monitor-blind"]);
    let (code, said) = check(&pair, &[]);
    assert!(code == Some(3) && said.contains("GRANT REPLICA MONITOR, PROCESS"), "{said}");
}

/// Only a folder that `init` made is ever emptied or removed.
#[test]
fn a_folder_that_is_no_lab_is_left_alone() {
    let Some(pair) = Pair::place(3) else { return };
    assert!(pair.refused(&["status"]).contains("make one with 'scripts/lab mariadb init'"));
    std::fs::create_dir(pair.folder()).unwrap();
    std::fs::write(pair.folder().join("letter.txt"), "mine").unwrap();
    assert!(pair.refused(&["init"]).contains("is not empty and no lab of MariaDB: give another --folder"));
    assert!(pair.refused(&["destroy"]).contains("is no lab of MariaDB, and stays"));
    for command in [&["heal"][..], &["fault", "read-only"], &["commit"], &["stop"]] {
        assert!(pair.refused(command).contains("there is no lab in"), "{command:?}");
    }
    assert_eq!(std::fs::read_to_string(pair.folder().join("letter.txt")).unwrap(), "mine");
    std::fs::remove_file(pair.folder().join("letter.txt")).unwrap();
    // An empty folder becomes a lab; what became a lab is made anew, and goes.
    pair.lab(&["init"]);
    pair.lab(&["init"]);
    pair.lab(&["destroy"]);
    assert!(!pair.folder().exists());
    pair.lab(&["destroy"]);
}

/// The message of a session that learns nothing.
async fn unknown(database: &Database, server: &str, password: &str, expected: Unknown) -> String {
    let answer = session(database, server, password).ask().await;
    let Answer::Unknown { why, message } = answer else { panic!("{answer:?}") };
    assert_eq!(why, expected, "{message}");
    assert!(!message.contains(PASSWORD), "{message}");
    message
}

/// The last connection is gone: a kept one sees it, a new one is refused, and that is a finding too.
async fn exhausted(database: &Database, pair: &Pair) {
    let mut watcher = Watcher::new(database.clone());
    watcher.until_quiet(3).await;
    pair.lab(&["sql", "primary", "SET GLOBAL max_connections = 10"]);
    // Long enough for a busy machine: a session that is late is no session that was refused.
    let (asked, sessions) = (Database { timeout: Duration::from_secs(10), ..database.clone() }, 12);
    let mut others: Vec<_> = (0..sessions).map(|_| session(&asked, PRIMARY, PASSWORD)).collect();
    let mut refused = Vec::new();
    for other in &mut others {
        if let Answer::Unknown { why, message } = other.ask().await {
            assert_eq!(why, Unknown::NoConnectionLeft, "{message}");
            refused.push(message);
        }
    }
    assert!(refused.iter().any(|message| message.contains("1040")), "{refused:?}");
    let found = watcher.until(Rule::ConnectionsExhausted, PRIMARY, 6, &[]).await;
    assert_eq!(found.severity, Severity::Critical, "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_that_stand_and_writes_that_are_refused_are_found() {
    let Some(pair) = Pair::start(10) else { return };
    let mut watcher = Watcher::new(pair.database());

    pair.lab(&["fault", "read-only"]);
    let read_only = watcher.until(Rule::ReadOnly, PRIMARY, 4, &[]).await;
    assert!(read_only.seen.contains("error 1290"), "{read_only:?}");
    assert!(pair.commit().join().unwrap().0.contains("1290"));
    pair.lab(&["heal"]);
    watcher.until_quiet(10).await;

    pair.lab(&["fault", "transactions-read-only"]);
    watcher.until(Rule::ReadOnly, PRIMARY, 4, &[]).await;
    assert!(pair.commit().join().unwrap().0.contains("1792"));
    pair.lab(&["heal"]);
    watcher.until_quiet(10).await;

    pair.lab(&["fault", "io-stopped"]);
    let stopped = watcher.until(Rule::ReplicaStopped, REPLICA, 6, &[Rule::QuorumShort]).await;
    assert!(stopped.seen.contains("the fetching thread: No"), "{stopped:?}");
    assert_eq!(stopped.severity, Severity::Warning);
    follow_runbook(&pair, Rule::ReplicaStopped);
    watcher.until_quiet(10).await;

    // The same replica behind logins that read from it.
    let mut reads = pair.database();
    reads.servers[1] = Server { serves_reads: true, ..reads.servers[1].clone() };
    let mut reader = Watcher::new(reads);
    pair.lab(&["fault", "sql-stopped"]);
    assert_eq!(pair.commit().join().unwrap().0, "committed");
    reader.until(Rule::LaggingReads, REPLICA, 8, &[Rule::ReplicaStopped]).await;
    pair.lab(&["heal"]);
    reader.until_quiet(15).await;
    pair.lab(&["fault", "delay"]);
    assert_eq!(pair.commit().join().unwrap().0, "committed");
    let late = reader.until(Rule::LaggingReads, REPLICA, 12, &[Rule::ReplicaStopped, Rule::QuorumShort]).await;
    assert!(late.seen.contains("MASTER_DELAY is 10.0 s"), "{late:?}");
    pair.lab(&["heal"]);
    reader.until_quiet(15).await;

    pair.lab(&["fault", "sql-error"]);
    let error = Watcher::new(pair.database()).until(Rule::ReplicaStopped, REPLICA, 6, &[]).await;
    assert!(error.seen.contains("last error 1062") && error.seen.contains("what it quotes is not kept"), "{error:?}");
    assert_eq!(error.severity, Severity::Critical, "the data differ, and no restart mends that");
    pair.lab(&["heal"]);

    // A replica that no login reads, both of whose threads run.
    let mut watcher = Watcher::new(pair.database());
    watcher.until_quiet(15).await;
    pair.lab(&["fault", "reader-locks"]);
    let behind = watcher.until(Rule::ReplayLag, REPLICA, 12, &[]).await;
    assert!(behind.seen.contains("not applied here") && behind.seen.contains("applying thread: Yes"), "{behind:?}");
    assert_eq!(behind.severity, Severity::Warning);
    pair.lab(&["heal"]);
    watcher.until_quiet(15).await;

    pair.lab(&["fault", "replica-writable"]);
    let writable = watcher.until(Rule::WrongRole, REPLICA, 6, &[]).await;
    assert_eq!(writable.severity, Severity::Warning);
    pair.lab(&["fault", "two-primaries"]);
    watcher.until(Rule::TwoPrimaries, REPLICA, 8, &[Rule::ReplicaStopped]).await;
}
