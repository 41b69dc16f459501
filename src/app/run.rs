//! A whole worker: configuration in, runs in the store. May be started several times in one process, each with a spool of
//! its own.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::database_sessions::DatabaseSessions;
use super::login_prober::{LoginProber, ProberError};
use crate::clock::Clock;
use crate::config::Site;
use crate::model::{Run, Vantage};
use crate::serve::Server;
use crate::store;
use crate::telemetry::{Condition, IntervalLogs, Telemetry};
use crate::worker::{BudgetError, Control, Plan, Settings, StoreRecorder, Summary, Teller, Worker};

/// The file in the spool folder that holds the wrong-password attempts of the last hour.
const LOCKOUT_FILE: &str = "wrong-passwords";
/// The file in the spool folder that holds the extra probes of the last hour.
const EXTRAS_FILE: &str = "extra-probes";
/// One interval of the histogram logs.
const LOG_INTERVAL: Duration = Duration::from_secs(10);
/// How long tasks beside the worker may take to end.
const TIDY_UP: Duration = Duration::from_secs(2);

/// Why a worker cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A flow's network settings.
    #[error(transparent)]
    Prober(#[from] ProberError),
    /// Spool or store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The budget of wrong passwords or of extra probes.
    #[error(transparent)]
    Budget(#[from] BudgetError),
    /// The address for metrics and health.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The folder of the histogram logs.
    #[error("cannot write histogram logs to {}", folder.display())]
    HistogramLog {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The client for the control target.
    #[error("cannot make a client for the control target: {0}")]
    Control(String),
}

/// A worker at work, with its recorder, its server and its logs. [`RunningWorker::ended`] must be awaited for an orderly
/// end.
pub struct RunningWorker {
    worker: Worker<LoginProber>,
    telemetry: Arc<Telemetry>,
    server: Option<Server>,
    vantage: Vantage,
    clock: Clock,
    beside: TaskTracker,
    ended: CancellationToken,
}

impl RunningWorker {
    /// Starts a worker at `vantage`. Returns when it probes, and when its address, if it has one, answers.
    ///
    /// # Errors
    /// [`StartError`] when anything that it needs is not there.
    pub async fn start(site: &Site, vantage: &Vantage, clock: Clock) -> Result<Self, StartError> {
        let telemetry = Arc::new(Telemetry::new(vantage.name.clone()));
        telemetry.metrics.begin_flows(&site.flows.iter().map(|flow| flow.name.clone()).collect());
        let plan = plan(site, vantage, &clock).await?;
        let recorder = StoreRecorder::open(&site.store, &site.spool, site.flush, &clock, Arc::clone(&telemetry))?;
        let recorder = Arc::new(recorder);
        let ended = CancellationToken::new();
        let logs = site.histogram_log.as_deref().map(|folder| open_logs(folder, vantage, &clock)).transpose()?;
        let server = match site.listen {
            None => None,
            Some(address) => Some(
                Server::start(address, Arc::clone(&telemetry), ended.clone())
                    .await
                    .map_err(|source| StartError::Listen { address, source })?,
            ),
        };
        let settings = Settings {
            clock: clock.clone(),
            recorder: Arc::clone(&recorder),
            observer: Arc::new(Teller::new(Arc::clone(&telemetry))),
            lockout_file: site.spool.join(LOCKOUT_FILE),
            extras_file: site.spool.join(EXTRAS_FILE),
        };
        let worker = Worker::start(plan, settings)?;
        let beside = TaskTracker::new();
        beside.spawn(Arc::clone(&recorder).compact(vantage.name.clone(), clock.clone(), ended.clone()));
        beside.spawn(recorder.ship(ended.clone()));
        if let Some(logs) = logs {
            beside.spawn(keep_logs(logs, worker.events(), clock.clone(), ended.clone()));
        }
        tracing::info!(
            vantage = %vantage.name, flows = site.flows.len(), databases = site.databases.len(), store = %site.store, spool = %site.spool.display(),
            listen = server.as_ref().map(|server| server.address.to_string()), "worker started"
        );
        Ok(Self { worker, telemetry, server, vantage: vantage.clone(), clock, beside, ended })
    }

    /// Where `/metrics` and `/healthz` answer.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.server.as_ref().map(|server| server.address)
    }

    /// Each run as it ends. A listener that is too slow misses some; the store never does.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Arc<Run>> {
        self.worker.events()
    }

    /// Metrics and health.
    #[must_use]
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Goes on with another configuration: flows, accounts, limits and vantages. Store, spool, addresses and this
    /// worker's own name stay as they are until the next start. Runs under way go on.
    ///
    /// # Errors
    /// [`StartError`] when the new configuration cannot be used; the old one goes on then.
    pub async fn reload(&self, site: &Site) -> Result<(), StartError> {
        let vantage = site.vantages.iter().find(|vantage| vantage.name == self.vantage.name).unwrap_or(&self.vantage);
        let plan = plan(site, vantage, &self.clock).await?;
        self.worker.reload(plan).await;
        let flows: BTreeSet<_> = site.flows.iter().map(|flow| flow.name.clone()).collect();
        self.telemetry.metrics.keep_flows(&flows);
        self.telemetry.metrics.begin_flows(&flows);
        self.telemetry.metrics.reloaded(true);
        self.telemetry.health.clear(Condition::Config);
        tracing::info!(flows = flows.len(), "the changed configuration took over");
        Ok(())
    }

    /// Says that a changed configuration is refused, with every reason; the old one goes on.
    pub fn refuse(&self, reasons: &str) {
        self.telemetry.metrics.reloaded(false);
        let short = "a changed configuration was refused and the old one goes on; the log has every reason";
        self.telemetry.health.raise(Condition::Config, short);
        tracing::error!("the changed configuration is refused; the old one goes on:\n{reasons}");
    }

    /// Stops scheduling; runs under way may finish within the grace period.
    pub fn stop(&self) {
        self.telemetry.health.raise(Condition::Stopping, "the worker is stopping");
        self.worker.stop();
    }

    /// Ends runs under way at once.
    pub fn abort(&self) {
        self.stop();
        self.worker.abort();
    }

    /// Waits until the worker has ended after [`RunningWorker::stop`]. May be dropped and called again before, not after.
    pub async fn ended(&mut self) -> Summary {
        let summary = self.worker.ended().await;
        self.ended.cancel();
        self.beside.close();
        if timeout(TIDY_UP, self.beside.wait()).await.is_err() {
            tracing::warn!("some tasks beside the worker did not end in time");
        }
        if let Some(server) = self.server.take() {
            server.end();
        }
        let Summary { due, extra, recorded, not_recorded, skipped, samples, samples_not_recorded, shipped } = summary;
        tracing::info!(
            due,
            extra,
            recorded,
            not_recorded,
            skipped,
            samples,
            samples_not_recorded,
            shipped,
            "worker stopped"
        );
        summary
    }
}

