//! Slots, permits and rates: when which login is run, and what becomes of the result. Knows no flow's content, no file
//! format of runs and no report.
//!
//! The loop is open: a run begins at its slot, however long earlier runs take. A slot that cannot be served is a
//! recorded `lost` run, never silence, so runs recorded are equal to slots due.
//!
//! Reading order: [`Plan`] says what a worker does; `agenda` yields the slots in order of time; `gate` decides whether a
//! run may begin; `attempt` performs one and judges whether the worker itself was fit to measure; `reprobe` says
//! when to look again after a failed login; `databases` asks the servers behind the logins; `dispatch` is the loop that
//! joins them; [`Worker`] starts it.

mod agenda;
mod attempt;
mod budget;
mod control;
mod databases;
mod dispatch;
mod gate;
mod lag;
mod observe;
mod outbox;
mod plan;
mod record;
mod reprobe;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::model::{AccountName, Database, Flow, Run, RunKind, Sample, ScheduleDeclaration, VantageName};

pub use budget::{Budget, BudgetError};
pub use control::Control;
pub use databases::{Ask, NoSession, Sessions};
pub use dispatch::Summary;
pub use observe::Teller;
pub use plan::Plan;
pub use record::StoreRecorder;
pub use reprobe::Declined;

/// How many ended runs a slow listener may be behind before it misses some.
const EVENTS_KEPT: usize = 8192;

/// One run to make.
#[derive(Debug, Clone)]
pub struct Due {
    /// The flow.
    pub flow: Arc<Flow>,
    /// What is tried.
    pub kind: RunKind,
    /// Where from.
    pub vantage: VantageName,
    /// The slot that is served.
    pub slot: Timestamp,
    /// 0 for the scheduled run of the slot; later numbers are extra probes after it failed.
    pub attempt: u16,
    /// The account whose turn it is; `None` for a flow without accounts.
    pub account: Option<AccountName>,
}

/// Makes runs. The worker's only way to the network, so that the loop is tested without one.
pub trait Prober: Send + Sync + 'static {
    /// Makes one run. Never fails: failure is data. The future may be dropped when the worker has to stop.
    fn run(&self, due: Due) -> impl Future<Output = Run> + Send;
}

/// A run or a declaration could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RecordError(pub String);

/// Keeps runs.
pub trait Recorder: Send + Sync + 'static {
    /// Keeps a run. It counts as recorded when this returns `Ok`.
    fn record(&self, run: Arc<Run>) -> impl Future<Output = Result<(), RecordError>> + Send;
    /// Keeps a sample. It counts as recorded when this returns `Ok`.
    fn record_sample(&self, sample: Arc<Sample>) -> impl Future<Output = Result<(), RecordError>> + Send;
    /// Keeps what the worker says about its schedule.
    fn declare(&self, declaration: ScheduleDeclaration) -> impl Future<Output = Result<(), RecordError>> + Send;
    /// Brings what is kept to where it belongs, as far as it goes within this time.
    fn finish(&self, within: Duration) -> impl Future<Output = Result<(), RecordError>> + Send;
}

/// Hears what happens beside the recorder, for metrics and health. Called often: must be quick and must not block.
pub trait Observer: Send + Sync + 'static {
    /// A slot came due.
    fn slot_due(&self, _due: &Due) {}
    /// An extra probe after a failed login was due and is not made.
    fn extra_declined(&self, _due: &Due, _why: Declined) {}
    /// Slots passed that are not even recorded as lost, since there were too many at once.
    fn slots_skipped(&self, _count: u64) {}
    /// A run began.
    fn run_began(&self) {}
    /// A run that began has ended, before it is recorded.
    fn run_ended(&self) {}
    /// A run was recorded.
    fn recorded(&self, _run: &Run) {}
    /// A run could not be recorded: it is gone.
    fn not_recorded(&self, _run: &Run, _error: &RecordError) {}
    /// These databases, and no others, are asked from now on.
    fn databases(&self, _databases: &[Arc<Database>]) {}
    /// A server was asked; before the sample is recorded. In order of slots for each server.
    fn learned(&self, _sample: &Sample) {}
    /// A sample was recorded.
    fn sample_recorded(&self, _sample: &Sample) {}
    /// A sample could not be recorded: it is gone.
    fn sample_not_recorded(&self, _sample: &Sample, _error: &RecordError) {}
}

