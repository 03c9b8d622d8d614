//! Each word of each schema, taken away in turn: a value of `shapes.rs` is then accepted or refused that was not before.

use std::collections::BTreeMap;

use clerk_actor_tokens::serde_json::{Map, Value};

use crate::{
    schemas::Contract,
    shapes::{answers, shapes},
};

/// A document with one change.
struct Change {
    what: String,
    document: Value,
}

/// The changes of a schema: at this pointer of this document.
fn changes(document: &Value, at: &str, found: &mut Vec<Change>) {
    let Some(schema) = document.pointer(at).and_then(Value::as_object) else { return };
    let mut change = |what: String, edit: &dyn Fn(&mut Map<String, Value>)| {
        let mut document = document.clone();
        edit(document.pointer_mut(at).and_then(Value::as_object_mut).unwrap());
        found.push(Change { what: format!("{at}: {what}"), document });
    };
    for (keyword, value) in schema {
        match (keyword.as_str(), value) {
            ("$schema" | "$id" | "title" | "description" | "default" | "$defs" | "properties", _) => {}
            ("items" | "additionalProperties" | "type" | "const" | "enum" | "required" | "anyOf" | "$ref", _)
            | ("minimum" | "maximum" | "pattern", _) => change(format!("without {keyword}"), &|schema| {
                schema.remove(keyword);
            }),
            _ => panic!("{at} has {keyword}, of which no change is known"),
        }
        for (n, entry) in value.as_array().into_iter().flatten().enumerate() {
            change(format!("{keyword} without {entry}"), &|schema| {
                schema.get_mut(keyword).and_then(Value::as_array_mut).unwrap().remove(n);
            });
        }
        for key in value.as_object().filter(|_| keyword == "properties").into_iter().flat_map(Map::keys) {
            change(format!("without the field {key}"), &|schema| {
                schema.get_mut(keyword).and_then(Value::as_object_mut).unwrap().remove(key);
            });
        }
    }
    let under = |keyword: &'static str| {
        let keys = schema.get(keyword).and_then(Value::as_object).into_iter().flat_map(Map::keys);
        keys.map(move |key| format!("{at}/{keyword}/{key}"))
    };
    for inner in under("properties").chain(under("$defs")).chain([format!("{at}/items")]) {
        changes(document, &inner, found);
    }
}

/// The values for the parts of one document, by part, and whether each fits.
fn values_for(document: &str) -> BTreeMap<String, Vec<(Value, bool)>> {
    let mut values: BTreeMap<String, Vec<(Value, bool)>> = BTreeMap::new();
    let is_a_part = |schema: &str| schema.split('/').next() == Some(document);
    for shape in shapes().into_iter().filter(|shape| is_a_part(shape.schema)) {
        let cases = shape.cases().into_iter().map(|case| (case.value, case.fits));
        values.entry(shape.schema.to_owned()).or_default().extend(cases);
    }
    for (schema, good, bad) in answers().into_iter().filter(|(schema, ..)| is_a_part(schema)) {
        values.entry(schema).or_default().extend([(good, true), (bad, false)]);
    }
    values
}

#[test]
fn each_word_of_a_schema_is_missed_if_it_goes() {
    let published = Contract::published();
    let (mut figure, mut unnoticed) = (0, Vec::new());
    for (name, document) in &published.0 {
        let (values, mut found) = (values_for(name), Vec::new());
        changes(document, "", &mut found);
        for Change { what, document } in found {
            let mut changed = published.clone();
            changed.0.insert(name.clone(), document);
            let notices = values.iter().any(|(schema, values)| {
                let validator = changed.validator(schema);
                values.iter().any(|(value, fits)| validator.is_valid(value) != *fits)
            });
            figure += 1;
            if !notices {
                unnoticed.push(format!("{name} {what}"));
            }
        }
    }
    println!("figure: contract: {figure} changes of schemas, {} of them unnoticed", unnoticed.len());
    assert!(unnoticed.is_empty() && figure > 150, "{unnoticed:#?}");
}
