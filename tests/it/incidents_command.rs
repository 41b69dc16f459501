//! What `doorstep incidents` prints, in every format, and what it says when there is nothing to tell.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use doorstep::clock::Clock;
use doorstep::model::{BadClass, RunKind, StoreLocation, Verdict};
use doorstep::store::{Spool, Store};
use jiff::SignedDuration;

use crate::report_synthetic::{World, login, span};

const SITE: &str = "\
vantages: { berlin: { region: eu }, lima: { region: sa }, tokyo: { region: as } }
store: store
spool: spool
accounts: { probe: { username: p, password: { env: P } } }
flows: [shop.yaml]
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

fn doorstep(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
    command
        .arg("incidents")
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .expect("a run of doorstep")
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn error(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// Half a day at three places, a login every minute, of which ten minutes from four o'clock fail.
async fn store(folder: &Path) {
    let mut world = World::new(span(43_200), Duration::from_secs(60), &["berlin", "lima", "tokyo"]);
    let from = world.period.start + SignedDuration::from_hours(4);
    let outage = from..from + SignedDuration::from_mins(10);
    for (slot, place) in world.slots(RunKind::Login) {
        let class = if place.as_str() == "lima" { BadClass::Timeout } else { BadClass::HttpStatus };
        let verdict = if outage.contains(&slot) { Verdict::Bad(class) } else { Verdict::Good };
        world.runs.push(login(&place, slot, 0, verdict, 400));
    }
    recorded(folder, &world).await;
}

/// Writes a site and the runs of a world.
async fn recorded(folder: &Path, world: &World) {
    std::fs::write(folder.join("doorstep.yaml"), SITE).expect("a writable folder");
    std::fs::write(folder.join("shop.yaml"), FLOW).expect("a writable folder");
    let (spool, _) = Spool::open(&folder.join("spool"), &Clock::system()).expect("a spool");
    for runs in world.runs.chunks(500) {
        let recorded = futures_util::future::join_all(runs.iter().map(|run| spool.append(run))).await;
        assert!(recorded.iter().all(Result::is_ok));
    }
    let store = Store::open(&StoreLocation::Folder(folder.join("store"))).expect("a store");
    for declaration in &world.declarations {
        store.declare(declaration).await.expect("a declaration");
    }
}

const SPAN: [&str; 4] = ["--from", "2026-11-16", "--to", "2026-11-16T12:00:00Z"];

#[tokio::test]
async fn an_outage_is_told_in_every_format() {
    let folder = tempfile::tempdir().expect("a folder");
    store(folder.path()).await;
    let in_format = |format| out(&doorstep(folder.path(), &[&SPAN[..], &["--format", format]].concat()));
    insta::assert_snapshot!("incidents_text", in_format("text"));
    insta::assert_snapshot!("incidents_csv", in_format("csv"));
    insta::assert_snapshot!("incidents_md", in_format("md"));
    let json: serde_json::Value = serde_json::from_str(&in_format("json")).expect("JSON");
    assert_eq!(json["runs"], 2160);
    assert_eq!(json["incidents"].as_array().expect("a list").len(), 1);
    let id = json["incidents"][0]["id"].as_str().expect("an id");
    insta::assert_snapshot!("incident_full", out(&doorstep(folder.path(), &["--incident", id])));
    let minutes = out(&doorstep(folder.path(), &["--incident", id, "--format", "csv"]));
    assert_eq!(minutes.lines().count(), 1 + json["incidents"][0]["minutes"].as_array().expect("a list").len());
    // A name that nobody knows would choose nothing; a known one that saw nothing does.
    let mistyped = doorstep(folder.path(), &[&SPAN[..], &["--flow", "shpo"]].concat());
    assert_eq!(mistyped.status.code(), Some(2));
    let said = error(&mistyped);
    let expected = "error: --flow shpo: no flow is called so in this span; there are: shop; did you mean 'shop'?";
    assert!(said.contains(expected), "{said}");
    let elsewhere = doorstep(folder.path(), &[&SPAN[..], &["--at", "oslo"]].concat());
    assert_eq!(elsewhere.status.code(), Some(2));
    assert!(error(&elsewhere).contains("there are: berlin, lima, tokyo"), "{}", error(&elsewhere));
    let here =
        out(&doorstep(folder.path(), &[&SPAN[..], &["--flow", "shop", "--at", "lima", "--format", "csv"]].concat()));
    assert_eq!(here.lines().count(), 2, "{here}");
    // Whatever is listed can be opened, by every command that takes a name.
    for (command, more) in [("incidents", &[][..]), ("impact", &[]), ("postmortem", &["draft", "--out", "draft"])] {
        let opened = Command::new(env!("CARGO_BIN_EXE_doorstep"))
            .arg(command)
            .args(more)
            .args(["--incident", id])
            .current_dir(folder.path())
            .output()
            .expect("a run of doorstep");
        assert!(opened.status.success(), "{command}: {}", error(&opened));
    }
    let unknown = doorstep(folder.path(), &["--incident", "20261116-0400-000000"]);
    assert_eq!(unknown.status.code(), Some(3));
    assert!(error(&unknown).starts_with("error: there is no incident 20261116-0400-000000: "), "{}", error(&unknown));
}

#[tokio::test]
async fn nothing_is_said_calmly() {
    let folder = tempfile::tempdir().expect("a folder");
    store(folder.path()).await;
    let before = doorstep(folder.path(), &["--from", "2025-11-16", "--to", "2025-11-17"]);
    assert_eq!(out(&before), "0 incidents in 0 runs, 2025-11-16 00:00 to 2025-11-17 00:00 (UTC)\n");
    assert!(error(&before).contains("no run is recorded from 2025-11-16T00:00:00Z to 2025-11-17T00:00:00Z"));
    let future = doorstep(folder.path(), &["--from", "2125-11-16", "--to", "2125-11-17"]);
    assert_eq!(future.status.code(), Some(2));
    assert!(error(&future).contains("lies in the future"), "{}", error(&future));
    let misread = doorstep(folder.path(), &["--incident", "yesterday"]);
    assert_eq!(misread.status.code(), Some(2));
    assert!(error(&misread).contains("is no incident id, which looks like"), "{}", error(&misread));
    let no_date = doorstep(folder.path(), &["--incident", "20241399-0900-3fa2c1"]);
    assert_eq!(no_date.status.code(), Some(2));
    assert!(error(&no_date).contains("20241399-0900 is no minute of the calendar"), "{}", error(&no_date));
    std::fs::remove_dir_all(folder.path().join("store")).expect("a store");
    std::fs::remove_dir_all(folder.path().join("spool")).expect("a spool");
    let absent = doorstep(folder.path(), &[]);
    assert_eq!(absent.status.code(), Some(4));
    assert!(
        error(&absent).starts_with("error: there is no store at store: run 'doorstep run' first"),
        "{}",
        error(&absent)
    );
}

#[tokio::test]
async fn what_is_open_slow_or_without_a_beginning_is_said_in_words() {
    for (from, to, verdict, millis, expected) in [
        (100, 120, Verdict::Bad(BadClass::HttpStatus), 400, "  ended    still open at the last run, 2026-11-16 01:59:"),
        (60, 80, Verdict::Good, 4_000, "  slow     100 % ("),
        (-10, 20, Verdict::Bad(BadClass::HttpStatus), 400, ": no good one came before\n"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut world = World::new(span(7_200), Duration::from_secs(60), &["berlin", "lima", "tokyo"]);
        let begin = world.period.start;
        let trouble = begin + SignedDuration::from_mins(from)..begin + SignedDuration::from_mins(to);
        for (slot, place) in world.slots(RunKind::Login) {
            let (verdict, millis) = if trouble.contains(&slot) { (verdict, millis) } else { (Verdict::Good, 400) };
            world.runs.push(login(&place, slot, 0, verdict, millis));
        }
        recorded(folder.path(), &world).await;
        let told = out(&doorstep(folder.path(), &SPAN));
        assert!(told.contains(expected), "{expected}\n{told}");
        assert_eq!(told.contains("\n  failing  1"), millis == 400, "{told}");
    }
}
