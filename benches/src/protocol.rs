//! The table of protocols that are measured.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// What is spoken with the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub enum Protocol {
    /// HTTP/1.1 in the clear
    Http1,
    /// HTTP/1.1 over TLS
    Http1Tls,
    /// HTTP/2 in the clear, with prior knowledge
    Http2,
    /// HTTP/2 over TLS
    Http2Tls,
}

impl Protocol {
    /// Every protocol.
    pub const ALL: [Self; 4] = [Self::Http1, Self::Http1Tls, Self::Http2, Self::Http2Tls];
    /// Those without TLS, whose instructions are not those of the ciphers.
    pub const CLEAR: [Self; 2] = [Self::Http1, Self::Http2];

    /// Returns its name in figures.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http1Tls => "HTTP/1.1, TLS",
            Self::Http2 => "HTTP/2",
            Self::Http2Tls => "HTTP/2, TLS",
        }
    }

    /// Returns whether it is HTTP/2.
    #[must_use]
    pub const fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Http2Tls)
    }

    /// Returns whether it is over TLS.
    #[must_use]
    pub const fn has_tls(self) -> bool {
        matches!(self, Self::Http1Tls | Self::Http2Tls)
    }

    /// Returns the scheme of its URLs.
    pub(crate) const fn scheme(self) -> &'static str {
        if self.has_tls() { "https" } else { "http" }
    }

    /// Returns its name in TLS (RFC 7301).
    pub(crate) fn alpn(self) -> Vec<Vec<u8>> {
        let name: &[u8] = if self.is_http2() { b"h2" } else { b"http/1.1" };
        vec![name.to_vec()]
    }
}
