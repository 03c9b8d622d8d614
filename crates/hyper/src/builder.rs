//! Configuring a [`HyperTransport`].
//!
//! Not responsible for TLS and proxies, whose options come with their features (`builder/tls_options.rs`).

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tls_options;

use std::time::Duration;

use clerk_actor_tokens_core::ConfigError;
use http::Uri;
use hyper::rt::{Read, Write};
use hyper_util::client::legacy::connect::Connection;
use tower_service::Service;

use crate::{
    HyperTransport,
    connect::{Connector, opens},
    connecting::BoxError,
    connection::socket::Socket,
    settings::{Settings, Versions},
    tls,
};

impl HyperTransport {
    /// Makes a transport with the defaults. The builder's methods list them.
    ///
    /// # Errors
    /// [`ConfigError`] if the crate was built with neither the feature `aws-lc-rs` nor `ring`.
    pub fn new() -> Result<Self, ConfigError> {
        Self::builder().build()
    }

    /// Returns a builder of a transport.
    pub fn builder() -> HyperTransportBuilder {
        HyperTransportBuilder::new()
    }
}

/// Configures a [`HyperTransport`].
///
/// ```
/// use clerk_actor_tokens_hyper::HyperTransport;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), clerk_actor_tokens_core::ConfigError> {
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
#[must_use = "nothing is made until build()"]
pub struct HyperTransportBuilder {
    connect_timeout: Duration,
    http_only: bool,
    settings: Settings,
    pub(crate) tls: tls::Options,
}

/// The longest idle time that is accepted. Servers close an idle connection within minutes.
const MAX_POOL_IDLE: Duration = Duration::from_secs(24 * 3600);

/// The least that hyper needs to read a head, and the most that a process should hold for one.
const HEAD_SIZES: std::ops::RangeInclusive<u32> = 8 * 1024..=1024 * 1024;

/// With none, no call would be served. 64 are some thousand streams at most servers.
const HTTP2_CONNECTIONS: std::ops::RangeInclusive<usize> = 1..=64;

/// What a server may send, and what a process should hold for one.
const HEADER_LINES: std::ops::RangeInclusive<usize> = 16..=4096;

