//! What a configuration may look like, as data: one table per object. From the same tables come the check of
//! structure, the defaults, the effective print and the JSON Schema, so that they cannot disagree.

use super::diagnostic::{Findings, Problem};
use super::suggest::{quote, suggest};
use super::yaml::{Entry, Node, Value};

/// What a value may be.
#[derive(Debug)]
pub(super) enum Shape {
    /// A single value.
    Leaf(Leaf),
    /// One word of a few.
    Word(&'static [&'static str]),
    /// Any JSON value, kept as it is.
    Json,
    /// A list, or one item by itself.
    List(&'static Shape),
    /// Keys that the user chooses.
    Map(&'static Shape),
    /// Known keys.
    Object(&'static Object),
    /// Known keys, or, when none of them is used, keys that the user chooses.
    ObjectOrMap(&'static Object, &'static Shape),
    /// A single value in the short form, a map in the long form.
    Either(&'static Shape, &'static Shape),
}

/// A single value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaf {
    Text,
    Name,
    Template,
    Boolean,
    /// A whole number in these bounds.
    Integer(u64, u64),
    /// How often something may happen: a number above zero, at most a thousand.
    Rate,
    Duration,
    Share,
    Path,
    Url,
    Zone,
    SocketAddress,
    Css,
    Regex,
    JsonPath,
    HeaderName,
    Method,
    Status,
}

/// A map with known keys.
#[derive(Debug)]
pub(super) struct Object {
    /// What it is, with its article.
    pub(super) title: &'static str,
    pub(super) keys: &'static [Key],
    /// Exactly one of these keys must be there; empty for no such rule.
    pub(super) one_of: &'static [&'static str],
    /// Where a key belongs that is not known here.
    pub(super) stray: Option<&'static str>,
}

/// A known key.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) shape: &'static Shape,
    /// What it is for, for editors.
    pub(super) about: &'static str,
    pub(super) required: bool,
    /// Written as a user would write it.
    pub(super) default: Option<&'static str>,
    /// Its values are never quoted in a message, since people put secrets there by mistake.
    pub(super) private: bool,
}

/// A key that may be left out.
pub(super) const fn key(name: &'static str, shape: &'static Shape, about: &'static str) -> Key {
    Key { name, shape, about, required: false, default: None, private: false }
}

impl Key {
    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(super) const fn default(mut self, text: &'static str) -> Self {
        self.default = Some(text);
        self
    }

    pub(super) const fn private(mut self) -> Self {
        self.private = true;
        self
    }
}

impl Object {
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// Whether a map is meant to be this object: it uses one of its keys.
    pub(super) fn is_meant_by(&self, node: &Node) -> bool {
        node.entries().iter().any(|entry| self.key(&entry.key).is_some())
    }
}

impl Leaf {
    /// What is expected, with an example.
    pub(super) fn expected(self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Name => "a name (letters, digits, '.', '_' and '-')".to_owned(),
            Self::Template => "a text, in which {{ name }} stands for a variable".to_owned(),
            Self::Boolean => "true or false".to_owned(),
            Self::Integer(least, most) => format!("a whole number from {least} to {most}"),
            Self::Rate => "a number above 0, such as 1 or 0.1".to_owned(),
            Self::Duration => "a duration such as 500ms, 5s, 2m or 1h".to_owned(),
            Self::Share => "a percentage such as 99.9%".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::Url => "a URL such as https://shop.example".to_owned(),
            Self::Zone => "a time zone such as Europe/Berlin".to_owned(),
            Self::SocketAddress => "an address with a port such as 127.0.0.1:9100".to_owned(),
            Self::Css => "a CSS selector such as form#login".to_owned(),
            Self::Regex => "a regular expression".to_owned(),
            Self::JsonPath => "a JSON path such as $.user.name".to_owned(),
            Self::HeaderName => "a header name such as Location".to_owned(),
            Self::Method => "an HTTP method such as POST".to_owned(),
            Self::Status => "a status such as 200 or 2xx".to_owned(),
        }
    }
}

