//! The spool, the segments and the object store: a recorded run, or sample of a database, is never lost and never counted
//! twice. Knows no objective and no report.
//!
//! The journey: [`Spool::append`] puts a run on the disk of its machine; [`Shipper`] turns closed spool files into
//! immutable Parquet segments in a [`Store`], a folder or a bucket; [`Store::read`] hands each run out once. Workers
//! need no coordination: each writes only under its own vantage, under names that nobody else can choose.
//!
//! ```text
//! v1/live/<vantage>/<date>/<sequence>.parquet             segments, as shipped
//! v1/day/<vantage>/<date>/<first>-<last>-<hash>.parquet   the same runs, each once, sorted by flow, kind and slot
//! v1/rollup/<vantage>/<date>/<as the day file>.parquet    what was counted of a day file; disposable
//! v1/schedule/<vantage>/<from>-<hash>.json                declarations
//! v1/policy/..                                            events, exclusions and their withdrawals
//! v1/database/<vantage>/<date>/<sequence>.jsonl.gz      samples of databases, as shipped (format: `sample::file`)
//! v1/audit/<database>/<micros>-<hash>.json               snapshots of what databases are set to
//! v1/reports/<period>.<zone>/<number>.json                reports that were given out
//! ```
//!
//! No lock and no list of files says what is true: a run is the same run wherever it lies, so that any set of objects
//! which holds all runs is a good store. [`Store::compact`] makes a day file durable before it removes what it holds;
//! [`Store::read`] lists live segments before day files and takes each run once. [`Store::digest`] is quick where a day
//! lies in files whose slots do not overlap and nowhere else, and reads run by run where it does not.
//!
//! Files, from the disk up: `journal` (framing), `record` (one run as JSON), `payload` (a run or a sample, the one
//! thing in which their ways differ), `spool_files`, `spool`; `segment` (the public format), `key` and `day_key`
//! (names), `objects` (requests), `ship`, `declare`, `policy`, `published`; `partition` (what lies where), `fetch`,
//! `read`; `rollup` (counted days), `compact`, `sweep`, `digest`; `sample` (what databases answered), `snapshot`.

#[cfg(test)]
mod arbitrary;
mod compact;
mod day_key;
mod declare;
mod digest;
mod error;
mod fetch;
mod filter;
mod journal;
mod key;
mod objects;
mod partition;
mod payload;
mod policy;
mod published;
mod read;
mod record;
mod rollup;
mod sample;
mod segment;
mod ship;
mod snapshot;
mod spool;
mod spool_files;
mod stamp;
mod sweep;
#[cfg(test)]
mod tests;

pub use compact::Compacted;
pub use day_key::DayKey;
pub use digest::{Digest, Piece};
pub use error::{Error, SegmentError};
pub use filter::RunFilter;
pub use key::{DeclarationKey, KeyError, SampleKey, SegmentKey, Sequence};
pub use objects::Store;
pub use payload::Payload;
pub use policy::{PolicyKey, PolicyKind};
pub use published::ReportKey;
pub use read::ReadSummary;
pub use rollup::{Block, CELL};
pub use segment::{Columns, Row, SCHEMA};
pub use ship::{Shipped, Shipper};
pub use snapshot::SnapshotKey;
pub use spool::{Recovery, Spool};
