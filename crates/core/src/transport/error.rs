//! Why an exchange gave no complete response, and what each reason proves.

use std::{error::Error as StdError, fmt, time::Duration};

use http::StatusCode;

use crate::{secret::SanitizedChain, transport::message::Response};

type BoxError = Box<dyn StdError + Send + Sync>;

/// Why an exchange failed. Each kind says what it proves about the request. Use
/// [`Interrupted`](Self::Interrupted) where nothing is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// No connection came about: DNS, refused, unreachable, connect timeout, a TLS handshake cut off.
    /// Proves: not executed.
    Connect,
    /// The TLS handshake was refused for a lasting reason: certificate, name, protocol. Proves: not executed.
    Tls,
    /// The proxy could not reach Clerk (429, 502, 503 or 504 to CONNECT), or gave no HTTP response. Proves: not
    /// executed.
    Proxy,
    /// The proxy refused to open a tunnel: it wants other credentials (407), or responded to CONNECT with 403 or any
    /// other status. See [`TransportError::proxy_status`]. Proves: not executed.
    ProxyRefused,
    /// The request was dropped before a byte of it was written to any connection. Proves: not executed.
    Canceled,
    /// The peer refused the request unprocessed (HTTP/2 `REFUSED_STREAM`, or `GOAWAY` with a last stream id below
    /// ours; RFC 9113 section 8.7). Proves: not executed.
    Refused,
    /// The peer closed a new connection with an error code instead of taking its first request
    /// (HTTP/2 `GOAWAY`, RFC 9113 section 6.8). Another connection would most likely end in the same
    /// way. Proves: not executed.
    RefusedOnNewConnection,
    /// The deadline passed before the request was handed to a connection, or before any of its body was. Proves: not
    /// executed.
    TimeoutBeforeSend,
    /// The deadline passed after that. Proves nothing: execution is unknown.
    Timeout,
    /// The exchange broke off: end of stream, reset, broken pipe, protocol error. Proves nothing: an operating
    /// system gives the same error whether the server acted or not.
    Interrupted,
    /// The response body is larger than the cap. The partial response says what the head was.
    BodyTooLarge,
    /// This side holds requests back, because an earlier response asked to slow down. Proves: nothing was sent
    /// *by this attempt*. See [`TransportError::rate_limited`].
    RateLimited,
    /// The credential provider failed. Proves: not executed.
    Credential,
    /// Something on this side refused to send: a middleware, or the client's send log. Proves: nothing was sent
    /// *by this attempt*.
    Blocked,
    /// Anything else. Proves nothing.
    Other,
}

impl TransportErrorKind {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Connect => "could not connect",
            Self::Tls => "the TLS handshake was refused",
            Self::Proxy => "the proxy could not reach the server",
            Self::ProxyRefused => "the proxy refused to open a tunnel",
            Self::Canceled => "the connection closed before the request was written",
            Self::Refused => "the server refused the request unprocessed",
            Self::RefusedOnNewConnection => "the server closed a new connection rather than take its first request",
            Self::TimeoutBeforeSend => "the deadline passed before the request was sent",
            Self::Timeout => "the deadline passed before the response was complete",
            Self::Interrupted => "the connection broke off before the response was complete",
            Self::BodyTooLarge => "the response is larger than the cap",
            Self::RateLimited => "the client holds requests back",
            Self::Credential => "the credential provider returned no secret key",
            Self::Blocked => "the request was blocked before it was sent",
            Self::Other => "the transport failed",
        }
    }
}

/// An exchange that gave no complete response. Has a kind, a cause, and what had arrived.
///
/// One pointer wide. `Display` is the kind in words; the cause is in the source chain. Neither `Display` nor `Debug`
/// shows a body, a header or a URL.
///
/// ```
/// use clerk_actor_tokens_core::{Execution, TransportError, TransportErrorKind};
///
/// let error = TransportError::new(TransportErrorKind::Connect)
///     .with_source(std::io::Error::from(std::io::ErrorKind::ConnectionRefused));
/// assert_eq!(error.execution(), Execution::NotExecuted);
/// ```
pub struct TransportError(Box<Inner>);

struct Inner {
    kind: TransportErrorKind,
    source: Option<BoxError>,
    partial: Option<Response>,
    retry_after: Option<Duration>,
    advice: Option<&'static str>,
    proxy_status: Option<StatusCode>,
}

impl TransportError {
    /// Makes a failure of this kind, without a cause and with nothing arrived.
    #[must_use]
    pub fn new(kind: TransportErrorKind) -> Self {
        let (retry_after, advice, proxy_status) = (None, None, None);
        Self(Box::new(Inner { kind, source: None, partial: None, retry_after, advice, proxy_status }))
    }

    /// Makes a refusal by a middleware: nothing was sent, and `reason` says why.
    pub fn blocked(reason: impl Into<BoxError>) -> Self {
        Self::new(TransportErrorKind::Blocked).with_source(reason)
    }

