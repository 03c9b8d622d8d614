//! The id of a token from an answer that was cut short.
//!
//! Reads the top level of a JSON object up to wherever it ends, without recursion. An id counts if, and only if, it is
//! a string of the top-level member `id` whose closing quote arrived, and nothing that arrived speaks against it:
//! another `id`, an `object`, a `user_id` or an `actor` that is not ours, or anything that is not JSON before it.

use serde::de::IgnoredAny;

use crate::{
    actor_token_id::ActorTokenId,
    json::{self, BYTE_ORDER_MARK, without_byte_order_mark},
    operation::ParseError,
};

/// The id in this answer, or this beginning of one, to the creation of a token for `user_id` by `actor_sub`.
///
/// # Errors
/// What arrived shows that it is the answer to something else, or none of Clerk's.
pub(super) fn id_of_token_for(
    user_id: &str,
    actor_sub: Option<&str>,
    body: &[u8],
) -> Result<Option<String>, ParseError> {
    if BYTE_ORDER_MARK.starts_with(body) {
        return Ok(None);
    }
    let first = without_byte_order_mark(body).iter().find(|byte| !byte.is_ascii_whitespace());
    if first.is_some_and(|first| *first != b'{') {
        return Err(ParseError::not_clerk("the answer is no JSON object"));
    }
    let mut id: Option<String> = None;
    let mut is_clear = true;
    for (key, value) in Members::of(body) {
        match (key.as_str(), value) {
            ("user_id", Value::Text(other)) if other != user_id => return Err(ParseError::mismatch("user_id")),
            ("actor", Value::Nested(actor)) if is_other_actor(actor_sub, actor) => {
                return Err(ParseError::mismatch("actor.sub"));
            }
            ("object", Value::Text(object)) if object != "actor_token" => {
                return Err(ParseError::not_clerk("the answer is not an `actor_token` object"));
            }
            ("id", Value::Text(other)) if id.as_ref().is_some_and(|id| *id != other) => is_clear = false,
            ("id", Value::Text(text)) => id = Some(text),
            ("id" | "object" | "user_id", Value::Nested(_) | Value::Scalar) => is_clear = false,
            _ => {}
        }
    }
    Ok(id.filter(|id| is_clear && ActorTokenId::new(id.as_str()).is_ok()))
}

/// Whether an echoed actor names somebody else. One without a `sub`, or too deep or too large to be read, names nobody.
fn is_other_actor(sub: Option<&str>, actor: &[u8]) -> bool {
    if !json::is_modest(actor) {
        return false;
    }
    let actor: serde_json::Value = serde_json::from_slice(actor).unwrap_or_default();
    actor.get("sub").is_some_and(|echoed| echoed.as_str() != sub)
}

/// The members whose texts are looked at.
const LOOKED_AT: [&str; 3] = ["id", "object", "user_id"];

enum Value<'a> {
    Text(String),
    /// A string of another member.
    Unread,
    Nested(&'a [u8]),
    Scalar,
}

/// The top-level members of a JSON object that arrived whole, in order.
struct Members<'a> {
    rest: &'a [u8],
    first: bool,
}

impl<'a> Members<'a> {
    fn of(body: &'a [u8]) -> Self {
        let mut members = Members { rest: without_byte_order_mark(body), first: true };
        if members.expect_byte(b'{').is_none() {
            members.rest = &[];
        }
        members
    }

    fn skip_space(&mut self) {
        while let Some((b' ' | b'\t' | b'\r' | b'\n', rest)) = self.rest.split_first() {
            self.rest = rest;
        }
    }

    fn expect_byte(&mut self, byte: u8) -> Option<()> {
        self.skip_space();
        let (first, rest) = self.rest.split_first()?;
        (*first == byte).then(|| self.rest = rest)
    }

    fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.rest.first().copied()
    }

    fn member(&mut self) -> Option<(String, Value<'a>)> {
        if !std::mem::take(&mut self.first) {
            self.expect_byte(b',')?;
        }
        let key = self.string()?;
        self.expect_byte(b':')?;
        let value = match self.peek()? {
            b'"' if LOOKED_AT.contains(&key.as_str()) => Value::Text(self.string()?),
            b'"' => self.skip_string()?,
            b'{' | b'[' => self.skip_nested()?,
            _ => self.skip_scalar()?,
        };
        Some((key, value))
    }

    /// A whole string, unescaped. serde_json does the unescaping; here only its end is found.
    fn string(&mut self) -> Option<String> {
        serde_json::from_slice(self.quoted()?).ok()
    }

    /// A whole string that nobody looks at: what `parse` skips must not hide the id from here either.
    fn skip_string(&mut self) -> Option<Value<'a>> {
        is_json(self.quoted()?).then_some(Value::Unread)
    }

    fn quoted(&mut self) -> Option<&'a [u8]> {
        if self.peek()? != b'"' {
            return None;
        }
        let (quoted, rest) = self.rest.split_at_checked(end_of_string(self.rest)?)?;
        self.rest = rest;
        Some(quoted)
    }

    /// An object or array, by counting brackets outside strings: no stack, however deep it is.
    fn skip_nested(&mut self) -> Option<Value<'a>> {
        let begin = self.rest;
        let mut depth = 0usize;
        loop {
            let at = self.rest.iter().position(|byte| matches!(byte, b'{' | b'[' | b'}' | b']' | b'"'))?;
            let (_, found) = self.rest.split_at_checked(at)?;
            let (byte, behind) = found.split_first()?;
            self.rest = behind;
            match byte {
                b'"' => {
                    let (_, rest) = found.split_at_checked(end_of_string(found)?)?;
                    self.rest = rest;
                }
                b'{' | b'[' => depth = depth.checked_add(1)?,
                _ => depth = depth.checked_sub(1)?,
            }
            if depth == 0 {
                let len = begin.len().checked_sub(self.rest.len())?;
                return begin.get(..len).filter(|nested| is_json(nested)).map(Value::Nested);
            }
        }
    }

    /// A number, `true`, `false` or `null`, which ends where something else begins.
    fn skip_scalar(&mut self) -> Option<Value<'a>> {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        let end = self.rest.iter().position(|byte| !is_part(byte))?;
        let (scalar, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        is_json(scalar).then_some(Value::Scalar)
    }
}

/// Whether this is one JSON value. serde_json skips it without a stack of calls, however deep it is.
fn is_json(value: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(value).is_ok()
}

/// The length of the string that `bytes` begin with, both quotes included. `None` if its closing quote is not there.
fn end_of_string(bytes: &[u8]) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in bytes.iter().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at.checked_add(1),
            _ => {}
        }
    }
    None
}

