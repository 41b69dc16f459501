//! The recorder of real workers: the spool first, then, beside the probing, the store. Runs and samples go the same way.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::outbox::Outbox;
use super::{RecordError, Recorder};
use crate::clock::Clock;
use crate::model::{Run, Sample, ScheduleDeclaration, StoreLocation, VantageName, chain};
use crate::store::{self, Payload, Shipped, Shipper, Spool, Store};
use crate::telemetry::{Condition, Telemetry};

/// A file of samples waits so many times longer than one of runs: each begins with whole samples, and a day of them is
/// read file by file.
const SAMPLES_WAIT: u32 = 6;
/// How often a worker looks for days to compact.
const COMPACT_EVERY: Duration = Duration::from_secs(600);
/// How long after its end a day is left alone, so that runs which waited in a spool mostly find it open.
const SETTLE: SignedDuration = SignedDuration::from_hours(1);

/// Keeps runs and samples in a spool and brings them to a store.
pub struct StoreRecorder {
    runs: Spool,
    samples: Spool<Sample>,
    store: Store,
    /// One round of shipping at a time.
    shippers: Mutex<(Shipper, Shipper<Sample>)>,
    flush: Duration,
    outbox: Outbox,
    telemetry: Arc<Telemetry>,
}

impl StoreRecorder {
    /// Opens spool and store; tells the log what an earlier process left in the spool.
    ///
    /// # Errors
    /// What stands in the way, in the words of the store.
    pub fn open(
        location: &StoreLocation,
        spool: &Path,
        flush: Duration,
        clock: &Clock,
        telemetry: Arc<Telemetry>,
    ) -> Result<Self, store::Error> {
        let (runs, of_runs) = Spool::<Run>::open(spool, clock)?;
        let (samples, of_samples) = Spool::<Sample>::open(spool, clock)?;
        let store = Store::open(location)?;
        for (what, recovery) in [("runs", &of_runs), ("samples", &of_samples)] {
            if *recovery != store::Recovery::default() {
                tracing::info!(what, "{recovery}");
            }
        }
        telemetry.metrics.waiting(of_runs.records as u64);
        telemetry.metrics.samples_waiting(of_samples.records as u64);
        let ship_runs = Shipper::new(runs.clone(), store.clone(), flush);
        let shippers = Mutex::new((ship_runs, Shipper::new(samples.clone(), store.clone(), flush * SAMPLES_WAIT)));
        Ok(Self { runs, samples, store, shippers, flush, outbox: Outbox::of(spool), telemetry })
    }

    /// Brings runs and declarations to the store, until `ended`.
    pub async fn ship(self: Arc<Self>, ended: CancellationToken) {
        // Several rounds per flush interval, so that a file waits little longer than the interval.
        let mut rounds = interval((self.flush / 4).max(Duration::from_millis(50)));
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while ended.run_until_cancelled(rounds.tick()).await.is_some() {
            let round = self.round(false);
            // A round that is cut off is repeated by the next one, or by the next process.
            if let Some(Err(error)) = ended.run_until_cancelled(round).await {
                tracing::debug!("{error}");
            }
        }
    }

    /// Compacts the days of this worker's vantage that ended a while ago, until `ended`: one after the other, each on one
    /// thread beside the probing. What cannot be compacted is told and tried again later; nothing depends on it.
    pub async fn compact(self: Arc<Self>, vantage: VantageName, clock: Clock, ended: CancellationToken) {
        let mut looks = interval(COMPACT_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while ended.run_until_cancelled(looks.tick()).await.is_some() {
            let now = clock.now();
            let settled = now.checked_sub(SETTLE).unwrap_or(Timestamp::MIN);
            let before = TimeZone::UTC.to_datetime(settled).date();
            if let Some(Err(error)) = ended.run_until_cancelled(self.compact_before(&vantage, before, now)).await {
                tracing::warn!("a day could not be compacted; it is read as it is: {}", chain(&error));
            }
        }
    }

    async fn compact_before(&self, vantage: &VantageName, before: Date, now: Timestamp) -> Result<(), store::Error> {
        let ours = std::slice::from_ref(vantage);
        let days = self.store.uncompacted(ours, before).await?;
        for (vantage, date) in &days {
            let done = self.store.compact(vantage, *date).await?;
            tracing::info!(%date, "compacted {done}");
        }
        if !days.is_empty() {
            self.store.sweep(ours, now).await?;
        }
        Ok(())
    }

    async fn round(&self, everything: bool) -> Result<(), RecordError> {
        let shippers = self.shippers.lock().await;
        let declared = self.send_declarations().await;
        let runs = ship(&shippers.0, everything).await;
        let samples = ship(&shippers.1, everything).await;
        self.telemetry.metrics.shipped(runs.records as u64);
        self.telemetry.metrics.samples_shipped(samples.records as u64);
        let first = runs.errors.first().or(samples.errors.first());
        let failed = first.map(|error| chain(error)).or_else(|| declared.err());
        match failed {
            None => {
                if self.telemetry.health.clear(Condition::Store) {
                    tracing::info!(store = self.store.location(), "the store is back");
                }
                Ok(())
            }
            Some(reason) => {
                let reason = format!("the store does not take runs; the spool keeps them: {reason}");
                if self.telemetry.health.raise(Condition::Store, &reason) {
                    tracing::error!(store = self.store.location(), "{reason}");
                }
                Err(RecordError(reason))
            }
        }
    }

    async fn send_declarations(&self) -> Result<(), String> {
        for (path, declaration) in self.outbox.list().map_err(|error| error.to_string())? {
            self.store.declare(&declaration).await.map_err(|error| chain(&error))?;
            Outbox::remove(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }
}

/// One round of shipping, told to the log.
async fn ship<T: Payload>(shipper: &Shipper<T>, everything: bool) -> Shipped {
    let shipped = if everything { shipper.ship_all().await } else { shipper.ship_due().await };
    if shipped.files > 0 {
        tracing::debug!(what = T::NAME, "{shipped}");
    }
    if shipped.set_aside > 0 {
        tracing::error!(files = shipped.set_aside, "damaged spool files were kept beside the spool");
    }
    shipped
}

impl Recorder for StoreRecorder {
    async fn record(&self, run: Arc<Run>) -> Result<(), RecordError> {
        self.runs.append(&run).await.map_err(|error| RecordError(chain(&error)))
    }

    async fn record_sample(&self, sample: Arc<Sample>) -> Result<(), RecordError> {
        self.samples.append(&sample).await.map_err(|error| RecordError(chain(&error)))
    }

    async fn declare(&self, declaration: ScheduleDeclaration) -> Result<(), RecordError> {
        let outbox = self.outbox.clone();
        let put = tokio::task::spawn_blocking(move || outbox.put(&declaration)).await;
        put.map_err(|error| RecordError(error.to_string()))?.map_err(|error| RecordError(error.to_string()))
    }

    async fn finish(&self, within: Duration) -> Result<(), RecordError> {
        timeout(within, self.round(true))
            .await
            .map_err(|_| RecordError(format!("the store took longer than {:.1} s", within.as_secs_f64())))?
    }
}
