//! CSV and JSON lines to rows of named values, each with its line. A line that is broken is an error of its own; the
//! rest is still read.

use serde_json::{Map, Value};

use super::LineError;

/// How a file is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// A header and one record per run.
    Csv,
    /// One JSON object per line.
    JsonLines,
}

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// From 1.
    pub line: usize,
    values: Map<String, Value>,
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

/// All rows, and the lines that are none.
#[must_use]
pub fn rows(text: &str, layout: Layout) -> (Vec<Row>, Vec<LineError>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match layout {
        Layout::Csv => csv_rows(text),
        Layout::JsonLines => json_rows(text),
    }
}

fn csv_rows(text: &str) -> (Vec<Row>, Vec<LineError>) {
    let (mut rows, mut errors) = (Vec::new(), Vec::new());
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => return (rows, vec![LineError { line: 1, reason: format!("no header: {error}") }]),
    };
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(1, |place| place.line() as usize);
                errors.push(LineError { line, reason: format!("no CSV record: {error}") });
                continue;
            }
        };
        let line = record.position().map_or(1, |place| place.line() as usize);
        if record.len() != header.len() {
            let reason = format!("has {} cells, and the header {}", record.len(), header.len());
            errors.push(LineError { line, reason });
            continue;
        }
        let values = header.iter().zip(record.iter());
        let values = values.map(|(name, cell)| (name.trim().to_owned(), Value::from(cell))).collect();
        rows.push(Row { line, values });
    }
    (rows, errors)
}

fn json_rows(text: &str) -> (Vec<Row>, Vec<LineError>) {
    let (mut rows, mut errors) = (Vec::new(), Vec::new());
    for (index, written) in text.lines().enumerate().filter(|(_, written)| !written.trim().is_empty()) {
        let line = index + 1;
        match serde_json::from_str::<Value>(written) {
            Ok(Value::Object(values)) => rows.push(Row { line, values }),
            Ok(_) => errors.push(LineError { line, reason: "is no JSON object".to_owned() }),
            Err(error) => errors.push(LineError { line, reason: format!("no JSON: {error}") }),
        }
    }
    (rows, errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_line_costs_itself_only() {
        let (read, wrong) = rows("\u{feff}time, ok\n1,true\n2\n\"3\n\",false\n5,true\n", Layout::Csv);
        assert_eq!(read.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 4, 6]);
        assert_eq!(wrong, [LineError { line: 3, reason: "has 1 cells, and the header 2".to_owned() }]);
        assert_eq!(read[0].text("ok").as_deref(), Some("true"));
        let (read, wrong) = rows("{\"a\":1}\n\n[]\n{\"a\":", Layout::JsonLines);
        assert_eq!((read.len(), wrong.iter().map(|error| error.line).collect::<Vec<_>>()), (1, vec![3, 4]));
        assert!(rows("", Layout::Csv).0.is_empty());
    }
}
