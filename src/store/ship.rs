//! Shipping: spool files become segments, and are removed only after the store has them durably.
//!
//! A file's segments have names and contents that follow from the file alone. A crash at any point therefore ends in
//! the same segments: what is there already is recognised and not written again. Runs and samples go the same way; what
//! differs is in `payload`.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use jiff::civil::Date;

use super::error::{Error, SegmentError};
use super::key::day_of;
use super::objects::{Put, Store};
use super::payload::Payload;
use super::spool::Spool;
use super::spool_files::{self as files, SpoolFile};
use crate::model::{Run, VantageName};

/// Moves runs, or samples, from a spool to a store.
#[derive(Clone)]
pub struct Shipper<T = Run> {
    spool: Spool<T>,
    store: Store,
    age: Duration,
}

/// What one round of shipping did.
#[derive(Debug, Default)]
pub struct Shipped {
    /// Spool files that are in the store now, and no longer here.
    pub files: usize,
    /// Runs or samples in them.
    pub records: usize,
    /// Segments written.
    pub segments: usize,
    /// Bytes of the segments written.
    pub bytes: u64,
    /// Segments that were there already: an earlier process was stopped between writing and removing.
    pub already_there: usize,
    /// Files with a damaged middle, kept beside the spool under the ending `.damaged`.
    pub set_aside: usize,
    /// Closed files that still wait, for the store to come back or for somebody to look at an error.
    pub waiting: usize,
    /// Why they wait. Nothing is lost: the next round tries again.
    pub errors: Vec<Error>,
}

impl fmt::Display for Shipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, records, segments, bytes, already_there, set_aside, waiting, errors: _ } = self;
        write!(
            f,
            "shipped {records} records of {files} spool files: {segments} segments of {bytes} bytes written, {already_there} \
             were there already, {set_aside} damaged files kept, {waiting} files wait"
        )
    }
}

impl<T: Payload> Shipper<T> {
    /// A shipper that takes files over once their first record is older than `age`, or they are full.
    #[must_use]
    pub fn new(spool: Spool<T>, store: Store, age: Duration) -> Self {
        Self { spool, store, age }
    }

    /// Ships all files that are due. A store that is away ends the round early.
    pub async fn ship_due(&self) -> Shipped {
        self.ship(self.age).await
    }

    /// Ships everything recorded so far, for an orderly stop.
    pub async fn ship_all(&self) -> Shipped {
        self.ship(Duration::ZERO).await
    }

    async fn ship(&self, age: Duration) -> Shipped {
        let mut shipped = Shipped::default();
        let due = match self.spool.sealed(age).await {
            Ok(due) => due,
            Err(error) => {
                shipped.errors.push(error);
                return shipped;
            }
        };
        shipped.waiting = due.len();
        for file in due {
            match self.ship_file(&file, &mut shipped).await {
                Ok(()) => shipped.waiting -= 1,
                Err(error) => {
                    let away = matches!(error, Error::Object { .. });
                    shipped.errors.push(error);
                    if away {
                        break;
                    }
                }
            }
        }
        shipped
    }

    async fn ship_file(&self, file: &SpoolFile, shipped: &mut Shipped) -> Result<(), Error> {
        let owned = file.clone();
        let prepared = tokio::task::spawn_blocking(move || prepare::<T>(&owned)).await;
        let prepared = prepared.unwrap_or_else(|panic| Err(self.undecodable(file, panic.to_string())))?;
        for segment in &prepared.objects {
            match self.store.put_if_absent(&segment.key, segment.content.clone()).await? {
                Put::Created => {
                    shipped.segments += 1;
                    shipped.bytes += segment.content.len() as u64;
                }
                Put::Exists => {
                    self.check_same(file, segment).await?;
                    shipped.already_there += 1;
                }
            }
        }
        if prepared.damaged {
            files::set_aside(file)?;
            shipped.set_aside += 1;
        } else {
            files::remove(file)?;
        }
        shipped.files += 1;
        shipped.records += prepared.objects.iter().map(|segment| segment.items.len()).sum::<usize>();
        Ok(())
    }

    /// The key is taken. That is success when the object holds what is ours: byte for byte, or, when another version of
    /// Doorstep encoded it, one by one.
    async fn check_same(&self, file: &SpoolFile, ours: &Prepared<T>) -> Result<(), Error> {
        let theirs = self.store.get(&ours.key).await?;
        if theirs == ours.content {
            return Ok(());
        }
        let conflict = || Error::Conflict {
            key: ours.key.clone(),
            location: self.store.location.clone(),
            path: file.path.clone(),
        };
        let stored = T::unpack(theirs).map_err(|_| conflict())?;
        let stored: BTreeMap<T::Id, T> = stored.into_iter().map(|item| (item.id(), item)).collect();
        let all_there = ours.items.iter().all(|item| stored.get(&item.id()) == Some(item));
        if all_there { Ok(()) } else { Err(conflict()) }
    }

    fn undecodable(&self, file: &SpoolFile, reason: String) -> Error {
        Error::Segment {
            key: file.path.display().to_string(),
            location: self.store.location.clone(),
            source: SegmentError::Decoder(reason),
        }
    }
}

/// What one spool file becomes.
pub(super) struct PreparedFile<T> {
    pub(super) objects: Vec<Prepared<T>>,
    damaged: bool,
}

/// One object to be stored.
pub(super) struct Prepared<T> {
    key: String,
    pub(super) date: Date,
    items: Vec<T>,
    pub(super) content: Bytes,
}

/// Sorts a file's records into one object for each vantage and day.
pub(super) fn prepare<T: Payload>(file: &SpoolFile) -> Result<PreparedFile<T>, Error> {
    let Some(content) = files::read::<T>(file)? else {
        return Ok(PreparedFile { objects: Vec::new(), damaged: false });
    };
    let mut parts: BTreeMap<(VantageName, Date), BTreeMap<T::Id, T>> = BTreeMap::new();
    for item in content.items {
        // The first record of a run counts, as it does for a reader who finds a run twice.
        parts.entry((item.vantage().clone(), day_of(item.slot()))).or_default().entry(item.id()).or_insert(item);
    }
    let mut objects = Vec::new();
    for ((vantage, date), items) in parts {
        let key = T::key(&vantage, date, file.sequence);
        let items: Vec<T> = items.into_values().collect();
        let content = T::pack(&items).map_err(|source| Error::Segment {
            key: key.clone(),
            location: file.path.display().to_string(),
            source,
        })?;
        objects.push(Prepared { key, date, items, content });
    }
    Ok(PreparedFile { objects, damaged: content.damaged > 0 })
}
