//! What a token or a session takes in memory, as far as a caller decides it: counted generously, so that a bound holds.

use serde_json::{Map, Value};

/// A map allocates for eleven members at once, each a key and a value.
const FIRST_MEMBERS: usize = 11 * MEMBER;
const MEMBER: usize = size_of::<String>() + size_of::<Value>();

/// Of the user and the actor, each with the copies that the commits have.
pub(super) fn of(user_id: &str, actor: Option<&Map<String, Value>>) -> usize {
    let sub = actor.and_then(|actor| actor.get("sub")).and_then(Value::as_str).map_or(0, str::len);
    // The record itself, a creation and a revocation.
    let copied = user_id.len().saturating_add(sub).saturating_mul(3);
    copied.saturating_add(actor.map_or(0, of_map))
}

fn of_map(map: &Map<String, Value>) -> usize {
    let first = if map.is_empty() { 0 } else { FIRST_MEMBERS };
    // Half of what is allocated may be free.
    let members = map.iter().map(|(key, value)| key.len().saturating_add(2 * MEMBER).saturating_add(inside(value)));
    members.fold(first, usize::saturating_add)
}

/// What a value takes beside its own place.
fn inside(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => {
            let values = values.iter().map(|value| inside(value).saturating_add(2 * size_of::<Value>()));
            values.fold(0, usize::saturating_add)
        }
        Value::Object(map) => of_map(map),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by a panic")]
mod tests {
    use serde_json::json;

    use super::*;

    /// However small it is as text.
    #[test]
    fn what_is_small_as_text_and_large_in_memory_counts_as_it_is_in_memory() {
        let weigh = |actor: Value| of("", Some(actor.as_object().unwrap()));
        let zeros = weigh(json!({ "a": vec![0; 1000] }));
        assert!(zeros >= 1000 * size_of::<Value>(), "{zeros}");
        let objects = weigh(json!({ "a": vec![json!({ "b": 0 }); 1000] }));
        assert!(objects >= 1000 * (size_of::<Value>() + FIRST_MEMBERS), "{objects}");
        assert!(weigh(json!({ "sub": "a".repeat(1000) })) >= 3000);
        assert_eq!(of(&"u".repeat(1000), None), 3000);
    }
}
