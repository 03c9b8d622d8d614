//! The error of a call: what failed, what Clerk said, and what happened at Clerk.

mod advice;
pub(crate) mod api;
mod inner;
mod suggested_status;
mod text;
mod what_clerk_said;

use std::{error::Error as StdError, time::SystemTime};

pub use self::api::{ApiError, ErrorCode};
pub(crate) use self::inner::Inner;
use crate::{
    actor_token_id::ActorTokenId, attempt::Attempt, error_kind::ErrorKind, execution::Execution, exposure::Exposed,
    invalid_request::InvalidRequest, operation_info::OperationInfo, token_status::ActorTokenStatus, url::BaseUrl,
};

/// The path template of the operation that makes actor tokens (OpenAPI: `CreateActorToken`).
const ACTOR_TOKENS: &str = "/actor_tokens";

/// Why a call failed.
///
/// Ask in this order:
///
/// - [`is_ambiguous`](Self::is_ambiguous): may something have happened at Clerk that the caller
///   does not hold?
/// - [`kind`](Self::kind), or one of the predicates.
/// - What Clerk said: [`status`](Self::status), [`api_errors`](Self::api_errors),
///   [`trace_id`](Self::trace_id).
///
/// [`advice`](Self::advice) says what to do next.
///
/// It is one pointer wide. `Display` is one line: operation, status, Clerk's code and message,
/// trace id, and what happened at Clerk. Where nothing was sent, it has the innermost cause, masked
/// as [`Sanitized`](crate::Sanitized) does. All causes are in the source chain. `Display` and
/// `Debug` show no key, ticket, link, body or query string.
///
/// ```
/// use clerk_actor_tokens_core::{CreateActorToken, Error, ErrorCode, ErrorKind, Execution, Operation, Response};
///
/// let mut response = Response::new(r#"{"errors":[{"code":"form_param_missing","message":"is missing",
///     "meta":{"param_name":"user_id"}}],"clerk_trace_id":"7c1a"}"#.into());
/// *response.status_mut() = http::StatusCode::UNPROCESSABLE_ENTITY;
///
/// let error = Error::from_response(&CreateActorToken::INFO, &response);
/// assert_eq!(error.kind(), ErrorKind::Api);
/// assert_eq!(error.code(), Some(&ErrorCode::FormParamMissing));
/// assert_eq!(error.execution(), Execution::NotExecuted);
/// assert_eq!(
///     error.to_string(),
///     "CreateActorToken: 422 form_param_missing: is missing [user_id] (trace 7c1a); nothing was done at Clerk"
/// );
/// ```
pub struct Error(Box<Inner>);

impl From<Inner> for Error {
    fn from(inner: Inner) -> Self {
        Self(Box::new(inner))
    }
}

/// What happened at Clerk.
impl Error {
    /// Returns what happened at Clerk, over all attempts. It is `Executed` if any attempt was, else
    /// `Unknown` if any is, else `NotExecuted`.
    #[must_use]
    pub fn execution(&self) -> Execution {
        self.0.execution
    }

    /// Returns the status with which a proxy on the way responded to CONNECT, where that is why no connection to
    /// Clerk came about (RFC 9110 section 9.3.6). Nothing was executed then. `None` where a proxy gave no HTTP response,
    /// as with SOCKS.
    ///
    /// ```
    /// use clerk_actor_tokens_core::{CreateActorToken, Error, Operation, TransportError, TransportErrorKind, http::StatusCode};
    ///
    /// let refused = TransportError::new(TransportErrorKind::ProxyRefused).with_proxy_status(StatusCode::FORBIDDEN);
    /// let error = Error::from_transport(&CreateActorToken::INFO, refused);
    /// assert_eq!(error.proxy_status(), Some(StatusCode::FORBIDDEN));
    /// assert_eq!(error.status(), None);
    /// ```
    #[must_use]
    pub fn proxy_status(&self) -> Option<http::StatusCode> {
        self.0.proxy_status
    }

