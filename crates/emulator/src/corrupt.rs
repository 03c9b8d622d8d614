//! Clerk's answer, changed on its way: what the faults of an answer's content do to its bytes.
//!
//! A change of one member of a list is one of its newest session: see `page.rs`.
//!
//! Pure: an answer goes in, another comes out. The order of the members stays, for the id must come as early as it does
//! at Clerk.

mod gzip;
mod members;
mod page;

use bytes::Bytes;
use clerk_actor_tokens_core::Response;
use http::{
    HeaderValue,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use serde_json::Value;

use crate::{
    fault::{ANOTHER, Change},
    ledger::LedgerEntry,
};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The answer as the client gets it. `None` if that makes no difference. `earlier` is an answer to another request.
pub(crate) fn corrupt(change: &Change, reply: &Response, earlier: Option<Response>) -> Option<Response> {
    let mut response = reply.clone();
    let body = match change {
        Change::ContentType(value) => {
            response.headers_mut().insert(CONTENT_TYPE, value.clone());
            reply.body().clone()
        }
        Change::Gzip => {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            gzip::compressed(reply.body()).into()
        }
        Change::Bom => [BYTE_ORDER_MARK, reply.body()].concat().into(),
        Change::PaddedTo(bytes) => {
            let spaces = vec![b' '; bytes.saturating_sub(reply.body().len())];
            [reply.body(), spaces.as_slice()].concat().into()
        }
        Change::Stale => match earlier {
            Some(earlier) => return Some(earlier),
            None => page::edit(reply.body(), None, |members| {
                // An actor that is null has no subject to change.
                members.is_of(Some(ANOTHER), None)?;
                members.is_of(None, Some(ANOTHER));
                Some(())
            })?,
        },
        Change::Malformed => malformed(reply.body())?,
        content => page::edit(reply.body(), content.member(), |members| members.apply(content))?,
    };
    *response.body_mut() = body;
    let is_same = response.body() == reply.body() && response.headers() == reply.headers();
    (!is_same).then_some(response)
}

/// Whether an answer can be read and names the token or the session of this commit: then its caller knows of it.
pub(crate) fn names(response: &Response, entry: &LedgerEntry) -> bool {
    let body = response.body();
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    let Ok(token) = serde_json::from_slice::<Value>(body) else { return false };
    let says = |field: &str, what: &str| token.get(field).and_then(Value::as_str) == Some(what);
    let sub = token.get("actor").and_then(|actor| actor.get("sub")).and_then(Value::as_str);
    says("object", if entry.session_id().is_some() { "session" } else { "actor_token" })
        && says("id", entry.id.as_str())
        && says("user_id", &entry.user_id)
        && (sub.is_none() || sub == entry.actor_sub.as_deref())
}

/// With a comma too many, before the last bracket.
fn malformed(body: &[u8]) -> Option<Bytes> {
    let (last, rest) = body.split_last()?;
    Some([rest, b",", [*last].as_slice()].concat().into())
}

#[cfg(test)]
mod tests;
