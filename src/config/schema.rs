//! The JSON Schema (draft 2020-12) of both kinds of files, from the tables that also check them, so that an editor and
//! `doorstep check` agree.

use serde_json::{Map, Value as Json, json};

use super::shape::{Key, Leaf, Object, Shape};
use super::tables_flow::FLOW;
use super::tables_population::POPULATION;
use super::tables_site::SITE;

/// The schema of `doorstep.yaml`.
#[must_use]
pub fn site_schema() -> Json {
    document(&SITE, "doorstep.yaml: vantages, store, accounts, flows and objectives")
}

/// The schema of a population file.
#[must_use]
pub fn population_schema() -> Json {
    document(&POPULATION, "A Doorstep population file: who the users are, and when they want to sign in")
}

/// The schema of a flow file.
#[must_use]
pub fn flow_schema() -> Json {
    document(&FLOW, "A Doorstep flow: one way to log in, step by step")
}

fn document(table: &'static Object, title: &str) -> Json {
    let mut definitions = Map::new();
    let Json::Object(mut schema) = object(table, &mut definitions) else { return Json::Null };
    schema.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    schema.insert("title".to_owned(), title.into());
    schema.insert("$defs".to_owned(), definitions.into());
    schema.into()
}

fn object(table: &'static Object, definitions: &mut Map<String, Json>) -> Json {
    let properties: Map<_, _> =
        table.keys.iter().map(|key| (key.name.to_owned(), property(key, definitions))).collect();
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    let required: Vec<_> = table.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    if !table.one_of.is_empty() {
        schema["oneOf"] = table.one_of.iter().map(|name| json!({ "required": [name] })).collect();
    }
    schema
}

fn property(key: &'static Key, definitions: &mut Map<String, Json>) -> Json {
    let mut schema = shape(key.shape, definitions);
    schema["description"] = key.about.into();
    if let Some(default) = key.default {
        schema["default"] = match key.shape {
            Shape::Leaf(Leaf::Boolean | Leaf::Integer(..) | Leaf::Rate)
            | Shape::Object(_)
            | Shape::Either(_, Shape::Object(_)) => serde_json::from_str(default).unwrap_or_else(|_| default.into()),
            _ => default.into(),
        };
    }
    schema
}

fn shape(shape_of_value: &'static Shape, definitions: &mut Map<String, Json>) -> Json {
    match shape_of_value {
        Shape::Leaf(kind) => leaf(*kind),
        Shape::Word(words) => json!({ "enum": words }),
        Shape::Json => json!({}),
        Shape::List(item) => {
            let item = shape(item, definitions);
            json!({ "anyOf": [item, { "type": "array", "items": item }] })
        }
        Shape::Map(value) => json!({ "type": "object", "additionalProperties": shape(value, definitions) }),
        Shape::Object(table) => reference(table, definitions),
        Shape::ObjectOrMap(table, value) => {
            let known: Vec<_> = table.keys.iter().map(|key| key.name).collect();
            json!({ "anyOf": [
                reference(table, definitions),
                {
                    "type": "object",
                    "propertyNames": { "not": { "enum": known } },
                    "additionalProperties": shape(value, definitions),
                },
            ] })
        }
        Shape::Either(short, long) => json!({ "anyOf": [shape(short, definitions), shape(long, definitions)] }),
    }
}

/// An object that stands once under `$defs`, however often it is used.
fn reference(table: &'static Object, definitions: &mut Map<String, Json>) -> Json {
    let name = table.title.replace(' ', "-");
    if !definitions.contains_key(&name) {
        let schema = object(table, definitions);
        definitions.insert(name.clone(), schema);
    }
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn leaf(kind: Leaf) -> Json {
    let pattern = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    match kind {
        Leaf::Boolean => json!({ "type": "boolean" }),
        Leaf::Integer(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Leaf::Rate => json!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1000 }),
        Leaf::Duration => pattern("^ *([0-9]+(\\.[0-9]+)? *(us|ms|s|m|h|d) *)+$"),
        Leaf::Share => pattern("^ *[0-9]+(\\.[0-9]+)? *% *$"),
        Leaf::Url => pattern("^https?://."),
        Leaf::SocketAddress => pattern("^([0-9.]+|\\[[0-9a-fA-F:.]+\\]):[0-9]+$"),
        Leaf::HeaderName => pattern("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"),
        Leaf::Method => pattern("^[A-Za-z]+$"),
        Leaf::Status => json!({ "anyOf": [
            { "type": "integer", "minimum": 100, "maximum": 599 },
            { "type": "string", "pattern": "^([1-5][xX]{2}|[1-5][0-9]{2})$" },
        ] }),
        Leaf::Zone | Leaf::Css | Leaf::Regex | Leaf::JsonPath | Leaf::Path => {
            json!({ "type": "string", "minLength": 1 })
        }
        // A number is as good a name or text as any, and YAML users do not quote it.
        Leaf::Name => json!({ "type": ["string", "number"], "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" }),
        Leaf::Text | Leaf::Template => json!({ "type": ["string", "number", "boolean"] }),
    }
}
