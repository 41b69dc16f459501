//! The model as JSON: objects on lines of their own, lists of numbers on one line, so that people and line-based tools
//! can both read it.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

use super::ReportModel;

/// Renders the model, with a newline at the end. The same model gives the same bytes.
///
/// # Panics
/// Never: every part of a model has a JSON form.
#[must_use]
pub fn render(model: &ReportModel) -> String {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, Lines::default());
    model.serialize(&mut serializer).expect("a model has a JSON form");
    bytes.push(b'\n');
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

/// What encloses the value that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Enclosure {
    Object { empty: bool },
    List { has_lines: bool },
}

#[derive(Debug, Default)]
struct Lines {
    open: Vec<Enclosure>,
}

impl Lines {
    fn line<W: Write + ?Sized>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"\n")?;
        // Lists do not indent: what they hold does.
        for _ in &self.open {
            writer.write_all(b" ")?;
        }
        Ok(())
    }

    /// An object or list inside of a list begins on a line of its own.
    fn begin<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        if let Some(Enclosure::List { has_lines }) = self.open.last_mut() {
            *has_lines = true;
            self.line(writer)?;
        }
        Ok(())
    }
}

impl Formatter for Lines {
    fn begin_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer)?;
        self.open.push(Enclosure::List { has_lines: false });
        writer.write_all(b"[")
    }

    fn end_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.open.pop() == Some(Enclosure::List { has_lines: true }) {
            self.line(writer)?;
        }
        writer.write_all(b"]")
    }

    fn begin_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer)?;
        self.open.push(Enclosure::Object { empty: true });
        writer.write_all(b"{")
    }

    fn end_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.open.pop() == Some(Enclosure::Object { empty: false }) {
            self.line(writer)?;
        }
        writer.write_all(b"}")
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if let Some(enclosure) = self.open.last_mut() {
            *enclosure = Enclosure::Object { empty: false };
        }
        if !first {
            writer.write_all(b",")?;
        }
        self.line(writer)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_share_a_line_and_objects_do_not() {
        let value = serde_json::json!({
            "bins": [1, 2, 3],
            "map": [[1, 2], [3]],
            "none": [],
            "nothing": {},
            "rows": [{"a": null}, {"b": "x"}]
        });
        let mut bytes = Vec::new();
        value.serialize(&mut Serializer::with_formatter(&mut bytes, Lines::default())).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let expected = "{\n \"bins\": [1,2,3],\n \"map\": [\n  [1,2],\n  [3]\n ],\n \"none\": [],\n \"nothing\": {},\n \
                        \"rows\": [\n  {\n   \"a\": null\n  },\n  {\n   \"b\": \"x\"\n  }\n ]\n}";
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
