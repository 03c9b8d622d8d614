//! Actor tokens: the handle that makes calls, the two operations, and what they answer.

pub(crate) mod actor;
mod answer;
mod create;
mod model;
mod record;
mod revoke;
mod salvage;
mod timestamp;

use std::{fmt, time::Duration};

pub use self::{
    actor::Actor,
    create::CreateActorToken,
    model::{ActorToken, SignInUrl, Ticket},
    record::ActorTokenRecord,
    revoke::{Revocation, RevokeActorToken},
    timestamp::Timestamp,
};
use crate::{call::Call, client::Client, transport::HttpTransport};

/// The calls of Clerk's Actor Tokens API. [`Client::actor_tokens`] returns them.
///
/// ```
/// # use clerk_actor_tokens_core::{transport_fn, Client, Response, SecretKey};
/// # let transport = transport_fn(|_, _| async { Ok(Response::new(r#"{"object":"actor_token","id":"act_1",
/// #     "status":"pending","user_id":"user_customer","actor":{"sub":"user_agent"},"token":"eyJ",
/// #     "url":"https://clerk.example.com/v1/tickets/accept?ticket=eyJ","created_at":0,"updated_at":0}"#.into())) });
/// # let clerk = Client::new(transport, SecretKey::new("sk_test_abc")?);
/// use clerk_actor_tokens_core::Actor;
/// use std::time::Duration;
///
/// # pollster::block_on(async {
/// let token = clerk
///     .actor_tokens()
///     .create("user_customer", Actor::new("user_agent"))
///     .expires_in(Duration::from_secs(300))
///     .send()
///     .await?;
/// if let Some(url) = token.url() {
///     let _hand_out = url.expose();
/// }
/// # Ok::<(), clerk_actor_tokens_core::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ActorTokens<T: ?Sized = dyn HttpTransport> {
    client: Client<T>,
}

impl<T: HttpTransport + ?Sized> Client<T> {
    /// Returns the calls of the Actor Tokens API.
    #[must_use]
    pub fn actor_tokens(&self) -> ActorTokens<T> {
        ActorTokens { client: self.clone() }
    }
}

impl<T: HttpTransport + ?Sized> ActorTokens<T> {
    /// Creates an actor token: a one-time link with which `actor` signs in as the user `user_id`.
    ///
    /// Each success is a live credential. It skips the user's second factor and counts against a
    /// paid quota. So the client sends a creation again only where it is proved that Clerk did not
    /// act.
    pub fn create(&self, user_id: impl Into<String>, actor: Actor) -> Call<CreateActorToken, T> {
        self.client.execute(CreateActorToken::new(user_id, actor))
    }

    /// Revokes a pending actor token: one whose link was not used yet. `Ok` means that it is
    /// revoked, by this call or before it.
    ///
    /// For a token that was used, the error has the [`token_status`](crate::Error::token_status)
    /// `Accepted`. [`Error::end_session`](crate::Error::end_session) has the call that ends its session.
    pub fn revoke(&self, id: impl AsRef<str>) -> Call<RevokeActorToken, T> {
        self.client.execute(RevokeActorToken::new(id))
    }
}

/// The options of a creation.
impl<T: HttpTransport + ?Sized> Call<CreateActorToken, T> {
    /// Sets how long the link works: whole seconds, more than zero. An hour if unset.
    pub fn expires_in(self, lifetime: Duration) -> Self {
        self.map(|create| create.expires_in(lifetime))
    }

    /// Sets how long the session that the link opens may last: whole seconds, more than zero. Half
    /// an hour if unset.
    pub fn session_max_duration(self, duration: Duration) -> Self {
        self.map(|create| create.session_max_duration(duration))
    }

    /// Puts a stamp into the actor, under this key: see [`CreateActorToken::stamp_attempts`].
    pub fn stamp_attempts(self, key: impl Into<String>) -> Self {
        self.map(|create| create.stamp_attempts(key))
    }
}

impl<T: ?Sized> Clone for ActorTokens<T> {
    fn clone(&self) -> Self {
        Self { client: self.client.clone() }
    }
}

impl<T: ?Sized> fmt::Debug for ActorTokens<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorTokens").finish_non_exhaustive()
    }
}
