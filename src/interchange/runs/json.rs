//! One JSON object per line, or one array of objects over any number of lines.

use serde_json::Value;

use super::{LineError, Row, Table};

const EXAMPLE: &str = r#"write one for each run, such as {"time": "2026-11-20T14:00:00Z", "ok": true}"#;

/// # Errors
/// An array that is no JSON: where it breaks, nothing after it can be told from the rest.
pub(super) fn rows(text: &str) -> Result<Table, LineError> {
    let mut table = Table::default();
    if text.trim_start().starts_with('[') {
        let values: Vec<Value> = serde_json::from_str(text)
            .map_err(|error| LineError { line: error.line(), reason: format!("no JSON array: {error}") })?;
        values.into_iter().zip(lines_of_elements(text)).for_each(|(value, line)| one(line, value, &mut table));
    } else {
        lines(text, &mut table);
    }
    Ok(table)
}

fn lines(text: &str, table: &mut Table) {
    for (index, written) in text.lines().enumerate().filter(|(_, written)| !written.trim().is_empty()) {
        match serde_json::from_str(written) {
            Ok(value) => one(index + 1, value, table),
            Err(error) => table.is_wrong(
                index + 1,
                format!("no JSON on one line: {error}; {EXAMPLE}, each on a line of its own or all in one array"),
            ),
        }
    }
}

/// The line in which each element of an array begins. The text is JSON.
fn lines_of_elements(text: &str) -> Vec<usize> {
    let (mut found, mut line, mut depth, mut in_text, mut escaped, mut awaited) =
        (Vec::new(), 1, 0, false, false, false);
    for c in text.chars() {
        if in_text {
            in_text = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        line += usize::from(c == '\n');
        if awaited && !c.is_whitespace() {
            found.push(line);
            awaited = false;
        }
        match c {
            '"' => in_text = true,
            '[' | '{' => {
                depth += 1;
                awaited = depth == 1;
            }
            ']' | '}' => depth -= 1,
            ',' => awaited = depth == 1,
            _ => {}
        }
    }
    found
}

fn one(line: usize, value: Value, table: &mut Table) {
    match value {
        Value::Object(values) => table.rows.push(Row { line, values }),
        _ => table.is_wrong(line, format!("is no JSON object: {EXAMPLE}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(text: &str) -> (Vec<usize>, Vec<usize>) {
        let table = rows(text).unwrap();
        (table.rows.iter().map(|row| row.line).collect(), table.wrong.iter().map(|error| error.line).collect())
    }

    #[test]
    fn a_broken_line_costs_itself_only() {
        assert_eq!(lines_of("{\"a\":1}\n\n7\n{\"a\":"), (vec![1], vec![3, 4]));
        assert_eq!(lines_of(""), (vec![], vec![]));
        // An object over several lines.
        assert!(rows("{\n\"a\": 1\n}\n").unwrap().wrong[0].reason.contains("all in one array"));
    }

    #[test]
    fn an_array_is_read_with_the_lines_of_its_elements() {
        let text = " [\n{\"a\": \"],[\\\"\", \"b\": [1, {}]},\n {\n\"a\": 2\n}, 7,{}\n, \"x\"]\n";
        assert_eq!(lines_of(text), (vec![2, 3, 5], vec![5, 6]));
        assert_eq!((lines_of("[]"), lines_of(" [ ] ")), ((vec![], vec![]), (vec![], vec![])));
    }

    #[test]
    fn an_array_that_breaks_is_refused_whole() {
        for (text, line) in [("[\n{}\n{}]", 3), ("[{},\n{\"a\": ]", 2), ("[{},\n", 2), ("[{}]\n{}", 2), ("[{},\n]", 2)]
        {
            let wrong = rows(text).unwrap_err();
            assert_eq!((wrong.line, wrong.reason.starts_with("no JSON array: ")), (line, true), "{text}: {wrong}");
        }
    }
}
