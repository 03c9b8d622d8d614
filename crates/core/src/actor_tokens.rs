//! Actor tokens: the handle that makes calls, the trait that applications mock, the two operations, and what they
//! answer.

pub(crate) mod actor;
mod answer;
mod create;
mod model;
mod record;
mod revoke;
mod salvage;
mod timestamp;

use std::{fmt, time::Duration};

use async_trait::async_trait;

pub use self::{
    actor::Actor,
    create::CreateActorToken,
    model::{ActorToken, SignInUrl, Ticket},
    record::ActorTokenRecord,
    revoke::{Revocation, RevokeActorToken},
    timestamp::Timestamp,
};
use crate::{
    actor_token_id::ActorTokenId,
    call::{Call, held::Held},
    client::Client,
    error::Error,
    operation::Operation,
    operation_info::OperationInfo,
    response::ApiResponse,
    transport::{HttpTransport, TransportError},
};

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
    /// For a token that was used, the error has the [`token_status`](Error::token_status)
    /// `Accepted`. End the session instead.
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

/// The two calls as a trait, for applications that mock their own domain. [`Client`] implements it.
///
/// The trait is dyn-compatible. Its arguments are owned, because mocks and background tasks need
/// that.
///
/// ```
/// use clerk_actor_tokens_core::{Actor, ActorTokensApi, CreateActorToken, Error};
///
/// struct SupportDesk {
///     clerk: Box<dyn ActorTokensApi>,
/// }
///
/// impl SupportDesk {
///     async fn sign_in_as(&self, customer: &str) -> Result<Option<String>, Error> {
///         let token = self.clerk.create(CreateActorToken::new(customer, Actor::new("user_agent"))).await?;
///         Ok(token.url().map(|url| url.expose().to_owned()))
///     }
/// }
/// ```
#[async_trait]
pub trait ActorTokensApi: Send + Sync {
    /// Creates an actor token.
    ///
    /// # Errors
    /// [`Error`]; if it [is ambiguous](Error::is_ambiguous), a token may exist that the caller does not hold.
    async fn create(&self, create: CreateActorToken) -> Result<ActorToken, Error>;

    /// Creates an actor token, and holds it until it is kept: see [`Held`].
    ///
    /// By default it is refused, with nothing sent: an implementation that does not know how to take a token back must not
    /// hold one.
    ///
    /// # Errors
    /// As [`Call::hold`].
    async fn hold(&self, create: CreateActorToken) -> Result<Held<ActorToken>, Error> {
        let reason = "this implementation of ActorTokensApi cannot hold a token: use `create`";
        Err(Error::from_transport(create.info(), TransportError::blocked(reason)))
    }

    /// Revokes an actor token.
    ///
    /// # Errors
    /// [`Error`]; its [`token_status`](Error::token_status) says if somebody used the link.
    async fn revoke(&self, id: ActorTokenId) -> Result<Revocation, Error>;

    /// Creates an actor token, and returns it with status, headers, trace id and attempts.
    ///
    /// [`create`](Self::create) cannot be the default, because it has no response to return. The default sends nothing, and
    /// refuses. An implementation that wraps another one forwards this method too.
    ///
    /// # Errors
    /// As [`create`](Self::create). Of the default: [`ErrorKind::Blocked`](crate::ErrorKind::Blocked).
    async fn create_with_response(&self, create: CreateActorToken) -> Result<ApiResponse<ActorToken>, Error> {
        drop(create);
        Err(without_responses(&CreateActorToken::INFO, "create_with_response"))
    }

    /// Revokes an actor token, and returns the result with status, headers, trace id and attempts. The default is as that of
    /// [`create_with_response`](Self::create_with_response).
    ///
    /// # Errors
    /// As [`revoke`](Self::revoke). Of the default: [`ErrorKind::Blocked`](crate::ErrorKind::Blocked).
    async fn revoke_with_response(&self, id: ActorTokenId) -> Result<ApiResponse<Revocation>, Error> {
        drop(id);
        Err(without_responses(&RevokeActorToken::INFO, "revoke_with_response"))
    }
}

fn without_responses(info: &'static OperationInfo, method: &str) -> Error {
    let reason = format!("this implementation of ActorTokensApi has no responses: implement {method} in it");
    Error::from_transport(info, TransportError::blocked(reason))
}

#[async_trait]
impl<T: HttpTransport + ?Sized> ActorTokensApi for Client<T> {
    async fn create(&self, create: CreateActorToken) -> Result<ActorToken, Error> {
        self.execute(create).send().await
    }

    async fn hold(&self, create: CreateActorToken) -> Result<Held<ActorToken>, Error> {
        self.execute(create).hold().await
    }

    async fn revoke(&self, id: ActorTokenId) -> Result<Revocation, Error> {
        self.execute(RevokeActorToken::from(id)).send().await
    }

    async fn create_with_response(&self, create: CreateActorToken) -> Result<ApiResponse<ActorToken>, Error> {
        self.execute(create).send_with_response().await
    }

    async fn revoke_with_response(&self, id: ActorTokenId) -> Result<ApiResponse<Revocation>, Error> {
        self.execute(RevokeActorToken::from(id)).send_with_response().await
    }
}
