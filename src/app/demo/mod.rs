//! The demo: a sandbox, three workers with different users, a minute with an outage in its middle. It uses the same
//! configuration, workers, store and report as everybody; only the files are written by itself, and stay to be read.

mod files;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::DiskFiles;
use super::run::{RunningWorker, StartError};
use crate::clock::Clock;
use crate::config::{self, Overrides, Severity, Site};
use crate::model::{Run, VantageName};
use crate::sandbox::{self, LoginResult, LoginTruth, Sandbox, Script};

/// Why the demo could not run.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A file of the demo.
    #[error("failed to write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The folder holds something that is not the demo's.
    #[error("{} is not empty and holds no earlier demo; choose another folder with --out", .0.display())]
    Occupied(PathBuf),
    /// The sandbox.
    #[error("failed to start the sandbox: {0}")]
    Sandbox(String),
    /// The demo's own configuration.
    #[error("the demo's configuration is not right\n{0}")]
    Config(String),
    /// A worker.
    #[error("failed to start the worker of vantage {vantage}")]
    Worker {
        /// Where.
        vantage: VantageName,
        /// Why.
        source: StartError,
    },
}

/// What happens while the demo runs.
#[derive(Debug, Clone)]
pub enum Event {
    /// The sandbox listens here and its timetable has begun.
    Started(SocketAddr),
    /// A run ended.
    Run(Arc<Run>),
}

/// What was done: enough to report on it.
pub struct Done {
    /// The configuration that the demo wrote.
    pub config: PathBuf,
    /// The same, read.
    pub site: Site,
    /// The first instant that may hold a slot.
    pub from: Timestamp,
    /// The end of the last slot.
    pub to: Timestamp,
    /// What the sandbox did, login by login.
    pub truth: Vec<LoginTruth>,
}

impl Done {
    /// How many logins with a right password the sandbox let in, of how many it saw.
    #[must_use]
    pub fn let_in(&self) -> (usize, usize) {
        let right = self.truth.iter().filter(|login| login.user == "probe");
        let good = right.clone().filter(|login| login.result == LoginResult::Good).count();
        (good, right.count())
    }
}

/// Runs the demo for `duration` in `folder`. The outage takes the middle third.
///
/// # Errors
/// [`DemoError`] when anything that it needs is not there.
pub async fn run(folder: &Path, duration: Duration, events: mpsc::Sender<Event>) -> Result<Done, DemoError> {
    let clock = Clock::system();
    files::make_room(folder)?;
    let script = files::script(duration);
    let parsed = Script::parse(&script).map_err(|error| DemoError::Sandbox(error.to_string()))?;
    let options = sandbox::Options { truth_file: Some(folder.join("truth.jsonl")), ..sandbox::Options::default() };
    let sandbox = Sandbox::start(parsed, options).await.map_err(|error| DemoError::Sandbox(error.to_string()))?;
    let config = files::write(folder, &sandbox.base_url(), &script)?;
    let site = read(&config)?;
    let from = clock.now();
    let begun = Instant::now();
    let mut workers = Vec::new();
    for vantage in &site.vantages {
        let own = Site { spool: site.spool.join(vantage.name.as_str()), ..site.clone() };
        let worker = RunningWorker::start(&own, vantage, clock.clone())
            .await
            .map_err(|source| DemoError::Worker { vantage: vantage.name.clone(), source })?;
        workers.push(worker);
    }
    tell(&events, Event::Started(sandbox.address())).await;
    let forwarding: Vec<_> =
        workers.iter().map(|worker| tokio::spawn(forward(worker.events(), events.clone()))).collect();
    tokio::time::sleep_until(begun + duration).await;
    // Exactly that long, so that charts end with a whole cell.
    let to = from.checked_add(duration).unwrap_or_else(|_| clock.now());
    for worker in &workers {
        worker.stop();
    }
    for worker in &mut workers {
        worker.ended().await;
    }
    drop(workers);
    for task in forwarding {
        // A forwarder ends with its worker; that one was cut short is no loss: the store has every run.
        task.abort();
    }
    let (truth, _requests) = sandbox.stop().await;
    Ok(Done { config, site, from, to, truth })
}

fn read(config: &Path) -> Result<Site, DemoError> {
    let loaded = config::load(config, &DiskFiles, &Overrides::default());
    let mistakes = || {
        let errors = loaded.diagnostics.iter().filter(|finding| finding.severity == Severity::Error);
        errors.map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    match &loaded.site {
        Some(site) => Ok(site.clone()),
        None => Err(DemoError::Config(mistakes())),
    }
}

async fn forward(mut runs: tokio::sync::broadcast::Receiver<Arc<Run>>, events: mpsc::Sender<Event>) {
    while let Ok(run) = runs.recv().await {
        tell(&events, Event::Run(run)).await;
    }
}

/// Nobody has to listen.
async fn tell(events: &mpsc::Sender<Event>, event: Event) {
    let _nobody_listens = events.send(event).await;
}
