//! What Clerk answers: the actor token and its parts, but for the actor.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
    actor_token_id::ActorTokenId,
    actor_tokens::actor::Actor,
    secret::{Sanitized, redacted_text},
    token_status::ActorTokenStatus,
};

redacted_text!(
    /// The ticket of an actor token: a JSON Web Token that signs its bearer in as the customer, once. A credential.
    ///
    /// ```
    /// use clerk_actor_tokens_core::Ticket;
    /// let ticket = Ticket::new("eyJhbGciOi...");
    /// assert_eq!(format!("{ticket:?}"), "Ticket(redacted)");
    /// assert_eq!(ticket.expose(), "eyJhbGciOi...");
    /// ```
    Ticket
);

redacted_text!(
    /// The one-time sign-in link of an actor token. A credential: whoever opens it is signed in as the customer. Pass
    /// it on verbatim.
    ///
    /// ```
    /// use clerk_actor_tokens_core::SignInUrl;
    /// let url = SignInUrl::new("https://clerk.example.com/v1/tickets/accept?ticket=eyJ...");
    /// assert_eq!(format!("{url:?}"), "SignInUrl(redacted)");
    /// ```
    SignInUrl
);

/// A moment as Clerk writes it: Unix time in milliseconds, any 64-bit value.
///
/// ```
/// use clerk_actor_tokens_core::Timestamp;
/// use std::time::{Duration, UNIX_EPOCH};
///
/// let at = Timestamp::from_millis(1_700_000_000_123);
/// assert_eq!(at.as_millis(), 1_700_000_000_123);
/// assert_eq!(at.to_system_time(), Some(UNIX_EPOCH + Duration::from_millis(1_700_000_000_123)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since 1970-01-01T00:00:00Z; negative before.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z; negative before.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// As the operating system's time; `None` if that cannot hold it.
    #[must_use]
    pub fn to_system_time(self) -> Option<SystemTime> {
        let distance = Duration::from_millis(self.0.unsigned_abs());
        if self.0 < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
    }

    /// This much later; the last moment that fits if it would not.
    #[must_use]
    pub(crate) fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

/// An actor token, as Clerk answers it.
///
/// Not `Serialize`: writing it out would write the sign-in link. `Debug` shows no credential.
#[derive(Clone, PartialEq, Eq)]
pub struct ActorToken {
    pub(crate) id: ActorTokenId,
    pub(crate) status: ActorTokenStatus,
    pub(crate) user_id: String,
    pub(crate) actor: Option<Actor>,
    pub(crate) token: Option<Ticket>,
    pub(crate) url: Option<SignInUrl>,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) updated_at: Option<Timestamp>,
    pub(crate) expires_at: Option<Timestamp>,
}

impl ActorToken {
    /// The id: what [`revoke`](crate::ActorTokens::revoke) takes.
    #[must_use]
    pub fn id(&self) -> &ActorTokenId {
        &self.id
    }

    /// Where it is in its life, at the time of the answer.
    #[must_use]
    pub fn status(&self) -> &ActorTokenStatus {
        &self.status
    }

    /// The customer: the user to be impersonated.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// Who is really acting, where Clerk echoes it.
    #[must_use]
    pub fn actor(&self) -> Option<&Actor> {
        self.actor.as_ref()
    }

    /// The ticket alone, for applications that build their own sign-in page.
    #[must_use]
    pub fn token(&self) -> Option<&Ticket> {
        self.token.as_ref()
    }

    /// The one-time sign-in link.
    #[must_use]
    pub fn url(&self) -> Option<&SignInUrl> {
        self.url.as_ref()
    }

    /// Returns when Clerk made it. `None` where the answer names no time: that makes no token unusable.
    #[must_use]
    pub fn created_at(&self) -> Option<Timestamp> {
        self.created_at
    }

    /// Returns when Clerk last changed it. `None` where the answer names no time.
    #[must_use]
    pub fn updated_at(&self) -> Option<Timestamp> {
        self.updated_at
    }

    /// Returns when the link stops working: `created_at` and the lifetime that was asked for (an hour if none was).
    ///
    /// Clerk does not echo lifetimes, so only the answer to a create has one. `None` also where `created_at` is.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }
}

impl fmt::Debug for ActorToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorToken")
            .field("id", &self.id)
            .field("status", &self.status)
            .field("user_id", &Sanitized::new(&self.user_id))
            .field("actor", &self.actor)
            .field("token", &self.token)
            .field("url", &self.url)
            .field("created_at", &self.created_at)
            .field("updated_at", &self.updated_at)
            .field("expires_at", &self.expires_at)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_shows_nothing_until_it_is_exposed() {
        let (ticket, url) = (Ticket::new("CANARY"), SignInUrl::new("CANARY"));
        assert_eq!(format!("{ticket:?} {ticket:#?}"), "Ticket(redacted) Ticket(redacted)");
        assert_eq!(format!("{url:?} {url:#?}"), "SignInUrl(redacted) SignInUrl(redacted)");
        assert_eq!((ticket.expose(), url.expose()), ("CANARY", "CANARY"));
    }

    #[test]
    fn every_64_bit_timestamp_is_kept_and_none_panics() {
        for millis in [i64::MIN, -1, 0, 1, 1_700_000_000_123, i64::MAX] {
            let at = Timestamp::from_millis(millis);
            assert_eq!(at.as_millis(), millis);
            let _ = at.to_system_time();
            assert!(at.saturating_add(Duration::MAX).as_millis() >= millis);
        }
        let before = Timestamp::from_millis(-1500).to_system_time().unwrap();
        assert_eq!(UNIX_EPOCH.duration_since(before).unwrap(), Duration::from_millis(1500));
    }

    #[test]
    fn every_status_survives_a_round_trip_also_an_unknown_one() {
        for word in ["pending", "accepted", "revoked", "expired", "", "\u{1f980}"] {
            assert_eq!(ActorTokenStatus::from(word).as_str(), word);
        }
    }
}
