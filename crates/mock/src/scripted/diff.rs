//! What differs between two JSON values, one line a place, by its path.
//!
//! The comparison is `json-patch`'s; this room turns its operations (RFC 6902), which say how to get from one value to
//! the other, into sentences about what was expected and what came. Values go through [`Sanitized`].

use clerk_actor_tokens_core::Sanitized;
use json_patch::PatchOperation;
use serde_json::Value;

/// How much of the value that came has to be expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compare {
    /// All of it.
    Exact,
    /// Objects may have further keys. Arrays are compared whole: an item more is another array.
    Including,
}

/// One line for each place that differs; none if nothing does.
pub(super) fn differences(expected: &Value, got: &Value, compare: Compare) -> Vec<String> {
    let mut lines: Vec<String> =
        json_patch::diff(expected, got).0.iter().filter_map(|change| line(expected, got, change, compare)).collect();
    // Items missing at an array's end are one operation each, all with the same path.
    lines.dedup();
    lines
}

fn line(expected: &Value, got: &Value, change: &PatchOperation, compare: Compare) -> Option<String> {
    let at = |pointer: &str| json_path(expected, pointer);
    match change {
        PatchOperation::Replace(change) => {
            let path = change.path.as_str();
            Some(format!("{}: expected {}, got {}", at(path), shown_at(expected, path), shown(&change.value)))
        }
        PatchOperation::Remove(change) => {
            let path = change.path.as_str();
            Some(match missing_items(expected, got, path) {
                Some(items) => format!("{}: expected {} more, got nothing", at(path), shown(&items)),
                None => format!("{}: expected {}, got nothing", at(path), shown_at(expected, path)),
            })
        }
        PatchOperation::Add(change) => {
            let path = change.path.as_str();
            let is_further_key = expected.pointer(parent(path)).is_some_and(Value::is_object);
            if compare == Compare::Including && is_further_key {
                return None;
            }
            Some(format!("{}: expected nothing, got {}", at(path), shown(&change.value)))
        }
        // These are never part of a computed difference.
        PatchOperation::Move(_) | PatchOperation::Copy(_) | PatchOperation::Test(_) => None,
    }
}

/// If the path is an array's end: the items that were expected from there on.
fn missing_items(expected: &Value, got: &Value, path: &str) -> Option<Value> {
    let expected = expected.pointer(parent(path))?.as_array()?;
    let got = got.pointer(parent(path))?.as_array()?;
    Some(Value::Array(expected.get(got.len()..)?.to_vec()))
}

fn parent(pointer: &str) -> &str {
    pointer.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn shown_at(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).map_or_else(|| "nothing".to_owned(), shown)
}

pub(super) fn shown(value: &Value) -> String {
    Sanitized::new(&value.to_string()).to_string()
}

/// A JSON pointer (RFC 6901) as a JSON path (RFC 9535): `/actor/sub` becomes `$.actor.sub`.
fn json_path(root: &Value, pointer: &str) -> String {
    let mut path = "$".to_owned();
    let mut here = Some(root);
    let (mut behind, mut rest) = ("", pointer);
    while let Some(after) = rest.strip_prefix('/') {
        let (token, next) = after.find('/').map_or((after, ""), |at| after.split_at(at));
        let key = token.replace("~1", "/").replace("~0", "~");
        if here.is_some_and(Value::is_array) {
            path.push_str(&format!("[{key}]"));
        } else if is_plain_name(&key) {
            path.push_str(&format!(".{}", Sanitized::new(&key)));
        } else {
            path.push_str(&format!("[{}]", shown(&Value::String(key))));
        }
        behind = pointer.get(..pointer.len().saturating_sub(next.len())).unwrap_or(behind);
        here = root.pointer(behind);
        rest = next;
    }
    path
}

