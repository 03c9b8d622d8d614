//! The one careful reader of foreign JSON: for tokens, for Clerk's error envelopes, and for responses that were cut.
//!
//! - [`Members`] (and `Elements`) walk one level of an object (or array), whole or cut. Each value is given as it is written.
//! - [`Json`] is such a value. It is read as a text, a whole number, or a further level.
//! - [`Budget`] bounds the few values that are kept whole. [`Json::build`] makes a `serde_json::Value` of one.
//!
//! serde_json decides what is JSON and what a string says; what is plain is stepped over faster, with the same result. It
//! never builds a `Value` here: it reads the text behind its private keys (those of `RawValue` and of a number of any
//! precision) anew, with a fresh limit on depth. Here every key is a key, whatever features of serde_json an application
//! turns on.
//!
//! Which members matter, and what is an error in them, is not decided here.

mod bounds;
mod build;
mod members;
mod number;
mod scan;

pub(crate) use self::{
    bounds::{Budget, TooMuch, check_map},
    members::{Elements, End, Json, Members},
};

pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// RFC 8259 section 8.1 lets a parser ignore the mark; losing a token over it would help no caller.
pub(crate) fn without_byte_order_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body)
}

/// Appends a text as a JSON string.
pub(crate) fn push_text(json: &mut Vec<u8>, text: &str) {
    if memchr::memchr2(b'"', b'\\', text.as_bytes()).is_none() && !scan::has_control(text.as_bytes()) {
        json.push(b'"');
        json.extend_from_slice(text.as_bytes());
        json.push(b'"');
        return;
    }
    // A text can be written, and so can a `Vec`.
    let _ = serde_json::to_writer(json, text);
}

/// Whether these bytes are one JSON value, of any type.
pub(crate) fn is_value(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

/// Whether these bytes are the beginning of an object or an array, and end before that does.
pub(crate) fn is_cut(body: &[u8]) -> bool {
    let (mut members, mut elements) = (Members::of(body), Elements::of(body));
    members.by_ref().for_each(drop);
    elements.by_ref().for_each(drop);
    matches!(members.end(), End::Cut) || matches!(elements.end(), End::Cut)
}

/// Whether these bytes are a JSON object, or the beginning of one.
pub(crate) fn is_object_so_far(body: &[u8]) -> bool {
    let body = without_byte_order_mark(body).trim_ascii_start();
    let mut members = Members::of(body);
    members.by_ref().for_each(drop);
    body.is_empty() || matches!(members.end(), End::Whole | End::Cut)
}
