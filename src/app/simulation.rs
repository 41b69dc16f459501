//! A simulation into a store, by the way that every worker's runs take: journal, shipping, segments. One worker for
//! each vantage, as many at a time as there are processors.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::clock::Clock;
use crate::model::Run;
use crate::simulate::{Simulation, Tally, Truth};
use crate::store::{Error, Shipped, Shipper, Spool, Store};

/// Appends that wait for the same sync of the disk.
const TOGETHER: usize = 2048;

/// Writes everything that a simulation gives into a store, and says what was injected. `spools` is a folder for the
/// workers' journals, empty afterwards; `progress` is told how many runs were written since it was told last.
///
/// # Errors
/// What the journal or the store says. Doing it again afterwards is safe: equal runs collapse.
pub async fn write(
    simulation: Arc<Simulation>,
    store: &Store,
    spools: &Path,
    clock: &Clock,
    progress: Arc<dyn Fn(u64) + Send + Sync>,
) -> Result<Truth, Error> {
    for declaration in simulation.declarations() {
        store.declare(&declaration).await?;
    }
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let vantages = 0..simulation.script.vantages.len();
    let tasks = vantages.map(|vantage| {
        let worker = Worker { simulation: Arc::clone(&simulation), vantage, progress: Arc::clone(&progress) };
        let name = simulation.script.vantages[vantage].vantage.name.clone();
        let opened = (spools.join(name.as_str()), store.clone(), clock.clone());
        async move {
            let (folder, store, clock) = opened;
            let (spool, _recovery) = Spool::open(&folder, &clock)?;
            // A task of its own, so that several processors are used; its panic is ours.
            match tokio::spawn(worker.write(spool, store)).await {
                Ok(done) => done,
                Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
            }
        }
    });
    let tallies: Vec<Tally> = stream::iter(tasks).buffered(workers).try_collect().await?;
    let mut total = simulation.tally();
    for tally in &tallies {
        total.add(tally);
    }
    Ok(Truth::new(&simulation, &total))
}

/// What a worker of one vantage would have recorded.
struct Worker {
    simulation: Arc<Simulation>,
    vantage: usize,
    progress: Arc<dyn Fn(u64) + Send + Sync>,
}

impl Worker {
    async fn write(self, spool: Spool, store: Store) -> Result<Tally, Error> {
        // Only full files go to the store before the end: segments are as large as journals allow.
        let shipper = Shipper::new(spool.clone(), store, Duration::MAX);
        let mut probing = self.simulation.probing(self.vantage);
        for runs in probing.by_ref() {
            let count = runs.len() as u64;
            append(&spool, runs).await?;
            (self.progress)(count);
            checked(shipper.ship_due().await)?;
        }
        checked(shipper.ship_all().await)?;
        Ok(probing.tally().clone())
    }
}

async fn append(spool: &Spool, runs: Vec<Run>) -> Result<(), Error> {
    let one = |run: Run| {
        let spool = spool.clone();
        async move { spool.append(&run).await }
    };
    stream::iter(runs).map(one).buffer_unordered(TOGETHER).try_collect().await
}

/// A worker tries again later; a simulation ends with the first error.
fn checked(shipped: Shipped) -> Result<(), Error> {
    shipped.errors.into_iter().next().map_or(Ok(()), Err)
}