impl HyperTransportBuilder {
    pub(crate) fn new() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            http_only: false,
            settings: Settings {
                versions: Versions::Negotiated,
                // Below the idle limit of servers: a connection that the server is closing is the one way in which a
                // pooled request is lost with its fate unknown.
                idle_timeout: Duration::from_secs(4),
                max_idle_per_host: usize::MAX,
                max_http2_connections: 1,
                max_head_size: 64 * 1024,
                max_headers: 256,
            },
            tls: tls::Options::default(),
        }
    }

    /// Sets how long opening one connection may take: DNS, TCP, proxy and TLS together. Default: 5
    /// seconds. It must not be zero.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets for how long an idle connection is kept for another request. Default: 4 seconds. It
    /// must be above zero, and at most 24 hours. Keep it below the server's own limit.
    pub fn pool_idle_timeout(mut self, timeout: Duration) -> Self {
        self.settings.idle_timeout = timeout;
        self
    }

    /// Sets how many idle connections to one host are kept. Default: no limit. 0 opens a connection
    /// for each request.
    pub fn max_idle_per_host(mut self, connections: usize) -> Self {
        self.settings.max_idle_per_host = connections;
        self
    }

    /// Sets how many HTTP/2 connections to one host a runtime uses at once. Default: 1. It must be from 1 to 64. Where no
    /// connection has a stream left, calls wait for one. With 2 or more, another connection is opened for them.
    pub fn max_http2_connections(mut self, connections: usize) -> Self {
        self.settings.max_http2_connections = connections;
        self
    }

    /// Sets how large the head of a response may be: status line and headers, in bytes. Default: 64
    /// KiB. It must be from 8 KiB to 1 MiB. The transport stops reading a larger head, and the
    /// exchange fails with
    /// [`TransportErrorKind::Interrupted`](clerk_actor_tokens_core::TransportErrorKind::Interrupted).
    /// Over HTTP/1.1 the size is checked between two reads, so that up to twice as much may be
    /// read. Over HTTP/2 each interim response (1xx) may have this size, and their number is not
    /// bounded.
    ///
    /// The cap of a response's body is the call's:
    /// [`CallContext::response_cap`](clerk_actor_tokens_core::CallContext::response_cap).
    pub fn max_head_size(mut self, bytes: u32) -> Self {
        self.settings.max_head_size = bytes;
        self
    }

    /// Sets how many header lines an HTTP/1.1 response may have. Default: 256. It must be from 16 to 4,096. More than 100 are
    /// read into memory that each response allocates.
    pub fn max_headers(mut self, lines: usize) -> Self {
        self.settings.max_headers = lines;
        self
    }

    /// Speaks HTTP/1.1 alone. Unless this or [`http2_prior_knowledge`](Self::http2_prior_knowledge) is set, `https`
    /// connections speak HTTP/2 where the server does too (ALPN, RFC 7301), and `http` connections HTTP/1.1.
    pub fn http1_only(mut self) -> Self {
        self.settings.versions = Versions::Http1;
        self
    }

    /// Speaks HTTP/2 alone, also over `http` (RFC 9113 section 3.3). Use it only if the server
    /// speaks HTTP/2.
    pub fn http2_prior_knowledge(mut self) -> Self {
        self.settings.versions = Versions::Http2;
        self
    }

    /// Turns TLS off: no root certificates are read, and each `https` request fails with
    /// [`TransportErrorKind::Tls`](clerk_actor_tokens_core::TransportErrorKind::Tls). For servers
    /// on this machine.
    pub fn http_only(mut self) -> Self {
        self.http_only = true;
        self
    }

    /// Builds the transport. Unless [`http_only`](Self::http_only) is set or other roots are
    /// chosen, it reads the system's root certificates from disk. A machine without any is not an
    /// error here: `https` requests fail later, with
    /// [`TransportErrorKind::Tls`](clerk_actor_tokens_core::TransportErrorKind::Tls).
    ///
    /// # Errors
    /// [`ConfigError`] if a value is out of its range, if a certificate, a key or a proxy's URL cannot be used, if the
    /// file that `SSL_CERT_FILE` names cannot be read or is no whole PEM text, if options contradict each other, or if the crate was built with neither the feature `aws-lc-rs` nor `ring` and
    /// [`http_only`](Self::http_only) is not set.
    pub fn build(self) -> Result<HyperTransport, ConfigError> {
        self.check()?;
        let connector = match self.http_only {
            true if !self.tls.is_default() => {
                let problem = "is set together with an option of TLS or of proxies";
                return Err(ConfigError::new("http_only", problem, "leave one of the two out"));
            }
            true => Connector::http_only(),
            false => Connector::new(&self.tls, &self.settings)?,
        };
        Ok(self.transport(connector, tls::socket))
    }

    /// Builds the transport over your own connector: your resolver, your sockets, your TLS. Pool and limits stay this
    /// builder's, and so does the [`connect_timeout`](Self::connect_timeout) around all that the
    /// connector does.
    ///
    /// The connector says by hyper-util's `Connected::negotiated_h2` that a connection speaks HTTP/2. Its
    /// failures count as
    /// [`TransportErrorKind::Connect`](clerk_actor_tokens_core::TransportErrorKind::Connect): no
    /// request was handed to a connection. A failure that has a `rustls::Error` among its causes
    /// counts as [`TransportErrorKind::Tls`](clerk_actor_tokens_core::TransportErrorKind::Tls),
    /// which is not retried.
    ///
    /// A plain `HttpConnector` reaches only `http` servers. For Clerk, put it under TLS, for
    /// example hyper-rustls':
    ///
    /// ```
    /// # #[cfg(any(feature = "aws-lc-rs", feature = "ring"))] mod example {
    /// use clerk_actor_tokens_core::ConfigError;
    /// use clerk_actor_tokens_hyper::HyperTransport;
    /// use hyper_rustls::HttpsConnector;
    /// use hyper_util::client::legacy::connect::HttpConnector;
    ///
    /// fn transport(mut tls: rustls::ClientConfig) -> Result<HyperTransport, ConfigError> {
    ///     // Your resolver: `HttpConnector::new_with_resolver`. Your sockets: its methods.
    ///     let mut tcp = HttpConnector::new();
    ///     tcp.enforce_http(false); // TLS asks it for connections to `https` servers
    ///     tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    ///     HyperTransport::builder().build_with_connector(HttpsConnector::from((tcp, tls)))
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ConfigError`] if a value is out of its range, or if an option of TLS or of proxies is set, or
    /// [`http1_only`](Self::http1_only): they are the connector's.
    #[cfg(feature = "connector")]
    pub fn build_with_connector<C>(self, connector: C) -> Result<HyperTransport, ConfigError>
    where
        C: Service<Uri> + Clone + Send + Sync + 'static,
        C::Response: Read + Write + Connection + Unpin + Send + 'static,
        C::Error: Into<BoxError>,
        C::Future: Send + 'static,
    {
        self.check()?;
        if self.http_only || !self.tls.is_default() {
            let problem = "is used together with an option of TLS or of proxies, which are the connector's";
            return Err(ConfigError::new("build_with_connector", problem, "configure the connector"));
        }
        if self.settings.versions == Versions::Http1 {
            let problem = "is set together with a connector of your own, which negotiates the version itself";
            return Err(ConfigError::new("http1_only", problem, "configure the connector"));
        }
        // Of a stream of the user's own nothing is known.
        Ok(self.transport(connector, |_| None))
    }

    fn transport<C>(&self, connector: C, socket: fn(&C::Response) -> Option<Socket>) -> HyperTransport
    where
        C: Service<Uri> + Clone + Send + Sync + 'static,
        C::Response: Read + Write + Connection + Unpin + Send + 'static,
        C::Error: Into<BoxError>,
        C::Future: Send + 'static,
    {
        let open = opens(connector, self.connect_timeout, &self.settings, socket);
        HyperTransport::new_over(open, self.settings.clone())
    }

    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |setting, problem, advice| Err(ConfigError::new(setting, problem, advice));
        if self.connect_timeout.is_zero() {
            return wrong("connect_timeout", "is zero", "set a duration of more than zero");
        }
        if self.settings.idle_timeout.is_zero() {
            return wrong("pool_idle_timeout", "is zero", "use `max_idle_per_host(0)` to keep no connection");
        }
        if self.settings.idle_timeout > MAX_POOL_IDLE {
            return wrong(
                "pool_idle_timeout",
                "is longer than 24 hours",
                "set a duration below the server's idle limit",
            );
        }
        if !HTTP2_CONNECTIONS.contains(&self.settings.max_http2_connections) {
            return wrong("max_http2_connections", "is out of range", "set a number of connections from 1 to 64");
        }
        if !HEADER_LINES.contains(&self.settings.max_headers) {
            return wrong("max_headers", "is out of range", "set a number of lines from 16 to 4,096");
        }
        if !HEAD_SIZES.contains(&self.settings.max_head_size) {
            return wrong("max_head_size", "is out of range", "set a number of bytes from 8 KiB to 1 MiB");
        }
        Ok(())
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
            (builder().max_head_size(8 * 1024 - 1), "max_head_size"),
            (builder().max_head_size(1024 * 1024 + 1), "max_head_size"),
            (builder().max_http2_connections(0), "max_http2_connections"),
            (builder().max_http2_connections(65), "max_http2_connections"),
            (builder().max_headers(15), "max_headers"),
            (builder().max_headers(4097), "max_headers"),
        ] {
            assert_eq!(refused.build().expect_err(name).setting(), name);
        }
        for accepted in [
            builder(),
            builder().connect_timeout(Duration::MAX),
            builder().max_idle_per_host(0),
            builder().max_head_size(8 * 1024),
            builder().max_head_size(1024 * 1024),
        ] {
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

    #[test]
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    fn an_option_that_http_only_would_ignore_is_refused() {
        let proxied = HyperTransport::builder().proxy("http://127.0.0.1:1");
        assert!(proxied.http_only().build().unwrap_err().to_string().contains("http_only"));
    }

    #[test]
    #[cfg(feature = "connector")]
    fn an_option_that_a_connector_would_ignore_is_refused() {
        use hyper_util::client::legacy::connect::HttpConnector;

        for refused in [HyperTransport::builder().http_only(), HyperTransport::builder().http1_only()] {
            let error = refused.build_with_connector(HttpConnector::new()).unwrap_err();
            assert!(error.to_string().contains("connector"), "{error}");
        }
        #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
        assert!(
            HyperTransport::builder().proxy("http://127.0.0.1:1").build_with_connector(HttpConnector::new()).is_err()
        );
    }
}
