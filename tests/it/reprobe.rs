//! Extra probes after a failed login, by a whole worker against the sandbox: what is looked at again, what is recorded of
//! it, and that the report does not count it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use doorstep::model::{Run, StoreLocation, Verdict};
use doorstep::sandbox::{Options, Sandbox, Script, StandardUsers};
use doorstep::store::{Columns, RunFilter, Store};
use jiff::Timestamp;
use serde_json::Value;

use crate::support::ledger::due_and_recorded;
use crate::support::worker::Worker;

/// Ends by logins and not by the clock, so that a slow machine meets the same outage.
const OUTAGE: &str = "rules: [{ first: 5, match: { action: login }, fault: { status: { code: 503 } } }]\n";
const PATIENCE: Duration = Duration::from_secs(120);
const FAILURES: usize = 5;
const UNTIL_GOOD: usize = 4;

/// As many logins as cannot all be extra ones: slots have come after them.
const ENOUGH: usize = 15;

fn configure(folder: &Path, base: &str) {
    fs::write(folder.join("password"), StandardUsers::PASSWORD).unwrap();
    let flow = "accounts: [probe, probe-2]\ninterval: 3s\ntimeout: 10s\noverlap: 9\nsteps:\n  - open: \"BASE/form/login\"\n  \
        - submit: { username: \"{{ username }}\", password: \"{{ password }}\" }\n  - open: \"BASE/account\"\n    \
        expect: { user: \"Signed in as {{ username }}\" }\n";
    fs::write(folder.join("form.yaml"), flow.replace("BASE", base)).unwrap();
    let site = "vantages: { here: {} }\nstore: store\nspool: spool\nflush: 500ms\nlisten: 127.0.0.1:0\n\
        accounts:\n  probe: { username: probe, password: { file: password } }\n  \
        probe-2: { username: probe-2, password: { file: password } }\nflows: [form.yaml]\n\
        limits: { lag: 60s, reprobe: { every: 1s, until_good: 4, most_per_hour: 9 } }\n\
        objectives: { form: { flow: form, target: 99% } }\n";
    fs::write(folder.join("doorstep.yaml"), site).unwrap();
}

fn doorstep(folder: &Path, args: &[&str]) -> String {
    let done =
        Command::new(env!("CARGO_BIN_EXE_doorstep")).args(args).current_dir(folder).output().expect("the program runs");
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("UTF-8")
}

async fn runs(folder: &Path) -> Vec<Run> {
    let store = Store::open(&StoreLocation::Folder(folder.join("store"))).unwrap();
    let mut runs = Vec::new();
    store.read(&RunFilter::everything(), Columns::Everything, &mut |row| runs.push(row.run)).await.unwrap();
    runs.sort_by_key(|run| run.started);
    runs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_looked_at_again_and_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_owned();
    let sandbox = Sandbox::start(Script::parse(OUTAGE).unwrap(), Options::default()).await.unwrap();
    configure(&place, &sandbox.base_url());
    let said = doorstep(&place, &["check"]);
    assert!(said.contains("at most 9 an hour per flow and vantage, 9 in all"), "{said}");
    let worker = Worker::start(&place, "worker", &[]);
    let deadline = Instant::now() + PATIENCE;
    while sandbox.truth().len() < ENOUGH {
        assert!(Instant::now() < deadline, "{:#?}\n{}", sandbox.truth(), worker.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    worker.stop();
    let (truth, _) = sandbox.stop().await;

    let runs = runs(&place).await;
    let (scheduled, extra): (Vec<&Run>, Vec<&Run>) = runs.iter().partition(|run| run.attempt == 0);
    assert_eq!(truth.len(), runs.len(), "each login is on record, extra ones too");
    let bad = |run: &&&Run| matches!(run.verdict, Verdict::Bad(_));
    let failed: Vec<Timestamp> = scheduled.iter().filter(bad).map(|run| run.slot).collect();
    let failed_again = extra.iter().filter(bad).count();
    assert_eq!(failed.len() + failed_again, FAILURES);
    assert!(failed_again >= 1, "one a second while it fails: {extra:#?}");
    assert!((1..=UNTIL_GOOD).contains(&(extra.len() - failed_again)), "until four in a row are good: {extra:#?}");
    for run in &extra {
        assert!(failed.contains(&run.slot), "attempt {} of a slot that was good", run.attempt);
    }
    for slot in &failed {
        let attempts: Vec<u16> = extra.iter().filter(|run| run.slot == *slot).map(|run| run.attempt).collect();
        assert_eq!(attempts, (1..=attempts.len() as u16).collect::<Vec<_>>());
    }
    let accounts: std::collections::BTreeSet<_> = extra.iter().filter_map(|run| run.account.clone()).collect();
    assert_eq!(accounts.len(), 2, "the accounts take turns");

    let (due, recorded) = due_and_recorded(&place.join("store")).await;
    assert_eq!(due, recorded, "the schedule went on beside it");
    let (from, to) = (scheduled[0].slot, scheduled[scheduled.len() - 1].slot + jiff::SignedDuration::from_millis(1));
    let period = ["report", "--from", &from.to_string(), "--to", &to.to_string(), "--out", "report"];
    doorstep(&place, &period);
    let told: Value = serde_json::from_str(&fs::read_to_string(place.join("report/report.json")).unwrap()).unwrap();
    let counts = &told["objectives"][0]["counts"];
    assert_eq!(counts["bad"], failed.len());
    assert_eq!(counts["good"], scheduled.len() - failed.len());
    assert_eq!((&counts["due"], &counts["coverage"]), (&scheduled.len().into(), &1.0.into()), "{counts}");
}
