//! Configuring a [`HyperTransport`], and what can be wrong with that.

use std::{error::Error as StdError, fmt, time::Duration};

use crate::{BoxError, HyperTransport, connect::Connector};

/// Configures a [`HyperTransport`].
///
/// ```
/// use clerk_actor_tokens_hyper::HyperTransport;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), clerk_actor_tokens_hyper::BuildError> {
/// let transport = HyperTransport::builder()
///     .http_only()
///     .connect_timeout(Duration::from_secs(2))
///     .max_idle_per_host(4)
///     .build()?;
/// # let _ = transport;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct HyperTransportBuilder {
    connect_timeout: Duration,
    pool_idle_timeout: Duration,
    max_idle_per_host: usize,
    http_only: bool,
}

/// The longest idle time that is accepted. Servers close an idle connection within minutes.
const MAX_POOL_IDLE: Duration = Duration::from_secs(24 * 3600);

impl HyperTransportBuilder {
    pub(crate) fn new() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            // Below the idle limit of servers: a connection that the server is closing is the one way in which a
            // pooled request is lost with its fate unknown.
            pool_idle_timeout: Duration::from_secs(10),
            max_idle_per_host: usize::MAX,
            http_only: false,
        }
    }

    /// How long opening one connection may take: DNS, TCP and TLS together. 5 seconds unless set; not zero.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a connection may lie idle in the pool and still be used again. 10 seconds unless set; from above zero
    /// to 24 hours. Keep it below the server's own limit.
    pub fn pool_idle_timeout(mut self, timeout: Duration) -> Self {
        self.pool_idle_timeout = timeout;
        self
    }

    /// How many idle connections to one host are kept. No limit unless set; 0 opens a connection for each request.
    pub fn max_idle_per_host(mut self, connections: usize) -> Self {
        self.max_idle_per_host = connections;
        self
    }

    /// Leaves TLS out: no root certificates are read, and each `https` request fails with
    /// [`TransportErrorKind::Tls`](clerk_actor_tokens_core::TransportErrorKind::Tls). For servers on this machine.
    pub fn http_only(mut self) -> Self {
        self.http_only = true;
        self
    }

    /// Builds the transport. Unless [`http_only`](Self::http_only) is set, it reads the system's root certificates
    /// from disk. A machine without any is no error here: `https` requests will fail with
    /// [`TransportErrorKind::Tls`](clerk_actor_tokens_core::TransportErrorKind::Tls).
    ///
    /// # Errors
    /// [`BuildError`] if a value is out of its range, or if the crate was built with neither the feature `aws-lc-rs`
    /// nor `ring` and [`http_only`](Self::http_only) is not set.
    pub fn build(self) -> Result<HyperTransport, BuildError> {
        if self.connect_timeout.is_zero() {
            return Err(BuildError::new("connect_timeout is zero: no connection could be opened"));
        }
        if self.pool_idle_timeout.is_zero() {
            return Err(BuildError::new("pool_idle_timeout is zero: use max_idle_per_host(0) to keep no connection"));
        }
        if self.pool_idle_timeout > MAX_POOL_IDLE {
            return Err(BuildError::new("pool_idle_timeout is longer than 24 hours"));
        }
        let connector = Connector::new(self.connect_timeout, self.http_only)?;
        Ok(HyperTransport::with_connector(connector, self.pool_idle_timeout, self.max_idle_per_host))
    }
}

/// Why a [`HyperTransport`] could not be built.
///
/// ```
/// use clerk_actor_tokens_hyper::HyperTransport;
/// use std::time::Duration;
///
/// let error = HyperTransport::builder().connect_timeout(Duration::ZERO).build().unwrap_err();
/// assert_eq!(error.to_string(), "connect_timeout is zero: no connection could be opened");
/// ```
#[derive(Debug)]
pub struct BuildError {
    message: &'static str,
    source: Option<BoxError>,
}

impl BuildError {
    pub(crate) fn new(message: &'static str) -> Self {
        Self { message, source: None }
    }

    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl StdError for BuildError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_cannot_work_are_refused_by_name() {
        let builder = || HyperTransport::builder().http_only();
        for (refused, name) in [
            (builder().connect_timeout(Duration::ZERO), "connect_timeout"),
            (builder().pool_idle_timeout(Duration::ZERO), "pool_idle_timeout"),
            (builder().pool_idle_timeout(Duration::MAX), "pool_idle_timeout"),
        ] {
            let error = refused.build().expect_err(name);
            assert!(error.to_string().contains(name), "{error}");
        }
        for accepted in [builder(), builder().connect_timeout(Duration::MAX), builder().max_idle_per_host(0)] {
            accepted.build().expect("accepted");
        }
    }

    #[test]
    fn https_is_built_only_with_a_crypto_provider() {
        let result = HyperTransport::new();
        if cfg!(any(feature = "aws-lc-rs", feature = "ring")) {
            result.expect("a provider is there");
        } else {
            let error = result.expect_err("no provider").to_string();
            assert!(error.contains("`aws-lc-rs`") && error.contains("`ring`"), "{error}");
        }
    }
}