    /// Returns whether the call may have taken effect at Clerk: [`execution`](Self::execution) is
    /// not `NotExecuted`. After a creation this means that a token may exist which the caller does
    /// not hold.
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        self.0.execution != Execution::NotExecuted
    }

    /// Returns an estimate of when a token that this call lost stops being usable.
    ///
    /// It is the lifetime of the request (`expires_in_seconds`, an hour where unset) after the end
    /// of the last attempt. 60 seconds are added for clocks that differ. Where an exchange [is
    /// detached](Self::is_detached), it counts from the deadline of the call.
    ///
    /// `None` where the call is not [ambiguous](Self::is_ambiguous), where its operation makes
    /// nothing that can be used, and on an error that no call made. Measured by the transport's
    /// clock.
    ///
    /// ```
    /// use clerk_actor_tokens_core::{Actor, Client, Request, SecretKey, TransportErrorKind, transport_fn};
    ///
    /// let breaks_off = transport_fn(|_request: Request, _context| async { Err(TransportErrorKind::Interrupted.into()) });
    /// let clerk = Client::new(breaks_off, SecretKey::new("sk_test_abc")?);
    /// let call = clerk.actor_tokens().create("user_customer", Actor::new("user_agent")).send();
    /// let error = pollster::block_on(call).unwrap_err();
    /// assert!(error.exposure_until() < error.session_exposure_until());
    /// # Ok::<(), clerk_actor_tokens_core::InvalidKey>(())
    /// ```
    #[must_use]
    pub fn exposure_until(&self) -> Option<SystemTime> {
        self.exposed().map(|exposed| exposed.until)
    }

    /// Returns an estimate of when a session that a lost token opened ends. It is
    /// [`exposure_until`](Self::exposure_until) and the session's longest duration
    /// (`session_max_duration_in_seconds`, half an hour where unset).
    #[must_use]
    pub fn session_exposure_until(&self) -> Option<SystemTime> {
        self.exposed().and_then(|exposed| exposed.session_until)
    }

    fn exposed(&self) -> Option<Exposed> {
        self.0.exposed.filter(|_| self.is_ambiguous())
    }

    /// Returns whether a middleware dropped an exchange of this call whose request had been handed
    /// over.
    ///
    /// The exchange then continues without a caller. The client revokes what it makes, and gives it
    /// to the [orphan handler](crate::ClientBuilder::on_orphan). What cannot be revoked is in what
    /// [`Client::close`](crate::Client::close) returns.
    #[must_use]
    pub fn is_detached(&self) -> bool {
        self.0.is_detached
    }

    /// Returns the id of the token that this call made, from a response that was cut short or
    /// cannot be used. Revoke it.
    ///
    /// `None` where the id did not arrive whole, and where the response may not be the one to this
    /// call. These show that it is: its `user_id`, its `actor.sub` where the actor had begun to
    /// arrive, and the stamp where the attempt had one.
    #[must_use]
    pub fn salvaged_id(&self) -> Option<&str> {
        self.0.salvage.confirmed()
    }

    /// Returns [`salvaged_id`](Self::salvaged_id) as the id of an actor token. Store it, and revoke
    /// it.
    ///
    /// `None` where another operation failed, or where the id is outside the grammar of
    /// [`ActorTokenId`]. The call is the creation of a token if the path template of its
    /// [`operation`](Self::operation) is `/actor_tokens`.
    #[must_use]
    pub fn salvaged_actor_token(&self) -> Option<&ActorTokenId> {
        let read = || self.salvaged_id().filter(|_| self.operation().path() == ACTOR_TOKENS)?.parse().ok();
        self.0.salvaged_actor_token.get_or_init(read).as_ref()
    }

    /// Returns an id from a response of which too little arrived to say whose it is.
    ///
    /// It may be the id of a token that another call made, so the client never revokes it by
    /// itself. `None` where there is a [`salvaged_id`](Self::salvaged_id).
    #[must_use]
    pub fn unconfirmed_id(&self) -> Option<&str> {
        self.0.salvage.unconfirmed()
    }

    /// Returns an id from a successful response that is outside the grammar of ids, with everything
    /// unusual escaped. This library cannot revoke it. Clerk's support can name it.
    #[must_use]
    pub fn raw_id(&self) -> Option<&str> {
        self.0.raw_id.as_deref()
    }

    /// Returns the status of the token after a refused revocation, where Clerk's message has it.
    /// [`Accepted`](ActorTokenStatus::Accepted) means that the link was used: end that session
    /// instead.
    #[must_use]
    pub fn token_status(&self) -> Option<ActorTokenStatus> {
        self.api_errors().iter().find_map(ApiError::token_status)
    }

    /// Whether Clerk's response was a success that is larger than the cap. A smaller page may fit.
    pub(crate) fn is_over_cap(&self) -> bool {
        self.0.is_over_cap
    }

    /// Returns the result of each attempt, in order. Empty if nothing was attempted.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.0.attempts
    }
}

