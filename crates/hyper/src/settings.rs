//! How connections are kept, and how they speak.

use std::time::Duration;

/// Which versions of HTTP are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Versions {
    /// Over TLS what ALPN gives (RFC 7301), over a plain connection HTTP/1.1.
    Negotiated,
    Http1,
    /// HTTP/2 over a plain connection too, by prior knowledge (RFC 9113 section 3.3).
    Http2,
}

/// How connections are kept, and how they speak.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) versions: Versions,
    pub(crate) idle_timeout: Duration,
    pub(crate) max_idle_per_host: usize,
    pub(crate) max_http2_connections: usize,
    pub(crate) max_head_size: u32,
    pub(crate) max_headers: usize,
}

impl Settings {
    /// Whether a connection speaks HTTP/2, given what its handshake said.
    pub(crate) fn is_http2(&self, is_negotiated: bool) -> bool {
        match self.versions {
            Versions::Negotiated => is_negotiated,
            Versions::Http1 => false,
            Versions::Http2 => true,
        }
    }
}
