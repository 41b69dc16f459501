//! `doorstep run` as a process, logging in to the sandbox: schedule truth, signals, reloads, what it tells and what it
//! leaves behind.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use doorstep::model::{StoreLocation, Verdict};
use doorstep::sandbox::{Options, Sandbox, Script};
use doorstep::store::{Columns, Row, RunFilter, Store};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::{Instant, timeout};

use crate::support::ledger::due_and_recorded;

const PASSWORD: &str = "probe-Passw0rd!";
const PATIENCE: Duration = Duration::from_secs(30);

async fn healthy_sandbox() -> Sandbox {
    Sandbox::start(Script::default(), Options { keep_truth: false, ..Options::default() }).await.unwrap()
}

/// A worker's folder: configuration, password, flows.
struct Home {
    folder: tempfile::TempDir,
    base: String,
}

impl Home {
    fn new(base: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("password"), format!("{PASSWORD}\n")).unwrap();
        Self { folder, base: base.to_owned() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes the main file with this many copies of a form login, all from one flow file.
    fn configure(&self, flows: usize, interval: &str) {
        let flow = "account: probe\ninterval: 60s\ntimeout: 20s\noverlap: 4\nsteps:\n  \
             - open: \"{{ base }}/form/login\"\n  \
             - submit: { username: \"{{ username }}\", password: \"{{ password }}\" }\n  \
             - open: \"{{ base }}/account\"\n    expect: { user: \"Signed in as {{ username }}\" }\n";
        let flow = flow.replacen("steps:", &format!("variables: {{ base: \"{}\" }}\nsteps:", self.base), 1);
        fs::write(self.path().join("form.yaml"), flow).unwrap();
        let mut main = "vantages: { here: {}, there: {} }\nvantage: here\nstore: store\nspool: spool\nflush: 500ms\n\
             listen: 127.0.0.1:0\nhistogram_log: histograms\n\
             accounts: { probe: { username: probe, password: { file: password } } }\n\
             limits: { runs_per_target: 1000, runs_per_minute: 100000, grace: 10s, lag: 10s }\nflows:\n"
            .to_owned();
        for number in 0..flows {
            writeln!(main, "  - {{ file: form.yaml, name: form-{number}, interval: {interval} }}").unwrap();
        }
        // As editors do: a new file in the place of the old one.
        fs::write(self.path().join("new"), main).unwrap();
        fs::rename(self.path().join("new"), self.path().join("doorstep.yaml")).unwrap();
    }

    async fn runs(&self) -> Vec<Row> {
        let store = Store::open(&StoreLocation::Folder(self.path().join("store"))).unwrap();
        let mut rows = Vec::new();
        store.read(&RunFilter::everything(), Columns::Everything, &mut |row| rows.push(row)).await.unwrap();
        rows
    }
}

/// A running `doorstep run`.
struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    /// Everything that it logged.
    log: String,
}

impl Process {
    fn start(home: &Home, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_doorstep"))
            .args(["run", "--log-format", "json"])
            .args(more)
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, lines, log: String::new() }
    }

    /// The next log line whose message contains this.
    async fn says(&mut self, message: &str) -> Value {
        let found = timeout(PATIENCE, async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                writeln!(self.log, "{line}").unwrap();
                let line: Value = serde_json::from_str(&line).unwrap_or_default();
                if line["message"].as_str().is_some_and(|text| text.contains(message)) {
                    return Some(line);
                }
            }
            None
        });
        let found = found.await.unwrap_or(None);
        found.unwrap_or_else(|| panic!("the worker never said {message:?}, only:\n{}", self.log))
    }

    /// The next line about a run.
    async fn run_ends(&mut self) -> Value {
        loop {
            let line = self.says("run").await;
            if line["message"] == "run" {
                return line;
            }
        }
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    async fn exit(mut self) -> (ExitStatus, String) {
        let rest = timeout(PATIENCE, async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                writeln!(self.log, "{line}").unwrap();
            }
            self.child.wait().await.unwrap()
        });
        (rest.await.expect("the worker ends"), self.log)
    }
}

async fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: doorstep\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_slot_that_was_due_is_recorded_once() {
    let sandbox = healthy_sandbox().await;
    let home = Home::new(&sandbox.base_url());
    home.configure(100, "5s");
    let (status, log) = Process::start(&home, &["--for", "12s"]).exit().await;
    assert!(status.success(), "{status}: {log}");
    let (due, recorded) = due_and_recorded(&home.path().join("store")).await;
    assert_eq!(due, recorded);
    assert!((200..=300).contains(&due.len()), "100 flows, each in two or three intervals: {}", due.len());
    let runs = home.runs().await;
    let good = runs.iter().filter(|row| row.run.verdict == Verdict::Good).count();
    // A machine that others use may be slow, and then says so; it may not be wrong.
    let wrong: Vec<_> = runs.iter().filter(|row| matches!(row.run.verdict, Verdict::Bad(_))).collect();
    assert!(wrong.is_empty() && good > 0, "{:?}", wrong.iter().map(|row| &row.run.failure).collect::<Vec<_>>());
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_change_takes_over_and_a_bad_one_never_does() {
    let sandbox = healthy_sandbox().await;
    let home = Home::new(&sandbox.base_url());
    home.configure(1, "1s");
    let mut process = Process::start(&home, &["--log-level", "debug"]);
    let address = process.says("worker started").await["listen"].as_str().unwrap().to_owned();
    let run = process.run_ends().await;
    assert_eq!(run["verdict"], "good", "{run}");
    assert!(get(&address, "/healthz").await.starts_with("HTTP/1.1 200"));

    fs::write(home.path().join("form.yaml"), "timeout: soon\nsteps: []\n").unwrap();
    process.says("is refused; the old one goes on").await;
    let health = get(&address, "/healthz").await;
    assert!(health.starts_with("HTTP/1.1 200") && health.contains("refused"), "{health}");
    assert!(get(&address, "/metrics").await.contains("doorstep_config_reload_failures_total{vantage=\"here\"} 1"));
    assert_eq!(process.run_ends().await["verdict"], "good", "the old configuration goes on");

    home.configure(2, "1s");
    process.says("took over").await;
    process.signal("-HUP");
    process.says("as told by SIGHUP").await;
    process.says("took over").await;
    while process.run_ends().await["flow"] != "form-1" {}
    let health = get(&address, "/healthz").await;
    assert!(health.contains(r#"{"status":"ok","reasons":{}}"#), "{health}");
    assert!(get(&address, "/metrics").await.contains("doorstep_login_duration_seconds_count{flow=\"form-1\""));

    process.signal("-TERM");
    let (status, log) = process.exit().await;
    assert!(status.success(), "{status}: {log}");
    assert!(!log.contains(PASSWORD), "{log}");
    let end: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert!(end["due"].as_u64().is_some_and(|due| due > 0), "{end}");
    assert_eq!((&end["message"], &end["due"]), (&Value::from("worker stopped"), &end["recorded"]));
    assert_eq!(end["shipped"], true, "{end}");
    let (due, recorded) = due_and_recorded(&home.path().join("store")).await;
    assert_eq!(due, recorded);
    let histograms = fs::read_to_string(home.path().join("histograms/form-0.here.hlog")).unwrap();
    assert!(histograms.contains("Tag=login,"), "{histograms}");
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_does_not_wait_for_a_login_that_hangs() {
    let service = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let home = Home::new(&format!("http://{}", service.local_addr().unwrap()));
    home.configure(1, "1s");
    let mut process = Process::start(&home, &[]);
    process.says("worker started").await;
    // Accepted, and never answered.
    let _held = timeout(PATIENCE, service.accept()).await.unwrap().unwrap();
    process.signal("-INT");
    process.says("stopping").await;
    process.signal("-TERM");
    let begun = Instant::now();
    let (status, log) = process.exit().await;
    assert!(status.success(), "{status}: {log}");
    assert!(begun.elapsed() < Duration::from_secs(5), "the grace period is 10 s");
    let (due, recorded) = due_and_recorded(&home.path().join("store")).await;
    assert_eq!(due, recorded);
    let verdicts: Vec<_> = home.runs().await.iter().map(|row| row.run.verdict.to_string()).collect();
    assert!(verdicts.contains(&"lost(aborted)".to_owned()), "{verdicts:?}");
}

#[tokio::test]
async fn a_wrong_configuration_never_starts() {
    let home = Home::new("http://127.0.0.1:9");
    home.configure(1, "1s");
    fs::write(home.path().join("form.yaml"), "timeout: soon\nsteps: [{ open: \"http://localhost/\" }]\n").unwrap();
    let (status, log) = Process::start(&home, &[]).exit().await;
    assert_eq!(status.code(), Some(2), "{log}");
    assert!(log.contains("form.yaml:1:10"), "{log}");
    home.configure(1, "1s");
    let (status, log) = Process::start(&home, &["--log-level", "loud"]).exit().await;
    assert_eq!(status.code(), Some(2), "{log}");
    assert!(log.contains("'loud' is no log level"), "{log}");
}
