//! An actor token as Clerk keeps it, as it answers it, and as a test may see it.

use std::{fmt, sync::Arc};

use clerk_actor_tokens_core::{Actor, ActorTokenId, ActorTokenStatus, Sanitized, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};

/// How long the session of a token lasts where nothing is said, in seconds.
pub(super) const DEFAULT_SESSION_MAX: u64 = 1800;

/// A token in the store. Times are milliseconds since 1970.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) id: ActorTokenId,
    pub(crate) status: ActorTokenStatus,
    pub(crate) user_id: String,
    /// Snapshots and its session share it.
    pub(crate) actor: Arc<Map<String, Value>>,
    pub(crate) ticket: String,
    pub(crate) url: String,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) expires_at: i64,
    /// In seconds.
    pub(crate) session_max_duration: u64,
    /// Its link used it up, and its session is not open yet.
    pub(crate) is_opened: bool,
    /// Whether the answer to its creation was delivered whole.
    pub(crate) delivered: bool,
}

/// The answer, in the order in which Clerk writes it: the id comes early.
#[derive(Serialize)]
pub(crate) struct TokenAnswer<'a> {
    object: &'static str,
    id: &'a str,
    status: &'a str,
    user_id: &'a str,
    actor: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    created_at: i64,
    updated_at: i64,
}

impl Token {
    pub(crate) fn to_answer(&self, with_link: bool) -> TokenAnswer<'_> {
        TokenAnswer {
            object: "actor_token",
            id: self.id.as_str(),
            status: self.status.as_str(),
            user_id: &self.user_id,
            actor: &self.actor,
            token: with_link.then_some(self.ticket.as_str()),
            url: with_link.then_some(self.url.as_str()),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    pub(crate) fn actor_sub(&self) -> Option<&str> {
        self.actor.get("sub").and_then(Value::as_str)
    }

    pub(crate) fn is_pending(&self) -> bool {
        self.status == ActorTokenStatus::Pending
    }

    pub(crate) fn is_live(&self, now: i64) -> bool {
        self.is_pending() && now < self.expires_at
    }

    /// Whether it is pending, and its creation was not answered whole.
    pub(crate) fn is_orphan(&self) -> bool {
        self.is_pending() && !self.delivered
    }

    pub(crate) fn view(&self, now: i64) -> StoredToken {
        StoredToken {
            id: self.id.clone(),
            status: self.status.clone(),
            user_id: self.user_id.clone(),
            actor: Actor::from(Map::clone(&self.actor)),
            created_at: Timestamp::from_millis(self.created_at),
            updated_at: Timestamp::from_millis(self.updated_at),
            expires_at: Timestamp::from_millis(self.expires_at),
            live: self.is_live(now),
            delivered: self.delivered,
        }
    }
}

/// A token as the emulator keeps it, at the moment of asking. Holds neither ticket nor link.
///
/// ```
/// use clerk_actor_tokens_core::{Actor, ActorTokenStatus};
/// use clerk_actor_tokens_emulator::Emulator;
///
/// # pollster::block_on(async {
/// let clerk = Emulator::new();
/// let token = clerk.client().actor_tokens().create("user_1", Actor::new("user_agent")).send().await?;
/// let stored = clerk.token(token.id()).unwrap();
/// assert_eq!(*stored.status(), ActorTokenStatus::Pending);
/// assert!(stored.is_live() && stored.is_delivered());
/// # Ok::<(), clerk_actor_tokens_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct StoredToken {
    pub(crate) id: ActorTokenId,
    pub(crate) status: ActorTokenStatus,
    pub(crate) user_id: String,
    pub(crate) actor: Actor,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) live: bool,
    pub(crate) delivered: bool,
}

impl StoredToken {
    /// Whether it is pending, and the transport did not answer its creation whole.
    pub(crate) fn is_orphan(&self) -> bool {
        *self.status() == ActorTokenStatus::Pending && !self.is_delivered()
    }

    /// Returns the id.
    #[must_use]
    pub fn id(&self) -> &ActorTokenId {
        &self.id
    }

    /// Returns the status. An unused token stays pending past its time: see
    /// [`is_live`](Self::is_live).
    #[must_use]
    pub fn status(&self) -> &ActorTokenStatus {
        &self.status
    }

    /// Returns the user to be impersonated.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// Returns the actor, who is really acting.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Returns when it was made.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// Returns when it was last changed.
    #[must_use]
    pub fn updated_at(&self) -> Timestamp {
        self.updated_at
    }

    /// Returns when its ticket ends.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Returns whether its link would work: pending, and not past its time.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Returns whether the transport delivered the answer to its creation whole: see
    /// [`LedgerEntry::is_delivered`](crate::LedgerEntry::is_delivered).
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        self.delivered
    }
}

impl fmt::Debug for StoredToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}", self.id, Sanitized::new(&self.user_id))?;
        if let Some(sub) = self.actor.sub() {
            write!(f, " by {}", Sanitized::new(sub))?;
        }
        let expired = if self.live || self.status != ActorTokenStatus::Pending { "" } else { " (expired)" };
        let delivered = if self.delivered { "answer delivered" } else { "answer not delivered" };
        write!(f, ": {}{expired}, {delivered}", Sanitized::new(self.status.as_str()))
    }
}
