//! The worker's events, told to metrics, health and logs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::databases::Findings;
use super::{Declined, Due, Observer, RecordError};
use crate::model::{Database, Run, Sample};
use crate::telemetry::{Condition, Telemetry};

/// A disk that is full fails each run: one line per this time says so.
const QUIET: Duration = Duration::from_secs(10);

/// Tells a worker's events.
#[derive(Debug)]
pub struct Teller {
    telemetry: Arc<Telemetry>,
    complained: Mutex<Option<Instant>>,
    findings: Findings,
}

impl Teller {
    /// Tells them here.
    #[must_use]
    pub fn new(telemetry: Arc<Telemetry>) -> Self {
        Self { telemetry, complained: Mutex::default(), findings: Findings::default() }
    }

    /// Whether to complain now: at the beginning, and once in a while.
    fn complains(&self, begins: bool) -> bool {
        let mut last = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        let complains = begins || last.is_none_or(|when| when.elapsed() >= QUIET);
        if complains {
            *last = Some(Instant::now());
        }
        complains
    }
}

impl Observer for Teller {
    fn slot_due(&self, due: &Due) {
        self.telemetry.metrics.slot_due(&due.flow.name, due.kind);
    }

    fn extra_declined(&self, due: &Due, why: Declined) {
        self.telemetry.metrics.extra_declined(&due.flow.name, &why.to_string());
    }

    fn slots_skipped(&self, count: u64) {
        self.telemetry.metrics.slots_skipped(count);
    }

    fn run_began(&self) {
        self.telemetry.metrics.run_began();
    }

    fn run_ended(&self) {
        self.telemetry.metrics.run_ended();
    }

    fn recorded(&self, run: &Run) {
        self.telemetry.metrics.recorded(run);
        if self.telemetry.health.clear(Condition::Spool) {
            tracing::info!("runs are recorded again");
        }
    }

    fn not_recorded(&self, run: &Run, error: &RecordError) {
        self.telemetry.metrics.not_recorded();
        let begins = self.telemetry.health.raise(Condition::Spool, &format!("runs cannot be recorded: {error}"));
        if self.complains(begins) {
            tracing::error!(id = %run.id, flow = %run.flow, "this run, and maybe more, could not be recorded: {error}");
        }
    }

    fn databases(&self, databases: &[Arc<Database>]) {
        self.findings.take_over(databases, &self.telemetry.metrics);
    }

    fn learned(&self, sample: &Sample) {
        self.findings.learn(sample, &self.telemetry.metrics);
    }

    fn sample_recorded(&self, _sample: &Sample) {
        self.telemetry.metrics.sample_recorded(true);
        if self.telemetry.health.clear(Condition::Samples) {
            tracing::info!("samples of databases are recorded again");
        }
    }

    fn sample_not_recorded(&self, sample: &Sample, error: &RecordError) {
        self.telemetry.metrics.sample_recorded(false);
        let reason = format!("samples of databases cannot be recorded: {error}");
        let begins = self.telemetry.health.raise(Condition::Samples, &reason);
        if self.complains(begins) {
            let Sample { database, server, slot, .. } = sample;
            tracing::error!(%database, %server, %slot, "this sample, and maybe more, could not be recorded: {error}");
        }
    }
}
