//! The words of an error: one line for people, a structured view for debugging, and what to do next.

use std::fmt;

use crate::{
    actor_token_id::ShownId,
    error::Error,
    error_kind::ErrorKind,
    execution::Execution,
    operation::Salvage,
    operation_info::Idempotency,
    secret::{Sanitized, SanitizedChain},
    token_status::ActorTokenStatus,
};

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.operation().name())?;
        self.fmt_cause(f)?;
        if self.attempts().len() > 1 {
            write!(f, ", after {} attempts", self.attempts().len())?;
        }
        if self.is_out_of_retries() {
            f.write_str(", with the retry budget used up")?;
        }
        f.write_str(match self.execution() {
            Execution::NotExecuted => "; nothing was done at Clerk",
            Execution::Unknown => "; it is unknown whether Clerk acted",
            Execution::Executed => "; Clerk acted",
        })?;
        if self.is_detached() {
            f.write_str("; a middleware dropped the exchange, which runs on: the client revokes what it makes, and reports it to \
                 the orphan handler")?;
        }
        match &self.0.salvage {
            Salvage::None => Ok(()),
            Salvage::Unconfirmed(id) => write!(f, " (id {}, not confirmed)", ShownId(id)),
            Salvage::Confirmed(id) => write!(f, " (id {})", ShownId(id)),
        }
    }
}

impl Error {
    fn fmt_cause(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(invalid) = self.invalid_request() {
            return write!(f, "{invalid}");
        }
        match (self.status(), self.kind()) {
            (Some(status), _) => write!(f, "{}", status.as_u16())?,
            (None, ErrorKind::RateLimited) => f.write_str("held back on this side")?,
            (None, kind) => f.write_str(kind_words(kind))?,
        }
        if let (None, Some(wait)) = (self.status(), self.retry_after()) {
            write!(f, " for {} s more", wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)))?;
        }
        if let Some(base_url) = self.base_url().filter(|_| is_about_the_server(self.kind())) {
            write!(f, " ({base_url})")?;
        }
        if let Some(error) = self.api_errors().first() {
            write!(f, " {}: {}", error.code(), Sanitized::new(error.words()))?;
            if let Some(param) = error.param_name() {
                write!(f, " [{}]", Sanitized::new(param))?;
            }
        } else if self.status().is_some() && self.kind() != ErrorKind::Api {
            write!(f, ", {}", kind_words(self.kind()))?;
        }
        if let Some(detail) = &self.0.detail {
            write!(f, ": {}", Sanitized::new(detail))?;
        }
        if let Some(origin) = self.redirect_origin() {
            write!(f, " to {}", Sanitized::new(origin))?;
        }
        match self.trace_id() {
            Some(trace_id) => write!(f, " (trace {})", Sanitized::new(trace_id)),
            None => Ok(()),
        }
    }

    /// What to do next, in a sentence or two.
    ///
    /// ```
    /// use clerk_actor_tokens_core::{CreateActorToken, Error, Operation, TransportErrorKind};
    ///
    /// let error = Error::from_transport(&CreateActorToken::INFO, TransportErrorKind::Interrupted.into());
    /// assert!(error.advice().contains("may exist"));
    /// ```
    #[must_use]
    pub fn advice(&self) -> &'static str {
        let may_have_minted = self.operation().idempotency() == Idempotency::NonIdempotent && self.is_ambiguous();
        match self.kind() {
            ErrorKind::NotKept => {
                "Do not hand out the link: close() has begun to revoke the token. Call keep() before the client is closed."
            }
            _ if may_have_minted && self.is_detached() => {
                "The client revokes what this call made. See the orphan handler, or what close() returns, for what could not be \
                 revoked; then create another."
            }
            _ if may_have_minted && self.salvaged_id().is_some() => {
                "A token was made and its link is lost: revoke salvaged_id(), then create another."
            }
            _ if may_have_minted && self.unconfirmed_id().is_some() => {
                "A token may exist whose link is lost. unconfirmed_id() may name it, or another call's token: find out \
                 whose it is, and revoke it only if it is this call's."
            }
            ErrorKind::UnexpectedRedirect if may_have_minted => {
                "Check the base URL: Clerk's API does not redirect. If it was Clerk that answered, a token may exist that \
                 nobody holds."
            }
            ErrorKind::UnexpectedRedirect => "Check the base URL: Clerk's API does not redirect.",
            _ if may_have_minted => {
                "A token may exist that nobody holds. It cannot be looked up: tell somebody, wait until exposure_until() \
                 if that matters, and only then decide whether to create another."
            }
            _ if self.token_status() == Some(ActorTokenStatus::Accepted) => {
                "Somebody has used the link: end the session that it opened instead."
            }
            ErrorKind::InvalidRequest => "Correct the field that is named, and call again.",
            ErrorKind::Credential => "See the source chain for why no secret key could be had.",
            ErrorKind::Blocked => "See the source chain for what refused to send.",
            ErrorKind::Connect | ErrorKind::Refused => "Try again later.",
            ErrorKind::Tls => {
                "Check the certificates and whether somebody intercepts the connection; trying again will not help."
            }
            ErrorKind::Proxy => "Check the proxy and its credentials.",
            ErrorKind::RateLimited => "Wait for retry_after(), then call again.",
            ErrorKind::Api if self.is_unauthorized() => "Check the secret key and which instance it belongs to.",
            ErrorKind::Api if self.is_not_found() => {
                "Check the id, and that the secret key belongs to the instance that the id comes from."
            }
            ErrorKind::Api if self.is_plan_required() || self.is_quota_exceeded() => {
                "Change the plan of the Clerk application, or wait for the next billing period."
            }
            ErrorKind::Api if !self.is_ambiguous() && self.api_errors().is_empty() => {
                "Something refused the request without Clerk's words: look at the body, and at what stands between here \
                 and Clerk."
            }
            ErrorKind::Api if !self.is_ambiguous() => "Correct the request as Clerk's words say, and call again.",
            ErrorKind::Timeout if !self.is_ambiguous() => "Nothing was sent: call again, with more time if need be.",
            ErrorKind::Api
            | ErrorKind::Timeout
            | ErrorKind::Interrupted
            | ErrorKind::ResponseTruncated
            | ErrorKind::ResponseInvalid
            | ErrorKind::ResponseMismatch => {
                "It is safe to call again: repeating this operation has no further effect."
            }
        }
    }
}

