//! Twenty kills of a working `doorstep run`: what was acknowledged is reported exactly once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use doorstep::sandbox::{LoginResult, Options, Sandbox, Script, StandardUsers};
use serde_json::Value;

const KILLS: u64 = 20;

/// A dozen flows, each due every second, so that every moment has a run under way, one being written, one just written.
fn write_site(folder: &Path, base: &str) {
    fs::write(folder.join("password"), StandardUsers::PASSWORD).unwrap();
    let flow = "account: probe\ninterval: 1s\ntimeout: 5s\noverlap: 5\nsteps:\n  - open: \"BASE/form/login\"\n  \
        - submit: { username: \"{{ username }}\", password: \"{{ password }}\" }\n  - open: \"BASE/account\"\n    \
        expect: { user: \"Signed in as {{ username }}\" }\n";
    fs::write(folder.join("form.yaml"), flow.replace("BASE", base)).unwrap();
    let flows: String = (0..12).map(|number| format!("  - {{ file: form.yaml, name: form-{number} }}\n")).collect();
    let site = format!(
        "vantages: {{ here: {{}} }}\nstore: store\nspool: spool\nflush: 200ms\n\
         accounts: {{ probe: {{ username: probe, password: {{ file: password }} }} }}\n\
         limits: {{ runs_per_minute: 100000, lag: 30s }}\nflows:\n{flows}"
    );
    fs::write(folder.join("doorstep.yaml"), site).unwrap();
}

fn worker(folder: &Path, more: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_doorstep"))
        .args(["run", "--log-level", "debug", "--log-format", "json"])
        .args(more)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What a worker logged, as far as whole lines go.
fn log_of(mut worker: Child) -> Vec<Value> {
    let mut text = String::new();
    worker.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    worker.wait().unwrap();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The runs that the log says are recorded: such a line comes after the acknowledgement of the spool.
fn recorded(log: &[Value]) -> impl Iterator<Item = String> + '_ {
    log.iter().filter(|line| line["message"] == "run").map(|line| line["id"].as_str().unwrap().to_owned())
}

fn export(folder: &Path) -> Vec<Value> {
    let done = Command::new(env!("CARGO_BIN_EXE_doorstep"))
        .args(["runs", "--from", "-1h", "--to", "now", "--format", "jsonl"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn twenty_kills(folder: &Path) -> BTreeSet<String> {
    let mut acknowledged = BTreeSet::new();
    for kill in 0..KILLS {
        let mut worker = worker(folder, &[]);
        // Moments spread over start, probing, flushing and shipping; no two alike.
        std::thread::sleep(Duration::from_millis(300 + kill * 137 % 1100));
        worker.kill().unwrap();
        acknowledged.extend(recorded(&log_of(worker)));
    }
    let last = log_of(worker(folder, &["--for", "2s"]));
    assert!(last.iter().any(|line| line["message"] == "worker stopped"), "{last:?}");
    acknowledged.extend(recorded(&last));
    acknowledged
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_a_kill_is_reported_exactly_once() {
    let sandbox = Sandbox::start(Script::default(), Options::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    write_site(folder.path(), &sandbox.base_url());
    let place = folder.path().to_owned();
    let acknowledged = tokio::task::spawn_blocking(move || twenty_kills(&place)).await.unwrap();
    let (truth, _requests) = sandbox.stop().await;
    let runs = export(folder.path());

    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for run in &runs {
        *times.entry(run["id"].as_str().unwrap()).or_default() += 1;
    }
    assert!(times.values().all(|count| *count == 1), "a run is exported twice");
    let lost: Vec<_> = acknowledged.iter().filter(|id| !times.contains_key(id.as_str())).collect();
    assert!(lost.is_empty(), "acknowledged, but not in the store: {lost:?}");
    assert!(acknowledged.len() >= 100, "only {} runs were acknowledged", acknowledged.len());
    // The store never holds more good logins than the service let in.
    let good = runs.iter().filter(|run| run["verdict"] == "good").count();
    let let_in = truth.iter().filter(|login| login.result == LoginResult::Good).count();
    assert!(good <= let_in, "{good} good runs, but only {let_in} logins");
    assert!(good >= 100, "only {good} good runs of {} in all", runs.len());

    let report = Command::new(env!("CARGO_BIN_EXE_doorstep"))
        .args(["report", "--from", "-1h", "--to", "now", "--format", "json"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!(report["head"]["runs"].as_u64().unwrap() as usize, runs.len(), "the report counts each run once");
}