impl<'a> Iterator for Members<'a> {
    type Item = (String, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let member = self.member();
        if member.is_none() {
            self.rest = &[];
        }
        member
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn salvage(body: &str) -> Option<String> {
        id_of_token_for("user_1", Some("user_2"), body.as_bytes()).unwrap_or(None)
    }

    #[test]
    fn what_arrived_may_show_that_it_is_not_ours() {
        let table = [
            (r#"{"id":"act_1","user_id":"user_9","#, Some(ParseError::mismatch("user_id"))),
            (r#"{"user_id":"user_9","id":"act"#, Some(ParseError::mismatch("user_id"))),
            (r#"{"actor":{"sub":"user_9"},"tok"#, Some(ParseError::mismatch("actor.sub"))),
            (r#"{"user_id":"user_"#, None),
            (r#"{"actor":{"sub":"user_9""#, None),
            (r#"{"user_id":7,"actor":[],"id":"act_1","#, None),
            (" ", None),
            ("", None),
        ];
        for (body, expected) in table {
            assert_eq!(id_of_token_for("user_1", Some("user_2"), body.as_bytes()).err(), expected, "{body}");
        }
        for body in ["<html>", "\u{feff} [", "OK", r#"{"object":"session","#] {
            let error = id_of_token_for("user_1", Some("user_2"), body.as_bytes()).unwrap_err();
            assert!(matches!(error.0, crate::operation::ParseProblem::NotClerk { .. }), "{body}");
        }
    }

    #[test]
    fn only_a_whole_top_level_id_of_our_token_counts() {
        let table = [
            (r#"{"id":"act_1""#, Some("act_1")),
            (r#" { "object" : "actor_token" , "id" : "act_1" , "st"#, Some("act_1")),
            ("\u{feff}{\"id\":\"act_1\"", Some("act_1")),
            (r#"{"\u0069d":"act_\u0031","x"#, Some("act_1")),
            (r#"{"id":"act_1","id":"act_1""#, Some("act_1")),
            (r#"{"actor":{"id":"act_9","x":["\"}",{"id":"act_9"}]},"id":"act_1""#, Some("act_1")),
            (r#"{"n":-1.5e+3,"t":true,"u":null,"id":"act_1"}"#, Some("act_1")),
            (r#"{"id":"act_1","user_id":"user_1"}"#, Some("act_1")),
            (r#"{"id":"act_1","user_id":"user_"#, Some("act_1")),
            (r#"{"id":"act_1"#, None),
            (r#"{"id":"act_1\""#, None),
            (r#"{"id":"act_1","id":"act_2""#, None),
            (r#"{"id":"act_1","user_id":"user_2","#, None),
            (r#"{"id":"act_1","object":"session","#, None),
            (r#"{"id":"act_1","user_id":7,"#, None),
            (r#"{"id":"act_1","actor":{"sub":"user_2"}"#, Some("act_1")),
            (r#"{"id":"act_1","actor":{"sub":"user_9""#, Some("act_1")),
            (r#"{"id":"act_1","actor":{},"x":1,"#, Some("act_1")),
            (r#"{"id":"act_1","actor":null,"#, Some("act_1")),
            (r#"{"id":"act_1","actor":{"sub":"user_9"}"#, None),
            (r#"{"actor":{"x":[{}],"sub":7},"id":"act_1""#, None),
            (r#"{"id":7,"#, None),
            (r#"{"id":"","#, None),
            (r#"{"id":"../users","#, None),
            (r#"{"actor":{"id":"act_9""#, None),
            (r#"{"url":"\"id\":\"act_9\"""#, None),
            (r#"[{"id":"act_9"}"#, None),
            (r#""id":"act_9""#, None),
            (r#"{{"id":"act_9"}"#, None),
            (r#"{"x" "id":"act_9""#, None),
            (r#"{]"id":"act_9""#, None),
            ("", None),
            ("<html>", None),
        ];
        for (body, expected) in table {
            assert_eq!(salvage(body).as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn ten_million_brackets_need_no_stack() {
        let body = format!("{{\"actor\":{}", "[".repeat(10_000_000));
        assert_eq!(salvage(&body), None);
    }

    proptest! {
        #[test]
        fn a_cut_after_the_closing_quote_salvages_the_id_and_a_cut_before_gives_none(
            id in "[A-Za-z0-9_-]{1,30}", decoy in "[A-Za-z0-9_-]{1,30}", text in "\\PC{0,30}", cut in 0usize..400
        ) {
            let before = json!({"actor": {"id": decoy, "x": text}, "note": text}).to_string();
            let head = format!("{},\"id\":\"{id}\"", before.trim_end_matches('}').to_owned()
                + if before.ends_with("}}") { "}}" } else { "" });
            prop_assume!(serde_json::from_str::<serde_json::Value>(&format!("{head}}}")).is_ok());
            let body = format!("{head},\"status\":\"pending\",\"user_id\":\"user_1\"}}");
            let cut = cut.min(body.len());
            let expected = (cut >= head.len()).then_some(id);
            prop_assert_eq!(id_of_token_for("user_1", None, &body.as_bytes()[..cut]), Ok(expected));
        }

        #[test]
        fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = id_of_token_for("user_1", Some("user_2"), &body);
        }
    }
}
