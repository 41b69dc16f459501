//! What can go wrong between a run and the disk or the bucket. Each error names the file or object and the way out;
//! causes are in the source chain.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::key::KeyError;

/// An error of the spool or the store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be used.
    #[error("cannot {action} {path}", path = path.display())]
    File {
        /// What was tried, as a verb phrase: `create the folder`.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: Arc<io::Error>,
    },
    /// Another process holds the spool.
    #[error(
        "the spool {path} is in use by another process; give each worker a spool folder of its own",
        path = path.display()
    )]
    SpoolInUse {
        /// The spool folder.
        path: PathBuf,
    },
    /// The spool's writer has ended, which only a fault of Doorstep can cause.
    #[error("the writer of the spool {path} has ended; restart the worker", path = path.display())]
    SpoolClosed {
        /// The spool folder.
        path: PathBuf,
    },
    /// A run or a sample too large for a journal record.
    #[error("a {what} of {bytes} bytes is larger than the journal's limit of {limit}; lower the limits of its probe")]
    TooLarge {
        /// `run` or `sample`.
        what: &'static str,
        /// The encoded size.
        bytes: usize,
        /// The largest record.
        limit: usize,
    },
    /// Something that cannot be encoded.
    #[error("cannot encode what is to be recorded")]
    Encode {
        /// Why.
        #[source]
        source: Arc<serde_json::Error>,
    },
    /// A record that is whole, and yet no run or sample: it was written by a later version.
    #[error("cannot understand a record of {path}; ship it with the version of Doorstep that wrote it", path = path.display())]
    Record {
        /// The spool file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Arc<serde_json::Error>,
    },
    /// The location cannot be opened as a store.
    #[error("cannot open the store {location}")]
    Open {
        /// The store.
        location: String,
        /// Why.
        #[source]
        source: Arc<object_store::Error>,
    },
    /// A request to the store failed; it may be away.
    #[error("cannot {action} {key} in the store {location}")]
    Object {
        /// What was tried: `write`, `read`, `list`.
        action: &'static str,
        /// The object or prefix.
        key: String,
        /// The store.
        location: String,
        /// Why.
        #[source]
        source: Arc<object_store::Error>,
    },
    /// Another content is stored under the key that is to be written. It is left as it is.
    #[error(
        "{key} in the store {location} exists with other content and was not overwritten; the records stay in {path}: if \
         the spool was copied from another machine, move that file away, else keep both and report it",
        path = path.display()
    )]
    Conflict {
        /// The key.
        key: String,
        /// The store.
        location: String,
        /// The spool file that keeps the records.
        path: PathBuf,
    },
    /// A file or object of a later version of Doorstep.
    #[error("{what} has format version {found}, and this version of Doorstep reads up to {known}; upgrade Doorstep")]
    Newer {
        /// The file or object.
        what: String,
        /// Its version.
        found: String,
        /// The newest known version.
        known: u32,
    },
    /// Content that is no segment, or a damaged one.
    #[error("{key} in the store {location} cannot be read as a segment; restore it from a backup, or move it away")]
    Segment {
        /// The key.
        key: String,
        /// The store.
        location: String,
        /// Why.
        #[source]
        source: SegmentError,
    },
    /// Content that is no schedule declaration.
    #[error("{key} in the store {location} cannot be read as a schedule declaration; restore it, or move it away")]
    Declaration {
        /// The key.
        key: String,
        /// The store.
        location: String,
        /// Why.
        #[source]
        source: Arc<serde_json::Error>,
    },
    /// Content that is no noted event, exclusion or registered report.
    #[error("{key} in the store {location} cannot be read as what its name says; restore it, or move it away")]
    Entry {
        /// The key.
        key: String,
        /// The store.
        location: String,
        /// Why.
        #[source]
        source: Arc<serde_json::Error>,
    },
    /// An object whose name Doorstep never gives.
    #[error("{key} in the store {location} does not belong there; move it away")]
    Key {
        /// The object.
        key: String,
        /// The store.
        location: String,
        /// Why.
        #[source]
        source: KeyError,
    },
}

impl Error {
    /// A closure that wraps an IO error, for `map_err`.
    pub(super) fn file(action: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source: Arc::new(source) }
    }

    /// Whether an object is not there, which a moment before was listed: somebody compacted the day meanwhile.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self, Self::Object { source, .. } if matches!(**source, object_store::Error::NotFound { .. }))
    }

    /// Whether the disk, the quota or the file size limit is exhausted.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        let Self::File { source, .. } = self else { return false };
        matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
    }
}

/// Why bytes are no segment, or no file of samples.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SegmentError {
    /// The Parquet layer refuses it.
    #[error(transparent)]
    Parquet(Arc<parquet::errors::ParquetError>),
    /// It is of a later version of Doorstep.
    #[error(
        "the segment has format version {found}, and this version of Doorstep reads up to {known}; upgrade Doorstep"
    )]
    Newer {
        /// Its version, as written.
        found: String,
        /// The newest known version.
        known: u32,
    },
    /// A column is not there.
    #[error("the column '{0}' is missing")]
    MissingColumn(String),
    /// A column has another type.
    #[error("the column '{0}' has another type or nesting than this format says")]
    ColumnType(String),
    /// A value that no run can have.
    #[error("'{column}' holds {value:?}, which is no valid value")]
    Value {
        /// The column.
        column: &'static str,
        /// The value.
        value: String,
    },
    /// Columns or sections of other lengths than are told.
    #[error("'{0}' is shorter or longer than the file says")]
    Length(String),
    /// What should be the gzip of lines is none.
    #[error("its gzip cannot be read")]
    Gzip(#[source] Arc<io::Error>),
    /// A line that is not what it should be.
    #[error("line {line} cannot be understood")]
    Line {
        /// Counted from 1; 0 while writing.
        line: u64,
        /// Why.
        #[source]
        source: Arc<serde_json::Error>,
    },
    /// A line that tells a difference which does not fit the line before it.
    #[error("line {line} amends something that the line before it does not have")]
    Patch {
        /// Counted from 1.
        line: u64,
    },
    /// The decoder gave up.
    #[error("the decoder failed: {0}")]
    Decoder(String),
}

impl From<parquet::errors::ParquetError> for SegmentError {
    fn from(error: parquet::errors::ParquetError) -> Self {
        Self::Parquet(Arc::new(error))
    }
}
