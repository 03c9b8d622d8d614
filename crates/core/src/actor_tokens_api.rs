//! The calls as a trait that applications mock.

use async_trait::async_trait;

use crate::{
    actor_token_id::ActorTokenId,
    actor_tokens::{ActorToken, CreateActorToken, Revocation, RevokeActorToken},
    call::held::Held,
    client::Client,
    error::Error,
    impersonations::{EndError, EndImpersonation, Ended},
    operation::Operation,
    operation_info::OperationInfo,
    response::ApiResponse,
    transport::{HttpTransport, TransportError},
};

/// The calls as a trait, for applications that mock their own domain. [`Client`] implements it.
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
    /// As [`Call::hold`](crate::Call::hold).
    async fn hold(&self, create: CreateActorToken) -> Result<Held<ActorToken>, Error> {
        let reason = "this implementation of ActorTokensApi cannot hold a token: use `create`";
        Err(Error::from_transport(create.info(), TransportError::blocked(reason)))
    }

    /// Revokes an actor token.
    ///
    /// # Errors
    /// [`Error`]; its [`token_status`](Error::token_status) says if somebody used the link.
    async fn revoke(&self, id: ActorTokenId) -> Result<Revocation, Error>;

    /// Ends the sessions in which somebody is signed in as a user: see
    /// [`Impersonations::end`](crate::Impersonations::end). The default sends nothing, and refuses.
    ///
    /// # Errors
    /// [`EndError`]. Of the default: [`ErrorKind::Blocked`](crate::ErrorKind::Blocked).
    async fn end(&self, end: EndImpersonation) -> Result<Ended, EndError> {
        drop(end);
        let reason = "this implementation of ActorTokensApi ends no sessions: implement end in it";
        let refused = Error::from_transport(&EndImpersonation::INFO, TransportError::blocked(reason));
        Err(EndError::new(refused, Ended::default()))
    }

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

    async fn end(&self, end: EndImpersonation) -> Result<Ended, EndError> {
        self.impersonations().run(end).send().await
    }

    async fn create_with_response(&self, create: CreateActorToken) -> Result<ApiResponse<ActorToken>, Error> {
        self.execute(create).send_with_response().await
    }

    async fn revoke_with_response(&self, id: ActorTokenId) -> Result<ApiResponse<Revocation>, Error> {
        self.execute(RevokeActorToken::from(id)).send_with_response().await
    }
}
