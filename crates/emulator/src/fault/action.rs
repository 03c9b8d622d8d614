//! What happens, as data, and how it is written.

use std::{borrow::Cow, fmt, io, time::Duration};

use clerk_actor_tokens_core::TransportErrorKind;
use http::{HeaderValue, StatusCode};

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    Pass,
    Break(Break),
    /// Nothing more comes. `Some(n)`: after the head and `n` bytes of the body.
    Stall(Option<usize>),
    Delay(Duration),
    Answer(Answer),
    /// The exchange breaks off after the head and this many bytes of the body.
    CutAt(usize),
    /// The body takes this long.
    Slow(Duration),
    Change(Change),
}

/// An exchange that breaks off: what a client can know of it, before and after it has sent the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Break {
    pub(crate) name: &'static str,
    /// The code of an HTTP/2 reset.
    pub(crate) code: Option<u32>,
    pub(crate) unsent: TransportErrorKind,
    pub(crate) sent: TransportErrorKind,
    pub(crate) cause: io::ErrorKind,
    /// How long it takes until the client knows.
    pub(crate) after: Duration,
    /// What it is in bytes, once the request is sent or while the connection is being made.
    #[cfg_attr(not(feature = "serve"), allow(dead_code, reason = "only the server writes bytes"))]
    pub(crate) wire: Wire,
}

/// What breaks an exchange off, in bytes. What HTTP/1.1 and plain TCP have no words for is a reset there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// RST of the connection.
    Reset,
    /// The end of the stream, both ways.
    End,
    /// The end of the stream from the server, which reads on.
    HalfEnd,
    /// Nothing, until the client goes.
    Silence,
    /// A fatal alert in the TLS handshake.
    TlsAlert,
    /// A part of the server's first TLS record, then the end of the stream.
    TlsCut,
    /// A proxy's answer to CONNECT.
    Proxy(StatusCode),
    /// HTTP/2 RST_STREAM with this code.
    ResetStream(u32),
    /// HTTP/2 GOAWAY that names a stream below the request's.
    GoAwayBelow,
    /// HTTP/2 GOAWAY that names the request's stream.
    GoAwayAbove,
}

/// An answer that is not the emulator's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) page: Page,
    pub(crate) location: Option<HeaderValue>,
    pub(crate) retry_after: Option<RetryAfter>,
    pub(crate) date: Option<Skew>,
}

/// What the body of such an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    /// In Clerk's error form, or in HTML for 520 to 530.
    OfStatus,
    Html,
    Empty,
    /// JSON that is no object of Clerk's.
    Foreign,
}

/// The forms of `Retry-After`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RetryAfter {
    Seconds(Duration),
    /// As a date, so long after the sender's clock.
    Date(Duration),
    Text(HeaderValue),
}

/// How far the sender's clock is from the emulator's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Skew {
    Ahead(Duration),
    Behind(Duration),
}

/// What is different about Clerk's own answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Malformed,
    Without(Cow<'static, str>),
    WrongType(Cow<'static, str>),
    BadUtf8(Cow<'static, str>),
    Duplicate(Cow<'static, str>),
    TokenStatus(Cow<'static, str>),
    ContentType(HeaderValue),
    PaddedTo(usize),
    Nested(usize),
    Gzip,
    Bom,
    AnotherUser,
    AnotherActor,
    BadId,
    Stale,
}

impl Change {
    /// The member that it is about, if it names one.
    pub(crate) fn member(&self) -> Option<&str> {
        match self {
            Self::Without(name) | Self::WrongType(name) | Self::BadUtf8(name) | Self::Duplicate(name) => Some(name),
            _ => None,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => f.write_str("pass()"),
            Self::Break(cause) => write!(f, "{cause}"),
            Self::Stall(None) => f.write_str("stall()"),
            Self::Stall(Some(bytes)) => write!(f, "stall_at({bytes})"),
            Self::Delay(duration) => write!(f, "delay({duration:?})"),
            Self::Answer(answer) => write!(f, "{answer}"),
            Self::CutAt(bytes) => write!(f, "cut_at({bytes})"),
            Self::Slow(duration) => write!(f, "slow_body({duration:?})"),
            Self::Change(change) => write!(f, "{change}"),
        }
    }
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "{}({code})", self.name),
            None => write!(f, "{}()", self.name),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status.as_u16();
        match (self.page, &self.location) {
            // Without its query: a location may hold a credential.
            (_, Some(location)) => {
                let location = String::from_utf8_lossy(location.as_bytes());
                write!(f, "redirect({status}, {:?})", location.split(['?', '#']).next().unwrap_or_default())
            }
            (Page::OfStatus, None) => write!(f, "status({status})"),
            (Page::Html, None) => write!(f, "html({status})"),
            (Page::Empty, None) => write!(f, "empty({status})"),
            (Page::Foreign, None) => f.write_str("not_clerk()"),
        }?;
        match &self.retry_after {
            None => Ok(()),
            Some(RetryAfter::Seconds(after)) => write!(f, ".retry_after({after:?})"),
            Some(RetryAfter::Date(after)) => write!(f, ".retry_after_date({after:?})"),
            Some(RetryAfter::Text(text)) => {
                write!(f, ".retry_after_text({:?})", String::from_utf8_lossy(text.as_bytes()))
            }
        }?;
        match self.date {
            None => Ok(()),
            Some(Skew::Ahead(Duration::ZERO)) => f.write_str(".dated()"),
            Some(Skew::Ahead(by)) => write!(f, ".clock_ahead({by:?})"),
            Some(Skew::Behind(by)) => write!(f, ".clock_behind({by:?})"),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("malformed()"),
            Self::Without(field) => write!(f, "without({field:?})"),
            Self::WrongType(field) => write!(f, "wrong_type({field:?})"),
            Self::BadUtf8(field) => write!(f, "bad_utf8({field:?})"),
            Self::Duplicate(field) => write!(f, "duplicate({field:?})"),
            Self::TokenStatus(status) => write!(f, "token_status({status:?})"),
            Self::ContentType(value) => write!(f, "content_type({:?})", String::from_utf8_lossy(value.as_bytes())),
            Self::PaddedTo(bytes) => write!(f, "padded_to({bytes})"),
            Self::Nested(depth) => write!(f, "nested({depth})"),
            Self::Gzip => f.write_str("gzip()"),
            Self::Bom => f.write_str("bom()"),
            Self::AnotherUser => f.write_str("another_user()"),
            Self::AnotherActor => f.write_str("another_actor()"),
            Self::BadId => f.write_str("bad_id()"),
            Self::Stale => f.write_str("stale()"),
        }
    }
}
