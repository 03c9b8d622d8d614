//! What Clerk returns: the actor token and its parts, but for the actor.

use std::fmt;

use crate::{
    actor_token_id::ActorTokenId,
    actor_tokens::{actor::Actor, record::ActorTokenRecord, timestamp::Timestamp},
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
    /// The one-time sign-in link of an actor token. A credential: it signs in as the customer the person
    /// who opens it. Pass it on verbatim.
    ///
    /// ```
    /// use clerk_actor_tokens_core::SignInUrl;
    /// let url = SignInUrl::new("https://clerk.example.com/v1/tickets/accept?ticket=eyJ...");
    /// assert_eq!(format!("{url:?}"), "SignInUrl(redacted)");
    /// ```
    SignInUrl
);

/// An actor token, as Clerk returns it.
///
/// It is not `Serialize`, because that would write the sign-in link. Store what
/// [`record`](Self::record) returns. `Debug` shows no credential.
#[derive(Clone, PartialEq, Eq)]
pub struct ActorToken {
    /// All of it but the credentials.
    pub(super) record: ActorTokenRecord,
    pub(super) token: Option<Ticket>,
    pub(super) url: Option<SignInUrl>,
}

impl ActorToken {
    /// Returns the id, which [`revoke`](crate::ActorTokens::revoke) takes.
    #[must_use]
    pub fn id(&self) -> &ActorTokenId {
        self.record.id()
    }

    /// Returns the status at the time of the response.
    #[must_use]
    pub fn status(&self) -> &ActorTokenStatus {
        self.record.status()
    }

    /// Returns the user to be impersonated.
    #[must_use]
    pub fn user_id(&self) -> &str {
        self.record.user_id()
    }

    /// Returns who is really acting, where Clerk echoes it.
    #[must_use]
    pub fn actor(&self) -> Option<&Actor> {
        self.record.actor()
    }

    /// Returns the ticket alone, for applications that build their own sign-in page.
    #[must_use]
    pub fn token(&self) -> Option<&Ticket> {
        self.token.as_ref()
    }

    /// Returns the one-time sign-in link.
    #[must_use]
    pub fn url(&self) -> Option<&SignInUrl> {
        self.url.as_ref()
    }

    /// Returns when Clerk made it. `None` where the response names no time. The token is usable
    /// without one.
    #[must_use]
    pub fn created_at(&self) -> Option<Timestamp> {
        self.record.created_at()
    }

    /// Returns when Clerk last changed it. `None` where the response names no time.
    #[must_use]
    pub fn updated_at(&self) -> Option<Timestamp> {
        self.record.updated_at()
    }

    /// Returns when the link stops working: the lifetime of the request (an hour if unset) after
    /// `created_at`.
    ///
    /// Clerk does not echo lifetimes, so only the token of a creation has a value. `None` also
    /// where `created_at` is.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.record.expires_at()
    }

    /// Returns the token without its link and its ticket: what an application writes into its database.
    #[must_use]
    pub fn record(&self) -> &ActorTokenRecord {
        &self.record
    }
}

impl fmt::Debug for ActorToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorToken")
            .field("id", self.id())
            .field("status", self.status())
            .field("user_id", &Sanitized::new(self.user_id()))
            .field("actor", &self.actor())
            .field("token", &self.token)
            .field("url", &self.url)
            .field("created_at", &self.created_at())
            .field("updated_at", &self.updated_at())
            .field("expires_at", &self.expires_at())
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
}
