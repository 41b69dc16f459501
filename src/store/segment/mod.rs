//! A segment: many runs as one immutable Parquet file. Knows bytes only: where they are kept is the store's business.
//!
//! The format is public: DuckDB, pandas, Spark and their kin read it as it is. It is documented in `schema`.

mod assemble;
mod columns;
mod read;
mod schema;
mod slim;
mod sparse;
#[cfg(test)]
mod tests;
mod write;

pub(super) use columns::Group;
pub use read::Row;
pub(super) use read::{Reader, Selection, guarded};
pub use schema::MESSAGE as SCHEMA;
pub(super) use sparse::SparseFile;
pub(super) use write::{encode, encode_day, sort_as_day};

/// How much of each run is read. Each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Columns {
    /// The run's own columns; `steps` and `hops` are empty.
    Summary,
    /// Also the steps, without their evidence.
    Steps,
    /// Also the hops: step, status, times and phases; `method` and `url` are empty, `version` and `address` absent.
    Timings,
    /// The whole run.
    Everything,
}
