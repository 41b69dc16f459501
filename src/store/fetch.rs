//! What is needed of a file, fetched and decoded: a small one whole, a large one by row groups and columns.

use std::ops::Range;
use std::sync::Arc;

use object_store::ObjectMeta;

use super::error::{Error, SegmentError};
use super::objects::Store;
use super::segment::{Columns, Reader, Row, Selection, SparseFile};

/// An object up to this size is fetched whole: a second request would cost more than the bytes it saves.
const SMALL_OBJECT: u64 = 256 << 10;
/// What is fetched first of a larger object; the footer mostly fits.
const TAIL: u64 = 64 << 10;

/// A file whose footer is known.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) key: String,
    /// What is here so far.
    file: SparseFile,
    pub(super) reader: Reader,
}

/// A piece of work for a reader of rows.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// One object.
    Object(ObjectMeta),
    /// One row group of an object that is opened when it is read.
    Part(ObjectMeta, usize),
    /// One row group of a file.
    Group(Arc<Opened>, usize),
}

impl Store {
    /// The wanted rows of a source, decoded on a thread for such work.
    pub(super) async fn load(
        &self,
        source: &Source,
        selection: &Selection,
        columns: Columns,
    ) -> Result<Vec<Row>, Error> {
        match source {
            Source::Group(opened, group) => self.load_group(opened, *group, selection, columns).await,
            Source::Part(object, group) => {
                let opened = Arc::new(self.open_file(object).await?);
                self.load_group(&opened, *group, selection, columns).await
            }
            Source::Object(object) => {
                let opened = Arc::new(self.open_file(object).await?);
                let mut rows = Vec::new();
                for group in opened.reader.groups(selection) {
                    rows.extend(self.load_group(&opened, group, selection, columns).await?);
                }
                Ok(rows)
            }
        }
    }

    /// Fetches the footer of a file, or the whole of a small one.
    pub(super) async fn open_file(&self, object: &ObjectMeta) -> Result<Opened, Error> {
        let (key, size) = (object.location.to_string(), object.size);
        let file = if size <= SMALL_OBJECT {
            SparseFile::whole(self.get(&key).await?)
        } else {
            self.fetch_footer(&key, size).await?
        };
        let reader = Reader::open(&file).map_err(|source| self.bad_segment(&key, source))?;
        Ok(Opened { key, file, reader })
    }

    async fn fetch_footer(&self, key: &str, size: u64) -> Result<SparseFile, Error> {
        let mut file = SparseFile::empty(size);
        let tail = size.saturating_sub(TAIL)..size;
        self.get_parts(key, std::slice::from_ref(&tail), &mut file).await?;
        let footer = file.footer(size).map_err(|error| self.bad_segment(key, error.into()))?;
        if footer.start < tail.start {
            file = SparseFile::empty(size);
            self.get_parts(key, &[footer], &mut file).await?;
        }
        Ok(file)
    }

    async fn load_group(
        &self,
        opened: &Arc<Opened>,
        group: usize,
        selection: &Selection,
        columns: Columns,
    ) -> Result<Vec<Row>, Error> {
        let file = self.with_ranges(opened, opened.reader.ranges(group, columns)).await?;
        let (opened, selection) = (Arc::clone(opened), selection.clone());
        self.decode(opened, move |opened| opened.reader.rows(&file, group, &selection, columns)).await
    }

    /// What is here of a file, and these ranges.
    pub(super) async fn with_ranges(&self, opened: &Opened, ranges: Vec<Range<u64>>) -> Result<Arc<SparseFile>, Error> {
        let mut file = opened.file.clone();
        let missing = file.missing(ranges);
        self.get_parts(&opened.key, &missing, &mut file).await?;
        Ok(Arc::new(file))
    }

    /// Decodes on a thread for such work.
    pub(super) async fn decode<T: Send + 'static>(
        &self,
        opened: Arc<Opened>,
        decode: impl FnOnce(&Opened) -> Result<T, SegmentError> + Send + 'static,
    ) -> Result<T, Error> {
        let key = opened.key.clone();
        let decoded = tokio::task::spawn_blocking(move || decode(&opened)).await;
        decoded
            .unwrap_or_else(|panic| Err(SegmentError::Decoder(panic.to_string())))
            .map_err(|source| self.bad_segment(&key, source))
    }

    pub(super) fn bad_segment(&self, key: &str, source: SegmentError) -> Error {
        match source {
            SegmentError::Newer { found, known } => {
                Error::Newer { what: format!("{key} in the store {}", self.location), found, known }
            }
            source => Error::Segment { key: key.to_owned(), location: self.location.clone(), source },
        }
    }
}
