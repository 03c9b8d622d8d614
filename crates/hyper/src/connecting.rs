//! The result of opening a connection: a future, or an error that says what failed.
//!
//! Not responsible for opening connections (`connect.rs`), or for what an error proves (`classify.rs`).

use std::{error::Error as StdError, fmt, future::Future, pin::Pin, time::Duration};

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
#[derive(Debug)]
pub(crate) struct ProxyFailed {
    pub(crate) wants_credentials: bool,
    pub(crate) source: BoxError,
}

impl fmt::Display for ProxyFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.wants_credentials {
            true => "the proxy wants other credentials (407)",
            false => "the proxy did not open a tunnel to the server",
        })
    }
}

impl StdError for ProxyFailed {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.source.as_ref())
    }
}

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
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl StdError for Unavailable {}
