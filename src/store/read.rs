//! Reading runs back: each once, however often it is stored.
//!
//! The copies of one run lie in the same partition (vantage and UTC day of its slot), so a reader remembers the ids of
//! one partition at a time. Where copies differ, a run that was measured beats one that was lost: a worker that was
//! killed may record `missed_slot` for a slot that it had served. Among equals the first in the order of reading counts:
//! compacted days, segments by key, then spools.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt};
use jiff::Timestamp;

use super::error::{Error, SegmentError};
use super::fetch::Source;
use super::filter::RunFilter;
use super::key::day_of;
use super::objects::Store;
use super::partition::{Listing, Partition};
use super::segment::{Columns, Row, Selection};
use super::spool_files as files;
use super::stamp::Stamp;
use crate::model::{Revision, Run, RunId, Verdict};

/// Segments or row groups that are fetched and decoded at once.
const AHEAD: usize = 4;
/// How often a partition is listed again when an object is gone.
const LISTINGS: usize = 5;

/// What a read came upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadSummary {
    /// Runs handed out.
    pub runs: u64,
    /// Further copies of them, left out.
    pub duplicates: u64,
    /// The data's stamp: equal for equal runs, wherever and in however many copies they are stored.
    pub revision: Revision,
}

/// What the reading of a partition yields: a run, or `None` when all runs so far come again.
pub(super) type Told = Option<Row>;

/// Admitted runs of the spools, by partition.
pub(super) type Spooled = BTreeMap<Partition, Vec<Row>>;

impl Store {
    /// Hands each chosen run to `each`, once. The order is the same for the same store: by vantage and day, measured
    /// runs before lost ones.
    ///
    /// # Errors
    /// [`Error::Object`] when the store is away; [`Error::Segment`], [`Error::Key`], [`Error::Newer`] or
    /// [`Error::Record`] for data that cannot be understood, since a report must not leave it out silently.
    pub async fn read(
        &self,
        filter: &RunFilter,
        columns: Columns,
        each: &mut (dyn FnMut(Row) + Send),
    ) -> Result<ReadSummary, Error> {
        let selection = Selection { filter: filter.clone(), id: None };
        // First the spools: a file that is shipped meanwhile is then found in the store, or in both.
        let mut spooled = self.read_spools(&selection, columns).await?;
        let mut partitions = self.partitions(filter).await?;
        partitions.extend(spooled.keys().cloned());
        let mut tally = Tally::default();
        for partition in partitions {
            let rows = spooled.remove(&partition).unwrap_or_default();
            self.read_partition(&partition, rows, &selection, columns, &mut |told| tally.count(told, each)).await?;
            tally.partition_done();
        }
        Ok(tally.summary())
    }

