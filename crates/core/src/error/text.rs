//! The words of an error: one line for people, and a structured view for debugging. What to do next is in `advice.rs`.

use std::{fmt, time::Duration};

use crate::{
    clerk_id::ShownId,
    error::Error,
    error_kind::ErrorKind,
    execution::Execution,
    operation::Salvage,
    secret::{Sanitized, SanitizedChain, innermost_cause},
    transport::error::TransportErrorKind,
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
            f.write_str("; a middleware dropped the exchange, which is detached: the client revokes what it makes, and reports it \
                 to the orphan handler")?;
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
            (None, kind) => f.write_str(self.0.transport.map_or(kind_words(kind), TransportErrorKind::words))?,
        }
        if let (None, Some(wait)) = (self.status(), self.retry_after()) {
            write!(f, " for {} s more", whole_seconds(wait))?;
        }
        if let Some(base_url) = self.base_url().filter(|_| is_about_the_server(self.kind())) {
            write!(f, " ({base_url})")?;
        }
        if let Some(cause) = self.cause_to_show() {
            write!(f, ": {}", Sanitized::new(&cause))?;
        }
        if let Some(error) = self.api_errors().first() {
            write!(f, " {}: {}", error.code(), Sanitized::new(error.words()))?;
            if let Some(param) = error.param_name() {
                write!(f, " [{}]", Sanitized::new(param))?;
            }
        } else if self.status().is_some() {
            write!(f, ", {}", kind_words(self.kind()))?;
        }
        if let (true, Some(wait)) = (self.is_rate_limited() && self.status().is_some(), self.retry_after()) {
            write!(f, " (retry after {} s)", whole_seconds(wait))?;
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

    /// Returns the innermost cause of a failure on the way to Clerk. Other failures have a status, or words of Clerk's.
    fn cause_to_show(&self) -> Option<String> {
        let is_on_the_way = matches!(
            self.kind(),
            ErrorKind::Blocked | ErrorKind::Connect | ErrorKind::Tls | ErrorKind::Proxy | ErrorKind::Credential
        );
        let source = self.0.source.as_deref().filter(|_| is_on_the_way && self.status().is_none())?;
        let said = self.0.transport.map_or(kind_words(self.kind()), TransportErrorKind::words);
        innermost_cause(source, said)
    }
}

/// Rounded up, so that who waits as long has waited long enough.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0))
}

/// Whether a mistyped base URL could be the cause, so that it belongs in the line.
fn is_about_the_server(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Connect | ErrorKind::Tls | ErrorKind::Proxy | ErrorKind::UnexpectedRedirect)
}

/// The words of a kind after a status, and where no transport failed: a transport's failure has its own.
fn kind_words(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest => "the input is invalid",
        ErrorKind::Credential => "the credential provider returned no secret key",
        ErrorKind::Blocked => "the request was blocked before it was sent",
        ErrorKind::Connect => "could not connect",
        ErrorKind::Tls => "the TLS handshake was refused",
        ErrorKind::Proxy => "the proxy could not reach the server",
        ErrorKind::Refused => "the server refused the request unprocessed",
        ErrorKind::Timeout => "the deadline passed",
        ErrorKind::Interrupted => "the connection broke off",
        ErrorKind::RateLimited => "too many requests",
        ErrorKind::Api => "without an error of Clerk's",
        ErrorKind::UnexpectedRedirect => "an unexpected redirect",
        ErrorKind::ResponseTruncated => "the response was cut short",
        ErrorKind::ResponseInvalid => "the response cannot be used",
        ErrorKind::ResponseMismatch => "the response belongs to another request",
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
