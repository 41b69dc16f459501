//! A lab of a test's own: a real PostgreSQL primary, its standby and a login service, broken by name. It is dear (ten
//! seconds): make one for a thread of a test and heal it between faults. It is taken away even when the test panics.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use doorstep::app::DiskFiles;
use doorstep::config::{self, Overrides, Site};
use doorstep::model::Secret;
use jiff::Timestamp;
use serde::Deserialize;

use super::outside;

/// The password of every role and account of a lab.
pub(crate) const PASSWORD: &str = "lab-Passw0rd!";

/// Where ports are looked for, three in a row.
const PORTS: std::ops::Range<u16> = 25_200..25_400;

/// A lab that is up; `Drop` stops and removes it.
pub(crate) struct Lab {
    script: PathBuf,
    folder: PathBuf,
    port: u16,
}

/// What was done to a lab and when, as it wrote it down itself.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Truth {
    pub(crate) fault: String,
    /// When injecting it began.
    pub(crate) began: Timestamp,
    /// When it was wholly in force.
    pub(crate) injected: Timestamp,
    /// When everything was well again; absent while it is in force.
    pub(crate) healed: Option<Timestamp>,
}

impl Lab {
    /// The program that makes labs; `None`, after saying so, when the test has to be skipped.
    pub(crate) fn script() -> Option<PathBuf> {
        outside::path("DOORSTEP_TEST_LAB")
    }

    /// A place for a lab, with three free ports in a row; nothing is made yet.
    pub(crate) fn place(script: &Path) -> Self {
        // Another process's labs have other names, and are not ours to remove.
        let name = |port| labs().join(format!("doorstep-lab-{}-{port}", std::process::id()));
        let place = free_ports().next().map(|port| Self { script: script.to_owned(), folder: name(port), port });
        place.unwrap_or_else(|| panic!("no three free ports in a row in {PORTS:?}"))
    }

    /// A new lab, up and healthy.
    pub(crate) fn init(script: &Path) -> Self {
        loop {
            let lab = Self::place(script);
            let done = output(lab.command(&["init"]));
            if done.status.success() {
                return lab;
            }
            let said = String::from_utf8_lossy(&done.stderr);
            // Another process may have taken a port in the meantime; what fails has removed itself.
            assert!(said.contains("is in use"), "no lab: {said}");
        }
    }

    /// Where it lives.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The primary's port; the standby and the login service have the next two.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A command of the lab, for the caller to run.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.script);
        command
            .arg("--folder")
            .arg(&self.folder)
            .args(["--port", &self.port.to_string()])
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    /// Runs a command of the lab; what it printed.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let done = output(self.command(arguments));
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).expect("UTF-8")
    }

    /// The configuration of Doorstep that the lab prints for itself, with the file it was loaded from.
    pub(crate) fn configuration(&self, reads_standby: bool) -> (PathBuf, Site) {
        let text = self.run(if reads_standby { &["config", "--reads-standby"] } else { &["config"] });
        let path = self.folder.join(if reads_standby { "doorstep-reads.yaml" } else { "doorstep.yaml" });
        fs::write(&path, text).expect("the lab's configuration");
        let loaded = config::load(&path, &DiskFiles, &Overrides::default());
        let said: Vec<String> = loaded.diagnostics.iter().map(ToString::to_string).collect();
        assert!(said.is_empty(), "the lab's configuration is not clean: {}", said.join("\n"));
        (path, loaded.site.expect("a site"))
    }

    /// Every fault so far, in order; a healed one replaces what was said of it before.
    pub(crate) fn truth(&self) -> Vec<Truth> {
        let text = fs::read_to_string(self.folder.join("truth.jsonl")).unwrap_or_default();
        let mut all: Vec<Truth> = Vec::new();
        for line in text.lines() {
            let truth: Truth = serde_json::from_str(line).expect("a line of the truth");
            all.retain(|known| known.began != truth.began);
            all.push(truth);
        }
        all
    }

    /// People who log in, so many a second, until the guard goes.
    pub(crate) fn load(&self, rate: f64) -> Load {
        let file = self.folder.join("load.jsonl");
        let lines = fs::File::create(&file).expect("a file for what people met");
        let mut command = self.command(&["load", "--for", "3600", "--rate", &rate.to_string()]);
        Load { child: command.stdout(lines).stderr(Stdio::null()).spawn().expect("the load"), file }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let done = self.command(&["destroy"]).output();
        if !done.is_ok_and(|done| done.status.success()) {
            // A message that cannot be written changes nothing.
            let _ = writeln!(std::io::stderr(), "the lab in {} could not be removed", self.folder.display());
        }
    }
}

/// People who log in; they stop when this is dropped.
pub(crate) struct Load {
    child: Child,
    file: PathBuf,
}

impl Load {
    /// How their logins went so far: how many of each outcome.
    pub(crate) fn outcomes(&self) -> BTreeMap<String, u64> {
        #[derive(Deserialize)]
        struct Attempt {
            outcome: String,
        }
        let text = fs::read_to_string(&self.file).expect("what people met");
        let mut counts = BTreeMap::new();
        // The last line may be half written.
        for attempt in text.lines().filter_map(|line| serde_json::from_str::<Attempt>(line).ok()) {
            *counts.entry(attempt.outcome).or_insert(0) += 1;
        }
        counts
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The password as the sentinel takes it.
pub(crate) fn password() -> Secret {
    Secret::new(PASSWORD)
}

/// Where labs of tests live: where the user whom PostgreSQL runs as can reach them.
fn labs() -> PathBuf {
    std::env::var_os("DOORSTEP_TEST_LABS").map_or_else(std::env::temp_dir, PathBuf::from)
}

/// First ports of three free ones, each tried once by this process.
fn free_ports() -> impl Iterator<Item = u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let blocks = (PORTS.end - PORTS.start) / 4;
    // Processes begin at different places.
    let offset = u16::try_from(std::process::id() % u32::from(blocks)).expect("less than the number of blocks");
    let next = move || PORTS.start + (offset + NEXT.fetch_add(1, Ordering::Relaxed)) % blocks * 4;
    let free = |port: &u16| (*port..port + 3).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok());
    std::iter::repeat_with(next).take(usize::from(blocks)).filter(free)
}

fn output(mut command: Command) -> Output {
    command.output().expect("scripts/lab")
}