    /// The whole run with this id, wherever it lies; newest days are searched first.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn find(&self, id: RunId) -> Result<Option<Run>, Error> {
        let selection = Selection { filter: RunFilter::everything(), id: Some(id) };
        let mut spooled = self.read_spools(&selection, Columns::Everything).await?;
        let mut partitions = self.partitions(&selection.filter).await?;
        partitions.extend(spooled.keys().cloned());
        let mut newest_first: Vec<Partition> = partitions.into_iter().collect();
        newest_first.sort_by(|(a_vantage, a), (b_vantage, b)| b.cmp(a).then_with(|| a_vantage.cmp(b_vantage)));
        for partition in newest_first {
            let here = spooled.remove(&partition).unwrap_or_default();
            let mut known = !here.is_empty();
            if !known {
                self.read_partition(&partition, Vec::new(), &selection, Columns::Summary, &mut |told| {
                    known |= told.is_some();
                })
                .await?;
            }
            if known {
                let mut found = None;
                let mut keep = |told: Told| {
                    if let Some(row) = told {
                        found.get_or_insert(row.run);
                    }
                };
                self.read_partition(&partition, here, &selection, Columns::Everything, &mut keep).await?;
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The stamp of all runs with a slot in `from..to`, as [`Store::read`] gives it.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn revision(&self, from: Timestamp, to: Timestamp) -> Result<Revision, Error> {
        let summary = self.read(&RunFilter::between(from, to), Columns::Summary, &mut drop).await?;
        Ok(summary.revision)
    }

    /// Hands out the rows of one partition, copies included, measured ones first. Begins again when somebody compacts
    /// the day meanwhile.
    pub(super) async fn read_partition(
        &self,
        partition: &Partition,
        spooled: Vec<Row>,
        selection: &Selection,
        columns: Columns,
        each: &mut (dyn FnMut(Told) + Send),
    ) -> Result<(), Error> {
        let (mut lost, mut measured): (Vec<Row>, Vec<Row>) = spooled.into_iter().partition(is_lost);
        let mut tries = 0;
        loop {
            match self.try_partition(partition, &mut measured, &mut lost, selection, columns, each).await {
                Err(error) if error.is_gone() && tries < LISTINGS => {
                    tries += 1;
                    each(None);
                }
                done => return done,
            }
        }
    }

    async fn try_partition(
        &self,
        partition: &Partition,
        measured: &mut Vec<Row>,
        lost: &mut Vec<Row>,
        selection: &Selection,
        columns: Columns,
        each: &mut (dyn FnMut(Told) + Send),
    ) -> Result<(), Error> {
        let mut with_lost_runs = Vec::new();
        let load = |source: Source| async move {
            let rows = self.load(&source, selection, columns).await?;
            Ok::<_, Error>((source, rows))
        };
        let sources = self.sources(partition, selection).await?;
        let mut loads = futures_util::stream::iter(sources).map(load).buffered(AHEAD);
        while let Some((source, rows)) = loads.try_next().await? {
            let mut any_lost = false;
            for row in rows {
                if is_lost(&row) {
                    any_lost = true;
                } else {
                    each(Some(row));
                }
            }
            if any_lost {
                with_lost_runs.push(source);
            }
        }
        measured.drain(..).for_each(|row| each(Some(row)));
        // Lost runs wait until all measured ones are known. There may be millions, after a long outage of a worker:
        // they are read again rather than held.
        let mut loads = futures_util::stream::iter(with_lost_runs).map(load).buffered(AHEAD);
        while let Some((_, rows)) = loads.try_next().await? {
            rows.into_iter().filter(is_lost).for_each(|row| each(Some(row)));
        }
        lost.drain(..).for_each(|row| each(Some(row)));
        Ok(())
    }

    /// What is to be read of a partition: compacted days by row groups, then segments.
    async fn sources(&self, partition: &Partition, selection: &Selection) -> Result<Vec<Source>, Error> {
        let Listing { days, live } = self.listing(partition).await?;
        let (from, to) = (selection.filter.from, selection.filter.to);
        let mut sources = Vec::new();
        for (_, object) in days.iter().filter(|(key, _)| key.first_slot() < to && from <= key.last_slot()) {
            let opened = Arc::new(self.open_file(object).await?);
            let groups = opened.reader.groups(selection);
            sources.extend(groups.into_iter().map(|group| Source::Group(Arc::clone(&opened), group)));
        }
        sources.extend(live.into_iter().map(Source::Object));
        Ok(sources)
    }

    /// Reads the chosen runs that still lie in the spools.
    pub(super) async fn read_spools(&self, selection: &Selection, columns: Columns) -> Result<Spooled, Error> {
        let mut spooled = Spooled::new();
        for dir in &self.spools {
            let (dir, selection) = (dir.clone(), selection.clone());
            let read = tokio::task::spawn_blocking(move || {
                let mut rows = Vec::new();
                for file in files::list(&dir)? {
                    let Some(files::Content { items: runs, .. }) = files::read::<Run>(&file)? else { continue };
                    rows.extend(runs.into_iter().filter(|run| selection.admits(run)).map(|run| Row::of(run, columns)));
                }
                Ok(rows)
            });
            let failed = |panic: tokio::task::JoinError| {
                Err(self.bad_segment("the spool", SegmentError::Decoder(panic.to_string())))
            };
            for row in read.await.unwrap_or_else(failed)? {
                spooled.entry((row.run.vantage.clone(), day_of(row.run.slot))).or_default().push(row);
            }
        }
        Ok(spooled)
    }
}

fn is_lost(row: &Row) -> bool {
    matches!(row.run.verdict, Verdict::Lost(_))
}

/// Counts runs, leaving out copies.
#[derive(Default)]
pub(super) struct Tally {
    /// Of this partition.
    seen: HashSet<RunId>,
    /// Rows of this partition.
    rows: u64,
    runs: u64,
    duplicates: u64,
    stamp: Stamp,
}

impl Tally {
    pub(super) fn count(&mut self, told: Told, each: &mut (dyn FnMut(Row) + Send)) {
        let Some(row) = told else {
            self.rows = 0;
            return;
        };
        self.rows += 1;
        if self.seen.insert(row.run.id) {
            self.runs += 1;
            self.stamp.add(&row.run, row.login_time);
            each(row);
        }
    }

    /// Counts runs that were told otherwise.
    pub(super) fn add(&mut self, stamp: Stamp) {
        self.runs += stamp.runs();
        self.stamp.merge(stamp);
    }

    pub(super) fn partition_done(&mut self) {
        self.duplicates += self.rows.saturating_sub(self.seen.len() as u64);
        self.rows = 0;
        self.seen.clear();
    }

    pub(super) fn summary(&self) -> ReadSummary {
        ReadSummary { runs: self.runs, duplicates: self.duplicates, revision: self.stamp.revision() }
    }
}
