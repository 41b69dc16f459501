//! Compaction: the thousands of segments of a vantage's day become few large files, sorted, each run once.
//!
//! Nothing is lost and nothing is read twice, whenever the work is stopped and whoever does it at the same time: a
//! compacted file is durable before anything that it holds is removed, it holds every run of what is removed, and a
//! reader takes each run once, by its identity, wherever it finds it. A segment that arrives after its day was compacted
//! is read beside it and taken in by the next compaction. Two that compact the same make the same object, since its name
//! holds the hash of its content.
//!
//! A day too large for memory is cut by slot into parts, one file each.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::civil::Date;
use object_store::ObjectMeta;
use parquet::errors::ParquetError;

use super::day_key::{DayKey, midnight, time_of_day};
use super::error::{Error, SegmentError};
use super::fetch::Source;
use super::filter::RunFilter;
use super::key::{LIVE, SegmentKey, day_of};
use super::objects::{Put, Store};
use super::partition::{Listing, Partition};
use super::rollup;
use super::segment::{self, Columns, Selection};
use crate::model::{Revision, Run, RunId, VantageName, Verdict};

/// Runs of one part, which are held in memory together.
const PART_RUNS: u64 = 100_000;
/// A day that is no larger, in bytes, is one part without looking: only runs that hardly hold anything are so small that
/// it could be many.
const SMALL_DAY: u64 = 4 << 20;
/// How often a day is listed again when an object is gone, since somebody else compacts it.
const LISTINGS: usize = 5;

/// What compacting one vantage's day did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Objects that were read.
    pub read: u64,
    /// Runs that they held, each counted once.
    pub runs: u64,
    /// Files that hold them now.
    pub files: u64,
    /// The size of those files.
    pub bytes: u64,
    /// Objects that were removed.
    pub removed: u64,
}

impl fmt::Display for Compacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { read, runs, files, bytes, removed } = self;
        let counted = |number: u64, one: &str| format!("{number} {one}{}", if number == 1 { "" } else { "s" });
        let (runs, read, files) = (counted(*runs, "run"), counted(*read, "object"), counted(*files, "file"));
        let (bytes, removed) = (counted(*bytes, "byte"), counted(*removed, "object"));
        write!(f, "{runs} of {read} into {files} of {bytes}; {removed} removed")
    }
}

impl std::ops::Add for Compacted {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            read: self.read + other.read,
            runs: self.runs + other.runs,
            files: self.files + other.files,
            bytes: self.bytes + other.bytes,
            removed: self.removed + other.removed,
        }
    }
}

/// An object with the slots that it may hold and its runs.
struct Surveyed {
    source: Source,
    first: Timestamp,
    last: Timestamp,
    runs: u64,
}

impl Store {
    /// The days of vantages, all where the list is empty, that ended before `before` and are not compacted wholly, oldest
    /// first.
    ///
    /// # Errors
    /// [`Error::Object`] when the store is away, [`Error::Key`] for an object that does not belong there.
    pub async fn uncompacted(&self, vantages: &[VantageName], before: Date) -> Result<Vec<(VantageName, Date)>, Error> {
        let filter = RunFilter { vantages: vantages.to_vec(), ..RunFilter::everything() };
        let mut found = Vec::new();
        // A day that needs work has segments: they are what is removed last.
        for partition in self.partitions_below(LIVE, &filter).await?.into_iter().filter(|(_, date)| *date < before) {
            if !self.listing(&partition).await?.is_settled() {
                found.push(partition);
            }
        }
        found.sort_by(|(a_vantage, a), (b_vantage, b)| a.cmp(b).then_with(|| a_vantage.cmp(b_vantage)));
        Ok(found)
    }

