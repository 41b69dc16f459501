//! A real MariaDB primary with its replica, made by `scripts/lab mariadb`, and a sentinel that watches both as a worker
//! would. Gone with the value.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use doorstep::clock::Clock;
use doorstep::model::{
    Answer, Database, DatabaseName, Engine, Finding, Micros, Rule, Sample, Secret, Server, ServerName, ServerRole,
    Severity, TlsMode, VantageName,
};
use doorstep::replication::Watch;
use doorstep::sentinel::Session;
use futures_util::future::join_all;

use super::outside;

/// The password of every role of the lab.
pub(crate) const PASSWORD: &str = "labpw";

pub(crate) const PRIMARY: &str = "db1";
pub(crate) const REPLICA: &str = "db2";

/// Between two samples of a server.
const INTERVAL: Duration = Duration::from_millis(500);

/// Two servers that run.
pub(crate) struct Pair {
    script: PathBuf,
    folder: PathBuf,
    port: u16,
    semi_sync_timeout: u32,
}

impl Pair {
    /// A healthy pair whose commits wait for an acknowledgement for so many seconds; `None`, after saying so, where
    /// MariaDB may not be installed.
    pub(crate) fn start(semi_sync_timeout: u32) -> Option<Arc<Self>> {
        let pair = Self::place(semi_sync_timeout)?;
        pair.lab(&["init"]);
        Some(Arc::new(pair))
    }

    /// A place for a pair; nothing is made yet.
    pub(crate) fn place(semi_sync_timeout: u32) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let script = outside::path("DOORSTEP_TEST_MARIADB")?;
        let name = format!("mariadb-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::SeqCst));
        let folder = std::env::var_os("DOORSTEP_TEST_LABS").map_or_else(std::env::temp_dir, PathBuf::from).join(name);
        Some(Self { script, folder, port: two_ports(), semi_sync_timeout })
    }

    fn command(&self, words: &[&str]) -> Output {
        Command::new("python3")
            .arg(&self.script)
            .arg("--folder")
            .arg(&self.folder)
            .args(["--port", &self.port.to_string()])
            .args(["--semi-sync-timeout", &self.semi_sync_timeout.to_string()])
            .args(words)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .unwrap()
    }

    /// A command of the lab that must succeed; what it printed.
    pub(crate) fn lab(&self, words: &[&str]) -> String {
        let done = self.command(words);
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status.success(), "{words:?}: {said}{}", String::from_utf8_lossy(&done.stderr));
        said
    }

    /// A command of the lab that must be refused; the one line that says why.
    pub(crate) fn refused(&self, words: &[&str]) -> String {
        let done = self.command(words);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.code() == Some(1) && said.lines().count() == 1, "{words:?}: {said}");
        said
    }

    /// A login's write, in the background: what its client saw, and after how many milliseconds.
    pub(crate) fn commit(self: &Arc<Self>) -> std::thread::JoinHandle<(String, u64)> {
        let pair = Arc::clone(self);
        std::thread::spawn(move || {
            let said = String::from_utf8(pair.command(&["commit"]).stdout).unwrap();
            let (what, millis) = said.trim().rsplit_once(" after ").unwrap();
            (what.to_owned(), millis.trim_end_matches(" ms").parse().unwrap())
        })
    }

    /// Where it is.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The pair as a worker's configuration lists it.
    pub(crate) fn database(&self) -> Database {
        let server = |name: &str, port, role| Server {
            name: ServerName::new(name).unwrap(),
            host: "127.0.0.1".to_owned(),
            port,
            role,
            application_name: name.to_owned(),
            serves_reads: false,
        };
        Database {
            name: DatabaseName::new("auth").unwrap(),
            engine: Engine::MariaDb,
            interval: INTERVAL,
            timeout: Duration::from_secs(1),
            database: "auth".to_owned(),
            user: "monitor".to_owned(),
            password: None,
            tls: TlsMode::Off,
            authority: None,
            login_role: Some("app".to_owned()),
            flows: Vec::new(),
            servers: vec![
                server(PRIMARY, self.port, ServerRole::Primary),
                server(REPLICA, self.port + 1, ServerRole::Standby),
            ],
        }
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.command(&["destroy"]);
    }
}

/// Two free ports in a row.
fn two_ports() -> u16 {
    loop {
        let first = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = first.local_addr().unwrap().port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}

/// A session with one server of a database.
pub(crate) fn session(database: &Database, server: &str, password: &str) -> Session {
    Session::new(database, &ServerName::new(server).unwrap(), Some(&Secret::new(password))).unwrap()
}

/// Asks both servers twice a second and judges what they say.
pub(crate) struct Watcher {
    database: Database,
    sessions: Vec<(ServerName, Session)>,
    watch: Watch,
    /// The findings after the last round.
    pub(crate) findings: Vec<Finding>,
}

impl Watcher {
    pub(crate) fn new(database: Database) -> Self {
        let names = database.servers.iter().map(|server| server.name.clone());
        let sessions = names.map(|name| (name.clone(), session(&database, name.as_str(), PASSWORD))).collect();
        Self { watch: Watch::new(&database), sessions, database, findings: Vec::new() }
    }

    /// One round over all servers, which begins an interval after the one before.
    pub(crate) async fn round(&mut self) {
        let begun = tokio::time::Instant::now();
        // Side by side, as a worker does: a server that is silent does not keep the other from being asked.
        let database = &self.database.name;
        let asked = self.sessions.iter_mut().map(|(server, session)| sample(database, server, session));
        for sample in join_all(asked).await {
            self.watch.observe(&sample);
        }
        self.findings = self.watch.findings();
        for finding in &self.findings {
            assert!(!format!("{finding:?}").contains(PASSWORD), "{finding:?}");
        }
        tokio::time::sleep_until(begun + INTERVAL).await;
    }

    /// Watches until this rule holds there; at most so long. No other rule may be critical meanwhile than this one and
    /// those that are allowed with it.
    pub(crate) async fn until(&mut self, rule: Rule, server: &str, seconds: u64, allowed: &[Rule]) -> Finding {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(seconds) {
            self.round().await;
            let critical = self.findings.iter().filter(|it| it.severity == Severity::Critical);
            let foreign: Vec<_> = critical.filter(|it| it.rule != rule && !allowed.contains(&it.rule)).collect();
            assert!(foreign.is_empty(), "while waiting for {rule} on {server}: {foreign:#?}");
            if let Some(found) = self.findings.iter().find(|it| it.rule == rule && it.server.as_str() == server) {
                return found.clone();
            }
        }
        panic!("no {rule} on {server} within {seconds} s, but {:#?}", self.findings);
    }

    /// Watches until nothing is found any more.
    pub(crate) async fn until_quiet(&mut self, seconds: u64) {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(seconds) {
            self.round().await;
            if self.findings.is_empty() {
                return;
            }
        }
        panic!("still found after {seconds} s: {:#?}", self.findings);
    }
}

/// What a server answers, as a worker records it.
async fn sample(database: &DatabaseName, server: &ServerName, session: &mut Session) -> Sample {
    let (started, clock) = (Clock::system().now(), Instant::now());
    let answer = session.ask().await;
    if let Answer::Unknown { message, .. } = &answer {
        assert!(!message.contains(PASSWORD), "{message}");
    }
    Sample {
        database: database.clone(),
        server: server.clone(),
        vantage: VantageName::new("berlin").unwrap(),
        slot: started,
        started,
        elapsed: Micros::from(clock.elapsed()),
        answer,
    }
}
