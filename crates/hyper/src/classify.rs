//! Which kind of failure an error is, and thereby what it proves.
//!
//! Responsible for: the claim "not executed", which must be proved. Not responsible for: failures after the response
//! head, which prove nothing about the request.
//!
//! What is taken as proof:
//!
//! - No connection came about: the request was not moved.
//! - hyper gave the request back (`TrySendError::take_message`): it was not taken from the queue between sender and connection.
//! - The body was not given away, and never will be (the transport kit's `GatedBody`): whatever the connection did with the head,
//!   the request was not complete.
//!
//! And what the peer says, read in the source of h2 0.4.20:
//!
//! - A reset from the remote with the reason `REFUSED_STREAM` (RFC 9113 section 8.7): `Error::is_remote` is true only for
//!   what a frame of the peer said, and a reset reaches the stream that the frame names alone
//!   (`recv_reset` in `proto/streams/streams.rs`).
//! - A `GOAWAY` from the remote: it reaches the streams above its last stream id (`recv_go_away`, there) and requests that
//!   come too late to be given a stream; those below see the end of the connection instead, as an I/O error. With one
//!   exception: hyper looks once more at the connection between the head of a request and its body
//!   (`ClientTask::poll` in `proto/h2/client.rs`), and passes on a `GOAWAY` of any stream id that arrived in between.
//!   So it proves nothing for a request that is complete without a body. One with a body was not complete, and hyper does
//!   not send the rest.

use std::{error::Error as StdError, fmt};

use clerk_actor_tokens_core::{TransportError, TransportErrorKind};

use crate::{
    connecting::{BoxError, ProxyFailed, ProxyUnreached, SpeaksNoTls, Unavailable, any_cause},
    pool::OpenFailed,
    tls,
};

/// What is known of a request that was moved to a connection when its exchange fails.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) has_body: bool,
    /// Whether its body was not given away, and will not be.
    pub(crate) is_withheld: bool,
    /// Whether its connection has never answered anything.
    pub(crate) on_new_connection: bool,
}

/// Why no connection came about.
pub(crate) fn not_opened(error: OpenFailed) -> TransportError {
    let (kind, status) = (connecting(&error), of_proxy(&error, ProxyFailed::status).flatten());
    let failed = failure(kind, error);
    match status {
        Some(status) => failed.with_proxy_status(status),
        None => failed,
    }
}

/// Returns the kind of an exchange whose request had been moved to a connection, and that failed before the response head was
/// complete.
pub(crate) fn after_sending(error: &hyper::Error, sent: Sent) -> TransportErrorKind {
    match refusal(error, sent.has_body) {
        Some(Refusal { with_error: true }) if sent.on_new_connection => TransportErrorKind::RefusedOnNewConnection,
        Some(_) => TransportErrorKind::Refused,
        None if sent.is_withheld => TransportErrorKind::Canceled,
        None => TransportErrorKind::Interrupted,
    }
}

/// Makes the error of a failed exchange, without a text of the peer's choice.
pub(crate) fn failure(kind: TransportErrorKind, error: impl StdError + Send + Sync + 'static) -> TransportError {
    let advice = advice_of(&error);
    let server_speaks_no_tls = any_cause(&error, tls::speaks_no_tls);
    let source = if server_speaks_no_tls { SpeaksNoTls.into() } else { sanitize(error.into()) };
    let failed = TransportError::new(kind).with_source(source);
    match advice {
        Some(advice) => failed.with_advice(advice),
        None => failed,
    }
}

