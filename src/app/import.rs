//! Keeps imported runs by the way of every worker's runs: spool, segments, declarations. Runs that the store has already
//! are left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;
use crate::config::Site;
use crate::interchange::runs::{Conflict, Observation, Taken, agree, declarations};
use crate::model::{FlowName, Run, RunId, RunKind, ScheduleDeclaration, VantageName};
use crate::store::{self, Columns, RunFilter, Shipper, Spool, Store};

/// The folder in the spool that imports use, so that a worker's own spool is not in the way.
const FOLDER: &str = "import";
/// Appends under way at once: they share the syncs of the disk.
const AT_ONCE: usize = 256;
/// A slot lies this close to when its run began, and closer.
const BESIDE: SignedDuration = SignedDuration::from_hours(24);

/// Why runs are not imported.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// They do not go with what the store has.
    #[error(transparent)]
    Conflict(#[from] Box<Conflict>),
    /// A spool or a store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What becomes of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Runs that the store did not have.
    pub new: usize,
    /// Runs that it had.
    pub known: usize,
}

/// The logins of a series that the store, or an import that did not end, has around these observations.
///
/// # Errors
/// A store that cannot be read.
pub async fn recorded(
    site: &Site,
    flow: &FlowName,
    vantage: &VantageName,
    seen: &[Observation],
) -> Result<Vec<Run>, Error> {
    let Some((from, to)) = bounds(seen.iter().map(|one| one.at)) else { return Ok(Vec::new()) };
    let filter = RunFilter {
        flows: vec![flow.clone()],
        vantages: vec![vantage.clone()],
        kinds: vec![RunKind::Login],
        ..RunFilter::between(
            from.saturating_sub(BESIDE).unwrap_or(Timestamp::MIN),
            to.saturating_add(BESIDE).unwrap_or(Timestamp::MAX),
        )
    };
    let store = Store::open(&site.store)?.with_spool(&site.spool).with_spool(&site.spool.join(FOLDER));
    let mut runs = Vec::new();
    let mut each = |row: store::Row| runs.push(row.run);
    store.read(&filter, Columns::Summary, &mut each).await?;
    Ok(runs)
}

/// What would become of the runs.
///
/// # Errors
/// A store that cannot be read, or that says the series was due otherwise.
pub async fn check(site: &Site, taken: &Taken) -> Result<Kept, Error> {
    let store = Store::open(&site.store)?;
    agree(&declared(&store, taken).await?, &taken.due)?;
    let new = unknown(site, taken).await?.len();
    Ok(Kept { new, known: taken.runs.len() - new })
}

/// Keeps the runs and says when they were due.
///
/// # Errors
/// A store that says the series was due otherwise: then nothing is kept. A spool or a store that fails: what is in the
/// spool by then is shipped by the next import, and importing again is safe.
pub async fn keep(site: &Site, clock: &Clock, taken: &Taken) -> Result<Kept, Error> {
    let store = Store::open(&site.store)?;
    let existing = declared(&store, taken).await?;
    agree(&existing, &taken.due)?;
    let new = unknown(site, taken).await?;
    let (spool, _) = Spool::<Run>::open(&site.spool.join(FOLDER), clock)?;
    let mut appending = stream::iter(&new).map(|run| spool.append(run)).buffer_unordered(AT_ONCE);
    while let Some(appended) = appending.next().await {
        appended?;
    }
    drop(appending);
    let shipped = Shipper::new(spool, store.clone(), Duration::ZERO).ship_all().await;
    if let Some(error) = shipped.errors.into_iter().next() {
        return Err(error.into());
    }
    declare(site, &store, taken, &existing).await?;
    Ok(Kept { new: new.len(), known: taken.runs.len() - new.len() })
}

/// Which of the runs the store does not have.
async fn unknown<'t>(site: &Site, taken: &'t Taken) -> Result<Vec<&'t Run>, store::Error> {
    let known = known(&Store::open(&site.store)?.with_spool(&site.spool), &taken.runs).await?;
    Ok(taken.runs.iter().filter(|run| !known.contains(&run.id)).collect())
}

async fn known(store: &Store, runs: &[Run]) -> Result<BTreeSet<RunId>, store::Error> {
    let Some((from, to)) = bounds(runs.iter().map(|run| run.slot)) else { return Ok(BTreeSet::new()) };
    let unique = |all: Vec<VantageName>| all.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let filter = RunFilter {
        vantages: unique(runs.iter().map(|run| run.vantage.clone()).collect()),
        ..RunFilter::between(from, to)
    };
    let mut ids = BTreeSet::new();
    let mut each = |row: store::Row| {
        ids.insert(row.run.id);
    };
    store.read(&filter, Columns::Summary, &mut each).await?;
    Ok(ids)
}

/// What the store declares while the runs were due.
async fn declared(store: &Store, taken: &Taken) -> Result<Vec<ScheduleDeclaration>, store::Error> {
    let edges = taken.due.iter().flat_map(|span| [span.from, span.to]);
    let Some((from, to)) = bounds(edges) else { return Ok(Vec::new()) };
    store.declarations(from, to).await
}

async fn declare(
    site: &Site,
    store: &Store,
    taken: &Taken,
    existing: &[ScheduleDeclaration],
) -> Result<(), store::Error> {
    let vantages: BTreeSet<_> = taken.due.iter().map(|span| &span.vantage).collect();
    for vantage in vantages {
        let described = site.vantages.iter().find(|known| known.name == *vantage);
        let labels = described.map_or_else(BTreeMap::new, |known| known.labels.clone());
        for declaration in declarations(vantage, &labels, existing, &taken.due) {
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
