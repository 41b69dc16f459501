//! The life of a worker process: signals, reloads, and the end.
//!
//! SIGTERM and SIGINT stop the worker within its grace period; a second one ends runs under way at once. SIGHUP, and any
//! change in the content of the configuration files, reloads.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::WatchedFiles;
use super::run::{RunningWorker, StartError};
use crate::clock::Clock;
use crate::config::{Files, Loaded, Severity, Site};
use crate::model::Vantage;
use crate::worker::Summary;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Reads the configuration, with whatever replaces its values on this machine.
pub type Load = Arc<dyn Fn(&dyn Files) -> Loaded + Send + Sync>;

/// Why a worker did not come to work.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It cannot start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The process cannot hear signals.
    #[error("cannot listen to signals")]
    Signals(#[source] io::Error),
}

/// The signals that end a process in order.
struct EndSignals {
    terminate: Signal,
    interrupt: Signal,
}

/// Runs a worker until a signal ends it, or for as long as `for_how_long` says. `watched` are the files as `site` was
/// read from them.
///
/// # Errors
/// [`RunError`] when it does not come to work; afterwards everything is told in logs, metrics and records.
pub async fn run_worker(
    site: &Site,
    vantage: &Vantage,
    watched: WatchedFiles,
    load: Load,
    clock: Clock,
    for_how_long: Option<Duration>,
) -> Result<Summary, RunError> {
    // Signals first: one that comes while the worker starts must not kill it.
    let mut ends = EndSignals::new().map_err(RunError::Signals)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(RunError::Signals)?;
    let mut worker = RunningWorker::start(site, vantage, clock).await?;
    let mut watched = Arc::new(watched);
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let time_over = sleep(for_how_long.unwrap_or(Duration::MAX));
    tokio::pin!(time_over);
    let mut stopping = false;
    loop {
        tokio::select! {
            summary = worker.ended() => return Ok(summary),
            () = ends.next() => {
                if stopping {
                    tracing::warn!("second signal: ending runs that are still under way");
                    worker.abort();
                } else {
                    tracing::info!("stopping");
                    worker.stop();
                }
                stopping = true;
            }
            () = &mut time_over, if !stopping => {
                worker.stop();
                stopping = true;
            }
            _ = hangup.recv(), if !stopping => {
                tracing::info!("reloading, as told by SIGHUP");
                watched = reload(&worker, &load).await;
            }
            _ = looks.tick(), if !stopping => {
                if changed(&watched).await {
                    watched = reload(&worker, &load).await;
                }
            }
        }
    }
}

impl EndSignals {
    fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Until somebody wants the process to end.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

async fn changed(watched: &Arc<WatchedFiles>) -> bool {
    let watched = Arc::clone(watched);
    // Reading is quick, but a disk may hang.
    tokio::task::spawn_blocking(move || watched.changed()).await.unwrap_or(false)
}

/// Takes a good configuration over, refuses a bad one; either way the files as they are now are what is known.
async fn reload(worker: &RunningWorker, load: &Load) -> Arc<WatchedFiles> {
    let load = Arc::clone(load);
    let read = tokio::task::spawn_blocking(move || {
        let files = WatchedFiles::default();
        let loaded = load(&files);
        (Arc::new(files), loaded)
    });
    let Ok((files, loaded)) = read.await else {
        worker.refuse("a defect of Doorstep: reading the configuration panicked");
        return Arc::default();
    };
    match &loaded.site {
        Some(site) => {
            if let Err(error) = worker.reload(site).await {
                worker.refuse(&crate::model::chain(&error));
            }
        }
        None => {
            let errors = loaded.diagnostics.iter().filter(|finding| finding.severity == Severity::Error);
            worker.refuse(&errors.map(ToString::to_string).collect::<Vec<_>>().join("\n"));
        }
    }
    files
}