async fn plan(site: &Site, vantage: &Vantage, clock: &Clock) -> Result<Plan<LoginProber>, StartError> {
    let control = site.limits.control.clone().map(Control::new).transpose().map_err(StartError::Control)?;
    Ok(Plan {
        vantage: vantage.clone(),
        vantages: site.vantages.iter().map(|vantage| vantage.name.clone()).collect(),
        flows: site.flows.iter().cloned().map(Arc::new).collect(),
        databases: site.databases.iter().cloned().map(Arc::new).collect(),
        sessions: Arc::new(DatabaseSessions),
        limits: site.limits.clone(),
        prober: Arc::new(LoginProber::new(site, clock.clone()).await?),
        control: control.map(Arc::new),
    })
}

fn open_logs(folder: &Path, vantage: &Vantage, clock: &Clock) -> Result<IntervalLogs, StartError> {
    IntervalLogs::open(folder, vantage.name.clone(), clock.now())
        .map_err(|source| StartError::HistogramLog { folder: folder.to_owned(), source })
}

/// Counts runs as they end and writes an interval from time to time, and what is left at the end.
async fn keep_logs(
    mut logs: IntervalLogs,
    mut events: broadcast::Receiver<Arc<Run>>,
    clock: Clock,
    ended: CancellationToken,
) {
    let mut ticks = interval_at(Instant::now() + LOG_INTERVAL, LOG_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let ending = tokio::select! {
            biased;
            event = events.recv() => match event {
                Ok(run) => {
                    logs.observe(&run);
                    continue;
                }
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(runs = missed, "the histogram logs miss runs, since they could not keep up");
                    continue;
                }
                Err(RecvError::Closed) => true,
            },
            _ = ticks.tick() => false,
            () = ended.cancelled() => true,
        };
        if let Err(error) = logs.flush(clock.now()) {
            tracing::error!("histogram logs could not be written: {error}");
        }
        if ending {
            return;
        }
    }
}
