//! A closed period is restated only as a new revision, with what changed; nobody overwrites anybody's.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use doorstep::clock::Clock;
use doorstep::model::{BadClass, Run, RunKind, StoreLocation, Verdict};
use doorstep::query::{self, Publication};
use doorstep::report::revision::PublishedReport;
use doorstep::store::{ReportKey, Spool, Store};
use jiff::SignedDuration;

use crate::report_synthetic::{World, login, span, time};

const SITE: &str = "\
vantages: { berlin: { region: eu } }
store: store
spool: spool
accounts: { probe: { username: p, password: { env: P } } }
flows: [shop.yaml]
objectives: { logins: { flow: shop, target: 99% } }
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

const SPAN: [&str; 5] = ["report", "--from", "2026-11-16", "--to", "2026-11-16T12:00:00Z"];

fn doorstep(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
    command.args(arguments).current_dir(folder).env("NO_COLOR", "1").output().expect("a run of doorstep")
}

fn report(folder: &Path, more: &[&str]) -> Output {
    doorstep(folder, &[&SPAN[..], more].concat())
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn error(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// Half a day at one place, a login every minute; an hour from four o'clock fails.
fn world() -> World {
    let mut world = World::new(span(43_200), Duration::from_secs(60), &["berlin"]);
    let from = world.period.start + SignedDuration::from_hours(4);
    let outage = from..from + SignedDuration::from_hours(1);
    for (slot, place) in world.slots(RunKind::Login) {
        let verdict = if outage.contains(&slot) { Verdict::Bad(BadClass::HttpStatus) } else { Verdict::Good };
        world.runs.push(login(&place, slot, 0, verdict, 400));
    }
    world
}

async fn record(folder: &Path, runs: impl Iterator<Item = &Run>) {
    let (spool, _) = Spool::open(&folder.join("spool"), &Clock::system()).expect("a spool");
    let recorded = futures_util::future::join_all(runs.map(|run| spool.append(run))).await;
    assert!(!recorded.is_empty() && recorded.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_closed_period_is_restated_as_a_new_revision_with_what_changed() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path();
    std::fs::write(folder.join("doorstep.yaml"), SITE).expect("a writable folder");
    std::fs::write(folder.join("shop.yaml"), FLOW).expect("a writable folder");
    let world = world();
    let late = |run: &Run| run.slot >= time("2026-11-16T11:00:00Z");
    let store = Store::open(&StoreLocation::Folder(folder.join("store"))).expect("a store");
    for declaration in &world.declarations {
        store.declare(declaration).await.expect("a declaration");
    }
    record(folder, world.runs.iter().filter(|run| !late(run))).await;
    let none = report(folder, &["--published"]);
    assert_eq!(out(&none), "");
    assert!(error(&none).contains("nothing is published of 2026-11-16 00:00 to 2026-11-16 12:00 (UTC)"));

    let ada = ["--publish", "--author", "ada"];
    let first = out(&report(folder, &ada));
    assert!(first.starts_with("2026-11-16 00:00 to 2026-11-16 12:00: published as revision 1\n"), "{first}");
    assert!(first.contains("missed; 60 of 660 bad, 0 lost, 60 missing\n"), "{first}");
    let file = folder.join("store/v1/reports/2026-11-16-00-00-to-2026-11-16-12-00.UTC/0001.json");
    let written = std::fs::read(&file).expect("revision 1");
    let again = out(&report(folder, &ada));
    assert!(again.contains("nothing new; revision 1 of ") && !file.with_file_name("0002.json").exists(), "{again}");

    record(folder, world.runs.iter().filter(|run| late(run))).await;
    let second = out(&report(folder, &["--publish", "--author", "grace"]));
    assert!(second.contains("published as revision 2; against revision 1 of "), "{second}");
    assert!(second.contains(" by ada:\n  data revision: "), "{second}");
    assert!(second.contains("  logins: good: 600 -> 660\n  logins: missing: 60 -> 0\n"), "{second}");
    assert!(second.contains("  logins: availability: 90.909091 % -> 91.666667 %\n"), "{second}");
    assert!(!second.contains("logins: bad") && !second.contains("policy revision"), "{second}");

    let hour = ["--from", "2026-11-16T04:00:00Z", "--to", "2026-11-16T05:00:00Z", "--mode", "count-as-good"];
    out(&doorstep(folder, &[&["exclude", "add", "--author", "ada", "--reason", "planned move"], &hour[..]].concat()));
    let third = out(&report(folder, &[&ada[..], &["--out", "given"]].concat()));
    assert!(third.contains("published as revision 3; against revision 2 of ") && third.contains(" by grace:\n"));
    assert!(third.contains("  policy revision: ") && !third.contains("data revision"), "{third}");
    assert!(third.contains("  logins, with exclusions is new: 100 % ("), "{third}");
    // The report itself is given out too, and says which revision it is and what it changes.
    let given = |name: &str| std::fs::read_to_string(folder.join("given").join(name)).expect("a file");
    let (page, text, json) = (given("report.html"), given("report.md"), given("report.json"));
    assert!(page.contains("revision 3") && page.contains("against revision 2: policy revision: "), "{page}");
    assert!(text.contains("revision 3") && json.contains("\"number\": 3"), "{text}");
    assert!(given("report.csv").contains(",publication,3,"));
    let same = out(&report(folder, &[&ada[..], &["--out", "given"]].concat()));
    assert!(same.contains("nothing new; revision 3 of "), "{same}");
    assert_eq!(given("report.html"), page, "the same revision is the same page");

    assert_eq!(std::fs::read(&file).expect("revision 1"), written, "never changed");
    let revisions = query::published(&store, &world.period).await.expect("revisions");
    let told: Vec<_> = revisions.iter().map(|each| (each.number, each.author.as_str())).collect();
    assert_eq!(told, [(1, "ada"), (2, "grace"), (3, "ada")]);
    let goods: Vec<_> = revisions.iter().map(|each| each.objectives[0].raw.good).collect();
    assert_eq!(goods, [600, 660, 660]);
    let listed = out(&report(folder, &["--published"]));
    assert_eq!(listed.lines().filter(|line| line.contains(", revision ")).count(), 3, "{listed}");
    assert!(listed.contains("  logins: good: 600 -> 660\n"), "{listed}");
}

#[tokio::test]
async fn a_running_period_is_not_published() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path();
    std::fs::write(folder.join("doorstep.yaml"), SITE).expect("a writable folder");
    std::fs::write(folder.join("shop.yaml"), FLOW).expect("a writable folder");
    std::fs::create_dir(folder.join("store")).expect("a folder");
    for to in ["now", "2125-11-16"] {
        let refused = doorstep(folder, &["report", "--publish", "--author", "ada", "--from", "-1h", "--to", to]);
        assert_eq!(refused.status.code(), Some(2));
        assert!(error(&refused).contains(" is not over: it ends at "), "{}", error(&refused));
    }
    let both = report(folder, &["--publish", "--author", "ada", "--format", "json"]);
    assert_eq!(both.status.code(), Some(2));
    assert!(error(&both).contains("add --out FOLDER"), "{}", error(&both));
    assert!(!folder.join("store/v1/reports").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_publishers_take_a_number_each() {
    let place = tempfile::tempdir().expect("a folder");
    let store = Store::open(&StoreLocation::Folder(place.path().join("store"))).expect("a store");
    let model = world().report();
    let publish = |data: usize| {
        let made = time("2026-11-17T00:00:00Z");
        let mut report = PublishedReport::of(&model, made, "ada", "doorstep test");
        report.data_revision = format!("data {data}");
        let store = store.clone();
        tokio::spawn(async move { query::publish(&store, report).await.expect("published") })
    };
    // Eight that say something else each, then eight times the same.
    let mut numbers = Vec::new();
    for task in (0..8).map(publish).collect::<Vec<_>>() {
        match task.await.expect("a task") {
            Publication::First(after) => numbers.push(after.number),
            Publication::Restated { before, after, differences } => {
                assert_eq!((before.number + 1, differences.len()), (after.number, 1));
                numbers.push(after.number);
            }
            Publication::Same(newest) => panic!("each is new, yet {newest:?} says the same"),
        }
    }
    assert_eq!(numbers.iter().copied().collect::<BTreeSet<u32>>(), (1..=8).collect());
    assert_eq!(numbers.len(), 8);
    let mut new = 0;
    for task in [99; 8].map(publish) {
        new += u32::from(!matches!(task.await.expect("a task"), Publication::Same(_)));
    }
    assert_eq!(new, 1, "the same is published once");
    let revisions = query::published(&store, &model.head.period).await.expect("revisions");
    assert_eq!(revisions.iter().map(|each| each.number).collect::<Vec<_>>(), (1..=9).collect::<Vec<_>>());
    let taken = ReportKey { series: ReportKey::series(&model.head.period), number: 9 };
    assert!(!store.register_report(&taken, &revisions[0]).await.expect("an answer"), "a taken number stays as it is");
    assert_eq!(query::published(&store, &model.head.period).await.expect("revisions"), revisions);
}
