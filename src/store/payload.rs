//! What a spool keeps and a shipper ships: runs, and samples of databases. Both go the same way, so that both are as safe;
//! here stands where they differ.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use jiff::Timestamp;
use jiff::civil::Date;

use super::error::SegmentError;
use super::filter::RunFilter;
use super::key::{SampleKey, SegmentKey, Sequence};
use super::segment::{self, Columns, Reader, Selection, SparseFile};
use super::{record, sample};
use crate::model::{DatabaseName, Run, RunId, Sample, ServerName, VantageName};

/// Something that is recorded once for each slot.
pub trait Payload: Clone + PartialEq + Send + Sync + 'static {
    /// Equal for copies of the same thing. Its order is that of a stored object.
    type Id: Ord + Send;
    /// One of them, for messages.
    const NAME: &'static str;

    /// What copies have in common.
    fn id(&self) -> Self::Id;
    /// Where it was measured.
    fn vantage(&self) -> &VantageName;
    /// The slot that was served.
    fn slot(&self) -> Timestamp;
    /// The folder of its journal files within a spool.
    fn folder(spool: &Path) -> PathBuf;
    /// It as the JSON of a journal record.
    ///
    /// # Errors
    /// What cannot be JSON.
    fn encode(&self) -> Result<Vec<u8>, serde_json::Error>;
    /// It back from a journal record.
    ///
    /// # Errors
    /// What is no such record.
    fn decode(record: &[u8]) -> Result<Self, serde_json::Error>;
    /// The name of a stored object of one vantage and day.
    fn key(vantage: &VantageName, date: Date, sequence: Sequence) -> String;
    /// A stored object: all of one vantage and day, each once, sorted by id.
    ///
    /// # Errors
    /// What cannot be encoded.
    fn pack(items: &[Self]) -> Result<Bytes, SegmentError>;
    /// All that a stored object holds.
    ///
    /// # Errors
    /// Content that is no such object.
    fn unpack(content: Bytes) -> Result<Vec<Self>, SegmentError>;
}

impl Payload for Run {
    type Id = RunId;
    const NAME: &'static str = "run";

    fn id(&self) -> RunId {
        self.id
    }

    fn vantage(&self) -> &VantageName {
        &self.vantage
    }

    fn slot(&self) -> Timestamp {
        self.slot
    }

    fn folder(spool: &Path) -> PathBuf {
        spool.to_owned()
    }

    fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        record::encode(self)
    }

    fn decode(record: &[u8]) -> Result<Self, serde_json::Error> {
        record::decode(record)
    }

    fn key(vantage: &VantageName, date: Date, sequence: Sequence) -> String {
        SegmentKey { vantage: vantage.clone(), date, sequence }.to_string()
    }

    fn pack(runs: &[Self]) -> Result<Bytes, SegmentError> {
        Ok(segment::encode(runs)?)
    }

    fn unpack(content: Bytes) -> Result<Vec<Self>, SegmentError> {
        let file = SparseFile::whole(content);
        let selection = Selection { filter: RunFilter::everything(), id: None };
        let rows = Reader::open(&file)?.all_rows(file, &selection, Columns::Everything)?;
        Ok(rows.into_iter().map(|row| row.run).collect())
    }
}

impl Payload for Sample {
    type Id = (DatabaseName, ServerName, Timestamp, VantageName);
    const NAME: &'static str = "sample";

    fn id(&self) -> Self::Id {
        (self.database.clone(), self.server.clone(), self.slot, self.vantage.clone())
    }

    fn vantage(&self) -> &VantageName {
        &self.vantage
    }

    fn slot(&self) -> Timestamp {
        self.slot
    }

    fn folder(spool: &Path) -> PathBuf {
        spool.join("database")
    }

    fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    fn decode(record: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(record)
    }

    fn key(vantage: &VantageName, date: Date, sequence: Sequence) -> String {
        SampleKey { vantage: vantage.clone(), date, sequence }.to_string()
    }

    fn pack(samples: &[Self]) -> Result<Bytes, SegmentError> {
        sample::pack(samples)
    }

    fn unpack(content: Bytes) -> Result<Vec<Self>, SegmentError> {
        sample::unpack(content)
    }
}
