//! The effective configuration as YAML, each value with its origin. Nothing that could be a secret is printed.

use std::fmt::Write as _;

use super::diagnostic::Origin;
use super::pasted;
use super::revision;
use super::shape::{Object, Shape};
use super::tables_flow::FLOW;
use super::tables_site::{SECRET, SITE};
use super::yaml::{Node, Value};

const HIDDEN: &str = "***";

/// All documents: the main file, then each flow after a line `---`.
pub(super) fn print(documents: &[Node]) -> String {
    let mut printer = Printer { text: String::new() };
    for (index, document) in documents.iter().enumerate() {
        let file = match &document.place.origin {
            Origin::File(path) => path.display().to_string(),
            Origin::Environment(name) | Origin::Flag(name) => (*name).to_owned(),
        };
        if index == 0 {
            printer.text.push_str(&format!("# {file}\n"));
            printer.object(&SITE, Some(document), 0);
        } else {
            printer.text.push_str(&format!("---\n# {file}, revision {}\n", revision::of(document)));
            printer.object(&FLOW, Some(document), 0);
        }
    }
    printer.text
}

struct Printer {
    text: String,
}

impl Printer {
    /// A line with the origin of its value. `text` begins with what stands before the value: a key or a dash.
    fn line(&mut self, depth: usize, text: &str, origin: &str) {
        // Writing to a text cannot fail.
        let _ = writeln!(self.text, "{:<44}  # {origin}", format!("{:width$}{text}", "", width = depth * 2));
    }

    fn object(&mut self, table: &'static Object, node: Option<&Node>, depth: usize) {
        for key in table.keys {
            match (node.and_then(|node| node.get(key.name)), key.default, key.shape) {
                (Some(_), _, _) if table.title == SECRET.title && key.name == "command" => {
                    self.command(node.and_then(|node| node.get(key.name)), depth);
                }
                (Some(value), _, shape) => self.entry(&format!("{}:", key.name), key.name, Some(shape), value, depth),
                (None, Some("{}"), Shape::Object(inner) | Shape::Either(_, Shape::Object(inner))) => {
                    self.line(depth, &format!("{}:", key.name), "default");
                    self.object(inner, None, depth + 1);
                }
                (None, Some(default), _) => {
                    let default =
                        if default.is_empty() || default.contains("{{") { quoted(default) } else { default.to_owned() };
                    self.line(depth, &format!("{}: {default}", key.name), "default");
                }
                (None, None, _) => {}
            }
        }
    }

    /// The program alone: its arguments may be secrets.
    fn command(&mut self, node: Option<&Node>, depth: usize) {
        let Some(node) = node else { return };
        let program = node.items().first().and_then(Node::scalar).map_or("", |word| word.text.as_str());
        let rest = if node.items().len() > 1 { format!(", {HIDDEN:?}") } else { String::new() };
        self.line(depth, &format!("command: [{}{rest}]", quoted(program)), &node.place.line_only().to_string());
    }

    /// A value behind `lead`; `shape` is `None` where anything may stand.
    fn entry(&mut self, lead: &str, key: &str, shape: Option<&'static Shape>, node: &Node, depth: usize) {
        let origin = node.place.line_only().to_string();
        match (&node.value, shape) {
            // A single value where a map belongs was put there by mistake, and may be a secret.
            (Value::Scalar(_), Some(Shape::Object(_) | Shape::Map(_) | Shape::ObjectOrMap(..))) => {
                self.line(depth, &format!("{lead} {HIDDEN:?}"), &origin);
            }
            (Value::Scalar(scalar), _) => {
                let shown = if pasted::is_secret(key, scalar)
                    || (key == "password" && !scalar.text.contains("{{"))
                    || (key == "env" && !is_variable_name(&scalar.text))
                {
                    format!("{HIDDEN:?}")
                } else if scalar.quoted || scalar.text.chars().any(char::is_control) {
                    quoted(&without_userinfo(&scalar.text))
                } else {
                    without_userinfo(&scalar.text)
                };
                self.line(depth, &format!("{lead} {shown}"), &origin);
            }
            (Value::List(items), _) if items.is_empty() => self.line(depth, &format!("{lead} []"), &origin),
            (Value::List(items), _) => {
                let item_shape = match shape {
                    Some(Shape::List(item)) => Some(*item),
                    _ => None,
                };
                self.line(depth, lead, &origin);
                for item in items {
                    self.entry("-", key, item_shape, item, depth + 1);
                }
            }
            (Value::Map(entries), _) if entries.is_empty() => self.line(depth, &format!("{lead} {{}}"), &origin),
            (Value::Map(_), Some(Shape::List(item))) => self.entry(lead, key, Some(item), node, depth),
            (Value::Map(_), Some(Shape::Either(_, long))) => self.entry(lead, key, Some(long), node, depth),
            (Value::Map(_), Some(Shape::Object(table))) => {
                self.line(depth, lead, &origin);
                self.object(table, Some(node), depth + 1);
            }
            (Value::Map(_), Some(Shape::ObjectOrMap(table, _))) if table.is_meant_by(node) => {
                self.line(depth, lead, &origin);
                self.object(table, Some(node), depth + 1);
            }
            (Value::Map(entries), _) => {
                let value_shape = match shape {
                    Some(Shape::Map(value) | Shape::ObjectOrMap(_, value)) => Some(*value),
                    _ => None,
                };
                self.line(depth, lead, &origin);
                for entry in entries {
                    self.entry(
                        &format!("{}:", plain_key(&entry.key)),
                        &entry.key,
                        value_shape,
                        &entry.value,
                        depth + 1,
                    );
                }
            }
        }
    }
}

/// Whether it is the name of a variable; otherwise it may be the secret itself, put there by mistake.
fn is_variable_name(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A text in double quotes, as YAML and JSON read it alike.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn plain_key(key: &str) -> String {
    let plain = key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if plain { key.to_owned() } else { quoted(key) }
}

/// A URL without the user name and password that somebody put into it.
fn without_userinfo(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    match authority.rsplit_once('@') {
        Some((userinfo, _)) => format!("{scheme}://{HIDDEN}{}", &rest[userinfo.len()..]),
        None => text.to_owned(),
    }
}
