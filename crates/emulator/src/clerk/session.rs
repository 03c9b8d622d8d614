//! A session as Clerk keeps it, as it answers it, and as a test may see it.

use std::{fmt, sync::Arc};

use clerk_actor_tokens_core::{Actor, Sanitized, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value, json};

pub(crate) const ACTIVE: &str = "active";
pub(crate) const PENDING: &str = "pending";
pub(crate) const REPLACED: &str = "replaced";
pub(crate) const REVOKED: &str = "revoked";
pub(crate) const EXPIRED: &str = "expired";

/// The statuses of a session that is over. A session of any other status is live, also of a word that Clerk does not have.
pub(crate) const OVER: [&str; 6] = ["abandoned", "ended", EXPIRED, "removed", REPLACED, REVOKED];

/// How long an impersonated session lasts without activity, in milliseconds.
const INACTIVITY: i64 = 10 * 60 * 1000;

/// The task of a session that is pending.
const TASK: &str = "choose-organization";

/// A session in the store. Times are milliseconds since 1970.
#[derive(Clone)]
pub(crate) struct SessionRecord {
    pub(crate) id: String,
    pub(crate) client_id: String,
    pub(crate) user_id: String,
    pub(crate) actor: Option<Arc<Map<String, Value>>>,
    pub(crate) status: String,
    pub(crate) has_tasks: bool,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) last_active_at: i64,
    pub(crate) expire_at: i64,
    /// The session of the actor, as a claim names it.
    #[cfg_attr(not(feature = "signing"), allow(dead_code, reason = "only a signed claim names it"))]
    pub(crate) actor_session_id: String,
    /// Since when it is over.
    pub(crate) over_since: Option<i64>,
}

/// The answer, in Clerk's order: the id comes early.
#[derive(Serialize)]
pub(crate) struct SessionAnswer<'a> {
    object: &'static str,
    id: &'a str,
    client_id: &'a str,
    user_id: &'a str,
    status: &'a str,
    last_active_organization_id: Option<&'a str>,
    actor: Option<Value>,
    last_active_at: i64,
    latest_activity: Option<&'a str>,
    expire_at: i64,
    abandon_at: i64,
    created_at: i64,
    updated_at: i64,
    tasks: Option<Value>,
}

impl SessionRecord {
    pub(crate) fn to_answer(&self, drops_actor_keys: bool) -> SessionAnswer<'_> {
        let actor = self.actor.as_ref().map(|actor| match actor.get("sub") {
            Some(sub) if drops_actor_keys => json!({ "sub": sub }),
            _ => Value::Object(Map::clone(actor)),
        });
        SessionAnswer {
            object: "session",
            id: &self.id,
            client_id: &self.client_id,
            user_id: &self.user_id,
            status: &self.status,
            last_active_organization_id: None,
            actor,
            last_active_at: self.last_active_at,
            latest_activity: None,
            expire_at: self.expire_at,
            abandon_at: self.expire_at,
            created_at: self.created_at,
            updated_at: self.updated_at,
            tasks: self.has_tasks.then(|| json!([{ "key": TASK }])),
        }
    }

    pub(crate) fn actor_sub(&self) -> Option<&str> {
        self.actor.as_ref()?.get("sub").and_then(Value::as_str)
    }

    pub(crate) fn is_live(&self) -> bool {
        !OVER.contains(&self.status.as_str())
    }

    /// From this moment on it has another status.
    pub(crate) fn become_status(&mut self, status: &str, at: i64) {
        status.clone_into(&mut self.status);
        self.updated_at = at;
        self.over_since = (!self.is_live()).then_some(at);
    }

    /// When it ends by inactivity. Only an impersonated session does.
    pub(crate) fn inactive_at(&self) -> i64 {
        self.actor.as_ref().map_or(i64::MAX, |_| self.last_active_at.saturating_add(INACTIVITY))
    }

    /// What time has made of it by now.
    pub(crate) fn settle(&mut self, inactive_as: &str, now: i64) {
        if !self.is_live() {
            return;
        }
        let inactive_at = self.inactive_at();
        if now >= self.expire_at && self.expire_at <= inactive_at {
            self.become_status(EXPIRED, self.expire_at);
        } else if now >= inactive_at {
            self.become_status(inactive_as, inactive_at);
        }
    }

    pub(crate) fn view(&self) -> StoredSession {
        StoredSession {
            id: self.id.clone(),
            user_id: self.user_id.clone(),
            actor: self.actor.as_deref().cloned().map(Actor::from),
            status: self.status.clone(),
            live: self.is_live(),
            created_at: Timestamp::from_millis(self.created_at),
            expire_at: Timestamp::from_millis(self.expire_at),
        }
    }
}

/// A session as the emulator keeps it, at the moment of asking. Holds no token.
///
/// ```
/// use clerk_actor_tokens_core::Actor;
/// use clerk_actor_tokens_emulator::Emulator;
///
/// let clerk = Emulator::new();
/// let opened = clerk.sign_in_as("user_1", &Actor::new("user_agent"));
/// let stored = clerk.session(opened.id()).unwrap();
/// assert_eq!((stored.user_id(), stored.status()), ("user_1", "active"));
/// assert_eq!(stored.actor().and_then(Actor::sub), Some("user_agent"));
/// assert!(stored.is_live() && stored.created_at() < stored.expire_at());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct StoredSession {
    pub(crate) id: String,
    pub(crate) user_id: String,
    pub(crate) actor: Option<Actor>,
    pub(crate) status: String,
    pub(crate) live: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) expire_at: Timestamp,
}

impl StoredSession {
    /// Returns the id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the user whose session it is.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// Returns the actor, or `None` if the user signed in.
    #[must_use]
    pub fn actor(&self) -> Option<&Actor> {
        self.actor.as_ref()
    }

    /// Returns the status: `active`, `pending`, or one of a session that is over.
    #[must_use]
    pub fn status(&self) -> &str {
        &self.status
    }

    /// Returns whether it is not over: `active` or `pending`, or a status that Clerk does not have.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Returns when it was opened.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// Returns when it expires.
    #[must_use]
    pub fn expire_at(&self) -> Timestamp {
        self.expire_at
    }
}

impl fmt::Debug for StoredSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", Sanitized::new(&self.id), Sanitized::new(&self.user_id))?;
        if let Some(sub) = self.actor.as_ref().and_then(Actor::sub) {
            write!(f, " by {}", Sanitized::new(sub))?;
        }
        write!(f, ": {}", Sanitized::new(&self.status))
    }
}
