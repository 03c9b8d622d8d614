//! Answers that hold an actor token.
#![allow(clippy::panic, reason = "what is no token fails the test, at the caller's line")]

use clerk_actor_tokens_core::{Actor, ActorToken, CreateActorToken, Operation};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    head::Head,
    object::object_response,
    sample::{CREATED_AT, SAMPLE_ACTOR_SUB, SAMPLE_ID, SAMPLE_USER_ID},
};

/// A ticket of the form that Clerk's have, for [`SAMPLE_ID`], expired long ago. Its signature is none.
const TICKET: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.\
    eyJlaXMiOjM2MDAsImV4cCI6MTcwMDAwMzYwMCwiaWlkIjoiaW5zX3NhbXBsZSIsInNpZCI6ImFjdF8yU2FtcGxlQWN0b3JUb2tlbkZvclRlc3RzMDEiLCJzdCI6ImFjdG9yX3Rva2VuIn0.\
    c2FtcGxl";
const SIGN_IN: &str = "https://clerk.example.com/v1/tickets/accept?ticket=";

/// An answer that holds an actor token: what [`actor_token`](super::actor_token) and
/// [`revoked_actor_token`](super::revoked_actor_token) give.
///
/// ```
/// use clerk_actor_tokens_mock::responses;
///
/// let without_link = responses::actor_token().id("act_1").field("token", serde_json::Value::Null).without("url");
/// let body: serde_json::Value = serde_json::from_slice(without_link.build().body()).unwrap();
/// assert_eq!(body["id"], "act_1");
/// assert!(body["token"].is_null() && body.get("url").is_none());
/// ```
#[derive(Clone)]
#[must_use]
pub struct ActorTokenResponse {
    head: Head,
    fields: Map<String, Value>,
}

impl ActorTokenResponse {
    pub(super) fn pending() -> Self {
        Self { head: Head::new(StatusCode::OK), fields: Map::new() }
            .field("object", "actor_token")
            .id(SAMPLE_ID)
            .status("pending")
            .user_id(SAMPLE_USER_ID)
            .actor_sub(SAMPLE_ACTOR_SUB)
            .field("token", TICKET)
            .field("url", format!("{SIGN_IN}{TICKET}"))
            .field("created_at", CREATED_AT)
            .field("updated_at", CREATED_AT)
    }

    pub(super) fn revoked() -> Self {
        Self::pending().status("revoked").field("token", Value::Null).field("url", Value::Null)
    }

    /// Sets the token's id.
    pub fn id(self, id: impl AsRef<str>) -> Self {
        self.field("id", id.as_ref())
    }

    /// Sets the user to be impersonated.
    pub fn user_id(self, user_id: impl Into<String>) -> Self {
        self.field("user_id", user_id.into())
    }

    /// Sets the actor to this subject and no further keys. For those, use [`field`](Self::field).
    pub fn actor_sub(self, sub: impl Into<String>) -> Self {
        self.field("actor", json!({ "sub": sub.into() }))
    }

    /// Sets the token's status: `pending`, `accepted`, `revoked`, or any other word.
    pub fn status(self, status: &str) -> Self {
        self.field("status", status)
    }

    /// The value that a client makes of this answer to a create without durations, for
    /// [`MockActorTokensApi`](crate::MockActorTokensApi).
    ///
    /// # Panics
    /// If a client would not take the answer for a token.
    ///
    /// ```
    /// use clerk_actor_tokens_mock::responses;
    /// let token = responses::actor_token().id("act_1").to_actor_token();
    /// assert_eq!(token.id().as_str(), "act_1");
    /// ```
    #[track_caller]
    #[must_use]
    pub fn to_actor_token(&self) -> ActorToken {
        let user_id = self.fields.get("user_id").and_then(Value::as_str).unwrap_or_default();
        let actor = self.fields.get("actor").and_then(Value::as_object).cloned().unwrap_or_default();
        match CreateActorToken::new(user_id, Actor::from(actor)).parse(&self.clone().build()) {
            Ok(token) => token,
            Err(error) => panic!("no client takes this answer for an actor token: {error}"),
        }
    }
}

object_response!(ActorTokenResponse);
