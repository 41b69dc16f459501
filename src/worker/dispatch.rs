//! The loop: sleeps until the next slot, lets runs begin or records why not, takes over new plans, and ends in order.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::agenda::Agenda;
use super::attempt::{Begun, CLOCK_STEP, Shared, clock_step};
use super::databases::Askers;
use super::gate::{Asking, Gate, Leaving};
use super::reprobe::Declined;
use super::{Due, Plan, Prober, Recorder, plan};
use crate::model::{Flow, LostClass, ScheduleDeclaration};

/// A slot that cannot be served within this time is missed: a run that begins later stands for another instant.
pub(super) const LATEST_START: SignedDuration = SignedDuration::from_secs(1);
/// The longest sleep, so that a step of the wall clock is followed soon.
pub(super) const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// So long after its timeout a run has surely left its place.
const WIND_UP: Duration = Duration::from_secs(1);
/// The part of the grace period that is kept for writing down and shipping what has ended.
const SHARE_FOR_FLUSH: u32 = 5;

/// What a worker did in its life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Slots that came due.
    pub due: u64,
    /// Extra probes after failed logins.
    pub extra: u64,
    /// Runs recorded, lost ones included; equal to `due` and `extra` together unless the disk failed.
    pub recorded: u64,
    /// Runs that could not be recorded.
    pub not_recorded: u64,
    /// Slots that passed in a long gap and were not recorded one by one.
    pub skipped: u64,
    /// Samples of databases recorded, lost ones included.
    pub samples: u64,
    /// Samples that could not be recorded.
    pub samples_not_recorded: u64,
    /// Everything that was recorded has reached the store.
    pub shipped: bool,
}

/// Counters of a [`Summary`].
#[derive(Default)]
pub(super) struct Counts {
    extra: AtomicU64,
    recorded: AtomicU64,
    not_recorded: AtomicU64,
    samples: AtomicU64,
    samples_not_recorded: AtomicU64,
}

