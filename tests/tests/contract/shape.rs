//! A good value of a schema, and how it turns bad.

use clerk_actor_tokens::serde_json::{Value, json};

/// A value with every field that there is, and what may become of it.
pub(crate) struct Shape {
    pub(crate) schema: &'static str,
    pub(crate) good: Value,
    /// Fields by their JSON pointers (RFC 6901).
    pub(crate) required: &'static [&'static str],
    pub(crate) optional: &'static [&'static str],
    pub(crate) nullable: &'static [&'static str],
    /// Objects that take other keys, and objects that do not. The empty pointer is the value itself.
    pub(crate) open: &'static [&'static str],
    pub(crate) closed: &'static [&'static str],
    /// Fields of a few words.
    pub(crate) words: &'static [(&'static str, &'static [&'static str])],
    /// Further values of fields, and whether each fits.
    pub(crate) values: Vec<(&'static str, Value, bool)>,
}

/// A value, and whether it fits.
pub(crate) struct Case {
    pub(crate) what: String,
    pub(crate) value: Value,
    pub(crate) fits: bool,
}

impl Shape {
    pub(crate) fn new(schema: &'static str, good: Value) -> Self {
        let none: &[&str] = &[];
        Self {
            schema,
            good,
            required: none,
            optional: none,
            nullable: none,
            open: none,
            closed: none,
            words: &[],
            values: Vec::new(),
        }
    }

    fn changed(&self, pointer: &str, to: Value) -> Value {
        let mut value = self.good.clone();
        *value.pointer_mut(pointer).unwrap_or_else(|| panic!("{} has no {pointer}", self.schema)) = to;
        value
    }

    fn without(&self, field: &str) -> Value {
        let (object, key) = field.rsplit_once('/').unwrap();
        let mut value = self.good.clone();
        value.pointer_mut(object).and_then(Value::as_object_mut).and_then(|object| object.remove(key)).unwrap();
        value
    }

    fn with_another_key(&self, object: &str) -> Value {
        let mut value = self.good.clone();
        value.pointer_mut(object).and_then(Value::as_object_mut).unwrap().insert("another".to_owned(), json!([{}]));
        value
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = &'static str> {
        self.required.iter().chain(self.optional).copied()
    }

    pub(crate) fn cases(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        let mut case = |what: String, value: Value, fits: bool| cases.push(Case { what, value, fits });
        case("the good value".to_owned(), self.good.clone(), true);
        for field in self.fields() {
            case(format!("without {field}"), self.without(field), self.optional.contains(&field));
        }
        for place in self.fields().chain([""]) {
            for other in of_another_type(self.good.pointer(place).unwrap()) {
                let fits = other.is_null() && self.nullable.contains(&place);
                case(format!("{place} is {other}"), self.changed(place, other), fits);
            }
        }
        for (objects, fits) in [(self.open, true), (self.closed, false)] {
            for object in objects {
                case(format!("{object} has another key"), self.with_another_key(object), fits);
            }
        }
        for (field, words) in self.words {
            for word in *words {
                case(format!("{field} is {word}"), self.changed(field, json!(word)), true);
            }
            for word in ["", "another"] {
                case(format!("{field} is {word:?}"), self.changed(field, json!(word)), false);
            }
        }
        for (field, value, fits) in &self.values {
            case(format!("{field} is {value}"), self.changed(field, value.clone()), *fits);
        }
        cases
    }

    /// The fields of the good value, but for what is in an open object that prescribes nothing.
    pub(crate) fn fields_of_the_good_value(&self) -> Vec<String> {
        let prescribes = |object: &str| {
            !self.open.contains(&object) || self.fields().any(|field| field.rsplit_once('/').unwrap().0 == object)
        };
        let mut fields = Vec::new();
        let mut left = vec![(String::new(), &self.good)];
        while let Some((at, value)) = left.pop() {
            match value {
                Value::Object(members) if prescribes(&at) => {
                    for (key, value) in members {
                        fields.push(format!("{at}/{key}"));
                        left.push((format!("{at}/{key}"), value));
                    }
                }
                Value::Array(items) => {
                    left.extend(items.iter().enumerate().map(|(n, item)| (format!("{at}/{n}"), item)));
                }
                _ => {}
            }
        }
        fields.sort();
        fields
    }
}

/// One value of each JSON type but this value's own. A number with a fraction is no integer.
fn of_another_type(value: &Value) -> Vec<Value> {
    let all = [json!(null), json!(true), json!(7), json!(1.5), json!("text"), json!([7]), json!({ "key": 7 })];
    let is_of_the_type = |other: &Value| match (value, other) {
        (Value::Number(_), Value::Number(other)) => other.is_i64(),
        (value, other) => std::mem::discriminant(value) == std::mem::discriminant(other),
    };
    all.into_iter().filter(|other| !is_of_the_type(other)).collect()
}
