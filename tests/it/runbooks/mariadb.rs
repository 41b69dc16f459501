//! The runbooks of MariaDB walked through on a real pair of it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use super::answer::{act, said};
use super::page::{Block, Page};
use crate::support::outside;

const PASSWORD: &str = "labpw";

/// Pairs side by side: most of a walk is waiting.
const PAIRS: usize = 2;

/// A pair of our own; gone with this value.
struct Pair {
    folder: PathBuf,
    port: u16,
}

impl Pair {
    fn start(number: usize) -> Self {
        let labs = std::env::var_os("DOORSTEP_TEST_LABS").map_or_else(std::env::temp_dir, PathBuf::from);
        let name = format!("runbooks-mariadb-{}-{number}", std::process::id());
        let pair = Self { folder: labs.join(name), port: two_free_ports(number) };
        pair.run(&["init"]);
        pair
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("python3");
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/mariadb.py"));
        command.env("PYTHONDONTWRITEBYTECODE", "1").arg("--folder").arg(&self.folder);
        // Commits go on alone after a second instead of ten, so that the walk is short.
        command.args(["--port", &self.port.to_string(), "--semi-sync-timeout", "1"]).args(arguments);
        command.stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) {
        let done = self.command(arguments).output().expect("the lab of MariaDB");
        assert!(done.status.success(), "{}: {}", arguments.join(" "), said(&done));
    }

    fn operate(&self, block: &Block) -> Output {
        let at = |port: u16| format!("--no-defaults --host=127.0.0.1 --port={port} --user=lab --skip-ssl");
        let script = match block.kind.strip_prefix("sql mariadb-").map(str::to_uppercase) {
            Some(server) => format!("mariadb $MARIADB_{server} --batch <<'END'\n{}\nEND", block.text),
            None => format!("set -e\n{}", block.text),
        };
        let words = |arguments: &[&str]| {
            let command = self.command(arguments);
            let all = std::iter::once(command.get_program()).chain(command.get_args());
            all.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        };
        let doorstep = Path::new(env!("CARGO_BIN_EXE_doorstep")).parent().expect("a folder").display();
        let inherited = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("timeout");
        command.args(["60", "bash", "-c", &script]).stdin(Stdio::null()).env("MYSQL_PWD", PASSWORD);
        command.env("PYTHONDONTWRITEBYTECODE", "1").env("PATH", format!("{doorstep}:{inherited}"));
        command.env("DOORSTEP_CONFIG", self.folder.join("doorstep.yaml"));
        command.env("MARIADB_REPLICA_PID", self.folder.join("replica.pid"));
        command.env("START_MARIADB_REPLICA", words(&["start", "replica"]));
        command.env("RESTART_LOGIN_SERVICE", words(&["service-restart"]));
        command.env("MARIADB_PRIMARY", at(self.port)).env("MARIADB_REPLICA", at(self.port + 1)).output().expect("bash")
    }

    /// People who log in every two seconds, for as long as the value lives; whether they get in is theirs to see.
    fn people(&self) -> People {
        let (end, ended) = std::sync::mpsc::channel();
        let mut login = self.command(&["commit"]);
        login.stdout(Stdio::null()).stderr(Stdio::null());
        let thread = std::thread::spawn(move || {
            let mut logins = Vec::new();
            while ended.recv_timeout(Duration::from_secs(2)) == Err(RecvTimeoutError::Timeout) {
                logins.push(login.spawn().expect("a login"));
            }
            for mut login in logins {
                login.wait().expect("a login that ends");
            }
        });
        People { end: Some(end), thread: Some(thread) }
    }

    fn walk(&self, page: &Page, fault: &str) {
        self.run(&["status"]);
        self.configure(page);
        self.run(&["fault", fault]);
        let people = self.people();
        for title in ["Confirm", "Fix", "Verify"] {
            for block in &page.on_mariadb(title).blocks {
                act(&format!("{} on MariaDB, {title}", page.name), block, |block| self.operate(block));
            }
        }
        drop(people);
        self.run(&["commit"]);
        self.run(&["heal"]);
    }

    /// The configuration of Doorstep that a page asks for.
    fn configure(&self, page: &Page) {
        let reads: &[&str] = if page.head("Config").is_some() { &["config", "reads"] } else { &["config"] };
        let done = self.command(reads).output().expect("the lab of MariaDB");
        std::fs::write(self.folder.join("doorstep.yaml"), done.stdout).expect("a configuration");
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        let gone = self.command(&["destroy"]).output();
        assert!(std::thread::panicking() || gone.is_ok_and(|done| done.status.success()), "the pair is not destroyed");
    }
}

/// The first of two ports that nobody listens on: the primary's and the replica's.
fn two_free_ports(number: usize) -> u16 {
    let free = |port: &u16| (*port..port + 2).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok());
    let range = 25_000 + 200 * u16::try_from(number).expect("few");
    let first = range + u16::try_from(std::process::id() % 25).expect("small") * 4;
    (first..range + 200).step_by(4).find(free).expect("two free ports in a row")
}

/// Gone with this value, and with them all their logins.
struct People {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for People {
    fn drop(&mut self) {
        drop(self.end.take());
        let ended = self.thread.take().expect("a thread").join();
        assert!(std::thread::panicking() || ended.is_ok(), "people cannot log in at all");
    }
}

#[test]
fn each_runbook_confirms_fixes_and_verifies_on_a_real_pair_of_mariadb() {
    let installed = Command::new("mariadbd").arg("--version").output().is_ok_and(|done| done.status.success());
    if !installed {
        outside::skip("mariadbd is not installed");
        return;
    }
    // For the author of a page: only this one.
    let only = std::env::var("DOORSTEP_TEST_RUNBOOK").ok();
    let all = Page::all();
    let wanted = all.iter().filter(|page| only.as_ref().is_none_or(|only| *only == page.name));
    let faults: Vec<(&Page, &str)> = wanted.filter_map(|page| Some((page, fault(page)?))).collect();
    std::thread::scope(|scope| {
        for first in 0..PAIRS.min(faults.len()) {
            let faults = &faults;
            scope.spawn(move || {
                let pair = Pair::start(first);
                for (page, fault) in faults.iter().skip(first).step_by(PAIRS) {
                    pair.walk(page, fault);
                }
            });
        }
    });
}

/// The fault that a page's commands for MariaDB are for; `None` where it has none.
fn fault(page: &Page) -> Option<&str> {
    let own = page.head("Lab").filter(|_| page.head("Engine") == Some("mariadb"));
    own.or_else(|| page.head("MariaDB"))
}
