//! The content hash of a flow: over its effective values, defaults included, and over nothing that is only for people.

use serde_json::{Map, Value as Json};

use crate::model::{Revision, Template};

use super::shape::{Leaf, Object, Shape};
use super::tables_flow::FLOW;
use super::values;
use super::yaml::{Node, Value};

/// The revision of an effective flow document. Comments, white space, the order of known keys, quotes, and how a duration
/// is spelled do not change it.
pub(super) fn of(root: &Node) -> Revision {
    let mut canonical = object(&FLOW, Some(root));
    canonical.remove("description");
    Revision::of(Json::Object(canonical).to_string().as_bytes())
}

fn object(table: &'static Object, node: Option<&Node>) -> Map<String, Json> {
    let present = |name| node.and_then(|node: &Node| node.get(name));
    let values = table.keys.iter().filter_map(|key| {
        let value = match (present(key.name), key.shape, key.default) {
            (Some(value), shape, _) => canonical(shape, value),
            (None, Shape::Leaf(leaf), Some(default)) => single(*leaf, default),
            (None, Shape::Object(inner), Some(_)) => Json::Object(object(inner, None)),
            (None, _, Some(default)) => default.into(),
            (None, _, None) => return None,
        };
        Some((key.name.to_owned(), value))
    });
    values.collect()
}

fn canonical(shape: &'static Shape, node: &Node) -> Json {
    match (shape, &node.value) {
        (Shape::Leaf(leaf), Value::Scalar(scalar)) => single(*leaf, &scalar.text),
        (Shape::List(item), _) => node.items().iter().map(|node| canonical(item, node)).collect(),
        (Shape::Object(table), Value::Map(_)) => Json::Object(object(table, Some(node))),
        (Shape::ObjectOrMap(table, _), Value::Map(_)) if table.is_meant_by(node) => {
            Json::Object(object(table, Some(node)))
        }
        // The order of a map is kept: it is the order of form fields and of JSON members.
        (Shape::Map(value) | Shape::ObjectOrMap(_, value), Value::Map(entries)) => entries
            .iter()
            .map(|entry| Json::from(vec![entry.key.clone().into(), canonical(value, &entry.value)]))
            .collect(),
        (Shape::Either(short, _), Value::Scalar(_)) => canonical(short, node),
        (Shape::Either(_, long), _) => canonical(long, node),
        _ => plain(node),
    }
}

fn single(leaf: Leaf, text: &str) -> Json {
    match leaf {
        Leaf::Duration => values::duration(text).map_or(text.into(), |value| (value.as_micros() as u64).into()),
        Leaf::Template => Template::parse(text).map_or(text.into(), |template| template.to_string().into()),
        _ => text.into(),
    }
}

fn plain(node: &Node) -> Json {
    match &node.value {
        Value::Scalar(scalar) => scalar.to_json(),
        Value::List(items) => items.iter().map(plain).collect(),
        Value::Map(entries) => {
            entries.iter().map(|entry| Json::from(vec![entry.key.clone().into(), plain(&entry.value)])).collect()
        }
    }
}
