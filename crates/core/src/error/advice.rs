//! What to do about an error, in a sentence or two.
//!
//! Responsible for the advice on every failure that this crate knows. What a transport or a middleware knows better, it says
//! by [`TransportError::with_advice`](crate::TransportError::with_advice).

use http::StatusCode;

use crate::{
    auth::InvalidKey,
    error::{Error, ErrorCode},
    error_kind::ErrorKind,
    operation_info::Idempotency,
    secret::chain,
    token_status::ActorTokenStatus,
    transport::error::TransportErrorKind,
};

impl Error {
    /// Returns what to do next, in a sentence or two. Names the setting, the variable or the method to use.
    ///
    /// ```
    /// use clerk_actor_tokens_core::{CreateActorToken, Error, Operation, TransportErrorKind};
    ///
    /// let error = Error::from_transport(&CreateActorToken::INFO, TransportErrorKind::Interrupted.into());
    /// assert!(error.advice().contains("may exist"));
    /// ```
    #[must_use]
    pub fn advice(&self) -> &'static str {
        let is_repeatable = self.operation().idempotency() == Idempotency::Idempotent;
        if self.is_ambiguous() && !is_repeatable {
            return self.advice_in_doubt();
        }
        let of_transport = self.0.advice;
        match self.kind() {
            ErrorKind::InvalidRequest => "Correct the field that the error names, and call again.",
            ErrorKind::Credential => of_transport.unwrap_or_else(|| self.advice_on_credential()),
            ErrorKind::Blocked => of_transport.unwrap_or(
                "Correct what the error names as the cause: the client would block the same call again.",
            ),
            ErrorKind::Connect => of_transport.unwrap_or_else(|| self.advice_on_connect()),
            ErrorKind::Tls => of_transport.unwrap_or(
                "Check the server's certificate, the root certificates of this machine, and whether a proxy intercepts TLS. \
                 A retry alone does not help.",
            ),
            ErrorKind::Proxy => of_transport.unwrap_or(match self.0.transport {
                Some(TransportErrorKind::ProxyRefused) => match self.0.proxy_status {
                    Some(StatusCode::PROXY_AUTHENTICATION_REQUIRED) => {
                        "Check the user name and the password in the proxy's URL."
                    }
                    _ => "Allow this machine to reach the server of the base URL in the proxy's settings.",
                },
                _ => "Check that the proxy runs, and that it may connect to the server of the base URL.",
            }),
            ErrorKind::Refused => "Call again later: the server is restarting or overloaded.",
            ErrorKind::RateLimited => self.advice_on_rate_limit(),
            ErrorKind::Api => self.advice_on_status(),
            ErrorKind::UnexpectedRedirect => "Check the base URL: Clerk's API does not redirect.",
            ErrorKind::Timeout if !self.is_ambiguous() => {
                "Nothing was sent. Call again, with a longer timeout() if this recurs."
            }
            ErrorKind::Timeout => "Call again: repeating this operation has no further effect. Set a longer timeout() if this recurs.",
            ErrorKind::Interrupted | ErrorKind::ResponseTruncated if !self.is_ambiguous() => {
                "Nothing was done at Clerk: call again."
            }
            ErrorKind::Interrupted | ErrorKind::ResponseTruncated => {
                "Call again: repeating this operation has no further effect."
            }
            ErrorKind::ResponseInvalid => {
                "Check the base URL, and what a proxy on the way does to responses. Repeating this operation has no further \
                 effect."
            }
            // Only what makes something is held.
            ErrorKind::NotKept => "Call keep() before the client is closed.",
            ErrorKind::ResponseMismatch => {
                "Look for a proxy or a cache that returns the response to another request. Repeating this operation has no \
                 further effect."
            }
        }
    }

    /// Of an operation that is not idempotent, and that Clerk may have executed.
    fn advice_in_doubt(&self) -> &'static str {
        let makes_tokens = self.operation().path() == "/actor_tokens";
        match self.kind() {
            ErrorKind::NotKept => {
                "Do not hand out the link: close() has begun to revoke the token. Call keep() before the client is closed."
            }
            _ if !makes_tokens => "The call may have taken effect. Look for its effect at Clerk before you call again.",
            _ if self.is_detached() => {
                "The client revokes the token that this call made. The orphan handler, or close(), reports what it could not \
                 revoke. Then create another."
            }
            _ if self.salvaged_id().is_some() => {
                "A token was made and its link is lost: revoke salvaged_id(), then create another."
            }
            _ if self.unconfirmed_id().is_some() => {
                "A token may exist whose link is lost. unconfirmed_id() names it, or another call's token: revoke it only if \
                 it is this call's."
            }
            ErrorKind::UnexpectedRedirect => {
                "Check the base URL: Clerk's API does not redirect. If Clerk sent this redirect, a token may exist that your \
                 program does not hold."
            }
            ErrorKind::ResponseInvalid | ErrorKind::ResponseMismatch => {
                "Check the base URL, and what a proxy on the way does to responses. A token may exist that your \
                 program does not hold: wait until exposure_until() if that matters."
            }
            _ => {
                "A token may exist that your program does not hold. Clerk lists no tokens: alert an operator, and wait until \
                 exposure_until() if that matters. Then create another."
            }
        }
    }

    fn advice_on_credential(&self) -> &'static str {
        let source = self.0.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static));
        let invalid = source.and_then(|source| chain(source).find_map(|cause| cause.downcast_ref()));
        match invalid {
            Some(InvalidKey::NotInEnvironment | InvalidKey::InEnvironment(_)) => {
                "Set the environment variable CLERK_SECRET_KEY to the secret key (sk_test_... or sk_live_...) from the API keys \
                 page of the Clerk dashboard."
            }
            Some(_) => {
                "Make the credential provider return the secret key alone: sk_test_... or sk_live_..., as the API keys page of \
                 the Clerk dashboard shows it."
            }
            None => {
                "Correct the credential provider: the error names its cause. The client asks the provider again on the next call."
            }
        }
    }

    fn advice_on_connect(&self) -> &'static str {
        if self.is_out_of_retries() {
            return "Call again later. The client did not retry, because too many calls to this server failed before.";
        }
        "Call again later. If this recurs, check the base URL, DNS, and the firewall or proxy on the way."
    }

    fn advice_on_rate_limit(&self) -> &'static str {
        match (self.status(), self.retry_after()) {
            (Some(_), Some(_)) => "Wait for retry_after(), then call again.",
            (Some(_), None) => {
                "Wait some seconds, then call again. Clerk named no time: wait longer after each further 429."
            }
            (None, _) => {
                "Wait for retry_after(), then call again: an earlier 429, or a RateLimit of this program, holds calls back."
            }
        }
    }

    fn advice_on_status(&self) -> &'static str {
        if self.token_status() == Some(ActorTokenStatus::Accepted) {
            return "The link was used, so there is nothing to revoke: end the session that it opened. end_session() of this error has \
                    the call, and impersonations().end() is it.";
        }
        if self.is_ambiguous() {
            return "Call again: repeating this operation has no further effect.";
        }
        if self.is_unauthorized() {
            return "Check the secret key, CLERK_SECRET_KEY if it comes from the environment: Clerk does not know it.";
        }
        if self.api_errors().is_empty() {
            return "Check the base URL, and any gateway on the way: the response has no error of Clerk's. expose_body() has \
                    what it says.";
        }
        if self.is_not_found() {
            return "Check the id, and that the secret key belongs to the instance that the id comes from.";
        }
        if self.is_plan_required() {
            return "Change the plan of the Clerk application: this one does not include impersonation.";
        }
        if self.is_quota_exceeded() {
            return "Wait for the next billing period, or change the plan of the Clerk application: the month's impersonations \
                    are used up.";
        }
        if self.code() == Some(&ErrorCode::ActorTokenCannotBeRevoked) {
            return "Find out what became of the token, which is not pending. If its link was used, end the session that it \
                    opened.";
        }
        "Correct what Clerk's message names, and call again."
    }
}
