//! YAML text to a tree in which every key and value knows its place. Types are not judged here, structure is: repeated
//! keys, keys that are no text, tags, several documents, and documents that unfold to more than anybody writes.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::diagnostic::{Findings, Origin, Place, Problem};
use super::suggest::quote;

/// Nobody writes a configuration of more bytes than this.
const LARGEST_TEXT: usize = 1024 * 1024;
/// Values of a document after its aliases are unfolded; an alias bomb ends here.
const MOST_NODES: usize = 50_000;
/// Levels of nesting.
const DEEPEST: usize = 40;

/// A value and its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A text, number, boolean or null, as it was written.
#[derive(Debug, Clone)]
pub(super) struct Scalar {
    pub(super) text: String,
    /// Quoted or a block: always text.
    pub(super) quoted: bool,
}

/// A key with its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_place: Place,
    pub(super) value: Node,
}

impl Scalar {
    pub(super) fn is_null(&self) -> bool {
        !self.quoted && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        match self.text.as_str() {
            "true" | "True" | "TRUE" if !self.quoted => Some(true),
            "false" | "False" | "FALSE" if !self.quoted => Some(false),
            _ => None,
        }
    }

    /// The scalar as JSON, by the core schema of YAML 1.2.
    pub(super) fn to_json(&self) -> serde_json::Value {
        if self.is_null() {
            return serde_json::Value::Null;
        }
        if let Some(boolean) = self.boolean() {
            return boolean.into();
        }
        let number = (!self.quoted).then(|| self.text.strip_prefix('+').unwrap_or(&self.text));
        match number.and_then(|text| serde_json::from_str::<serde_json::Number>(text).ok()) {
            Some(number) => number.into(),
            None => self.text.clone().into(),
        }
    }
}

impl Node {
    /// A text that was not read from a file.
    pub(super) fn text(text: &str, origin: Origin) -> Self {
        let scalar = Scalar { text: text.to_owned(), quoted: true };
        Self { place: Place::whole(origin), value: Value::Scalar(scalar) }
    }

    pub(super) fn scalar(&self) -> Option<&Scalar> {
        if let Value::Scalar(scalar) = &self.value { Some(scalar) } else { None }
    }

    pub(super) fn is_null(&self) -> bool {
        self.scalar().is_some_and(Scalar::is_null)
    }

    pub(super) fn entries(&self) -> &[Entry] {
        if let Value::Map(entries) = &self.value { entries } else { &[] }
    }

    /// The items of a list; anything else is a list of one.
    pub(super) fn items(&self) -> &[Node] {
        if let Value::List(items) = &self.value { items } else { std::slice::from_ref(self) }
    }

    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value of a key; a key without a value is as good as absent.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value).filter(|value| !value.is_null())
    }

    /// Sets a key, replacing an older value.
    pub(super) fn set(&mut self, key: &str, value: Node) {
        self.remove(key);
        if let Value::Map(entries) = &mut self.value {
            entries.push(Entry { key: key.to_owned(), key_place: value.place.clone(), value });
        }
    }

    /// The value of a key, to be changed.
    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        match &mut self.value {
            Value::Map(entries) => entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.value),
            _ => None,
        }
    }

    /// Takes a key away.
    pub(super) fn remove(&mut self, key: &str) {
        if let Value::Map(entries) = &mut self.value {
            entries.retain(|entry| entry.key != key);
        }
    }

    /// What it is, in words: never the value itself.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Scalar(scalar) => match scalar.to_json() {
                serde_json::Value::Null => "nothing",
                serde_json::Value::Bool(_) => "a boolean",
                serde_json::Value::Number(_) => "a number",
                _ => "a text",
            },
        }
    }

    /// The way to the key or value at `place`.
    pub(super) fn path_of(&self, place: &Place) -> Option<String> {
        if self.place == *place {
            return Some(String::new());
        }
        match &self.value {
            Value::Scalar(_) => None,
            Value::List(items) => items
                .iter()
                .enumerate()
                .find_map(|(index, item)| item.path_of(place).map(|rest| join(&format!("[{index}]"), &rest))),
            Value::Map(entries) => entries.iter().find_map(|entry| {
                if entry.key_place == *place {
                    return Some(String::new());
                }
                entry.value.path_of(place).map(|rest| join(&entry.key, &rest))
            }),
        }
    }
}

fn join(first: &str, rest: &str) -> String {
    if rest.is_empty() || rest.starts_with('[') { format!("{first}{rest}") } else { format!("{first}.{rest}") }
}

