//! Samples of the lab's two servers around a fault, recorded once and kept: from `tests/data/replication`, or made anew
//! where the environment variable `RECORD_FROM_LAB` has a lab's folder, which runs and is healthy (`scripts/lab init`;
//! run one test at a time).

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use doorstep::clock::Clock;
use doorstep::model::{
    Database, DatabaseName, Engine, Micros, Sample, Secret, Server, ServerName, ServerRole, TlsMode, VantageName,
};
use doorstep::sentinel::Session;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How a fault is played: which, how fast people log in meanwhile (none: nobody does), and for how long it lasts.
pub(super) struct Play {
    pub(super) fault: Option<&'static str>,
    pub(super) logins_per_second: Option<u32>,
    pub(super) seconds: u64,
    pub(super) serves_reads: bool,
}

/// When a fault was there, by the lab's own notes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Truth {
    /// Breaking began.
    pub(super) began: Option<Timestamp>,
    /// It was in full effect.
    pub(super) injected: Option<Timestamp>,
    /// Healing began.
    pub(super) healing: Option<Timestamp>,
    /// And ended.
    pub(super) healed: Option<Timestamp>,
}

/// What was recorded: a file of one line with the truth, then one for each sample.
pub(super) struct Record {
    pub(super) database: Database,
    pub(super) truth: Truth,
    pub(super) samples: Vec<Sample>,
}

const BEFORE: Duration = Duration::from_secs(10);
const AFTER: Duration = Duration::from_secs(12);

/// The record of this name.
pub(super) async fn recorded(name: &str, play: Play) -> Record {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/replication/{name}.jsonl.gz"));
    let database = database(25_100, play.serves_reads);
    if let Some(folder) = std::env::var_os("RECORD_FROM_LAB") {
        record(&PathBuf::from(folder), &file, &database, &play).await;
    }
    let mut text = String::new();
    let packed = std::fs::File::open(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    let mut lines = text.lines();
    let truth = serde_json::from_str(lines.next().unwrap()).unwrap();
    let samples = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    Record { database, truth, samples }
}

/// The lab as Doorstep knows it.
fn database(port: u16, serves_reads: bool) -> Database {
    let server = |name: &str, port, role| Server {
        name: ServerName::new(name).unwrap(),
        host: "127.0.0.1".to_owned(),
        port,
        role,
        application_name: name.to_owned(),
        serves_reads: serves_reads && role == ServerRole::Standby,
    };
    Database {
        name: DatabaseName::new("auth").unwrap(),
        engine: Engine::PostgreSql,
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(2),
        database: "auth".to_owned(),
        user: "monitor".to_owned(),
        password: None,
        tls: TlsMode::Off,
        authority: None,
        login_role: Some("app".to_owned()),
        flows: Vec::new(),
        servers: vec![server("primary", port, ServerRole::Primary), server("standby1", port + 1, ServerRole::Standby)],
    }
}

/// Plays the fault and asks both servers each second from before it until after it is healed.
async fn record(folder: &Path, file: &Path, database: &Database, play: &Play) {
    let length = BEFORE + Duration::from_secs(play.seconds);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let asking: Vec<_> = database
        .servers
        .iter()
        .map(|server| tokio::spawn(ask(database.clone(), server.name.clone(), stopped.clone())))
        .collect();
    let _logins = play.logins_per_second.map(|rate| {
        let seconds = (length + AFTER).as_secs();
        lab(folder, &["load", "--rate", &rate.to_string(), "--for", &seconds.to_string()])
    });
    tokio::time::sleep(BEFORE).await;
    let mut breaking = play.fault.map(|fault| lab(folder, &["fault", fault]));
    tokio::time::sleep(Duration::from_secs(play.seconds)).await;
    if let Some(breaking) = &mut breaking {
        finished(breaking).await;
        finished(&mut lab(folder, &["heal"])).await;
        tokio::time::sleep(AFTER).await;
    }
    stop.send(true).unwrap();
    let mut samples = Vec::new();
    for task in asking {
        samples.extend(task.await.unwrap());
    }
    samples.sort_by_key(|sample: &Sample| sample.started);
    let truth = play.fault.map_or(Truth { began: None, injected: None, healing: None, healed: None }, |_| last(folder));
    let mut packed = GzEncoder::new(std::fs::File::create(file).unwrap(), Compression::best());
    writeln!(packed, "{}", serde_json::to_string(&truth).unwrap()).unwrap();
    for sample in samples {
        writeln!(packed, "{}", serde_json::to_string(&sample).unwrap()).unwrap();
    }
    packed.finish().unwrap();
}

/// Asks one server each second until told to stop.
async fn ask(database: Database, server: ServerName, stopped: tokio::sync::watch::Receiver<bool>) -> Vec<Sample> {
    let (clock, password) = (Clock::system(), Secret::new("lab-Passw0rd!"));
    let mut session = Session::new(&database, &server, Some(&password)).unwrap();
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut samples = Vec::new();
    while !*stopped.borrow() {
        seconds.tick().await;
        let (slot, begun) = (clock.now(), Instant::now());
        let answer = session.ask().await;
        samples.push(Sample {
            database: database.name.clone(),
            server: server.clone(),
            vantage: VantageName::new("lab").unwrap(),
            slot,
            started: slot,
            elapsed: Micros::from(begun.elapsed()),
            answer,
        });
    }
    samples
}

/// A command of the lab; ended with this.
struct Lab(Child);

impl Drop for Lab {
    fn drop(&mut self) {
        // Ended already, or not ours any more: either way there is nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn lab(folder: &Path, command: &[&str]) -> Lab {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/lab");
    let child = Command::new(program).arg("--folder").arg(folder).args(command).stdout(Stdio::null()).spawn();
    Lab(child.unwrap())
}

async fn finished(lab: &mut Lab) {
    loop {
        if let Some(status) = lab.0.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The lab's last note.
fn last(folder: &Path) -> Truth {
    let notes = std::fs::read_to_string(folder.join("truth.jsonl")).unwrap();
    serde_json::from_str(notes.lines().last().unwrap()).unwrap()
}
