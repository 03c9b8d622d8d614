//! An answer without a credential in it: callers choose the ids of users and the members of an actor, and one of these may
//! be a key or a link by mistake.

use clerk_actor_tokens_core::Sanitized;
use serde_json::{Map, Value};

/// The same, with each text and each key of an object masked.
pub(super) fn masked(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text_of(&text)),
        Value::Array(items) => items.into_iter().map(masked).collect(),
        Value::Object(members) => {
            let mut all = Map::new();
            for (key, value) in members {
                all.insert(free(&all, text_of(&key)), masked(value));
            }
            Value::Object(all)
        }
        other => other,
    }
}

fn text_of(text: &str) -> String {
    Sanitized::new(text).to_string()
}

/// Two keys may be the same once they are masked: then the later one has a number.
fn free(taken: &Map<String, Value>, key: String) -> String {
    if !taken.contains_key(&key) {
        return key;
    }
    let mut numbered = (2u64..).map(|number| format!("{key} {number}"));
    numbered.find(|numbered| !taken.contains_key(numbered)).unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_text_is_masked_and_all_else_stays() {
        let value = json!({
            "sub": "user_agent", "n": [1, true, null, 2.5], "sk_test_CANARY": "x", "sk_test_CANARIES": "x",
            "in": [{ "https://x.test/?ticket=CANARY": ["a sk_live_CANARY"] }],
        });
        let expected = json!({
            "sub": "user_agent", "n": [1, true, null, 2.5], "sk_test_(redacted)": "x", "sk_test_(redacted) 2": "x",
            "in": [{ "https://x.test/?ticket=(redacted)": ["a sk_live_(redacted)"] }],
        });
        assert_eq!(masked(value), expected);
    }
}
