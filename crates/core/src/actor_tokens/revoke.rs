//! Revoking an actor token: `POST /actor_tokens/{actor_token_id}/revoke` (OpenAPI operation `RevokeActorToken`).

use bytes::Bytes;
use http::{Method, StatusCode};

use crate::{
    actor_token_id::ActorTokenId,
    actor_tokens::{
        answer::{self, Binding},
        model::ActorToken,
    },
    error::api,
    invalid_request::InvalidRequest,
    operation::{Operation, ParseError},
    operation_info::{Idempotency, OperationInfo},
    token_status::ActorTokenStatus,
    transport::{Request, Response},
    url::BaseUrl,
};

/// The revocation of an actor token, as pure conversions to and from `http` types.
///
/// Usable without a client; with one, [`ActorTokens::revoke`](crate::ActorTokens::revoke) is shorter.
///
/// ```
/// use clerk_actor_tokens_core::{BaseUrl, Operation, RevokeActorToken};
///
/// let request = RevokeActorToken::new("act_1").request(&BaseUrl::default())?;
/// assert_eq!(request.uri(), "https://api.clerk.com/v1/actor_tokens/act_1/revoke");
/// assert!(request.body().is_empty());
/// # Ok::<(), clerk_actor_tokens_core::InvalidRequest>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct RevokeActorToken {
    /// A bad id is kept as the refusal that `request` will give, so that a call is written in one line.
    id: Result<ActorTokenId, InvalidRequest>,
}

impl RevokeActorToken {
    /// Has the fixed facts of this call.
    pub const INFO: OperationInfo =
        OperationInfo::new("RevokeActorToken", "/actor_tokens/{actor_token_id}/revoke", Idempotency::Idempotent);

    /// Describes the revocation of this token. An id outside the grammar of [`ActorTokenId`] is
    /// refused when the call is sent, before anything leaves the client.
    pub fn new(id: impl AsRef<str>) -> Self {
        Self { id: ActorTokenId::new(id.as_ref()) }
    }

    /// Returns the id of the token. `None` where it is outside the grammar of [`ActorTokenId`].
    #[must_use]
    pub fn id(&self) -> Option<&ActorTokenId> {
        self.id.as_ref().ok()
    }
}

impl From<ActorTokenId> for RevokeActorToken {
    fn from(id: ActorTokenId) -> Self {
        Self { id: Ok(id) }
    }
}

/// What a successful revoke means: the token is revoked, by this call or before it. A match on it may be exhaustive: what is
/// neither is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "the large one is the usual one, and a box would be an allocation")]
pub enum Revocation {
    /// This call revoked it.
    Revoked(ActorToken),
    /// It was revoked before: by another caller, or by an earlier attempt of this call whose
    /// response was lost.
    AlreadyRevoked,
}

impl Revocation {
    /// Returns the token as Clerk returned it. `None` if it had been revoked before.
    #[must_use]
    pub fn token(&self) -> Option<&ActorToken> {
        match self {
            Self::Revoked(token) => Some(token),
            Self::AlreadyRevoked => None,
        }
    }
}

impl Operation for RevokeActorToken {
    type Output = Revocation;

    fn info(&self) -> &'static OperationInfo {
        &Self::INFO
    }

    fn request(&self, base: &BaseUrl) -> Result<Request, InvalidRequest> {
        let id = self.id.as_ref().map_err(Clone::clone)?;
        base.request(Method::POST, &format!("/actor_tokens/{}/revoke", id.as_str()), Bytes::new())
    }

    fn parse(&self, response: &Response) -> Result<Revocation, ParseError> {
        if response.status() == StatusCode::BAD_REQUEST && was_revoked_before(response) {
            return Ok(Revocation::AlreadyRevoked);
        }
        let binding = Binding { id: self.id().map(ActorTokenId::as_str), ..Binding::default() };
        let token = answer::token(response, &binding)?;
        if token.status() != &ActorTokenStatus::Revoked {
            return Err(ParseError::mismatch("status"));
        }
        Ok(Revocation::Revoked(token))
    }
}

fn was_revoked_before(response: &Response) -> bool {
    let envelope = api::read(response.headers(), response.body());
    envelope.errors.iter().find_map(api::ApiError::token_status) == Some(ActorTokenStatus::Revoked)
}
