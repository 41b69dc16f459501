//! Files of runs to rows of named values, each with its line. A line that is broken is an error of its own; the rest is
//! still read. Knows no name of a column.

use serde_json::{Map, Value};

use super::{LineError, delimited, json};

/// How a file is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// A header and one record per run.
    Delimited {
        /// What stands between two cells; seen from the header when it is not told.
        by: Option<u8>,
    },
    /// One JSON object per line, or one array of objects.
    Json,
}

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// From 1.
    pub line: usize,
    pub(super) values: Map<String, Value>,
}

impl Row {
    /// A value that is there: neither null nor an empty text.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    /// A value as the text that stands for it.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| match value {
            Value::String(text) => text.trim().to_owned(),
            other => other.to_string(),
        })
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }
}

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// Its rows.
    pub rows: Vec<Row>,
    /// The lines that are none.
    pub wrong: Vec<LineError>,
    /// What was guessed of its layout.
    pub remarks: Vec<String>,
}

impl Table {
    pub(super) fn is_wrong(&mut self, line: usize, reason: impl Into<String>) {
        self.wrong.push(LineError { line, reason: reason.into() });
    }
}

/// All rows, and the lines that are none.
///
/// # Errors
/// A header or an array that no row can be read with.
pub fn rows(text: &str, layout: Layout) -> Result<Table, LineError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match layout {
        Layout::Delimited { by } => delimited::rows(text, by),
        Layout::Json => json::rows(text),
    }
}
