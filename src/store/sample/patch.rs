//! One JSON value told as what differs from another: samples of a server, a second apart, are nearly equal. Lossless and
//! readable; knows no sample.
//!
//! ```text
//! patch = object                amends: each member replaces or amends the member of that name, or, in an array, the
//!                               element of that index; all others stay
//!       | [ value ]             replaces by the value, which may be an object or an array
//!       | any other value       replaces by it
//! ```

use serde_json::{Map, Value};

/// What turns `before` into `after`; `None` when they are equal.
pub(super) fn difference(before: &Value, after: &Value) -> Option<Value> {
    if before == after {
        return None;
    }
    let amended: Map<String, Value> = match (before, after) {
        (Value::Object(before), Value::Object(after)) if before.keys().eq(after.keys()) => {
            let pairs = before.values().zip(after);
            pairs.filter_map(|(before, (name, after))| Some((name.clone(), difference(before, after)?))).collect()
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            let pairs = before.iter().zip(after).enumerate();
            pairs.filter_map(|(index, (before, after))| Some((index.to_string(), difference(before, after)?))).collect()
        }
        _ => return Some(whole(after)),
    };
    Some(Value::Object(amended))
}

/// A patch that gives this value, whatever was before.
pub(super) fn whole(value: &Value) -> Value {
    match value {
        Value::Object(_) | Value::Array(_) => Value::Array(vec![value.clone()]),
        scalar => scalar.clone(),
    }
}

/// Applies a patch. `None` for one that does not fit the value, which is then left in an undefined state.
pub(super) fn amend(value: &mut Value, patch: Value) -> Option<()> {
    match patch {
        Value::Object(members) => {
            for (name, patch) in members {
                let member = match value {
                    Value::Object(fields) => fields.get_mut(&name)?,
                    Value::Array(elements) => elements.get_mut(name.parse::<usize>().ok()?)?,
                    _ => return None,
                };
                amend(member, patch)?;
            }
        }
        Value::Array(mut only) => *value = only.pop().filter(|_| only.is_empty())?,
        scalar => *value = scalar,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            "[a-z]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let members = prop::collection::btree_map("[ab0-2]", inner.clone(), 0..4);
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(Value::from),
                members.prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn a_difference_names_what_changed_only() {
        let before = json!({"at": 1, "links": [{"name": "s1", "age": 5}], "slot": null, "names": ["a"]});
        let after = json!({"at": 2, "links": [{"name": "s1", "age": null}], "slot": null, "names": []});
        let patch = difference(&before, &after).unwrap();
        assert_eq!(patch.to_string(), r#"{"at":2,"links":{"0":{"age":null}},"names":[[]]}"#);
        assert_eq!(difference(&before, &before), None);
    }

    #[test]
    fn a_patch_that_does_not_fit_is_refused() {
        for patch in [json!({"c": 1}), json!({"a": {"0": 1}}), json!({"b": {"7": 1}}), json!([]), json!([1, 2])] {
            assert_eq!(amend(&mut json!({"a": 1, "b": [1]}), patch.clone()), None, "{patch}");
        }
    }

    proptest! {
        #[test]
        fn any_difference_gives_the_other_value(before in value(), after in value()) {
            let mut amended = before.clone();
            if let Some(patch) = difference(&before, &after) {
                prop_assert_eq!(amend(&mut amended, patch), Some(()));
            }
            prop_assert_eq!(&amended, &after);
            let mut replaced = before;
            prop_assert_eq!(amend(&mut replaced, whole(&after)), Some(()));
            prop_assert_eq!(replaced, after);
        }
    }
}
