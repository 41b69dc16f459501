//! JSON values as YAML that people like to read: block style, plain words where they are safe. Knows no format that is
//! written with it.

use serde_json::Value;

/// A value as a YAML document without its `---`, ending in a line break.
pub(super) fn block(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value, 0);
    text
}

/// A text as a YAML scalar on one line.
pub(super) fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { Value::from(text).to_string() }
}

fn write(out: &mut String, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                out.push_str(&format!("{indent}{}:", scalar(key)));
                below(out, value, depth + 1);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let mut nested = String::new();
                write(&mut nested, item, depth + 1);
                // The dash takes the place of the first line's indentation.
                out.push_str(&format!("{indent}- {}", nested.trim_start()));
            }
        }
        single => out.push_str(&format!("{indent}{}\n", inline(single))),
    }
}

fn below(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            out.push('\n');
            write(out, value, depth);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            write(out, value, depth);
        }
        single => out.push_str(&format!(" {}\n", inline(single))),
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// Whether every reader takes these characters for this text, and for no number, date, boolean or null.
fn is_plain(text: &str) -> bool {
    let begins_well = text.starts_with(|first: char| first.is_ascii_alphabetic());
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ' ');
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    begins_well && text.chars().all(safe) && !text.ends_with(' ') && !words.contains(&text.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_of_maps_read_well() {
        let value = json!({"groups": [{"name": "a", "rules": [{"expr": "x > 1", "for": 2}, {"b": []}]}], "z": {}});
        assert_eq!(
            block(&value),
            "groups:\n  - name: a\n    rules:\n      - expr: \"x > 1\"\n        for: 2\n      - b: []\nz: {}\n"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(texts in prop::collection::vec("\\PC{0,20}|[a-z]{1,4}|[0-9.e:-]{1,6}", 1..6)) {
            let value = json!({"map": {"list": texts.clone(), "nested": [{"a": texts[0], "b": [texts.clone()]}]}});
            let read: Value = serde_saphyr::from_str(&block(&value)).unwrap();
            prop_assert_eq!(read, value);
        }
    }
}
