//! Faults of the connection: it does not come about, breaks, is refused, or goes silent.

use std::{io, time::Duration};

use clerk_actor_tokens_core::TransportErrorKind as Kind;
use http::StatusCode;

use super::{Action, Anytime, Break, Connecting, Fault, Underway, Unprocessed, Wire};

/// How long [`connect_timeout`] takes: what the client's own connections have by default.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// RFC 9113 section 7.
const REFUSED_STREAM: u32 = 7;

const fn only(name: &'static str, kind: Kind, cause: io::ErrorKind) -> Break {
    Break { name, code: None, unsent: kind, sent: kind, cause, after: Duration::ZERO, wire: Wire::Reset }
}

/// One that is no connection if it comes before the request, and proves nothing afterwards.
const fn anytime(name: &'static str, cause: io::ErrorKind) -> Break {
    Break { sent: Kind::Interrupted, ..only(name, Kind::Connect, cause) }
}

const fn broken<When>(cause: Break) -> Fault<When> {
    Fault::new(Action::Break(cause))
}

/// No fault: lets one attempt through.
pub fn pass() -> Fault<Anytime> {
    Fault::new(Action::Pass)
}

/// Time passes, then the exchange continues.
pub fn delay(duration: Duration) -> Fault<Anytime> {
    Fault::new(Action::Delay(duration))
}

/// Nothing more comes, until the client gives up or the deadline passes.
pub fn stall() -> Fault<Anytime> {
    Fault::new(Action::Stall(None))
}

/// The connection is reset. Before the request is sent that is a handshake cut off, and so no connection.
pub fn reset() -> Fault<Anytime> {
    broken(anytime("reset", io::ErrorKind::ConnectionReset))
}

/// The connection is closed in an orderly way, with no answer.
pub fn close() -> Fault<Anytime> {
    broken(Break { wire: Wire::End, ..anytime("close", io::ErrorKind::UnexpectedEof) })
}

/// The connection is refused.
pub fn refused() -> Fault<Connecting> {
    broken(only("refused", Kind::Connect, io::ErrorKind::ConnectionRefused))
}

/// The name of the host cannot be resolved.
pub fn dns() -> Fault<Connecting> {
    broken(only("dns", Kind::Connect, io::ErrorKind::NotFound))
}

/// There is no way to the host.
pub fn unreachable() -> Fault<Connecting> {
    broken(only("unreachable", Kind::Connect, io::ErrorKind::HostUnreachable))
}

/// The connection does not come about within 5 s, the transport's limit for it. With less time left the deadline comes
/// first.
pub fn connect_timeout() -> Fault<Connecting> {
    let cause = only("connect_timeout", Kind::Connect, io::ErrorKind::TimedOut);
    broken(Break { after: CONNECT_TIMEOUT, wire: Wire::Silence, ..cause })
}

/// The TLS handshake is refused for a lasting reason, such as a certificate.
pub fn tls() -> Fault<Connecting> {
    broken(Break { wire: Wire::TlsAlert, ..only("tls", Kind::Tls, io::ErrorKind::InvalidData) })
}

/// The TLS handshake is cut off. Unlike [`tls`] that need not last: it is as if there were no connection.
pub fn tls_cut() -> Fault<Connecting> {
    broken(Break { wire: Wire::TlsCut, ..only("tls_cut", Kind::Connect, io::ErrorKind::UnexpectedEof) })
}

/// A proxy could not reach Clerk.
pub fn proxy() -> Fault<Connecting> {
    let cause = only("proxy", Kind::Proxy, io::ErrorKind::ConnectionRefused);
    broken(Break { wire: Wire::Proxy(StatusCode::BAD_GATEWAY), ..cause })
}

/// A proxy wants other credentials.
pub fn proxy_auth() -> Fault<Connecting> {
    let cause = only("proxy_auth", Kind::ProxyRefused, io::ErrorKind::PermissionDenied);
    broken(Break { wire: Wire::Proxy(StatusCode::PROXY_AUTHENTICATION_REQUIRED), ..cause })
}

/// The connection closed before a byte of the request was written.
pub fn canceled() -> Fault<Connecting> {
    broken(only("canceled", Kind::Canceled, io::ErrorKind::BrokenPipe))
}

/// The peer refused the request unprocessed (HTTP/2 `REFUSED_STREAM`, RFC 9113 section 8.7).
pub fn refused_stream() -> Fault<Unprocessed> {
    let cause = only("refused_stream", Kind::Refused, io::ErrorKind::ConnectionAborted);
    broken(Break { wire: Wire::ResetStream(REFUSED_STREAM), ..cause })
}

/// The peer goes away, and the last stream that it names is below ours: the request was not processed (HTTP/2 `GOAWAY`,
/// RFC 9113 section 6.8).
pub fn goaway_below() -> Fault<Unprocessed> {
    let cause = only("goaway_below", Kind::Refused, io::ErrorKind::ConnectionAborted);
    broken(Break { wire: Wire::GoAwayBelow, ..cause })
}

/// The peer goes away, and the last stream that it names is ours or above: the request may have been processed, and no
/// answer comes (HTTP/2 `GOAWAY`, RFC 9113 section 6.8).
pub fn goaway_above() -> Fault<Underway> {
    let cause = only("goaway_above", Kind::Interrupted, io::ErrorKind::ConnectionAborted);
    broken(Break { wire: Wire::GoAwayAbove, ..cause })
}

/// The peer resets the stream with this code (HTTP/2 `RST_STREAM`, RFC 9113 section 7): 2 is `INTERNAL_ERROR`, 8 is
/// `CANCEL`. It proves nothing.
///
/// # Panics
/// If the code is 7, `REFUSED_STREAM`, which does prove something: that is [`refused_stream`].
#[track_caller]
pub fn rst_stream(code: u32) -> Fault<Underway> {
    assert!(code != REFUSED_STREAM, "fault::rst_stream(7) is REFUSED_STREAM: use fault::refused_stream()");
    let cause = only("rst_stream", Kind::Interrupted, io::ErrorKind::ConnectionReset);
    broken(Break { code: Some(code), wire: Wire::ResetStream(code), ..cause })
}

/// The peer ends its side of the connection without an answer, and reads on (RFC 9293 section 3.6).
///
/// A client that has sent its request sees the end of the stream where the answer should begin, so in process this is as
/// [`close`]: `Interrupted`.
pub fn half_close() -> Fault<Underway> {
    broken(Break { wire: Wire::HalfEnd, ..only("half_close", Kind::Interrupted, io::ErrorKind::UnexpectedEof) })
}