/// What failed.
impl Error {
    /// Returns the kind of the last attempt's failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns which call failed. Its [`path`](OperationInfo::path) is empty where there was no
    /// call: on an error that `?` made of an [`InvalidRequest`].
    #[must_use]
    pub fn operation(&self) -> &'static OperationInfo {
        self.0.operation
    }

    /// Returns the base URL of the call. `None` on an error that no call made, and where the input
    /// was refused.
    #[must_use]
    pub fn base_url(&self) -> Option<&BaseUrl> {
        self.0.base_url.as_ref()
    }

    /// Returns the input that was refused before anything was sent.
    #[must_use]
    pub fn invalid_request(&self) -> Option<&InvalidRequest> {
        self.0.invalid.as_ref()
    }

    /// Returns the origin (scheme, host, port) that a redirect points to. The rest of the
    /// `Location` is left out, because it may have a credential.
    #[must_use]
    pub fn redirect_origin(&self) -> Option<&str> {
        self.0.redirect_origin.as_deref()
    }

    /// Returns whether Clerk does not know the user or the token (404).
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status_is(404)
    }

    /// Returns whether Clerk refuses the secret key (401).
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        self.status_is(401)
    }

    /// Returns whether Clerk asks to slow down (429).
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        self.0.kind == ErrorKind::RateLimited
    }

    /// Returns whether the plan lacks impersonation (402).
    #[must_use]
    pub fn is_plan_required(&self) -> bool {
        self.status_is(402)
    }

    /// Returns whether the plan's monthly number of impersonations is used up (422,
    /// `impersonation_limit_exceeded`).
    #[must_use]
    pub fn is_quota_exceeded(&self) -> bool {
        self.has_code(&ErrorCode::ImpersonationLimitExceeded)
    }

    /// Returns whether a parameter is missing, invalid or unknown: refused by the client, or by
    /// Clerk (422).
    #[must_use]
    pub fn is_invalid_parameter(&self) -> bool {
        self.0.kind == ErrorKind::InvalidRequest
            || self.has_code(&ErrorCode::FormParamMissing)
            || self.has_code(&ErrorCode::FormParamValueInvalid)
            || self.has_code(&ErrorCode::FormParamUnknown)
    }

    /// Returns whether the deadline passed.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::Timeout
    }

    /// Returns whether the call was not sent again because the [`RetryBudget`](crate::RetryBudget)
    /// of its base URL and key is used up. Too many calls there have failed of late.
    #[must_use]
    pub fn is_out_of_retries(&self) -> bool {
        self.0.out_of_retries
    }

    fn status_is(&self, status: u16) -> bool {
        self.0.status.is_some_and(|got| got.as_u16() == status)
    }

    fn has_code(&self, code: &ErrorCode) -> bool {
        self.api_errors().iter().any(|error| error.code() == code)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_pointer_wide_and_crosses_threads() {
        fn crosses_threads<T: Send + Sync + 'static>() {}
        crosses_threads::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Result<(), Error>>(), size_of::<usize>());
    }
}
