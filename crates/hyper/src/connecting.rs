//! The result of opening a connection: a future, or an error that says what failed.
//!
//! Not responsible for opening connections (`connect.rs`), or for what an error proves (`classify.rs`).

use std::{error::Error as StdError, fmt, future::Future, pin::Pin, time::Duration};

use http::StatusCode;

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

pub(crate) type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// Connecting took longer than the limit.
#[derive(Debug)]
pub(crate) struct ConnectTimedOut(pub(crate) Duration);

impl fmt::Display for ConnectTimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connecting took longer than {:?}", self.0)
    }
}

impl StdError for ConnectTimedOut {}

/// The proxy gave no tunnel to the server.
#[cfg_attr(
    not(any(feature = "aws-lc-rs", feature = "ring")),
    allow(dead_code, reason = "a proxy leads to https servers alone")
)]
#[derive(Debug)]
pub(crate) enum ProxyFailed {
    /// It responded with this status to CONNECT.
    Responded(StatusCode),
    /// It opened the tunnel, and sent bytes before TLS began. They are not the server's.
    SpokeFirst,
    /// It gave no response that can be read, or is a SOCKS proxy that refused.
    Broke(BoxError),
}

impl ProxyFailed {
    pub(crate) fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Responded(status) => Some(*status),
            Self::SpokeFirst | Self::Broke(_) => None,
        }
    }

    /// Whether another attempt may end in another way.
    pub(crate) fn may_pass(&self) -> bool {
        // The proxy is overloaded, or could not reach the server (RFC 9110 section 15.6, RFC 6585 section 4).
        self.status().is_none_or(|status| matches!(status.as_u16(), 429 | 502 | 503 | 504))
    }
}

impl fmt::Display for ProxyFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Responded(status) => write!(f, "the proxy responded to CONNECT with status {}", status.as_u16()),
            Self::SpokeFirst => f.write_str("the proxy sent bytes behind its response to CONNECT, before TLS began"),
            Self::Broke(_) => f.write_str("the proxy did not open a tunnel to the server"),
        }
    }
}

impl StdError for ProxyFailed {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Broke(cause) => Some(cause.as_ref()),
            Self::Responded(_) | Self::SpokeFirst => None,
        }
    }
}

/// No connection to the proxy itself came about.
///
/// It is shown as one cause, because the innermost one would not say that it is about the proxy.
#[cfg_attr(
    not(any(feature = "aws-lc-rs", feature = "ring")),
    allow(dead_code, reason = "a proxy leads to https servers alone")
)]
#[derive(Debug)]
pub(crate) struct ProxyUnreached {
    /// Host and port.
    pub(crate) proxy: String,
    pub(crate) speaks_no_tls: bool,
    pub(crate) cause: BoxError,
}

impl fmt::Display for ProxyUnreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.speaks_no_tls {
            return write!(f, "the proxy {} does not speak TLS", self.proxy);
        }
        let mut innermost: &dyn StdError = self.cause.as_ref();
        while let Some(cause) = innermost.source() {
            innermost = cause;
        }
        write!(f, "the proxy {}: {innermost}", self.proxy)
    }
}

impl StdError for ProxyUnreached {}

/// What was spoken to in TLS answered in something else.
#[derive(Debug)]
pub(crate) struct SpeaksNoTls;

impl fmt::Display for SpeaksNoTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server does not speak TLS")
    }
}

impl StdError for SpeaksNoTls {}

/// This transport has no TLS, and why.
#[derive(Debug, Clone)]
pub(crate) struct Unavailable {
    pub(crate) reason: &'static str,
    /// As text: an `io::Error` cannot be cloned into each failure.
    pub(crate) detail: Option<String>,
    /// What to do about it.
    pub(crate) advice: &'static str,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason)?;
        match &self.detail {
            Some(detail) => write!(f, " ({detail})"),
            None => Ok(()),
        }
    }
}

impl StdError for Unavailable {}
