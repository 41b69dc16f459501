//! Reading samples back: each once, however often it is stored, in order.
//!
//! A day is read whole, packed as it is stored; its samples are unpacked an hour and a server at a time, so that the
//! memory that a week takes is that of a packed day. Where copies of a sample differ, one that was asked beats one that
//! was lost, since a worker that was killed may record a slot as lost that it had served; else the first one counts: of
//! the store by key, then of the spools.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::file::{SampleFile, Section};
use crate::model::{Answer, DatabaseName, Sample, ServerName, Unknown};
use crate::store::error::{Error, SegmentError};
use crate::store::filter::RunFilter;
use crate::store::key::{SAMPLES, SampleKey};
use crate::store::objects::Store;
use crate::store::payload::Payload;
use crate::store::ship::{Prepared, prepare};
use crate::store::spool_files as files;

/// Objects that are fetched at once.
const FETCHES: usize = 16;
/// Pieces that are unpacked at once.
const AHEAD: usize = 4;
/// The span of one piece.
const PIECE: SignedDuration = SignedDuration::from_hours(1);

/// An object or a spool file, with its name for errors.
#[derive(Debug)]
struct Named {
    name: String,
    file: SampleFile,
}

/// What is unpacked at once.
struct Piece {
    database: DatabaseName,
    server: ServerName,
    from: Timestamp,
    to: Timestamp,
}

impl Piece {
    fn wants(&self, section: &Section) -> bool {
        section.database == self.database && section.server == self.server
    }
}