    /// Compacts the runs of a vantage with slots on a UTC day. May be stopped at any time, and done by several at once.
    ///
    /// # Errors
    /// Whatever keeps the runs from being read, understood or written; then nothing is removed.
    pub async fn compact(&self, vantage: &VantageName, date: Date) -> Result<Compacted, Error> {
        let partition = (vantage.clone(), date);
        let (mut tries, mut total) = (0, Compacted::default());
        loop {
            tries += 1;
            match self.try_compact(&partition).await {
                // Somebody else may have compacted an earlier state of the day at the same time.
                Ok(done) if done.read > 0 && tries < LISTINGS => {
                    total = Compacted { removed: total.removed + done.removed, read: total.read + done.read, ..done };
                }
                Ok(_) => return Ok(total),
                Err(error) if error.is_gone() && tries < LISTINGS => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn try_compact(&self, partition: &Partition) -> Result<Compacted, Error> {
        let listing = self.listing(partition).await?;
        let mut done = Compacted::default();
        if listing.is_settled() {
            return Ok(done);
        }
        let surveyed = self.survey(&listing).await?;
        let mut written = Vec::new();
        for (from, to) in parts(&surveyed, partition.1) {
            let sources = surveyed.iter().filter(|object| object.first < to && from <= object.last);
            let runs = self.collect(sources, RunFilter::between(from, to), partition).await?;
            if !runs.is_empty() {
                done.runs += runs.len() as u64;
                let (key, size) = self.write_part(partition, runs).await?;
                done.bytes += size;
                written.push(key);
            }
        }
        done.files = written.len() as u64;
        // Only now, when all that they hold is durable.
        let Listing { days, live } = listing;
        for object in self.list(&DayKey::rollup_folder(&partition.0, partition.1)).await? {
            if !written.iter().any(|key| key.rollup() == object.location.as_ref()) {
                self.remove(object.location.as_ref()).await?;
            }
        }
        let superseded: Vec<&DayKey> = days.iter().map(|(key, _)| key).filter(|key| !written.contains(key)).collect();
        for key in &superseded {
            self.remove(&key.to_string()).await?;
        }
        for object in &live {
            self.remove(object.location.as_ref()).await?;
        }
        done.read = (live.len() + days.len()) as u64;
        done.removed = (live.len() + superseded.len()) as u64;
        Ok(done)
    }

    /// What each object may hold. The objects of a small day are not looked into.
    async fn survey(&self, listing: &Listing) -> Result<Vec<Surveyed>, Error> {
        let objects = || listing.days.iter().map(|(_, object)| object).chain(&listing.live);
        if objects().map(|object| object.size).sum::<u64>() <= SMALL_DAY {
            let whole = |object: &ObjectMeta| Surveyed {
                source: Source::Object(object.clone()),
                first: Timestamp::MIN,
                last: Timestamp::MAX,
                runs: 0,
            };
            return Ok(objects().map(whole).collect());
        }
        let mut surveyed = Vec::new();
        for object in objects() {
            let opened = Arc::new(self.open_file(object).await?);
            for (group, (slots, runs)) in opened.reader.slots().into_iter().enumerate() {
                let instant = |micros| Timestamp::from_microsecond(micros).ok();
                let slots = slots.and_then(|(first, last)| Some((instant(first)?, instant(last)?)));
                let (first, last) = slots.unwrap_or((Timestamp::MIN, Timestamp::MAX));
                // The content is fetched again when its turn comes: a day of it would be too much to hold.
                let source = Source::Part(object.clone(), group);
                surveyed.push(Surveyed { source, first, last, runs });
            }
        }
        Ok(surveyed)
    }

    /// All runs of the sources that the filter chooses, each once: one that was measured beats one that was lost, and
    /// among equals the first counts, as for every reader.
    async fn collect(
        &self,
        sources: impl Iterator<Item = &Surveyed>,
        filter: RunFilter,
        (vantage, date): &Partition,
    ) -> Result<Vec<Run>, Error> {
        let selection = Selection { filter, id: None };
        let mut runs: HashMap<RunId, Run> = HashMap::new();
        for Surveyed { source, .. } in sources {
            for row in self.load(source, &selection, Columns::Everything).await? {
                if row.run.vantage != *vantage || day_of(row.run.slot) != *date {
                    return Err(self.misplaced(vantage, *date, &row.run));
                }
                let is_lost = |run: &Run| matches!(run.verdict, Verdict::Lost(_));
                let known = runs.get(&row.run.id);
                if known.is_none_or(|known| is_lost(known) && !is_lost(&row.run)) {
                    runs.insert(row.run.id, row.run);
                }
            }
        }
        Ok(runs.into_values().collect())
    }

    /// A run that no reader would find here must not vanish either.
    fn misplaced(&self, vantage: &VantageName, date: Date, run: &Run) -> Error {
        let value = format!("{} at {}", run.slot, run.vantage);
        self.bad_segment(&SegmentKey::folder(vantage, date), SegmentError::Value { column: "slot", value })
    }

    /// Writes runs as one file, and what is counted of it before; returns when both are durable.
    async fn write_part(&self, (vantage, date): &Partition, mut runs: Vec<Run>) -> Result<(DayKey, u64), Error> {
        let times = runs.iter().map(|run| time_of_day(run.slot));
        let (first, last) = (times.clone().min().unwrap_or(0), times.max().unwrap_or(0));
        let encode = move || {
            segment::sort_as_day(&mut runs);
            Ok::<_, ParquetError>((segment::encode_day(&runs)?, rollup::encode(&rollup::count(&runs))?))
        };
        let encoded = tokio::task::spawn_blocking(encode).await;
        let (content, counted): (Bytes, Bytes) = encoded
            .map_err(|panic| SegmentError::Decoder(panic.to_string()))
            .and_then(|encoded| encoded.map_err(SegmentError::from))
            .map_err(|source| self.bad_segment(&DayKey::folder(vantage, *date), source))?;
        let hash = Revision::of(&content).as_str().to_owned();
        let key = DayKey { vantage: vantage.clone(), date: *date, first, last, content: hash };
        let size = content.len() as u64;
        self.put_over(&key.rollup(), counted).await?;
        // The content's hash is in the name: an object of that name holds the same.
        match self.put_if_absent(&key.to_string(), content).await? {
            Put::Created | Put::Exists => Ok((key, size)),
        }
    }
}

/// Cuts a day by slot, at whole minutes, into parts that memory can hold, should the runs of each object lie evenly
/// between its first slot and its last. A minute is never cut.
fn parts(surveyed: &[Surveyed], date: Date) -> Vec<(Timestamp, Timestamp)> {
    const MINUTE: i64 = 60_000_000;
    let start = midnight(date);
    let minute_of = |slot: Timestamp| {
        usize::try_from((slot.as_microsecond() - start.as_microsecond()).div_euclid(MINUTE)).unwrap_or(0).min(1_439)
    };
    let mut minutes = vec![0_u64; 1_440];
    for object in surveyed {
        let (first, last) = (minute_of(object.first), minute_of(object.last));
        let share = object.runs / (last.saturating_sub(first) + 1) as u64;
        minutes[first..=last.max(first)].iter_mut().for_each(|runs| *runs += share);
    }
    // All of time, so that a run that does not belong here is met, and told.
    let (mut cuts, mut held) = (vec![Timestamp::MIN], 0);
    for (minute, runs) in (0..).zip(minutes) {
        if held > 0 && held + runs > PART_RUNS {
            let cut = Timestamp::from_microsecond(start.as_microsecond() + minute * MINUTE);
            cuts.extend(cut);
            held = 0;
        }
        held += runs;
    }
    cuts.push(Timestamp::MAX);
    cuts.windows(2).map(|pair| (pair[0], pair[1])).collect()
}