impl Shape {
    /// What is expected, in words.
    fn expected(&self) -> String {
        match self {
            Self::Leaf(leaf) => leaf.expected(),
            Self::Word(words) => format!("one of {}", words.join(", ")),
            Self::Json => "any value".to_owned(),
            Self::List(item) => format!("a list; each item is {}", item.expected()),
            Self::Map(value) => format!("a map; each value is {}", value.expected()),
            Self::Object(object) => {
                let keys: Vec<_> = object.keys.iter().map(|key| key.name).collect();
                format!("{} (a map with the keys {})", object.title, keys.join(", "))
            }
            Self::ObjectOrMap(object, _) => format!("{} (a map)", object.title),
            Self::Either(short, long) => format!("{}, or {}", short.expected(), long.expected()),
        }
    }
}

/// Notes each structural mistake of `node`: values of the wrong kind, unknown and missing keys.
pub(super) fn check(shape: &Shape, node: &Node, private: bool, findings: &mut Findings) {
    match (shape, &node.value) {
        (Shape::Json, _) => {}
        (Shape::Leaf(_) | Shape::Word(_), Value::Scalar(scalar)) if !scalar.is_null() => {}
        (Shape::List(item), _) if !node.is_null() => {
            for item_node in node.items() {
                check(item, item_node, private, findings);
            }
        }
        (Shape::Map(value), Value::Map(entries)) => check_values(value, entries, private, findings),
        (Shape::Object(object), Value::Map(_)) => check_object(object, node, private, findings),
        (Shape::ObjectOrMap(object, _), Value::Map(_)) if object.is_meant_by(node) => {
            check_object(object, node, private, findings);
        }
        (Shape::ObjectOrMap(_, value), Value::Map(entries)) => check_values(value, entries, private, findings),
        (Shape::Either(short, _), Value::Scalar(_)) if !node.is_null() => check(short, node, private, findings),
        (Shape::Either(_, long), Value::Map(_)) => check(long, node, private, findings),
        (Shape::Either(_, long @ Shape::List(_)), Value::List(_)) => check(long, node, private, findings),
        _ if findings.has_error_at(&node.place) => {}
        _ => {
            let shown = match node.scalar() {
                Some(scalar) if !private && !scalar.is_null() => format!("{} {}", node.kind(), quote(&scalar.text)),
                _ => node.kind().to_owned(),
            };
            findings
                .error(&node.place, Problem::new(format!("found {shown}")).help(format!("write {}", shape.expected())));
        }
    }
}

fn check_values(value: &Shape, entries: &[Entry], private: bool, findings: &mut Findings) {
    for entry in entries {
        check(value, &entry.value, private, findings);
    }
}

fn check_object(object: &Object, node: &Node, private: bool, findings: &mut Findings) {
    for entry in node.entries() {
        match object.key(&entry.key) {
            // A key without a value says nothing, unless it must be there.
            Some(key) if entry.value.is_null() && !key.required && !object.one_of.contains(&key.name) => {}
            Some(key) => check(key.shape, &entry.value, private || key.private, findings),
            // Noted as a secret; its text is not for a message.
            None if findings.has_error_at(&entry.key_place) => {}
            None => {
                let known = object.keys.iter().map(|key| key.name);
                let reason = format!("unknown key {} in {}", quote(&entry.key), object.title);
                let help = suggest(&entry.key, known);
                let near = help.as_ref().is_some_and(|help| help.starts_with("did"));
                let help = object.stray.filter(|_| !near).map(str::to_owned).or(help);
                findings.error(&entry.key_place, Problem::new(reason).maybe_help(help));
            }
        }
    }
    for key in object.keys.iter().filter(|key| key.required) {
        if node.entry(key.name).is_none() {
            let reason = format!("{} needs the key '{}'", object.title, key.name);
            findings.error(&node.place, Problem::new(reason).help(format!("{}: {}", key.name, key.shape.expected())));
        }
    }
    let present: Vec<_> = object.one_of.iter().copied().filter(|name| node.entry(name).is_some()).collect();
    if !object.one_of.is_empty() && present.len() != 1 {
        let reason = if present.is_empty() {
            format!("{} needs one of the keys {}", object.title, object.one_of.join(", "))
        } else {
            format!("{} has room for one of the keys {}, not for all of them", object.title, present.join(", "))
        };
        findings.error(&node.place, reason);
    }
}
