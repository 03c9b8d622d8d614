//! A `serde_json::Value` of a value that was checked to be within bounds.

use serde_json::{Map, Value};

use crate::json::{
    bounds::{Budget, TooMuch},
    members::Json,
    number,
    scan::Scan,
};

impl Json<'_> {
    /// The value, if the budget allows it. Of a key that is there twice, the last one counts. A number that
    /// `serde_json::Number` cannot hold exactly is a string.
    pub(crate) fn build(self, budget: &mut Budget) -> Result<Value, TooMuch> {
        budget.check(self)?;
        // What was checked has no string that cannot be read.
        Ok(value(&mut Scan::new(self.as_bytes())).unwrap_or_default())
    }
}

/// Recurses as deep as the value is: no deeper than was checked.
fn value(scan: &mut Scan<'_>) -> Option<Value> {
    match scan.peek().ok()? {
        b'"' => Some(Value::String(scan.text().ok()?.into_owned())),
        b'[' => list(scan),
        b'{' => object(scan),
        _ => scalar(scan),
    }
}

fn list(scan: &mut Scan<'_>) -> Option<Value> {
    let mut list = Vec::new();
    scan.require(b'[').ok()?;
    while !scan.take(b']').ok()? {
        list.push(value(scan)?);
        scan.take(b',').ok()?;
    }
    Some(Value::Array(list))
}

fn object(scan: &mut Scan<'_>) -> Option<Value> {
    let mut map = Map::new();
    scan.require(b'{').ok()?;
    while !scan.take(b'}').ok()? {
        let key = scan.text().ok()?.into_owned();
        scan.require(b':').ok()?;
        map.insert(key, value(scan)?);
        scan.take(b',').ok()?;
    }
    Some(Value::Object(map))
}

fn scalar(scan: &mut Scan<'_>) -> Option<Value> {
    let rest = scan.rest();
    let end = rest.iter().position(|byte| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n'));
    let text = std::str::from_utf8(rest.get(..end.unwrap_or(rest.len()))?).ok()?;
    scan.advance(text.len());
    Some(match text {
        "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        number => number::value(number),
    })
}
