//! Reading runs back: each once, however often it is stored.
//!
//! The copies of one run lie in the same partition (vantage and UTC day of its slot), so a reader remembers the ids of
//! one partition at a time. Where copies differ, a run that was measured beats one that was lost: a worker that was
//! killed may record `missed_slot` for a slot that it had served. Among equals the first in the order of reading counts:
//! segments by key, then spools.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

use futures_util::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use jiff::civil::Date;
use object_store::ObjectMeta;

use super::error::{Error, SegmentError};
use super::filter::RunFilter;
use super::key::{KeyError, LIVE, SegmentKey, day_of, parse_day};
use super::objects::Store;
use super::segment::{Columns, Reader, Row, Selection, SparseFile};
use super::spool_files as files;
use super::stamp::Stamp;
use crate::model::{Revision, Run, RunId, VantageName, Verdict};

/// Segments that are fetched and decoded at once.
const AHEAD: usize = 4;
/// An object up to this size is fetched whole: a second request would cost more than the bytes it saves.
const SMALL_OBJECT: u64 = 256 << 10;
/// What is fetched first of a larger object; the footer mostly fits.
const TAIL: u64 = 64 << 10;

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

/// A vantage's day.
type Partition = (VantageName, Date);
/// Admitted runs of the spools, by partition.
type Spooled = BTreeMap<Partition, Vec<Row>>;

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
            self.read_partition(&partition, rows, &selection, columns, &mut |row| tally.count(row, each)).await?;
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
                self.read_partition(&partition, Vec::new(), &selection, Columns::Summary, &mut |_| known = true)
                    .await?;
            }
            if known {
                let mut found = None;
                let mut keep = |row: Row| _ = found.get_or_insert(row.run);
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

    /// Hands out the rows of one partition, copies included, measured ones first.
    async fn read_partition(
        &self,
        (vantage, date): &Partition,
        spooled: Vec<Row>,
        selection: &Selection,
        columns: Columns,
        each: &mut (dyn FnMut(Row) + Send),
    ) -> Result<(), Error> {
        let mut with_lost_runs = Vec::new();
        let objects = self.segments(vantage, *date).await?;
        let load = |object: ObjectMeta| async move {
            let rows = self.load(&object, selection, columns).await?;
            Ok::<_, Error>((object, rows))
        };
        let mut loads = futures_util::stream::iter(objects).map(load).buffered(AHEAD);
        while let Some((object, rows)) = loads.try_next().await? {
            let mut any_lost = false;
            for row in rows {
                if is_lost(&row) {
                    any_lost = true;
                } else {
                    each(row);
                }
            }
            if any_lost {
                with_lost_runs.push(object);
            }
        }
        let (lost, measured): (Vec<Row>, Vec<Row>) = spooled.into_iter().partition(is_lost);
        measured.into_iter().for_each(&mut *each);
        // Lost runs wait until all measured ones are known. There may be millions, after a long outage of a worker:
        // they are read again rather than held.
        let mut loads = futures_util::stream::iter(with_lost_runs).map(load).buffered(AHEAD);
        while let Some((_, rows)) = loads.try_next().await? {
            rows.into_iter().filter(is_lost).for_each(&mut *each);
        }
        lost.into_iter().for_each(each);
        Ok(())
    }

    /// The partitions of the store that may hold chosen runs.
    async fn partitions(&self, filter: &RunFilter) -> Result<BTreeSet<Partition>, Error> {
        let mut partitions = BTreeSet::new();
        let (first, last) = (day_of(filter.from), day_of(filter.to));
        for name in self.list_folders(LIVE).await? {
            let folder = format!("{LIVE}/{name}");
            let vantage = VantageName::new(&name).map_err(|_| self.stray(&folder, "v1/live/<vantage>"))?;
            if !filter.admits_vantage(&vantage) {
                continue;
            }
            for name in self.list_folders(&folder).await? {
                let stray = || self.stray(&format!("{folder}/{name}"), "v1/live/<vantage>/<yyyy-mm-dd>");
                let date = parse_day(&name).ok_or_else(stray)?;
                if (first..=last).contains(&date) {
                    partitions.insert((vantage.clone(), date));
                }
            }
        }
        Ok(partitions)
    }

    /// The segments of one partition, in the order of their keys.
    async fn segments(&self, vantage: &VantageName, date: Date) -> Result<Vec<ObjectMeta>, Error> {
        let objects = self.list(&SegmentKey::folder(vantage, date)).await?;
        for object in &objects {
            let key = object.location.to_string();
            if let Err(source) = key.parse::<SegmentKey>() {
                return Err(Error::Key { key, location: self.location.clone(), source });
            }
        }
        Ok(objects)
    }

    fn stray(&self, key: &str, expected: &'static str) -> Error {
        let source = KeyError { expected, found: key.to_owned() };
        Error::Key { key: key.to_owned(), location: self.location.clone(), source }
    }

    /// Fetches what is needed of a segment, and decodes it on a thread for such work.
    async fn load(&self, object: &ObjectMeta, selection: &Selection, columns: Columns) -> Result<Vec<Row>, Error> {
        let key = object.location.to_string();
        let file = if object.size <= SMALL_OBJECT {
            SparseFile::whole(self.get(&key).await?)
        } else {
            self.fetch_parts(&key, object.size, selection, columns).await?
        };
        let selection = selection.clone();
        let decode = move || Reader::open(&file)?.rows(file, &selection, columns);
        let decoded = tokio::task::spawn_blocking(decode).await;
        decoded
            .unwrap_or_else(|panic| Err(SegmentError::Decoder(panic.to_string())))
            .map_err(|source| self.bad_segment(&key, source))
    }

    /// The footer and the wanted columns of a large segment.
    async fn fetch_parts(
        &self,
        key: &str,
        size: u64,
        selection: &Selection,
        columns: Columns,
    ) -> Result<SparseFile, Error> {
        let mut file = SparseFile::empty(size);
        let tail = size.saturating_sub(TAIL)..size;
        self.get_parts(key, std::slice::from_ref(&tail), &mut file).await?;
        let footer = file.footer(size).map_err(|error| self.bad_segment(key, error.into()))?;
        if footer.start < tail.start {
            file = SparseFile::empty(size);
            self.get_parts(key, &[footer], &mut file).await?;
        }
        let reader = Reader::open(&file).map_err(|source| self.bad_segment(key, source))?;
        let ranges: Vec<Range<u64>> = file.missing(reader.ranges(selection, columns));
        self.get_parts(key, &ranges, &mut file).await?;
        Ok(file)
    }

    fn bad_segment(&self, key: &str, source: SegmentError) -> Error {
        match source {
            SegmentError::Newer { found, known } => {
                Error::Newer { what: format!("{key} in the store {}", self.location), found, known }
            }
            source => Error::Segment { key: key.to_owned(), location: self.location.clone(), source },
        }
    }

    /// Reads the chosen runs that still lie in the spools.
    async fn read_spools(&self, selection: &Selection, columns: Columns) -> Result<Spooled, Error> {
        let mut spooled = Spooled::new();
        for dir in &self.spools {
            let (dir, selection) = (dir.clone(), selection.clone());
            let read = tokio::task::spawn_blocking(move || {
                let mut rows = Vec::new();
                for file in files::list(&dir)? {
                    let runs = files::read(&file)?.unwrap_or_default().runs;
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
struct Tally {
    seen: HashSet<RunId>,
    runs: u64,
    duplicates: u64,
    stamp: Stamp,
}

impl Tally {
    fn count(&mut self, row: Row, each: &mut (dyn FnMut(Row) + Send)) {
        if self.seen.insert(row.run.id) {
            self.runs += 1;
            self.stamp.add(&row);
            each(row);
        } else {
            self.duplicates += 1;
        }
    }

    fn partition_done(&mut self) {
        self.seen.clear();
    }

    fn summary(&self) -> ReadSummary {
        ReadSummary { runs: self.runs, duplicates: self.duplicates, revision: self.stamp.revision() }
    }
}
