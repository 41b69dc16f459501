//! The public format of a segment. Names and meanings are stable: a column may be added, none may change or go without
//! a new format version, which the file's metadata carries under `doorstep.format`.
//!
//! One row is one run. A segment as a worker writes it is sorted by `slot`, then `run_id`; a compacted day by `flow`,
//! `kind`, `slot`, then `attempt`, each of its row groups of one flow and kind. Each row group has statistics of `slot`.
//! Times of day are UTC in microseconds, durations are microseconds, offsets count from the start of the run.
//! `class`, `failure_*`, `account` and `login_time_us` are null where they do not apply. `failure_message` is null
//! exactly when the run has no failure.
//!
//! `steps`: the steps that were begun, in order. `role` is `login`, `identity` or `logout`; `network_us` is the sum of
//! the phases of the step's hops; `evidence` is a JSON array of texts.
//! `hops`: all HTTP exchanges in order. `step` is an index into `steps`. A phase that did not happen is null. `cut` is
//! the phase that did not finish, whose time is "at least" (several are joined by a comma).

use std::sync::{Arc, LazyLock};

use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnPath, TypePtr};

/// The newest format version, and the one written.
pub(super) const VERSION: u32 = 1;
/// The metadata key of the format version.
pub(super) const VERSION_KEY: &str = "doorstep.format";

/// The schema in Parquet's own notation.
pub const MESSAGE: &str = "message doorstep_runs {
  required fixed_len_byte_array(16) run_id (UUID);
  required binary kind (STRING);
  required binary flow (STRING);
  required binary revision (STRING);
  required binary vantage (STRING);
  required int64 slot (TIMESTAMP(MICROS,true));
  required int32 attempt (INTEGER(16,false));
  required int64 started (TIMESTAMP(MICROS,true));
  required int64 elapsed_us (INTEGER(64,false));
  required int64 lag_us (INTEGER(64,false));
  required binary verdict (STRING);
  optional binary class (STRING);
  optional binary failure_step (STRING);
  optional binary failure_phase (STRING);
  optional binary failure_message (STRING);
  optional binary account (STRING);
  optional int64 login_time_us (INTEGER(64,false));
  required group steps (LIST) {
    repeated group list {
      required group element {
        required binary name (STRING);
        required binary role (STRING);
        required int64 offset_us (INTEGER(64,false));
        required int64 network_us (INTEGER(64,false));
        required boolean done;
        required binary evidence (JSON);
      }
    }
  }
  required group hops (LIST) {
    repeated group list {
      required group element {
        required int32 step (INTEGER(16,false));
        required binary method (STRING);
        required binary url (STRING);
        optional int32 status (INTEGER(16,false));
        optional binary version (STRING);
        optional binary address (STRING);
        required boolean reused;
        required int64 offset_us (INTEGER(64,false));
        required int64 body_bytes (INTEGER(64,false));
        optional int64 dns_us (INTEGER(64,false));
        optional int64 connect_us (INTEGER(64,false));
        optional int64 tls_us (INTEGER(64,false));
        optional int64 send_us (INTEGER(64,false));
        optional int64 wait_us (INTEGER(64,false));
        optional int64 receive_us (INTEGER(64,false));
        optional binary cut (STRING);
      }
    }
  }
}";

/// The parsed schema.
pub(super) static SCHEMA: LazyLock<TypePtr> =
    LazyLock::new(|| Arc::new(parse_message_type(MESSAGE).expect("the schema is a constant that tests parse")));

/// The dotted path of a step's column.
pub(super) fn step_path(column: &str) -> String {
    format!("steps.list.element.{column}")
}

/// The dotted path of a hop's column.
pub(super) fn hop_path(column: &str) -> String {
    format!("hops.list.element.{column}")
}

/// How segments are written. The same runs give the same bytes: nothing here names a time, a machine or a release.
pub(super) fn properties() -> WriterProperties {
    let path = |text: &str| ColumnPath::from(text.split('.').map(str::to_owned).collect::<Vec<_>>());
    let mut properties = WriterProperties::builder()
        .set_created_by("doorstep".to_owned())
        .set_compression(Compression::SNAPPY)
        .set_offset_index_disabled(true)
        // Statistics that nobody prunes by only make the footer of a small segment larger.
        .set_statistics_enabled(EnabledStatistics::None)
        .set_key_value_metadata(Some(vec![KeyValue::new(VERSION_KEY.to_owned(), VERSION.to_string())]))
        .set_column_dictionary_enabled(path("run_id"), false);
    for column in ["slot", "flow", "kind", "verdict"] {
        properties = properties.set_column_statistics_enabled(path(column), EnabledStatistics::Chunk);
    }
    let run_numbers = ["slot", "started", "elapsed_us", "lag_us", "login_time_us"].map(str::to_owned);
    let step_numbers = ["offset_us", "network_us"].map(step_path);
    let hop_numbers =
        ["offset_us", "body_bytes", "dns_us", "connect_us", "tls_us", "send_us", "wait_us", "receive_us"].map(hop_path);
    // Measured times hardly repeat: differences pack tighter than a dictionary.
    for column in run_numbers.iter().chain(&step_numbers).chain(&hop_numbers) {
        properties = properties
            .set_column_dictionary_enabled(path(column), false)
            .set_column_encoding(path(column), Encoding::DELTA_BINARY_PACKED);
    }
    properties.build()
}
