//! What is spoken on a socket, and a transport of the library's that speaks it.

use std::fmt;

use clerk_actor_tokens::{
    ConfigError,
    hyper::{Certificates, HyperTransport, HyperTransportBuilder},
};

/// What is spoken on a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 in the clear.
    Http1,
    /// HTTP/2 in the clear, by prior knowledge.
    Http2,
    /// HTTP/1.1 over TLS.
    Http1Tls,
    /// HTTP/2 over TLS.
    Http2Tls,
}

impl Protocol {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Http1, Self::Http2, Self::Http1Tls, Self::Http2Tls];

    /// Those without TLS.
    pub const CLEAR: [Self; 2] = [Self::Http1, Self::Http2];

    /// Whether it is HTTP/2.
    #[must_use]
    pub fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Http2Tls)
    }

    /// Whether TLS is spoken.
    #[must_use]
    pub fn has_tls(self) -> bool {
        matches!(self, Self::Http1Tls | Self::Http2Tls)
    }

    pub(crate) fn scheme(self) -> &'static str {
        if self.has_tls() { "https" } else { "http" }
    }

    /// A transport that speaks this alone, and trusts this authority (PEM) alone.
    pub(crate) fn transport(self, authority: Option<&str>) -> Result<HyperTransportBuilder, ConfigError> {
        let builder = HyperTransport::builder();
        let builder = if self.is_http2() { builder.http2_prior_knowledge() } else { builder.http1_only() };
        match authority {
            Some(pem) => Ok(builder.only_roots(Certificates::from_pem(pem.as_bytes())?)),
            // The machine's roots need not be read.
            None if !self.has_tls() => Ok(builder.http_only()),
            None => Ok(builder),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http1 => "h1",
            Self::Http2 => "h2",
            Self::Http1Tls => "h1 over TLS",
            Self::Http2Tls => "h2 over TLS",
        })
    }
}
