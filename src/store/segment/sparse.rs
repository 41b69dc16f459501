//! Parts of a file that lies elsewhere, for a Parquet reader that wants few columns of it.

use std::ops::Range;

use bytes::buf::Reader;
use bytes::{Buf, Bytes};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

/// A file of which only some parts are here.
#[derive(Debug, Clone)]
pub(in crate::store) struct SparseFile {
    length: u64,
    parts: Vec<(u64, Bytes)>,
}

impl SparseFile {
    /// A file of which everything is here.
    pub(in crate::store) fn whole(content: Bytes) -> Self {
        Self { length: content.len() as u64, parts: vec![(0, content)] }
    }

    /// A file of `length` bytes of which nothing is here yet.
    pub(in crate::store) fn empty(length: u64) -> Self {
        Self { length, parts: Vec::new() }
    }

    /// Adds a part.
    pub(in crate::store) fn add(&mut self, start: u64, content: Bytes) {
        self.parts.push((start, content));
    }

    /// Those of `ranges` that are not here yet.
    pub(in crate::store) fn missing(&self, ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
        let here = |range: &Range<u64>| {
            self.from(range.start).is_ok_and(|bytes| bytes.len() as u64 >= range.end - range.start)
        };
        ranges.into_iter().filter(|range| !here(range)).collect()
    }

    /// Where the footer of a Parquet file of `size` bytes lies, told by its last eight bytes, which must be here.
    pub(in crate::store) fn footer(&self, size: u64) -> Result<Range<u64>, ParquetError> {
        let end = self.get_bytes(size.saturating_sub(8), 8)?;
        let length = end.first_chunk::<4>().map_or(0, |length| u64::from(u32::from_le_bytes(*length)));
        Ok(size.saturating_sub(length.saturating_add(8))..size)
    }

    /// The bytes from `start` to the end of the part that holds it.
    fn from(&self, start: u64) -> Result<Bytes, ParquetError> {
        let within = |(begin, content): &&(u64, Bytes)| *begin <= start && start < *begin + content.len() as u64;
        let part = self.parts.iter().find(within);
        let offset = |begin: u64| usize::try_from(start - begin).ok();
        part.and_then(|(begin, content)| Some(content.slice(offset(*begin)?..))).ok_or_else(|| {
            ParquetError::EOF(format!("byte {start} of {} is outside the parts that were read", self.length))
        })
    }
}

impl Length for SparseFile {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for SparseFile {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        if length == 0 {
            return Ok(Bytes::new());
        }
        let bytes = self.from(start)?;
        if length > bytes.len() {
            return Err(ParquetError::EOF(format!("{length} bytes at {start} reach beyond the part that was read")));
        }
        Ok(bytes.slice(..length))
    }
}