/// Whether a mistyped base URL could be the cause, so that it belongs in the line.
fn is_about_the_server(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Connect | ErrorKind::Tls | ErrorKind::Proxy | ErrorKind::UnexpectedRedirect)
}

fn kind_words(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest => "the input is invalid",
        ErrorKind::Credential => "no secret key could be had",
        ErrorKind::Blocked => "stopped on this side",
        ErrorKind::Connect => "could not connect",
        ErrorKind::Tls => "the TLS handshake was refused",
        ErrorKind::Proxy => "the proxy refused",
        ErrorKind::Refused => "the server refused the request unprocessed",
        ErrorKind::Timeout => "the deadline passed",
        ErrorKind::Interrupted => "the connection broke off",
        ErrorKind::RateLimited => "too many requests",
        ErrorKind::Api => "an error status",
        ErrorKind::UnexpectedRedirect => "an unexpected redirect",
        ErrorKind::ResponseTruncated => "the answer was lost",
        ErrorKind::ResponseInvalid => "the answer cannot be used",
        ErrorKind::ResponseMismatch => "the answer belongs to another request",
        ErrorKind::NotKept => "close() revoked what was held before keep() was called",
    }
}

/// How many of Clerk's errors `Debug` shows.
const SHOWN_ERRORS: usize = 8;

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        let mut debug = f.debug_struct("Error");
        debug.field("operation", &inner.operation.name());
        debug.field("kind", &inner.kind);
        debug.field("execution", &inner.execution);
        debug.field("attempts", &inner.attempts);
        if let Some(base_url) = &inner.base_url {
            debug.field("base_url", base_url);
        }
        if let Some(invalid) = &inner.invalid {
            debug.field("invalid_request", invalid);
        }
        if let Some(status) = inner.status {
            debug.field("status", &status.as_u16());
        }
        if !inner.api.errors.is_empty() {
            // Of very many, the first say it.
            let errors = &inner.api.errors;
            debug.field("api_errors", &errors.get(..SHOWN_ERRORS).unwrap_or(errors));
            if errors.len() > SHOWN_ERRORS {
                debug.field("api_errors_len", &errors.len());
            }
        }
        for (name, text) in [
            ("trace_id", inner.api.trace_id.as_deref()),
            ("detail", inner.detail.as_deref()),
            ("redirect_origin", inner.redirect_origin.as_deref()),
            ("raw_id", inner.raw_id.as_deref()),
        ] {
            if let Some(text) = text {
                debug.field(name, &Sanitized::new(text));
            }
        }
        if let Some(id) = self.salvaged_id() {
            debug.field("salvaged_id", &ShownId(id));
        }
        if let Some(id) = self.unconfirmed_id() {
            debug.field("unconfirmed_id", &ShownId(id));
        }
        if let Some(retry_after) = &inner.retry_after {
            debug.field("retry_after", retry_after);
        }
        if let Some(status) = self.token_status() {
            debug.field("token_status", &status);
        }
        if let Some(source) = &inner.source {
            debug.field("source", &SanitizedChain(source.as_ref()));
        }
        debug.finish_non_exhaustive()
    }
}
