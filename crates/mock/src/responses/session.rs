//! Answers that hold a session, or a page of them.
#![allow(clippy::panic, reason = "what is no session fails the test, at the caller's line")]

use clerk_actor_tokens_core::{GetSession, Operation, Session};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    head::Head,
    object::object_response,
    sample::{CREATED_AT, SAMPLE_ACTOR_SUB, SAMPLE_SESSION_ID, SAMPLE_USER_ID},
};

const CLIENT_ID: &str = "client_2SampleClientForUnitTests01";
/// Half an hour in milliseconds: how long an impersonated session lasts by default.
const LASTS: i64 = 30 * 60 * 1000;

/// An answer that holds a session: what [`session`](super::session) gives.
///
/// ```
/// use clerk_actor_tokens_mock::responses;
///
/// let of_the_user = responses::session().id("sess_1").field("actor", serde_json::Value::Null).without("tasks");
/// let body: serde_json::Value = serde_json::from_slice(of_the_user.build().body()).unwrap();
/// assert_eq!(body["id"], "sess_1");
/// assert!(body["actor"].is_null() && body.get("tasks").is_none());
/// ```
#[derive(Clone)]
#[must_use]
pub struct SessionResponse {
    head: Head,
    fields: Map<String, Value>,
}

impl SessionResponse {
    pub(super) fn active() -> Self {
        Self { head: Head::new(StatusCode::OK), fields: Map::new() }
            .field("object", "session")
            .id(SAMPLE_SESSION_ID)
            .user_id(SAMPLE_USER_ID)
            .field("client_id", CLIENT_ID)
            .status("active")
            .actor_sub(SAMPLE_ACTOR_SUB)
            .field("last_active_organization_id", Value::Null)
            .field("tasks", Value::Null)
            .field("latest_activity", Value::Null)
            .field("created_at", CREATED_AT)
            .field("updated_at", CREATED_AT)
            .field("last_active_at", CREATED_AT)
            .field("expire_at", CREATED_AT.saturating_add(LASTS))
            .field("abandon_at", CREATED_AT.saturating_add(LASTS))
    }

    /// Sets the session's id.
    pub fn id(self, id: impl AsRef<str>) -> Self {
        self.field("id", id.as_ref())
    }

    /// Sets the user as whom somebody is signed in.
    pub fn user_id(self, user_id: impl Into<String>) -> Self {
        self.field("user_id", user_id.into())
    }

    /// Sets the actor to this subject and no further keys. For those, and for none, use [`field`](Self::field).
    pub fn actor_sub(self, sub: impl Into<String>) -> Self {
        self.field("actor", json!({ "sub": sub.into() }))
    }

    /// Sets the session's status: `active`, `pending`, `revoked`, or any other word.
    pub fn status(self, status: &str) -> Self {
        self.field("status", status)
    }

    /// The value that a client makes of this answer.
    ///
    /// # Panics
    /// If a client would not take the answer for a session.
    ///
    /// ```
    /// use clerk_actor_tokens_mock::responses;
    /// let session = responses::session().id("sess_1").to_session();
    /// assert!(session.id().as_str() == "sess_1" && session.status().is_live());
    /// ```
    #[track_caller]
    #[must_use]
    pub fn to_session(&self) -> Session {
        let id = self.fields.get("id").and_then(Value::as_str).unwrap_or_default();
        match GetSession::new(id).parse(&self.clone().build()) {
            Ok(session) => session,
            Err(error) => panic!("no client takes this answer for a session: {error}"),
        }
    }
}

object_response!(SessionResponse);

/// An answer that holds a page of sessions: what [`sessions`](super::sessions) gives.
///
/// ```
/// use clerk_actor_tokens_mock::responses;
///
/// // The first page of two.
/// let page = responses::sessions([responses::session().id("sess_1")]).field("total_count", 2);
/// let body: serde_json::Value = serde_json::from_slice(page.build().body()).unwrap();
/// assert_eq!(body["data"][0]["id"], "sess_1");
/// assert_eq!(body["total_count"], 2);
/// ```
#[derive(Clone)]
#[must_use]
pub struct SessionsResponse {
    head: Head,
    fields: Map<String, Value>,
}

impl SessionsResponse {
    pub(super) fn new(sessions: impl IntoIterator<Item = SessionResponse>) -> Self {
        let data: Vec<_> = sessions.into_iter().map(|session| Value::Object(session.fields)).collect();
        Self { head: Head::new(StatusCode::OK), fields: Map::new() }
            .field("total_count", data.len())
            .field("data", data)
    }
}

object_response!(SessionsResponse);