    /// Makes a refusal to send for now: this side holds requests back for so long. The client's own
    /// gate fails calls in this way, and a middleware that limits the rate can too. The call ends
    /// with [`ErrorKind::RateLimited`](crate::ErrorKind::RateLimited), and its
    /// [`retry_after`](crate::Error::retry_after) is this.
    ///
    /// ```
    /// use clerk_actor_tokens_core::{CreateActorToken, Error, ErrorKind, Operation, TransportError};
    /// use std::time::Duration;
    ///
    /// let held_back = TransportError::rate_limited(Duration::from_secs(7));
    /// let error = Error::from_transport(&CreateActorToken::INFO, held_back);
    /// assert_eq!((error.kind(), error.retry_after()), (ErrorKind::RateLimited, Some(Duration::from_secs(7))));
    /// ```
    #[must_use]
    pub fn rate_limited(retry_after: Duration) -> Self {
        let mut error = Self::new(TransportErrorKind::RateLimited);
        error.0.retry_after = Some(retry_after);
        error
    }

    /// Adds the cause. The `Display` of the innermost one is in that of the call's error: it must not hold a secret.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Adds what to do about it, in a sentence or two. [`Error::advice`](crate::Error::advice) returns it for a `Blocked`,
    /// `Connect`, `Tls`, `Proxy` or `Credential` failure that leaves no doubt at Clerk.
    ///
    /// ```
    /// use clerk_actor_tokens_core::{CreateActorToken, Error, Operation, TransportError};
    ///
    /// let refused = TransportError::blocked("the audit log is full").with_advice("Rotate the audit log, and call again.");
    /// let error = Error::from_transport(&CreateActorToken::INFO, refused);
    /// assert!(error.to_string().contains("the audit log is full"));
    /// assert_eq!(error.advice(), "Rotate the audit log, and call again.");
    /// ```
    #[must_use]
    pub fn with_advice(mut self, advice: &'static str) -> Self {
        self.0.advice = Some(advice);
        self
    }

    /// Adds the status with which a proxy responded to CONNECT (RFC 9110 section 9.3.6).
    #[must_use]
    pub fn with_proxy_status(mut self, status: StatusCode) -> Self {
        self.0.proxy_status = Some(status);
        self
    }

    /// Adds what had arrived: the head of the response and as much of the body as was read. It decides what the
    /// failure means: a cut 200, a cut 422 and a cut 500 are three different things.
    #[must_use]
    pub fn with_partial(mut self, partial: Response) -> Self {
        self.0.partial = Some(partial);
        self
    }

    /// Returns the kind of failure.
    #[must_use]
    pub fn kind(&self) -> TransportErrorKind {
        self.0.kind
    }

    /// Returns what had arrived, if the head did.
    #[must_use]
    pub fn partial(&self) -> Option<&Response> {
        self.0.partial.as_ref()
    }

    /// Returns for how long this side holds requests back, if that is why nothing was sent.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns the status with which a proxy responded to CONNECT instead of opening a tunnel, if one did.
    #[must_use]
    pub fn proxy_status(&self) -> Option<StatusCode> {
        self.0.proxy_status
    }

    /// Returns what to do about it, where [`with_advice`](Self::with_advice) says so.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        self.0.advice
    }

    /// The same failure without the claim that nothing was sent, which its send state does not prove.
    pub(crate) fn into_unproved(mut self) -> Self {
        let claimed = std::mem::replace(&mut self.0.kind, TransportErrorKind::Interrupted);
        let source = self.0.source.take();
        self.with_source(Unproved { claimed, source })
    }

    pub(crate) fn partial_mut(&mut self) -> Option<&mut Response> {
        self.0.partial.as_mut()
    }

    pub(crate) fn into_parts(self) -> (TransportErrorKind, Option<BoxError>, Option<Response>) {
        let Inner { kind, source, partial, .. } = *self.0;
        (kind, source, partial)
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.kind.words())
    }
}

impl fmt::Debug for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("TransportError");
        debug.field("kind", &self.0.kind);
        if let Some(partial) = &self.0.partial {
            debug.field("partial_status", &partial.status().as_u16());
            debug.field("partial_len", &partial.body().len());
        }
        if let Some(source) = &self.0.source {
            debug.field("source", &SanitizedChain(source.as_ref()));
        }
        debug.finish_non_exhaustive()
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// A claim that was withdrawn: see [`TransportError::into_unproved`].
#[derive(Debug)]
struct Unproved {
    claimed: TransportErrorKind,
    source: Option<BoxError>,
}

impl fmt::Display for Unproved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the transport reported \"{}\" after it had begun to send, or without holding the request",
            self.claimed.words()
        )
    }
}

impl StdError for Unproved {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<TransportErrorKind> for TransportError {
    fn from(kind: TransportErrorKind) -> Self {
        Self::new(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_pointer_wide() {
        assert_eq!(size_of::<TransportError>(), size_of::<usize>());
        assert_eq!(size_of::<Option<TransportError>>(), size_of::<usize>());
    }

    #[test]
    fn debug_shows_neither_the_body_nor_a_secret_in_the_cause() {
        let mut partial = Response::new("CANARY".into());
        partial.headers_mut().insert("x-test", http::HeaderValue::from_static("CANARY"));
        let error = TransportError::new(TransportErrorKind::Interrupted)
            .with_partial(partial)
            .with_source("while sending sk_live_CANARY");
        for text in [format!("{error:?}"), format!("{error:#?}"), error.to_string()] {
            assert!(!text.contains("CANARY"), "{text}");
        }
    }
}
