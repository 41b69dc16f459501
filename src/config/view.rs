//! Reads a checked tree through its table: a value comes from the node, or from the table's default, and is parsed once.

use super::diagnostic::{Findings, Place, Problem};
use super::shape::{Key, Object};
use super::suggest::quote;
use super::yaml::{Entry, Node};

/// A node seen as an object of a table. Wrong kinds of values were noted by the check of structure and read as absent.
#[derive(Clone, Copy)]
pub(super) struct View<'n> {
    object: &'static Object,
    node: Option<&'n Node>,
    private: bool,
}

impl<'n> View<'n> {
    pub(super) fn of(object: &'static Object, node: &'n Node) -> Self {
        Self { object, node: Some(node), private: false }
    }

    /// The place of the whole object.
    pub(super) fn place(&self) -> Option<&'n Place> {
        self.node.map(|node| &node.place)
    }

    pub(super) fn node(&self, name: &str) -> Option<&'n Node> {
        debug_assert!(self.object.key(name).is_some(), "{} has no key {name}", self.object.title);
        self.node.and_then(|node| node.get(name))
    }

    /// Whether the table has this key.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.object.key(name).is_some()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.node(name).is_some()
    }

    /// An object under a key; when it is absent, all its values are their defaults.
    pub(super) fn object(&self, name: &str, object: &'static Object) -> View<'n> {
        let private = self.private || self.object.key(name).is_some_and(|key| key.private);
        View { object, node: self.node(name), private }
    }

    /// An object that must be under a key, or in an item of its list.
    pub(super) fn within(&self, node: &'n Node, object: &'static Object) -> View<'n> {
        View { object, node: Some(node), private: self.private }
    }

    /// The items of a list; none when the key is absent.
    pub(super) fn items(&self, name: &str) -> &'n [Node] {
        self.node(name).map_or(&[], Node::items)
    }

    /// All entries of the object itself, in the order written.
    pub(super) fn all_entries(&self) -> &'n [Entry] {
        self.node.map_or(&[], Node::entries)
    }

    /// The entries of a map; none when the key is absent.
    pub(super) fn entries(&self, name: &str) -> &'n [Entry] {
        self.node(name).map_or(&[], Node::entries)
    }

    /// A single value, or its default.
    pub(super) fn read<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, Problem>,
        findings: &mut Findings,
    ) -> Option<T> {
        let key: &Key = self.object.key(name)?;
        match self.node(name) {
            Some(node) => read_scalar(node, self.private || key.private, parse, findings),
            None => key.default.and_then(|text| parse(text).ok()),
        }
    }

    /// Each item of a list with its node; items that cannot be read are left out.
    pub(super) fn read_each<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, Problem>,
        findings: &mut Findings,
    ) -> Vec<(T, &'n Node)> {
        let private = self.private || self.object.key(name).is_some_and(|key| key.private);
        let read = |item: &'n Node| Some((read_scalar(item, private, &parse, findings)?, item));
        self.items(name).iter().filter_map(read).collect()
    }

    /// Each item of a list.
    pub(super) fn read_all<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, Problem>,
        findings: &mut Findings,
    ) -> Vec<T> {
        self.read_each(name, parse, findings).into_iter().map(|(value, _)| value).collect()
    }
}

/// Parses a scalar; a mistake is noted at its place.
pub(super) fn read_scalar<T>(
    node: &Node,
    private: bool,
    parse: impl Fn(&str) -> Result<T, Problem>,
    findings: &mut Findings,
) -> Option<T> {
    let scalar = node.scalar().filter(|scalar| !scalar.is_null())?;
    read_text(&scalar.text, &node.place, private, parse, findings)
}

/// Parses a key of a map that the user chose.
pub(super) fn read_key<T>(
    entry: &Entry,
    parse: impl Fn(&str) -> Result<T, Problem>,
    findings: &mut Findings,
) -> Option<T> {
    read_text(&entry.key, &entry.key_place, false, parse, findings)
}

/// Parses a text; a mistake is noted at its place, without the text when it is private.
pub(super) fn read_text<T>(
    text: &str,
    place: &Place,
    private: bool,
    parse: impl Fn(&str) -> Result<T, Problem>,
    findings: &mut Findings,
) -> Option<T> {
    match parse(text) {
        Ok(value) => Some(value),
        Err(Problem { reason, help }) => {
            let subject = if private { "the value".to_owned() } else { quote(text) };
            findings.error(place, Problem { reason: format!("{subject} {reason}"), help });
            None
        }
    }
}
