//! Records of cells below a header, with what stands between the cells: a comma, or what the header shows.

use csv::StringRecord;
use serde_json::Value;

use super::{LineError, Row, Table};
use crate::interchange::counted;

/// What people put between cells, with its name. The first one wins where a header shows none.
const DELIMITERS: [(u8, &str); 4] = [(b',', "commas"), (b';', "semicolons"), (b'\t', "tabs"), (b'|', "bars")];

pub(super) fn rows(text: &str, told: Option<u8>) -> Result<Table, LineError> {
    let mut table = Table::default();
    let by = told.unwrap_or_else(|| seen(text, &mut table.remarks));
    let mut reader = csv::ReaderBuilder::new().flexible(true).delimiter(by).from_reader(text.as_bytes());
    let header = header(reader.headers())?;
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(1, |place| place.line() as usize);
                table.is_wrong(line, format!("no CSV record: {error}"));
                continue;
            }
        };
        let line = record.position().map_or(1, |place| place.line() as usize);
        if record.len() != header.len() {
            let cells = counted(record.len(), "cell", "cells");
            table.is_wrong(line, format!("has {cells}, and the header {}", header.len()));
            continue;
        }
        let values = header.iter().zip(record.iter()).filter(|(name, _)| !name.is_empty());
        table.rows.push(Row { line, values: values.map(|(name, cell)| (name.clone(), Value::from(cell))).collect() });
    }
    Ok(table)
}

/// What the header has most of, outside quotes.
fn seen(text: &str, remarks: &mut Vec<String>) -> u8 {
    let (mut counts, mut quoted) = ([0_usize; DELIMITERS.len()], false);
    for byte in text.bytes() {
        match byte {
            b'\n' | b'\r' if !quoted => break,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            _ => DELIMITERS.iter().zip(&mut counts).for_each(|((by, _), count)| *count += usize::from(*by == byte)),
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    let found = DELIMITERS.iter().zip(counts).find(|(_, count)| *count == most);
    let (by, name) = found.map_or(DELIMITERS[0], |(delimiter, _)| *delimiter);
    if by != DELIMITERS[0].0 {
        remarks.push(format!("cells are taken to be separated by {name}; say --delimiter when they are not"));
    }
    by
}

/// The names of the columns: of two with one name nobody knows which is meant.
fn header(read: Result<&StringRecord, csv::Error>) -> Result<Vec<String>, LineError> {
    let wrong = |reason: String| LineError { line: 1, reason };
    let names: Vec<String> = match read {
        Ok(header) => header.iter().map(|name| name.trim().to_owned()).collect(),
        Err(error) => return Err(wrong(format!("no header: {error}"))),
    };
    let twice = names.iter().enumerate().find(|(index, name)| !name.is_empty() && names[..*index].contains(name));
    match twice {
        Some((_, name)) => Err(wrong(format!("the header has '{name}' twice: rename one of the columns"))),
        None => Ok(names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_line_costs_itself_only() {
        let table = rows("time, ok\n1,true\n2\n\"3\n\",false\n5,true\n", None).unwrap();
        assert_eq!(table.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 4, 6]);
        assert_eq!(table.wrong, [LineError { line: 3, reason: "has 1 cell, and the header 2".to_owned() }]);
        assert_eq!(table.rows[0].text("ok").as_deref(), Some("true"));
        assert_eq!(table.remarks, [""; 0]);
        assert_eq!(rows("", None).unwrap(), Table::default());
    }

    #[test]
    fn what_stands_between_cells_is_seen_and_said() {
        for (text, name) in [
            ("time;ok;ms\n1;true;1,5\n", Some("semicolons")),
            ("time\tok\tms\n1\ttrue\t1,5\n", Some("tabs")),
            ("time|ok|ms\n1|true|1,5\n", Some("bars")),
            ("time;ok;\"a, b, c, d\"\n1;true;1,5\n", Some("semicolons")),
            ("time,ok,a;b\n1,true,\"1,5\"\n", None),
        ] {
            let table = rows(text, None).unwrap();
            let said: Vec<String> = name.into_iter().map(|name| format!("by {name};")).collect();
            assert_eq!(table.remarks.len(), said.len(), "{text}");
            assert!(said.iter().zip(&table.remarks).all(|(said, remark)| remark.contains(said)), "{:?}", table.remarks);
            assert_eq!(table.rows[0].text("ok").as_deref(), Some("true"), "{text}");
            assert!(table.rows[0].values.values().any(|cell| cell == "1,5"), "{text}");
        }
        let told = rows("time;a,ok\n1;2,true\n", Some(b',')).unwrap();
        assert_eq!((told.rows[0].text("ok").as_deref(), told.remarks.len()), (Some("true"), 0));
    }

    #[test]
    fn a_name_that_is_there_twice_is_refused() {
        let wrong = rows("time,ok,Ok, ok \n1,true,1,false\n", None).unwrap_err();
        assert_eq!(wrong.to_string(), "1: the header has 'ok' twice: rename one of the columns");
        // Columns without a name are nobody's.
        assert_eq!(rows("time,ok,,\n1,true,,\n", None).unwrap().rows[0].names().count(), 2);
    }
}