impl Store {
    /// All samples with a slot in `from..to`, each once, sorted by day, database, server, slot and vantage.
    ///
    /// # Errors
    /// As [`Store::each_sample`].
    pub async fn samples(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Sample>, Error> {
        let mut samples = Vec::new();
        self.each_sample(from, to, &mut |sample| samples.push(sample)).await?;
        samples.sort_by_cached_key(Payload::id);
        Ok(samples)
    }

    /// Hands out all samples with a slot in `from..to`, each once: UTC day by day, each sorted by database, server, slot
    /// and vantage. Takes the memory of a packed day and some hours of one server.
    ///
    /// # Errors
    /// [`Error::Object`] when the store is away; [`Error::Segment`], [`Error::Key`], [`Error::Newer`] or
    /// [`Error::Record`] for data that cannot be understood, since it must not be left out silently.
    pub async fn each_sample(
        &self,
        from: Timestamp,
        to: Timestamp,
        each: &mut (dyn FnMut(Sample) + Send),
    ) -> Result<(), Error> {
        // First the spools: a file that is shipped meanwhile is then found in the store, or in both.
        let mut spooled = self.spooled_samples().await?;
        let mut days: BTreeMap<Date, Vec<String>> = BTreeMap::new();
        for (vantage, date) in self.partitions_below(SAMPLES, &RunFilter::between(from, to)).await? {
            days.entry(date).or_default().push(SampleKey::folder(&vantage, date));
        }
        let dates: BTreeSet<Date> = days.keys().chain(spooled.keys()).copied().collect();
        for date in dates {
            let mut files = self.fetch_samples(&days.remove(&date).unwrap_or_default()).await?;
            files.extend(spooled.remove(&date).unwrap_or_default());
            self.read_day(files, from, to, each).await?;
        }
        Ok(())
    }

    async fn fetch_samples(&self, folders: &[String]) -> Result<Vec<Named>, Error> {
        let mut keys = Vec::new();
        for folder in folders {
            for object in self.list(folder).await? {
                keys.push(self.parsed::<SampleKey>(&object)?.to_string());
            }
        }
        let fetch = |key: String| async move { self.named(key.clone(), self.get(&key).await?) };
        futures_util::stream::iter(keys).map(fetch).buffered(FETCHES).try_collect().await
    }

    fn named(&self, name: String, content: bytes::Bytes) -> Result<Named, Error> {
        match SampleFile::open(content) {
            Ok(file) => Ok(Named { name, file }),
            Err(source) => Err(self.bad_segment(&name, source)),
        }
    }

    /// What lies in the spools, packed as it would be stored.
    async fn spooled_samples(&self) -> Result<BTreeMap<Date, Vec<Named>>, Error> {
        let mut spooled: BTreeMap<Date, Vec<Named>> = BTreeMap::new();
        for spool in &self.spools {
            let folder = Sample::folder(spool);
            let packed = self.blocking("the spool", move || {
                let mut packed = Vec::new();
                for file in files::list(&folder)? {
                    for Prepared { date, content, .. } in prepare::<Sample>(&file)?.objects {
                        packed.push((date, file.path.display().to_string(), content));
                    }
                }
                Ok(packed)
            });
            for (date, name, content) in packed.await? {
                spooled.entry(date).or_default().push(self.named(name, content)?);
            }
        }
        Ok(spooled)
    }

    async fn read_day(
        &self,
        files: Vec<Named>,
        from: Timestamp,
        to: Timestamp,
        each: &mut (dyn FnMut(Sample) + Send),
    ) -> Result<(), Error> {
        let files = Arc::new(files);
        let unpack = |piece: Piece| {
            let files = Arc::clone(&files);
            let location = self.clone();
            self.blocking("samples", move || location.unpack_piece(&files, &piece))
        };
        let mut pieces = futures_util::stream::iter(pieces(&files, from, to)).map(unpack).buffered(AHEAD);
        while let Some(samples) = pieces.try_next().await? {
            samples.into_iter().for_each(&mut *each);
        }
        Ok(())
    }

    fn unpack_piece(&self, files: &[Named], piece: &Piece) -> Result<Vec<Sample>, Error> {
        let mut best = BTreeMap::new();
        for Named { name, file } in files {
            if !file.sections.iter().any(|section| piece.wants(section) && section.meets(piece.from, piece.to)) {
                continue;
            }
            let read = file.read(|section| piece.wants(section), (piece.from, piece.to), &mut |sample: Sample| {
                let better = |known: &Sample| is_lost(known) && !is_lost(&sample);
                let key = (sample.slot, sample.vantage.clone());
                if best.get(&key).is_none_or(better) {
                    best.insert(key, sample);
                }
            });
            read.map_err(|source| self.bad_segment(name, source))?;
        }
        Ok(best.into_values().collect())
    }

    /// Does work that takes a processor's time or waits for a disk on a thread for such work.
    async fn blocking<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let failed =
            |panic: tokio::task::JoinError| Err(self.bad_segment(what, SegmentError::Decoder(panic.to_string())));
        tokio::task::spawn_blocking(work).await.unwrap_or_else(failed)
    }
}

/// The pieces of a day that hold anything of `from..to`, in the order of reading.
fn pieces(files: &[Named], from: Timestamp, to: Timestamp) -> Vec<Piece> {
    let mut hours: BTreeSet<(&DatabaseName, &ServerName, Timestamp)> = BTreeSet::new();
    let sections = files.iter().flat_map(|named| &named.file.sections);
    for Section { database, server, first, last, .. } in sections {
        let mut hour = start_of_hour(*first);
        while hour <= *last {
            hours.insert((database, server, hour));
            let Ok(next) = hour.checked_add(PIECE) else { break };
            hour = next;
        }
    }
    let piece = |(database, server, hour): (&DatabaseName, &ServerName, Timestamp)| {
        let end = hour.checked_add(PIECE).unwrap_or(Timestamp::MAX);
        let piece = Piece { database: database.clone(), server: server.clone(), from: hour.max(from), to: end.min(to) };
        (piece.from < piece.to).then_some(piece)
    };
    hours.into_iter().filter_map(piece).collect()
}

fn start_of_hour(time: Timestamp) -> Timestamp {
    let micros = time.as_microsecond();
    let hour = PIECE.as_micros() as i64;
    Timestamp::from_microsecond(micros - micros.rem_euclid(hour)).unwrap_or(Timestamp::MIN)
}

fn is_lost(sample: &Sample) -> bool {
    matches!(sample.answer, Answer::Unknown { why: Unknown::Lost, .. })
}
