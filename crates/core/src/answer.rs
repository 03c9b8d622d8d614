//! What is read of a response of Clerk's, whichever object it is: that it is JSON at all, and its members by their types.
//!
//! Errors name the member and never its value, which may be a secret.

use std::borrow::Cow;

use http::{HeaderMap, header::CONTENT_TYPE};

use crate::{
    json::{self, End, Json},
    operation::ParseError,
};

/// Why a body that is no whole JSON object is not Clerk's, or cannot be used.
pub(crate) fn not_an_object(headers: &HeaderMap, body: &[u8], end: End, at: usize) -> ParseError {
    let body = json::without_byte_order_mark(body);
    let Some(first) = body.iter().find(|byte| !byte.is_ascii_whitespace()) else {
        return ParseError::unusable("body", "is empty");
    };
    let says_json = headers
        .get(CONTENT_TYPE)
        .is_none_or(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase().contains("json"));
    if *first == b'<' || !says_json {
        return ParseError::not_clerk("the body is not JSON: a proxy or another server may have sent it");
    }
    match end {
        End::Cut => ParseError::unusable("body", "ends early"),
        End::Whole | End::Broken => {
            ParseError::unusable("body", &format!("is not valid JSON (at byte {at} or after it)"))
        }
        End::Other if json::is_value(body) => ParseError::not_clerk("the response is not a JSON object"),
        End::Other => ParseError::unusable("body", "is not valid JSON"),
    }
}

/// A member that is null is one that is not there.
pub(crate) fn present(value: Option<Json<'_>>) -> Option<Json<'_>> {
    value.filter(|value| !value.is_null())
}

/// The text of a member that has to be there.
pub(crate) fn text<'a>(field: &str, value: Option<Json<'a>>) -> Result<Cow<'a, str>, ParseError> {
    let value = value.ok_or_else(|| ParseError::unusable(field, "is missing"))?;
    value.text().ok_or_else(|| match value.is_string() {
        true => ParseError::unusable(field, "has an invalid escape or an invalid UTF-8 byte"),
        false => wrong_type(field, "a string", value),
    })
}

/// The text of a member that may be absent or null.
pub(crate) fn optional_text<'a>(field: &str, value: Option<Json<'a>>) -> Result<Option<Cow<'a, str>>, ParseError> {
    present(value).map(|value| text(field, Some(value))).transpose()
}

pub(crate) fn wrong_type(field: &str, expected: &str, found: Json<'_>) -> ParseError {
    ParseError::unusable(field, &format!("must be {expected}, and is {}", found.kind()))
}