/// Hears nothing.
impl Observer for () {}

/// What a worker needs beside its plan.
pub struct Settings<R> {
    /// Wall clock.
    pub clock: Clock,
    /// Keeps runs.
    pub recorder: Arc<R>,
    /// Hears what happens.
    pub observer: Arc<dyn Observer>,
    /// The file that keeps the wrong-password attempts of the last hour, over restarts.
    pub lockout_file: PathBuf,
    /// The file that keeps the extra probes of the last hour, over restarts.
    pub extras_file: PathBuf,
}

impl<R> fmt::Debug for Settings<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("lockout_file", &self.lockout_file).finish_non_exhaustive()
    }
}

/// A running worker. Dropping it stops the worker as [`Worker::stop`] does.
pub struct Worker<P> {
    plans: mpsc::Sender<Plan<P>>,
    stop: CancellationToken,
    abort: CancellationToken,
    events: broadcast::Sender<Arc<Run>>,
    task: JoinHandle<Summary>,
}

impl<P> fmt::Debug for Worker<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("stopping", &self.stop.is_cancelled()).finish_non_exhaustive()
    }
}

impl<P: Prober> Worker<P> {
    /// Starts a worker on the current runtime. Slots count from now on.
    ///
    /// # Errors
    /// [`BudgetError`] when a file of attempts cannot be read: without it the budget cannot be held.
    pub fn start<R: Recorder>(plan: Plan<P>, settings: Settings<R>) -> Result<Self, BudgetError> {
        let lockout = Budget::open(&settings.lockout_file)?;
        let extras = Budget::open(&settings.extras_file)?;
        let (plans, new_plans) = mpsc::channel(1);
        let (stop, abort) = (CancellationToken::new(), CancellationToken::new());
        let events = broadcast::Sender::new(EVENTS_KEPT);
        let shared = attempt::Shared {
            clock: settings.clock,
            recorder: settings.recorder,
            observer: settings.observer,
            lockout: Arc::new(std::sync::Mutex::new(lockout)),
            extras: Arc::new(std::sync::Mutex::new(extras)),
            pursuits: std::sync::Mutex::default(),
            lag: lag::Meter::start(stop.clone()),
            good_logins: std::sync::Mutex::default(),
            abort: abort.clone(),
            events: events.clone(),
            counts: dispatch::Counts::default(),
        };
        let dispatcher = dispatch::Dispatcher::new(Arc::new(shared), Arc::new(plan), stop.clone());
        let task = tokio::spawn(dispatcher.run(new_plans));
        Ok(Self { plans, stop, abort, events, task })
    }

    /// Replaces the plan. Runs under way go on; no slot is served twice.
    pub async fn reload(&self, plan: Plan<P>) {
        // A worker that has stopped meanwhile needs no plan.
        let _ = self.plans.send(plan).await;
    }

    /// Each run as it ends, recorded or not. A listener that is too slow misses some; records never do.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Arc<Run>> {
        self.events.subscribe()
    }

    /// Stops scheduling; runs under way may finish within the grace period. Returns at once.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Stops at once: runs under way are recorded as `lost(aborted)`.
    pub fn abort(&self) {
        self.abort.cancel();
        self.stop.cancel();
    }

    /// Waits until the worker has ended. May be dropped and called again before, not after.
    ///
    /// # Panics
    /// When the worker's loop panicked.
    pub async fn ended(&mut self) -> Summary {
        (&mut self.task).await.expect("the worker's loop does not panic")
    }
}

impl<P> Drop for Worker<P> {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