/// Parses one document. Structural mistakes are noted; `None` when nothing can be made of the text.
pub(super) fn parse(file: &Arc<Path>, text: &str, findings: &mut Findings) -> Option<Node> {
    let whole = Place::whole(Origin::File(Arc::clone(file)));
    if text.len() > LARGEST_TEXT {
        findings.error(&whole, format!("the file has {} bytes; at most {LARGEST_TEXT} are read", text.len()));
        return None;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut options = granit_parser::Options::default();
    options.emit_comments = false;
    options.flow_nesting_limit = DEEPEST;
    options.block_nesting_limit = DEEPEST;
    let parser = Parser::new_from_str_with_options(text, options);
    let mut builder = Builder { parser, file, findings, anchors: HashMap::new(), nodes: 0 };
    match builder.document() {
        Ok(Some(node)) => Some(node),
        Ok(None) => {
            findings.error(&whole, Problem::new("the file is empty").help("see the examples in the folder probes"));
            None
        }
        Err(Stop::Syntax(error)) => {
            let place = place_at(file, error.marker().line(), error.marker().col());
            let reason = match error.kind().to_string() {
                words if words.contains("recursion limit") => format!("nested more than {DEEPEST} levels deep"),
                words => format!("no valid YAML: {words}"),
            };
            let line = text.lines().nth(error.marker().line().saturating_sub(1)).unwrap_or_default();
            findings.error(&place, Problem::new(reason).maybe_help(advice(line)));
            None
        }
        Err(Stop::Reported) => None,
    }
}

/// What is usually meant by a line on which the parser gave up.
fn advice(line: &str) -> Option<String> {
    let indentation = &line[..line.len() - line.trim_start().len()];
    if indentation.contains('\t') {
        return Some("indent with spaces: YAML does not allow tabs".to_owned());
    }
    line.contains("{{").then(|| "quote a text that begins with '{{': \"{{ base }}/login\"".to_owned())
}

fn place_at(file: &Arc<Path>, line: usize, column: usize) -> Place {
    Place { origin: Origin::File(Arc::clone(file)), line, column: column + 1 }
}

enum Stop {
    Syntax(Box<ScanError>),
    Reported,
}

impl From<ScanError> for Stop {
    fn from(error: ScanError) -> Self {
        Self::Syntax(Box::new(error))
    }
}

struct Builder<'a, I: granit_parser::BorrowedInput<'a>> {
    parser: Parser<'a, I>,
    file: &'a Arc<Path>,
    findings: &'a mut Findings,
    /// Anchored nodes with the number of values in each.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
}

impl<'a, I: granit_parser::BorrowedInput<'a>> Builder<'a, I> {
    fn document(&mut self) -> Result<Option<Node>, Stop> {
        let mut document = None;
        while let Some((event, span)) = self.next()? {
            match event {
                Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
                Event::DocumentStart(..) if document.is_some() => {
                    let problem = Problem::new("a second document begins here").help("keep one document in a file");
                    self.findings.error(&self.place(&span), problem);
                    return Err(Stop::Reported);
                }
                Event::DocumentStart(..) => {}
                event => document = Some(self.node(event, &span)?),
            }
        }
        Ok(document.filter(|node: &Node| !node.is_null()))
    }

    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Stop> {
        Ok(self.parser.next().transpose()?)
    }

    /// The next event, which a complete document always has.
    fn expect_next(&mut self) -> Result<(Event<'a>, Span), Stop> {
        self.next()?.ok_or(Stop::Reported)
    }

    fn place(&self, span: &Span) -> Place {
        place_at(self.file, span.start.line(), span.start.col())
    }

    fn node(&mut self, event: Event<'a>, span: &Span) -> Result<Node, Stop> {
        let place = self.place(span);
        let before = self.nodes;
        self.count(1, &place)?;
        let (value, anchor, tagged) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let scalar = Scalar { text: text.into_owned(), quoted: style != ScalarStyle::Plain };
                (Value::Scalar(scalar), anchor, tag.is_some())
            }
            Event::SequenceStart(_, anchor, tag) => (Value::List(self.list()?), anchor, tag.is_some()),
            Event::MappingStart(_, anchor, tag) => (Value::Map(self.map()?), anchor, tag.is_some()),
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
                    self.findings.error(&place, "an alias cannot stand inside the value that it names");
                    return Err(Stop::Reported);
                };
                self.count(size, &place)?;
                return Ok(node);
            }
            _ => return Err(Stop::Reported),
        };
        if tagged {
            let problem = Problem::new("a tag ('!...') has no meaning here").help("remove the tag; quote a text");
            self.findings.error(&place, problem);
        }
        let node = Node { place, value };
        if anchor != 0 {
            // What is kept for aliases counts too, so that anchors within anchors cannot fill the memory.
            self.count(self.nodes - before, &node.place)?;
            self.anchors.insert(anchor, (node.clone(), self.nodes - before));
        }
        Ok(node)
    }

    fn count(&mut self, more: usize, place: &Place) -> Result<(), Stop> {
        self.nodes += more;
        if self.nodes > MOST_NODES {
            let problem = Problem::new(format!("the document unfolds to more than {MOST_NODES} values"))
                .help("use fewer aliases ('*name')");
            self.findings.error(place, problem);
            return Err(Stop::Reported);
        }
        Ok(())
    }

    fn list(&mut self) -> Result<Vec<Node>, Stop> {
        let mut items = Vec::new();
        loop {
            match self.expect_next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.node(event, &span)?),
            }
        }
    }

    fn map(&mut self) -> Result<Vec<Entry>, Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut lines: HashMap<String, usize> = HashMap::new();
        loop {
            let (event, span) = self.expect_next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok(entries);
            }
            let key = self.node(event, &span)?;
            let (event, span) = self.expect_next()?;
            let value = self.node(event, &span)?;
            let Value::Scalar(Scalar { text, .. }) = key.value else {
                let problem = Problem::new(format!("a key must be a text, not {}", key.kind()))
                    .help("quote a text that begins with '{': \"{{ name }}\"");
                self.findings.error(&key.place, problem);
                continue;
            };
            if let Some(line) = lines.insert(text.clone(), key.place.line) {
                let reason = format!("the key {} is here twice; it was first on line {line}", quote(&text));
                self.findings.error(&key.place, Problem::new(reason).help("remove one of the two"));
                continue;
            }
            entries.push(Entry { key: text, key_place: key.place, value });
        }
    }
}
