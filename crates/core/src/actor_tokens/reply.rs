//! Reading Clerk's `ActorToken` object, with errors that name the place and never the value.
//!
//! Each member is found as any JSON first, then read by itself, so that a wrong type is told by its path and the two types:
//! serde_json's own message would quote the value, which may be a ticket. What is not looked at is not built.

use http::header::CONTENT_TYPE;
use serde_json::{Value, error::Category, value::RawValue};

use crate::{
    actor_token_id::ActorTokenId,
    actor_tokens::model::{Actor, ActorToken, SignInUrl, Ticket, Timestamp},
    json,
    operation::ParseError,
    token_status::ActorTokenStatus,
    transport::Response,
};

/// The members that are looked at, first as they stand in the body, then read. A member that stands twice is an error: which
/// one is meant is anybody's guess.
#[derive(serde::Deserialize)]
struct Members<V> {
    object: Option<V>,
    id: Option<V>,
    status: Option<V>,
    user_id: Option<V>,
    actor: Option<V>,
    token: Option<V>,
    url: Option<V>,
    created_at: Option<V>,
    updated_at: Option<V>,
}

impl Members<&RawValue> {
    fn read(self) -> Result<Members<Value>, ParseError> {
        Ok(Members {
            object: value("object", self.object)?,
            id: value("id", self.id)?,
            status: value("status", self.status)?,
            user_id: value("user_id", self.user_id)?,
            actor: value("actor", self.actor)?,
            token: value("token", self.token)?,
            url: value("url", self.url)?,
            created_at: value("created_at", self.created_at)?,
            updated_at: value("updated_at", self.updated_at)?,
        })
    }
}

fn value(field: &str, found: Option<&RawValue>) -> Result<Option<Value>, ParseError> {
    let Some(found) = found.map(RawValue::get) else { return Ok(None) };
    if !json::is_modest(found.as_bytes()) {
        return Err(ParseError::unusable(field, "has more members than any token's"));
    }
    // Found whole it is JSON; what is left are nesting deeper than anybody reads, and escapes that are no characters.
    serde_json::from_str(found)
        .map(Some)
        .map_err(|_| ParseError::unusable(field, "is nested too deeply, or escapes what is no character"))
}

/// What an answer must say to be the answer to this request.
#[derive(Default)]
pub(super) struct Binding<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) user_id: Option<&'a str>,
    pub(super) actor_sub: Option<&'a str>,
}

impl Binding<'_> {
    /// Looked at before anything else is read: an answer for somebody else is withheld also where it is unusable.
    fn check(&self, wire: &Members<Value>) -> Result<(), ParseError> {
        let differs = |expected: Option<&str>, got: Option<&Value>| match (expected, got) {
            (Some(expected), Some(got)) => got.as_str() != Some(expected),
            _ => false,
        };
        // A wrong type is told as such, further on.
        let user_id = wire.user_id.as_ref().filter(|value| value.is_string());
        if differs(self.user_id, user_id) {
            return Err(ParseError::mismatch("user_id"));
        }
        // The schema lets the echo go without a `sub`; one that differs belongs to another request.
        let actor_sub = wire.actor.as_ref().and_then(|actor| actor.get("sub"));
        if differs(self.actor_sub, actor_sub) {
            return Err(ParseError::mismatch("actor.sub"));
        }
        let is_id = |id: &&Value| id.as_str().is_some_and(|id| ActorTokenId::new(id).is_ok());
        if self.id.is_some() && differs(self.id, wire.id.as_ref().filter(is_id)) {
            return Err(ParseError::mismatch("id"));
        }
        Ok(())
    }
}

/// The token in a 2xx answer.
pub(super) fn read(response: &Response, binding: &Binding<'_>) -> Result<ActorToken, ParseError> {
    if !response.status().is_success() {
        return Err(ParseError::status());
    }
    let body = json::without_byte_order_mark(response.body());
    // serde reads a struct from an array of its fields too.
    if first_of(body) == Some(b'[') {
        return Err(ParseError::not_clerk("the answer is no JSON object"));
    }
    let found: Members<&RawValue> = serde_json::from_slice(body).map_err(|error| not_json(response, body, &error))?;
    let wire = found.read()?;
    binding.check(&wire)?;
    // Clerk marks each of its objects. What bears no mark came from somewhere else.
    match &wire.object {
        Some(Value::String(object)) if object == "actor_token" => {}
        _ => return Err(ParseError::not_clerk("the answer is not an `actor_token` object")),
    }
    let id = text("id", wire.id)?;
    Ok(ActorToken {
        id: ActorTokenId::new(id.as_str())
            .map_err(|_| ParseError::unusable("id", "is outside the grammar of ids").with_raw_id(&id))?,
        status: ActorTokenStatus::from(text("status", wire.status)?.as_str()),
        user_id: text("user_id", wire.user_id)?,
        actor: match wire.actor {
            None => None,
            Some(Value::Object(map)) => Some(Actor::from(map)),
            Some(other) => return Err(wrong_type("actor", "an object", &other)),
        },
        token: optional_text("token", wire.token)?.map(Ticket::new),
        url: optional_text("url", wire.url)?.map(SignInUrl::new),
        created_at: timestamp("created_at", wire.created_at)?,
        updated_at: timestamp("updated_at", wire.updated_at)?,
        expires_at: None,
    })
}

fn not_json(response: &Response, body: &[u8], error: &serde_json::Error) -> ParseError {
    let first = first_of(body);
    let says_json = response
        .headers()
        .get(CONTENT_TYPE)
        .is_none_or(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase().contains("json"));
    if first == Some(b'<') || (first.is_some() && !says_json) {
        return ParseError::not_clerk("the answer is no JSON, but some other page");
    }
    let problem = match error.classify() {
        _ if first.is_none() => return ParseError::unusable("body", "is empty"),
        Category::Eof => "ends early",
        Category::Syntax => "is not valid JSON",
        // With every member found as any JSON, these are what is left.
        Category::Data if first == Some(b'{') => "has a member twice",
        Category::Data | Category::Io => return ParseError::not_clerk("the answer is no JSON object"),
    };
    ParseError::unusable("body", &format!("{problem} (line {}, column {})", error.line(), error.column()))
}

fn first_of(body: &[u8]) -> Option<u8> {
    body.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

fn text(field: &str, value: Option<Value>) -> Result<String, ParseError> {
    optional_text(field, value)?.ok_or_else(|| ParseError::unusable(field, "is missing"))
}

fn optional_text(field: &str, value: Option<Value>) -> Result<Option<String>, ParseError> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(wrong_type(field, "a string", &other)),
    }
}

fn timestamp(field: &str, value: Option<Value>) -> Result<Timestamp, ParseError> {
    let value = value.ok_or_else(|| ParseError::unusable(field, "is missing"))?;
    value.as_i64().map(Timestamp::from_millis).ok_or_else(|| wrong_type(field, "a 64-bit integer", &value))
}

fn wrong_type(field: &str, expected: &str, value: &Value) -> ParseError {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "another number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    ParseError::unusable(field, &format!("should be {expected} and is {found}"))
}