/// Returns what to do about it, where this crate knows better than core.
fn advice_of(error: &(dyn StdError + 'static)) -> Option<&'static str> {
    let mut advice = None;
    any_cause(error, |cause| {
        advice = if let Some(unavailable) = cause.downcast_ref::<Unavailable>() {
            Some(unavailable.advice)
        } else if let Some(unreached) = cause.downcast_ref::<ProxyUnreached>() {
            Some(match unreached.speaks_no_tls {
                true => "The proxy does not speak TLS: begin its URL with http://, not https://.",
                false => {
                    "Check the proxy's URL, and that the proxy runs. proxy() or the environment (https_proxy) names it."
                }
            })
        } else if tls::speaks_no_tls(cause) {
            Some("The server does not speak TLS: check the scheme and the port of the base URL.")
        } else {
            None
        };
        advice.is_some()
    });
    advice
}

/// Returns the error as it may be shown. What a peer says when it goes away is text of its own choice. It may quote a header
/// or a link, and h2's error shows it. So the code alone replaces such an error.
pub(crate) fn sanitize(error: BoxError) -> BoxError {
    let mut went_away = None;
    any_cause(error.as_ref(), |cause| {
        let cause = cause.downcast_ref::<h2::Error>().filter(|cause| cause.is_go_away());
        went_away = cause.map(|cause| WentAway { by_peer: cause.is_remote(), reason: cause.reason() });
        went_away.is_some()
    });
    went_away.map_or(error, Into::into)
}

/// The connection was given up by one of its ends (HTTP/2 `GOAWAY`, RFC 9113 section 6.8).
#[derive(Debug)]
struct WentAway {
    by_peer: bool,
    reason: Option<h2::Reason>,
}

impl fmt::Display for WentAway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.by_peer { "the peer went away (GOAWAY)" } else { "the connection was given up (GOAWAY)" })?;
        match self.reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

impl StdError for WentAway {}

/// Why no connection came about.
fn connecting(error: &(dyn StdError + 'static)) -> TransportErrorKind {
    let mut to_proxy = None;
    any_cause(error, |cause| {
        to_proxy = cause.downcast_ref().map(|unreached: &ProxyUnreached| connecting(unreached.cause.as_ref()));
        to_proxy.is_some()
    });
    if let Some(kind) = to_proxy {
        return kind;
    }
    if any_cause(error, |cause| cause.is::<Unavailable>() || tls::is_refusal(cause)) {
        return TransportErrorKind::Tls;
    }
    match of_proxy(error, ProxyFailed::may_pass) {
        Some(true) => TransportErrorKind::Proxy,
        Some(false) => TransportErrorKind::ProxyRefused,
        None => TransportErrorKind::Connect,
    }
}

/// What is known of a proxy's failure, where it is one.
fn of_proxy<R>(error: &(dyn StdError + 'static), mut read: impl FnMut(&ProxyFailed) -> R) -> Option<R> {
    let mut found = None;
    any_cause(error, |cause| {
        found = cause.downcast_ref().map(&mut read);
        found.is_some()
    });
    found
}

/// The error of an exchange whose deadline passed before the response head was complete.
pub(crate) fn deadline_without_head(is_unsent: bool) -> TransportError {
    match is_unsent {
        true => TransportError::new(TransportErrorKind::TimeoutBeforeSend)
            .with_source("no connection took the request in time"),
        false => TransportError::new(TransportErrorKind::Timeout).with_source("no response head arrived in time"),
    }
}

/// The peer's own word that it did not process the request.
struct Refusal {
    /// Whether it closes the connection, and with an error.
    with_error: bool,
}

fn refusal(error: &hyper::Error, has_body: bool) -> Option<Refusal> {
    let peer: &h2::Error = error.source()?.downcast_ref()?;
    let reason = peer.reason().filter(|_| peer.is_remote())?;
    if peer.is_reset() && reason == h2::Reason::REFUSED_STREAM {
        return Some(Refusal { with_error: false });
    }
    (peer.is_go_away() && has_body).then_some(Refusal { with_error: reason != h2::Reason::NO_ERROR })
}

#[cfg(test)]
mod tests {
    use std::{io, time::Duration};

    use super::*;
    use crate::connecting::ConnectTimedOut;

    fn any_is<T: StdError + 'static>(error: &(dyn StdError + 'static)) -> bool {
        any_cause(error, |cause| cause.is::<T>())
    }

    #[test]
    fn a_cause_is_found_however_often_io_errors_wrap_it() {
        let timeout = || ConnectTimedOut(Duration::from_secs(5));
        let once = io::Error::other(timeout());
        let twice = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, timeout()));
        assert!(any_is::<ConnectTimedOut>(&timeout()));
        assert!(any_is::<ConnectTimedOut>(&once));
        assert!(any_is::<ConnectTimedOut>(&twice));
        assert!(!any_is::<ConnectTimedOut>(&io::Error::from(io::ErrorKind::TimedOut)));
    }

    #[test]
    fn a_deadline_proves_that_nothing_was_sent_only_if_no_connection_had_the_request() {
        assert_eq!(deadline_without_head(true).kind(), TransportErrorKind::TimeoutBeforeSend);
        assert_eq!(deadline_without_head(false).kind(), TransportErrorKind::Timeout);
    }
}
