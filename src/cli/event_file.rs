//! Events from a CSV file: every mistake at once, each with its line and column. Knows no store.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::EventKind;

use super::author::one_line;
use super::event::{LONGEST_TEXT, parse_kind};
use super::when;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) at: Timestamp,
    pub(super) kind: EventKind,
    pub(super) text: String,
    /// `None` when the file does not say.
    pub(super) author: Option<String>,
}

/// Reads rows with the columns `at`, `kind`, `text` and, optionally, `author`, in any order; others are left alone.
///
/// # Errors
/// All mistakes, one a line, each with `name`, line and column.
pub(super) fn parse(name: &str, text: &str, now: Timestamp, zone: &TimeZone) -> Result<Vec<Row>, String> {
    let mut reader = ::csv::ReaderBuilder::new().trim(::csv::Trim::All).flexible(true).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| format!("{name}: {error}"))?.clone();
    let column = |wanted: &str| headers.iter().position(|header| header.eq_ignore_ascii_case(wanted));
    let needed = |wanted: &str| {
        let found: Vec<&str> = headers.iter().collect();
        column(wanted).ok_or_else(|| {
            format!(
                "{name}:1: there is no column '{wanted}': the header is '{}', and it must have at, kind and text",
                found.join(",")
            )
        })
    };
    let (at, kind, what, author) = (needed("at")?, needed("kind")?, needed("text")?, column("author"));
    let (mut rows, mut wrong) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record.map_err(|error| format!("{name}: {error}"))?;
        let (line, start) = record.position().map_or((0, 0), |place| (place.line(), place.byte()));
        let cell = |index: usize| record.get(index).unwrap_or_default();
        let placed = |index: usize| {
            let column = column_of(text, usize::try_from(start).unwrap_or(0), index);
            move |why: String| format!("{name}:{line}:{column}: {why}")
        };
        let read = || -> Result<Row, String> {
            Ok(Row {
                at: when::instant(cell(at), now, zone).map_err(placed(at))?,
                kind: parse_kind(cell(kind)).map_err(placed(kind))?,
                text: one_line("the text", cell(what), LONGEST_TEXT).map_err(placed(what))?,
                author: author.map(cell).filter(|author| !author.is_empty()).map(str::to_owned),
            })
        };
        match read() {
            Ok(row) => rows.push(row),
            Err(why) => wrong.push(why),
        }
    }
    if wrong.is_empty() { Ok(rows) } else { Err(wrong.join("\n")) }
}

/// The column, from 1, in which a cell of a row begins; quotes may hide commas.
fn column_of(text: &str, row: usize, cell: usize) -> usize {
    let row = text.get(row..).unwrap_or_default().trim_start_matches(['\r', '\n']);
    let (mut quoted, mut left) = (false, cell);
    for (index, letter) in row.chars().enumerate() {
        match letter {
            _ if left == 0 => return index + 1,
            '"' => quoted = !quoted,
            ',' if !quoted => left -= 1,
            '\n' if !quoted => return index + 1,
            _ => {}
        }
    }
    row.chars().count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<Row>, String> {
        parse("events.csv", text, "2026-11-20T12:00:00Z".parse().unwrap(), &TimeZone::UTC)
    }

    #[test]
    fn rows_are_read_in_any_order_of_columns() {
        let rows = parsed("kind,at,text,ticket\ndeploy,2026-11-20 11:00,\"idp, 4.2\",T-1\n").unwrap();
        let at = "2026-11-20T11:00:00Z".parse().unwrap();
        assert_eq!(rows, [Row { at, kind: EventKind::Deploy, text: "idp, 4.2".to_owned(), author: None }]);
        assert_eq!(parsed("at,kind,text\n"), Ok(Vec::new()));
    }

    #[test]
    fn every_mistake_is_named_with_its_line() {
        let said = parsed("at,kind,text\nyesterday,deploy,a\n2026-11-20,party,b\n2026-11-20,deploy,\n").unwrap_err();
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines.len(), 3, "{said}");
        assert!(lines[0].starts_with("events.csv:2:1: 'yesterday' is no time"), "{said}");
        assert!(
            lines[1].starts_with("events.csv:3:12: 'party' is no kind of event: write one of deploy, failover"),
            "{said}"
        );
        assert!(lines[2].starts_with("events.csv:4:19: the text is empty"), "{said}");
        assert_eq!(column_of("a\n\"b, c\",d\n", 2, 1), 8);
        assert!(parsed("when,what\n").unwrap_err().starts_with("events.csv:1: there is no column 'at'"));
    }
}