fn is_plain_name(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn each_difference_is_told_by_its_path() {
        use Compare::{Exact, Including};
        let table: [(Value, Value, Compare, &[&str]); 18] = [
            (json!({"a": 1}), json!({"a": 1}), Exact, &[]),
            (json!(1), json!("1"), Exact, &[r#"$: expected 1, got "1""#]),
            (
                json!({"actor": {"sub": "a"}}),
                json!({"actor": {"sub": "b"}}),
                Including,
                &[r#"$.actor.sub: expected "a", got "b""#],
            ),
            (json!({"n": 300}), json!({}), Including, &["$.n: expected 300, got nothing"]),
            (json!({}), json!({"n": 300}), Exact, &["$.n: expected nothing, got 300"]),
            (json!({}), json!({"n": 300}), Including, &[]),
            (json!({"a": {}}), json!({"a": {"n": 1}}), Including, &[]),
            (json!({"n": null}), json!({}), Including, &["$.n: expected null, got nothing"]),
            (json!({"n": null}), json!({"n": 0}), Including, &["$.n: expected null, got 0"]),
            (json!({"a": {}}), json!({"a": []}), Including, &["$.a: expected {}, got []"]),
            (json!({"a": []}), json!({"a": {"b": 1}}), Including, &[r#"$.a: expected [], got {"b":1}"#]),
            (json!({"a": [1, 2]}), json!({"a": [1, 3]}), Including, &["$.a[1]: expected 2, got 3"]),
            (json!({"a": [1]}), json!({"a": [1, 3]}), Including, &["$.a[1]: expected nothing, got 3"]),
            (json!({"a": [1, 2, 3]}), json!({"a": [1]}), Exact, &["$.a[1]: expected [2,3] more, got nothing"]),
            (json!([[{"k": 1}]]), json!([[{"k": 2}]]), Exact, &["$[0][0].k: expected 1, got 2"]),
            (json!({"a b/c~d": 1}), json!({"a b/c~d": 2}), Exact, &[r#"$["a b/c~d"]: expected 1, got 2"#]),
            (json!({"": {"0": 1}}), json!({"": {"0": 2}}), Exact, &[r#"$[""].0: expected 1, got 2"#]),
            (
                json!({"a": 1, "b": 2, "c": 3}),
                json!({"a": 0, "b": 2, "d": 4}),
                Exact,
                &["$.a: expected 1, got 0", "$.d: expected nothing, got 4", "$.c: expected 3, got nothing"],
            ),
        ];
        for (expected, got, compare, lines) in table {
            assert_eq!(differences(&expected, &got, compare), lines, "{expected} {got} {compare:?}");
        }
    }

    #[test]
    fn values_and_names_are_shown_without_secrets_and_cut() {
        let expected = json!({"k": "sk_live_CANARY", "long": "x"});
        let got = json!({
            "k": "https://x.test/?ticket=CANARY", "sk_test_CANARY": 1, "Bearer CANARY": 2, "long": "y".repeat(9999),
        });
        let lines = differences(&expected, &got, Compare::Exact).join("\n");
        assert!(!lines.contains("CANARY"), "{lines}");
        assert!(lines.len() < 1500);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i8>().prop_map(Value::from),
            "[a-c/~0-1]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("[a-c/~0-1]{0,2}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    /// The definition of "including", in the simplest words there are.
    fn is_included(expected: &Value, got: &Value) -> bool {
        match (expected, got) {
            (Value::Object(expected), Value::Object(got)) => {
                expected.iter().all(|(key, value)| got.get(key).is_some_and(|got| is_included(value, got)))
            }
            (Value::Array(expected), Value::Array(got)) => {
                expected.len() == got.len() && expected.iter().zip(got).all(|(a, b)| is_included(a, b))
            }
            (expected, got) => expected == got,
        }
    }

    proptest! {
        #[test]
        fn nothing_is_said_if_and_only_if_nothing_differs(a in any_json(), b in any_json()) {
            prop_assert_eq!(differences(&a, &b, Compare::Exact).is_empty(), a == b);
            prop_assert_eq!(differences(&a, &b, Compare::Including).is_empty(), is_included(&a, &b));
            prop_assert!(differences(&a, &a, Compare::Exact).is_empty());
        }

        #[test]
        fn an_object_with_a_key_more_still_includes_the_first(mut a in any_json(), extra in any_json()) {
            let smaller = a.clone();
            if let Some(object) = a.as_object_mut() {
                object.insert("new key".to_owned(), extra);
                prop_assert!(differences(&smaller, &a, Compare::Including).is_empty());
                prop_assert!(!differences(&smaller, &a, Compare::Exact).is_empty());
                prop_assert!(!differences(&a, &smaller, Compare::Including).is_empty());
            }
        }
    }
}
