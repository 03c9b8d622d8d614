//! The kinds of floods, and what one came to.

use std::{
    fmt,
    io::{self, ErrorKind},
    str::FromStr,
};

/// 10 GiB.
pub const WHOLE: u64 = 10 * 1024 * 1024 * 1024;

/// How the answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flood {
    /// With a length that is announced.
    Length,
    /// In chunks.
    Chunked,
    /// Until the connection closes.
    UntilClosed,
    /// In chunks, each with an extension of 32 KiB and one byte.
    Extensions,
    /// As gzip of a hundred times as much, with a length that is announced.
    Gzip,
    /// As 200 KB of gzip, which would be 31 MiB.
    SmallGzip,
    /// Over HTTP/2, within the windows that the client gives.
    Http2,
    /// Over HTTP/2, whatever windows the client gives.
    Http2Unbounded,
    /// Over HTTP/2, as empty DATA frames.
    Http2Empty,
}

impl Flood {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Length,
        Self::Chunked,
        Self::UntilClosed,
        Self::Extensions,
        Self::Gzip,
        Self::SmallGzip,
        Self::Http2,
        Self::Http2Unbounded,
        Self::Http2Empty,
    ];

    /// Whether it is HTTP/2.
    #[must_use]
    pub fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Http2Unbounded | Self::Http2Empty)
    }

    /// Whether the answer has an end that a client may wait for.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self == Self::SmallGzip
    }

    fn name(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Chunked => "chunked",
            Self::UntilClosed => "until-closed",
            Self::Extensions => "extensions",
            Self::Gzip => "gzip",
            Self::SmallGzip => "small-gzip",
            Self::Http2 => "h2",
            Self::Http2Unbounded => "h2-unbounded",
            Self::Http2Empty => "h2-empty",
        }
    }
}

impl fmt::Display for Flood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Flood {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|flood| flood.name() == name).ok_or_else(|| format!("no flood is called {name}"))
    }
}

/// How much was written, and how that ended.
pub(super) struct Written {
    pub(super) bytes: u64,
    pub(super) end: &'static str,
}

/// How the client ended it, by the error that writing or reading came to.
pub(super) fn ended(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => "stood still",
        _ => "closed by the client",
    }
}