impl Counts {
    pub(super) fn extra(&self) {
        self.extra.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn recorded(&self) {
        self.recorded.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn not_recorded(&self) {
        self.not_recorded.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn sample_recorded(&self) {
        self.samples.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn sample_not_recorded(&self) {
        self.samples_not_recorded.fetch_add(1, Ordering::Relaxed);
    }
}

/// The loop's own state.
pub(super) struct Dispatcher<P, R> {
    shared: Arc<Shared<R>>,
    plan: Arc<Plan<P>>,
    agenda: Agenda,
    gate: Gate,
    /// How many runs the schedule may begin within a minute, by target.
    busy: HashMap<String, u32>,
    runs: TaskTracker,
    databases: Askers,
    stop: CancellationToken,
    from: Timestamp,
    /// The wall and the monotonic clock when slots were last served.
    seen: Begun,
    due: u64,
    skipped: u64,
}

impl<P: Prober, R: Recorder> Dispatcher<P, R> {
    pub(super) fn new(shared: Arc<Shared<R>>, plan: Arc<Plan<P>>, stop: CancellationToken) -> Self {
        let from = shared.clock.now();
        let seen = Begun { wall: from, monotonic: Instant::now() };
        let agenda = Agenda::new(plan.vantage.name.clone(), plan.schedules(), from);
        Self {
            shared,
            plan,
            agenda,
            gate: Gate::default(),
            busy: HashMap::new(),
            runs: TaskTracker::new(),
            databases: Askers::default(),
            stop,
            from,
            seen,
            due: 0,
            skipped: 0,
        }
    }

    /// Works until told to stop, then ends in order.
    pub(super) async fn run(mut self, mut new_plans: mpsc::Receiver<Plan<P>>) -> Summary {
        self.declare(self.plan.declaration(self.from));
        self.watch_flows();
        self.ask_databases(self.from);
        loop {
            let now = self.serve();
            self.serve_extras();
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                Some(plan) = new_plans.recv() => self.take_over(plan),
                () = sleep(self.until_next(now)) => {}
            }
        }
        self.end().await
    }

    /// How long to sleep. A slot that is due already gives zero.
    fn until_next(&self, now: Timestamp) -> Duration {
        let wait = self
            .agenda
            .next()
            .map_or(LONGEST_SLEEP, |slot| Duration::try_from(slot.duration_since(now)).unwrap_or(Duration::ZERO));
        wait.min(LONGEST_SLEEP)
    }

    /// Tells the re-probing which flows there are.
    fn watch_flows(&mut self) {
        self.busy = plan::slots_per_minute(&self.plan.flows);
        let mut pursuits = self.shared.pursuits.lock().unwrap_or_else(PoisonError::into_inner);
        pursuits.replace(&self.plan.flows, self.plan.limits.reprobe);
    }

    /// Begins the extra probes that are due, where they take no place from a slot. Called at least each second, which
    /// is as often as an extra probe can be due.
    fn serve_extras(&self) {
        let (now, wall) = (Instant::now(), self.shared.clock.now());
        let due = self.shared.pursuits.lock().unwrap_or_else(PoisonError::into_inner).take_due(now);
        for due in due {
            let target = plan::target(&due.flow);
            let Flow { name: flow, overlap, limits, .. } = &*due.flow;
            let lasting = limits.timeout + WIND_UP;
            let leaving = Leaving {
                places: self.agenda.crowd(flow, lasting, self.gate.slots_under_way(flow), wall),
                rate: self.busy.get(&target).copied().unwrap_or(0),
            };
            let asking = Asking { flow, overlap: *overlap, target: &target, leaving: Some(leaving) };
            match self.gate.enter(asking, &self.plan.limits, now) {
                Err(_) => self.shared.decline(&due, Declined::NoRoom),
                Ok(pass) => {
                    let (shared, plan) = (Arc::clone(&self.shared), Arc::clone(&self.plan));
                    self.runs.spawn(async move {
                        shared.attempt_extra(&*plan.prober, due, pass, &plan.limits, plan.control.as_deref()).await;
                    });
                }
            }
        }
    }

    /// Serves every slot that is due; says up to when.
    fn serve(&mut self) -> Timestamp {
        let now = self.shared.clock.now();
        self.notice_clock_step(Begun { wall: now, monotonic: Instant::now() });
        let batch = self.agenda.take_due(now);
        if batch.skipped > 0 {
            self.skipped += batch.skipped;
            self.shared.observer.slots_skipped(batch.skipped);
            tracing::warn!(slots = batch.skipped, "slots passed unserved while the worker or the machine stood still");
        }
        self.due += batch.due.len() as u64;
        for due in batch.due {
            self.shared.observer.slot_due(&due);
            self.begin(due, now);
        }
        now
    }

    /// Slots follow the wall clock, so people must hear when it jumps: after a step back a series waits until the clock
    /// has passed its last slot again.
    fn notice_clock_step(&mut self, now: Begun) {
        let step = clock_step(self.seen, now);
        if step > CLOCK_STEP {
            tracing::warn!(
                "the wall clock jumped by {:.1} s, and is {} now; slots follow it",
                step.as_secs_f64(),
                now.wall
            );
        }
        self.seen = now;
    }

    fn begin(&self, due: Due, now: Timestamp) {
        let late = now.duration_since(due.slot);
        if late > LATEST_START {
            let message = format!("the worker came to this slot {:.1} s late", late.as_secs_f64());
            return self.miss(due, LostClass::MissedSlot, message);
        }
        let limits = &self.plan.limits;
        let target = plan::target(&due.flow);
        let asking = Asking { flow: &due.flow.name, overlap: due.flow.overlap, target: &target, leaving: None };
        match self.gate.enter(asking, limits, Instant::now()) {
            Err(refusal) => self.miss(due, refusal.class(), refusal.to_string()),
            Ok(pass) => {
                let (shared, plan) = (Arc::clone(&self.shared), Arc::clone(&self.plan));
                self.runs.spawn(async move {
                    shared.attempt(&*plan.prober, due, pass, &plan.limits, plan.control.as_deref()).await;
                });
            }
        }
    }

    fn miss(&self, due: Due, class: LostClass, message: String) {
        let shared = Arc::clone(&self.shared);
        self.runs.spawn(async move { shared.miss(due, class, message).await });
    }

    /// Slots up to now belong to the old plan, later ones to the new one.
    fn take_over(&mut self, plan: Plan<P>) {
        let from = after(self.serve());
        self.agenda.replace(plan.schedules(), from);
        self.gate.forget_idle(Instant::now());
        let declaration = plan.declaration(from);
        self.plan = Arc::new(plan);
        self.watch_flows();
        self.ask_databases(from);
        self.declare(declaration);
    }

    /// Asks the plan's databases from `from` on.
    fn ask_databases(&mut self, from: Timestamp) {
        self.shared.observer.databases(&self.plan.databases);
        self.databases.take_over(&self.plan, from, &self.shared, &self.runs);
    }

    async fn end(mut self) -> Summary {
        let stopped = after(self.serve());
        let deadline = Instant::now() + self.plan.limits.grace;
        self.declare(ScheduleDeclaration {
            flows: Vec::new(),
            databases: Vec::new(),
            ..self.plan.declaration(stopped)
        });
        self.databases.end(stopped);
        self.runs.close();
        let for_runs = self.plan.limits.grace - self.plan.limits.grace / SHARE_FOR_FLUSH;
        tokio::select! {
            _ = timeout(for_runs, self.runs.wait()) => {}
            () = self.shared.abort.cancelled() => {}
        }
        if !self.runs.is_empty() {
            tracing::warn!(runs = self.runs.len(), "ending runs that are still under way");
            self.shared.abort.cancel();
            if timeout_at(deadline, self.runs.wait()).await.is_err() {
                tracing::error!(runs = self.runs.len(), "the disk takes no records; these runs are not recorded");
            }
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let shipped = self.shared.recorder.finish(left).await;
        if let Err(error) = &shipped {
            tracing::warn!("not everything reached the store; the spool keeps it for the next start: {error}");
        }
        let counts = &self.shared.counts;
        Summary {
            due: self.due,
            extra: counts.extra.load(Ordering::Relaxed),
            recorded: counts.recorded.load(Ordering::Relaxed),
            not_recorded: counts.not_recorded.load(Ordering::Relaxed),
            skipped: self.skipped,
            samples: counts.samples.load(Ordering::Relaxed),
            samples_not_recorded: counts.samples_not_recorded.load(Ordering::Relaxed),
            shipped: shipped.is_ok(),
        }
    }

    /// Beside the loop, so that a slow disk delays no slot.
    fn declare(&self, declaration: ScheduleDeclaration) {
        let shared = Arc::clone(&self.shared);
        self.runs.spawn(async move {
            if let Err(error) = shared.recorder.declare(declaration).await {
                tracing::error!("the schedule could not be declared, so coverage cannot be told: {error}");
            }
        });
    }
}

pub(super) fn after(time: Timestamp) -> Timestamp {
    time.saturating_add(SignedDuration::from_micros(1)).unwrap_or(time)
}
