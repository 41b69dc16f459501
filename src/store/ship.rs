//! Shipping: spool files become segments, and are removed only after the store has them durably.
//!
//! A file's segments have names and contents that follow from the file alone. A crash at any point therefore ends in
//! the same segments: what is there already is recognised and not written again.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use jiff::civil::Date;

use super::error::{Error, SegmentError};
use super::filter::RunFilter;
use super::key::{SegmentKey, day_of};
use super::objects::{Put, Store};
use super::segment::{self, Columns, Reader, Selection, SparseFile};
use super::spool::Spool;
use super::spool_files::{self as files, SpoolFile};
use crate::model::{Run, RunId, VantageName};

/// Moves runs from a spool to a store.
#[derive(Clone)]
pub struct Shipper {
    spool: Spool,
    store: Store,
    age: Duration,
}

/// What one round of shipping did.
#[derive(Debug, Default)]
pub struct Shipped {
    /// Spool files that are in the store now, and no longer here.
    pub files: usize,
    /// Runs in them.
    pub runs: usize,
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
        let Self { files, runs, segments, bytes, already_there, set_aside, waiting, errors: _ } = self;
        write!(
            f,
            "shipped {runs} runs of {files} spool files: {segments} segments of {bytes} bytes written, {already_there} \
             were there already, {set_aside} damaged files kept, {waiting} files wait"
        )
    }
}

impl Shipper {
    /// A shipper that takes files over once their first run is older than `age`, or they are full.
    #[must_use]
    pub fn new(spool: Spool, store: Store, age: Duration) -> Self {
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
        let prepared = tokio::task::spawn_blocking(move || prepare(&owned)).await;
        let prepared = prepared.unwrap_or_else(|panic| Err(self.undecodable(file, panic.to_string())))?;
        for segment in &prepared.segments {
            let key = segment.key.to_string();
            match self.store.put_if_absent(&key, segment.content.clone()).await? {
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
        shipped.runs += prepared.segments.iter().map(|segment| segment.runs.len()).sum::<usize>();
        Ok(())
    }

    /// The key is taken. That is success when the object holds our runs: byte for byte, or, when another version of
    /// Doorstep encoded them, run by run.
    async fn check_same(&self, file: &SpoolFile, ours: &Prepared) -> Result<(), Error> {
        let key = ours.key.to_string();
        let theirs = self.store.get(&key).await?;
        if theirs == ours.content {
            return Ok(());
        }
        let conflict =
            || Error::Conflict { key: key.clone(), location: self.store.location.clone(), path: file.path.clone() };
        let theirs = SparseFile::whole(theirs);
        let selection = Selection { filter: RunFilter::everything(), id: None };
        let rows = Reader::open(&theirs).and_then(|reader| reader.all_rows(theirs, &selection, Columns::Everything));
        let stored: BTreeMap<RunId, Run> =
            rows.map_err(|_| conflict())?.into_iter().map(|row| (row.run.id, row.run)).collect();
        let all_there = ours.runs.iter().all(|run| stored.get(&run.id) == Some(run));
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

/// The segments of one spool file.
struct PreparedFile {
    segments: Vec<Prepared>,
    damaged: bool,
}

struct Prepared {
    key: SegmentKey,
    runs: Vec<Run>,
    content: Bytes,
}

/// Sorts a file's runs into one segment for each vantage and day.
fn prepare(file: &SpoolFile) -> Result<PreparedFile, Error> {
    let Some(content) = files::read(file)? else { return Ok(PreparedFile { segments: Vec::new(), damaged: false }) };
    let mut parts: BTreeMap<(VantageName, Date), BTreeMap<RunId, Run>> = BTreeMap::new();
    for run in content.runs {
        // The first record of a run counts, as it does for a reader who finds a run twice.
        parts.entry((run.vantage.clone(), day_of(run.slot))).or_default().entry(run.id).or_insert(run);
    }
    let mut segments = Vec::new();
    for ((vantage, date), runs) in parts {
        let key = SegmentKey { vantage, date, sequence: file.sequence };
        let runs: Vec<Run> = runs.into_values().collect();
        let content = segment::encode(&runs).map_err(|error| Error::Segment {
            key: key.to_string(),
            location: file.path.display().to_string(),
            source: error.into(),
        })?;
        segments.push(Prepared { key, runs, content });
    }
    Ok(PreparedFile { segments, damaged: content.damaged > 0 })
}
