//! The diagnosis as people get it: `doorstep incidents`, the postmortem draft and the weekly report, with a database and
//! without.

use std::path::Path;
use std::process::Command;

use doorstep::clock::Clock;
use doorstep::model::StoreLocation;
use doorstep::store::{Payload, Spool, Store};

use crate::diagnosis::evidence::ghost_story;
use crate::diagnosis::signatures::{HANG, world};

const SITE: &str = "\
vantages: { berlin: { region: eu }, tokyo: { region: as } }
store: store
spool: spool
accounts: { probe: { username: p, password: { env: P } } }
flows: [shop.yaml]
";

const DATABASES: &str = "\
databases:
  auth:
    user: monitor
    tls: off
    interval: 5s
    login_role: app
    servers:
      primary1: { host: 127.0.0.1, role: primary }
      standby1: { host: 127.0.0.1, port: 5433, role: standby }
";

const FLOW: &str = r#"
name: shop
account: probe
steps:
  - open: https://shop.example/login
  - submit: { username: "{{ username }}", password: "{{ password }}" }
  - open: /account
    expect: { user: "{{ username }}" }
"#;

/// The misnamed standby in a store: runs and samples.
async fn site(folder: &Path, databases: &str) {
    std::fs::write(folder.join("doorstep.yaml"), format!("{SITE}{databases}")).unwrap();
    std::fs::write(folder.join("shop.yaml"), FLOW).unwrap();
    let world = world(&|_, _| (HANG, 10_000));
    append(folder, &world.runs).await;
    append(folder, &ghost_story(&world)).await;
    let store = Store::open(&StoreLocation::Folder(folder.join("store"))).unwrap();
    for declaration in &world.declarations {
        store.declare(declaration).await.unwrap();
    }
}

async fn append<T: Payload>(folder: &Path, all: &[T]) {
    let (spool, _) = Spool::<T>::open(&folder.join("spool"), &Clock::system()).unwrap();
    for some in all.chunks(500) {
        let recorded = futures_util::future::join_all(some.iter().map(|one| spool.append(one))).await;
        assert!(recorded.iter().all(Result::is_ok));
    }
}

fn doorstep(folder: &Path, arguments: &[&str]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_doorstep"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env_remove("DOORSTEP_CONFIG")
        .output()
        .unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

const SPAN: [&str; 4] = ["--from", "2026-11-16", "--to", "2026-11-16T04:00:00Z"];

fn listed(folder: &Path, format: &str) -> String {
    doorstep(folder, &[&["incidents"], &SPAN[..], &["--format", format]].concat())
}

fn incident_id(folder: &Path) -> String {
    let list: serde_json::Value = serde_json::from_str(&listed(folder, "json")).unwrap();
    list["incidents"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_cause_stands_in_incidents_draft_and_report_with_its_evidence() {
    let folder = tempfile::tempdir().unwrap();
    site(folder.path(), DATABASES).await;
    insta::assert_snapshot!("incidents_with_a_database", listed(folder.path(), "text"));
    assert!(listed(folder.path(), "md").contains("auth: commits wait for "));
    let id = incident_id(folder.path());
    let full = doorstep(folder.path(), &["incidents", "--incident", &id]);
    assert!(full.contains("with the load: not quantifiable, since nobody said when people sign in"), "{full}");
    let (_, said) = full.split_once("What the database says").unwrap();
    insta::assert_snapshot!("what_the_database_says", said.split_once("\nBy vantage").unwrap().0);
    let json: serde_json::Value =
        serde_json::from_str(&doorstep(folder.path(), &["incidents", "--incident", &id, "--format", "json"])).unwrap();
    assert_eq!(json["diagnosis"]["databases"][0]["explanation"]["reading"]["cause"], "quorum-short", "{json:#}");
    assert_eq!(json["diagnosis"]["databases"][0]["lag"]["bytes"], 0);
    doorstep(folder.path(), &["postmortem", "draft", "--incident", &id, "--out", "draft"]);
    let draft = std::fs::read_to_string(folder.path().join("draft/postmortem.md")).unwrap();
    let (_, cause) = draft.split_once("## Root cause").unwrap();
    let (evidence, blank) = cause.split_once("TO FILL: what was wrong before it broke").unwrap();
    assert!(evidence.contains("commits wait for") && blank.contains("## Trigger"), "{cause}");
    let timeline = draft.split_once("## Timeline").unwrap().1;
    assert!(timeline.contains("changed from 'standby1' to 'standby2' | database |"), "{timeline}");
    assert!(timeline.contains("critical quorum-short on primary1 begins"), "{timeline}");
    let checked = doorstep_fails(folder.path(), &["postmortem", "lint", "draft/postmortem.md", "--incident", &id]);
    assert!(!checked.contains("against-the-data"), "{checked}");
    let report = doorstep(folder.path(), &[&["report"], &SPAN[..], &["--format", "md"]].concat());
    let (_, section) = report.split_once("What the database says\n").unwrap();
    insta::assert_snapshot!("report_section", section.split_once("<a id").unwrap().0);
}

/// What a command says that ends with 1.
fn doorstep_fails(folder: &Path, arguments: &[&str]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_doorstep"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("DOORSTEP_CONFIG")
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(1), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

#[tokio::test]
async fn without_a_database_reports_are_as_before_and_the_incident_says_that_nobody_watched() {
    let folder = tempfile::tempdir().unwrap();
    site(folder.path(), "").await;
    assert!(!listed(folder.path(), "text").contains("database"));
    let id = incident_id(folder.path());
    let full = doorstep(folder.path(), &["incidents", "--incident", &id]);
    assert!(full.contains("no database was watched: nothing can be said of replication"), "{full}");
    let report = doorstep(folder.path(), &[&["report"], &SPAN[..], &["--format", "md"]].concat());
    assert!(!report.contains("What the database says"));
}
