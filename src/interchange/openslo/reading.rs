//! A document of OpenSLO, key by key: what was understood is known, so that the rest can be named.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::Value;

/// The longest value that is repeated in a remark, in characters.
const LONGEST: usize = 60;

/// A map of which it is known what was understood.
pub(super) struct Fields<'v> {
    value: &'v Value,
    understood: RefCell<BTreeSet<&'static str>>,
}

impl<'v> Fields<'v> {
    /// A map; anything else has no keys.
    pub(super) fn of(value: &'v Value) -> Self {
        Self { value, understood: RefCell::default() }
    }

    /// A value that is there and not null.
    pub(super) fn get(&self, key: &'static str) -> Option<&'v Value> {
        self.as_a(key, Some)
    }

    /// A text. Anything else stays among the rest.
    pub(super) fn text(&self, key: &'static str) -> Option<&'v str> {
        self.as_a(key, Value::as_str)
    }

    /// Yes or no. Anything else stays among the rest.
    pub(super) fn truth(&self, key: &'static str) -> Option<bool> {
        self.as_a(key, Value::as_bool)
    }

    /// The items of a list. Anything else stays among the rest.
    pub(super) fn items(&self, key: &'static str) -> &'v [Value] {
        self.as_a(key, Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The fields of a map below this one. Anything else stays among the rest.
    pub(super) fn fields(&self, key: &'static str) -> Fields<'v> {
        Fields::of(self.as_a(key, |value| value.is_object().then_some(value)).unwrap_or(&Value::Null))
    }

    fn as_a<T>(&self, key: &'static str, read: impl FnOnce(&'v Value) -> Option<T>) -> Option<T> {
        let found = self.value.get(key).filter(|value| !value.is_null()).and_then(read)?;
        self.understood.borrow_mut().insert(key);
        Some(found)
    }

    /// What nobody understood, each with its path and value.
    pub(super) fn rest(&self, path: &str) -> Vec<String> {
        let understood = self.understood.borrow();
        let members = self.value.as_object().into_iter().flatten();
        let rest = members.filter(|(key, value)| !value.is_null() && !understood.contains(key.as_str()));
        rest.map(|(key, value)| format!("{path}{key}: {}", shown(value))).collect()
    }
}

/// A value, short enough to be read in a remark.
pub(super) fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}

/// A number, also one that stands in quotes.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
