//! What an application stores of an actor token: all of it but the credentials.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    actor_token_id::ActorTokenId,
    actor_tokens::{actor::Actor, timestamp::Timestamp},
    secret::Sanitized,
    token_status::ActorTokenStatus,
};

/// An actor token without its link and its ticket: what an application writes into its database.
///
/// Clerk lists no actor tokens, so a token that was not written down cannot be found again. serde writes the names and the
/// values that Clerk uses. The actor is the application's own data, and is kept whole. `Debug` shows no value of its
/// further keys.
///
/// serde reads it from a self-describing format, such as JSON. serde_json reads at most 127 levels
/// of nesting. The record is one of them.
///
/// ```
/// use clerk_actor_tokens_core::{ActorToken, ActorTokenRecord, serde_json};
///
/// fn write_down(token: &ActorToken) -> serde_json::Result<String> {
///     serde_json::to_string(token.record())
/// }
///
/// let stored = r#"{"id":"act_1","status":"pending","user_id":"user_customer","actor":{"sub":"user_agent"},
///     "created_at":1700000000000,"updated_at":1700000000000,"expires_at":1700003600000}"#;
/// let record: ActorTokenRecord = serde_json::from_str(stored)?;
/// assert_eq!(record.id().as_str(), "act_1");
/// # let _ = write_down;
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorTokenRecord {
    pub(super) id: ActorTokenId,
    pub(super) status: ActorTokenStatus,
    pub(super) user_id: String,
    pub(super) actor: Option<Actor>,
    pub(super) created_at: Option<Timestamp>,
    pub(super) updated_at: Option<Timestamp>,
    pub(super) expires_at: Option<Timestamp>,
}

impl ActorTokenRecord {
    /// Returns the id: what [`revoke`](crate::ActorTokens::revoke) takes.
    #[must_use]
    pub fn id(&self) -> &ActorTokenId {
        &self.id
    }

    /// Returns the status at the time of the response.
    #[must_use]
    pub fn status(&self) -> &ActorTokenStatus {
        &self.status
    }

    /// Returns the customer: the user to be impersonated.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// Returns who is really acting, where Clerk echoed it.
    #[must_use]
    pub fn actor(&self) -> Option<&Actor> {
        self.actor.as_ref()
    }

    /// Returns when Clerk made the token, where the response named a time.
    #[must_use]
    pub fn created_at(&self) -> Option<Timestamp> {
        self.created_at
    }

    /// Returns when Clerk last changed the token, where the response named a time.
    #[must_use]
    pub fn updated_at(&self) -> Option<Timestamp> {
        self.updated_at
    }

    /// Returns when the link stops working: see [`ActorToken::expires_at`](crate::ActorToken::expires_at).
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }
}

impl fmt::Debug for ActorTokenRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorTokenRecord")
            .field("id", &self.id)
            .field("status", &self.status)
            .field("user_id", &Sanitized::new(&self.user_id))
            .field("actor", &self.actor)
            .field("created_at", &self.created_at)
            .field("updated_at", &self.updated_at)
            .field("expires_at", &self.expires_at)
            .finish()
    }
}
