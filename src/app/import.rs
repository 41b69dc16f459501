//! Keeps imported runs by the way of every worker's runs: spool, segments, declarations. Runs that the store has already
//! are left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;
use crate::config::Site;
use crate::interchange::runs::{Taken, declarations};
use crate::model::{Run, RunId, VantageName};
use crate::store::{Columns, Error, RunFilter, Shipper, Spool, Store};

/// The folder in the spool that imports use, so that a worker's own spool is not in the way.
const FOLDER: &str = "import";
/// Appends under way at once: they share the syncs of the disk.
const AT_ONCE: usize = 256;

/// What became of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Runs that the store did not have.
    pub new: usize,
    /// Runs that it had.
    pub known: usize,
}

/// Which of the runs the store does not have.
///
/// # Errors
/// A store that cannot be read.
pub async fn unknown<'t>(site: &Site, taken: &'t Taken) -> Result<Vec<&'t Run>, Error> {
    let known = known(&Store::open(&site.store)?.with_spool(&site.spool), &taken.runs).await?;
    Ok(taken.runs.iter().filter(|run| !known.contains(&run.id)).collect())
}

/// Keeps the runs and says when they were due.
///
/// # Errors
/// A spool or a store that fails. What is in the spool by then is shipped by the next import; importing again is safe.
pub async fn keep(site: &Site, clock: &Clock, taken: &Taken) -> Result<Kept, Error> {
    let store = Store::open(&site.store)?;
    let new = unknown(site, taken).await?;
    let (spool, _) = Spool::open(&site.spool.join(FOLDER), clock)?;
    let mut appending = stream::iter(&new).map(|run| spool.append(run)).buffer_unordered(AT_ONCE);
    while let Some(appended) = appending.next().await {
        appended?;
    }
    drop(appending);
    let shipped = Shipper::new(spool, store.clone(), Duration::ZERO).ship_all().await;
    if let Some(error) = shipped.errors.into_iter().next() {
        return Err(error);
    }
    declare(site, &store, taken).await?;
    Ok(Kept { new: new.len(), known: taken.runs.len() - new.len() })
}

async fn known(store: &Store, runs: &[Run]) -> Result<BTreeSet<RunId>, Error> {
    let Some((from, to)) = bounds(runs.iter().map(|run| run.slot)) else { return Ok(BTreeSet::new()) };
    let unique = |all: Vec<VantageName>| all.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let filter = RunFilter {
        vantages: unique(runs.iter().map(|run| run.vantage.clone()).collect()),
        ..RunFilter::between(from, to)
    };
    let mut ids = BTreeSet::new();
    let mut each = |row: crate::store::Row| {
        ids.insert(row.run.id);
    };
    store.read(&filter, Columns::Summary, &mut each).await?;
    Ok(ids)
}

async fn declare(site: &Site, store: &Store, taken: &Taken) -> Result<(), Error> {
    let edges = taken.due.iter().flat_map(|span| [span.from, span.to]);
    let Some((from, to)) = bounds(edges) else { return Ok(()) };
    let existing = store.declarations(from, to).await?;
    let vantages: BTreeSet<_> = taken.due.iter().map(|span| &span.vantage).collect();
    for vantage in vantages {
        let described = site.vantages.iter().find(|known| known.name == *vantage);
        let labels = described.map_or_else(BTreeMap::new, |known| known.labels.clone());
        for declaration in declarations(vantage, &labels, &existing, &taken.due) {
            store.declare(&declaration).await?;
        }
    }
    Ok(())
}

/// The first instant, and one after the last.
fn bounds(instants: impl Iterator<Item = Timestamp> + Clone) -> Option<(Timestamp, Timestamp)> {
    let last = instants.clone().max()?;
    Some((instants.min()?, last.saturating_add(SignedDuration::from_secs(1)).unwrap_or(last)))
}
