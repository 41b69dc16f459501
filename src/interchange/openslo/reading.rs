//! A document of OpenSLO, key by key: what was looked at is known, so that the rest can be named.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::Value;

/// A map of which it is known what was read.
pub(super) struct Fields<'v> {
    value: &'v Value,
    seen: RefCell<BTreeSet<&'static str>>,
}

impl<'v> Fields<'v> {
    /// A map; anything else has no keys.
    pub(super) fn of(value: &'v Value) -> Self {
        Self { value, seen: RefCell::default() }
    }

    /// A value that is there and not null.
    pub(super) fn get(&self, key: &'static str) -> Option<&'v Value> {
        self.seen.borrow_mut().insert(key);
        self.value.get(key).filter(|value| !value.is_null())
    }

    /// A text.
    pub(super) fn text(&self, key: &'static str) -> Option<&'v str> {
        self.get(key).and_then(Value::as_str)
    }

    /// The items of a list.
    pub(super) fn items(&self, key: &'static str) -> &'v [Value] {
        self.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Keys that nobody asked for.
    pub(super) fn rest(&self) -> Vec<String> {
        let seen = self.seen.borrow();
        let keys = self.value.as_object().into_iter().flat_map(|members| members.keys());
        keys.filter(|key| !seen.contains(key.as_str())).cloned().collect()
    }
}

/// A number, also one that stands in quotes.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
