//! An independent reading of a JSON object, whole or cut: serde_json's own, member by member, up to where it stops.

use std::{cell::RefCell, collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer as _,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Deserializer, Value};

/// Why the reading stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// At the end of the object.
    End,
    /// Where the input ends, or at something that is not JSON.
    Early,
    /// In the value of a wanted member, which is there: at something that is not JSON, or that serde_json does not read (too
    /// deep, too large a number).
    InWanted,
}

/// The wanted members of an object that arrived whole, in order and with repetitions.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) members: Vec<(String, Value)>,
    pub(crate) stop: Stop,
    /// Whether the last member of all was a wanted one, and a number or a word: whose end is not marked by a quote or bracket.
    pub(crate) ends_in_scalar: bool,
    /// Whether nothing but white space follows the object.
    pub(crate) is_all: bool,
    /// The member whose value did not arrive whole, or is not JSON.
    pub(crate) open: Option<String>,
}

impl Reading {
    /// The value of a member that is there exactly once; `Null` where there is none.
    pub(crate) fn only(&self, key: &str) -> Option<&Value> {
        let mut found = self.members.iter().filter(|(name, _)| name == key).map(|(_, value)| value);
        let first = found.next().unwrap_or(&Value::Null);
        found.next().is_none().then_some(first)
    }
}

/// The byte order mark may stand before the object.
pub(crate) fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body)
}

/// Reads the members of these names. Others are stepped over, however deep.
pub(crate) fn read(body: &[u8], wanted: &[&str]) -> Reading {
    let walk = Walk { wanted, found: RefCell::default() };
    let mut deserializer = Deserializer::from_slice(without_mark(body));
    let walked = deserializer.deserialize_map(&walk);
    let whole = walked.is_ok();
    let is_all = whole && deserializer.end().is_ok();
    let Found { members, in_wanted, ends_in_scalar, open } = walk.found.into_inner();
    let stop = match walked {
        Ok(()) => Stop::End,
        Err(error) if in_wanted && !error.is_eof() => Stop::InWanted,
        Err(_) => Stop::Early,
    };
    Reading { members, stop, ends_in_scalar: ends_in_scalar && !whole, is_all, open }
}

struct Walk<'a> {
    wanted: &'a [&'a str],
    found: RefCell<Found>,
}

#[derive(Default)]
struct Found {
    members: Vec<(String, Value)>,
    in_wanted: bool,
    ends_in_scalar: bool,
    open: Option<String>,
}

impl<'de> Visitor<'de> for &Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            self.found.borrow_mut().open = Some(key.clone());
            if !self.wanted.contains(&key.as_str()) {
                map.next_value::<IgnoredAny>()?;
                let mut found = self.found.borrow_mut();
                (found.ends_in_scalar, found.open) = (false, None);
                continue;
            }
            self.found.borrow_mut().in_wanted = true;
            let value = map.next_value::<Value>()?;
            let mut found = self.found.borrow_mut();
            (found.in_wanted, found.open) = (false, None);
            found.ends_in_scalar = !(value.is_string() || value.is_array() || value.is_object());
            found.members.push((key, value));
        }
        Ok(())
    }
}

/// Whether one of the objects in this document has a key twice, or is too deep to be looked at.
pub(crate) fn has_repeated_key(body: &[u8]) -> bool {
    serde_json::from_slice(without_mark(body)).map_or(true, |Repeats(repeats)| repeats)
}

struct Repeats(bool);

impl<'de> Deserialize<'de> for Repeats {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Repeats;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any JSON")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Repeats, A::Error> {
                let (mut keys, mut repeats) = (HashSet::new(), false);
                while let Some((key, Repeats(inner))) = map.next_entry::<String, Repeats>()? {
                    repeats |= inner | !keys.insert(key);
                }
                Ok(Repeats(repeats))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Repeats, A::Error> {
                let mut repeats = false;
                while let Some(Repeats(inner)) = list.next_element()? {
                    repeats |= inner;
                }
                Ok(Repeats(repeats))
            }

            fn visit_str<E>(self, _: &str) -> Result<Repeats, E> {
                Ok(Repeats(false))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Repeats, E> {
                Ok(Repeats(false))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Repeats, E> {
                Ok(Repeats(false))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Repeats, E> {
                Ok(Repeats(false))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Repeats, E> {
                Ok(Repeats(false))
            }

            fn visit_unit<E>(self) -> Result<Repeats, E> {
                Ok(Repeats(false))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

/// Whether core's value is this one. A number that a float does not hold exactly is the text that it is.
pub(crate) fn is_same(core: &Value, expected: &Value) -> bool {
    match (core, expected) {
        (Value::String(text), Value::Number(_)) => {
            text.parse::<f64>().is_ok_and(|number| is_same(&number.into(), expected))
        }
        (Value::Number(core), Value::Number(expected)) => match (core.as_f64(), expected.as_f64()) {
            // serde_json may read a float one bit off.
            (Some(core), Some(expected)) => (core - expected).abs() <= core.abs() * f64::EPSILON,
            _ => core == expected,
        },
        (Value::Array(core), Value::Array(expected)) => {
            core.len() == expected.len() && core.iter().zip(expected).all(|(core, expected)| is_same(core, expected))
        }
        (Value::Object(core), Value::Object(expected)) => {
            core.len() == expected.len()
                && core.iter().all(|(key, core)| expected.get(key).is_some_and(|expected| is_same(core, expected)))
        }
        _ => core == expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_are_read_up_to_where_the_reading_stops() {
        let table: [(&str, Vec<Value>, Stop, bool); 8] = [
            (r#"{"id":"a","x":[1],"id":2}"#, vec![json!("a"), json!(2)], Stop::End, false),
            (r#"{"x":{"id":"a"},"id":"b","#, vec![json!("b")], Stop::Early, false),
            (r#"{"id":"a","id":"b"#, vec![json!("a")], Stop::Early, false),
            (r#"{"id":"a","id":7"#, vec![json!("a"), json!(7)], Stop::Early, true),
            (r#"{"id":"a","id":7,"x":1"#, vec![json!("a"), json!(7)], Stop::Early, false),
            (r#"{"id":"a","x":troe,"id":"b"}"#, vec![json!("a")], Stop::Early, false),
            (r#"{"id":"a","id":01}"#, vec![json!("a")], Stop::InWanted, false),
            ("[1]", vec![], Stop::Early, false),
        ];
        for (body, members, stop, ends_in_scalar) in table {
            let reading = read(body.as_bytes(), &["id"]);
            let values: Vec<_> = reading.members.into_iter().map(|(_, value)| value).collect();
            assert_eq!((values, reading.stop, reading.ends_in_scalar), (members, stop, ends_in_scalar), "{body}");
        }
    }
}
