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
//! - The peer says so (the transport kit's `http2_refusal`).

use std::error::Error as StdError;

use clerk_actor_tokens_core::{TransportError, TransportErrorKind};
use clerk_actor_tokens_transport_kit::{causes, http2_refusal, without_goaway_text};

use crate::{
    connecting::{ProxyFailed, ProxyUnreached, SpeaksNoTls, Unavailable},
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
    match http2_refusal(error, sent.has_body) {
        Some(refusal) if refusal.closes_with_error && sent.on_new_connection => {
            TransportErrorKind::RefusedOnNewConnection
        }
        Some(_) => TransportErrorKind::Refused,
        None if sent.is_withheld => TransportErrorKind::Canceled,
        None => TransportErrorKind::Interrupted,
    }
}

/// Makes the error of a failed exchange, without a text of the peer's choice.
pub(crate) fn failure(kind: TransportErrorKind, error: impl StdError + Send + Sync + 'static) -> TransportError {
    let advice = advice_of(&error);
    let server_speaks_no_tls = causes(&error).any(tls::speaks_no_tls);
    let source = if server_speaks_no_tls { SpeaksNoTls.into() } else { without_goaway_text(error.into()) };
    let failed = TransportError::new(kind).with_source(source);
    match advice {
        Some(advice) => failed.with_advice(advice),
        None => failed,
    }
}

/// Returns what to do about it, where this crate knows better than core.
fn advice_of(error: &(dyn StdError + 'static)) -> Option<&'static str> {
    causes(error).find_map(|cause| {
        if let Some(unavailable) = cause.downcast_ref::<Unavailable>() {
            return Some(unavailable.advice);
        }
        if let Some(unreached) = cause.downcast_ref::<ProxyUnreached>() {
            return Some(match unreached.speaks_no_tls {
                true => "The proxy does not speak TLS: begin its URL with http://, not https://.",
                false => {
                    "Check the proxy's URL, and that the proxy runs. proxy() or the environment (https_proxy) names it."
                }
            });
        }
        tls::speaks_no_tls(cause)
            .then_some("The server does not speak TLS: check the scheme and the port of the base URL.")
    })
}

/// Why no connection came about.
fn connecting(error: &(dyn StdError + 'static)) -> TransportErrorKind {
    if let Some(unreached) = causes(error).find_map(|cause| cause.downcast_ref::<ProxyUnreached>()) {
        return connecting(unreached.cause.as_ref());
    }
    if causes(error).any(|cause| cause.is::<Unavailable>() || tls::is_refusal(cause)) {
        return TransportErrorKind::Tls;
    }
    match of_proxy(error, ProxyFailed::may_pass) {
        Some(true) => TransportErrorKind::Proxy,
        Some(false) => TransportErrorKind::ProxyRefused,
        None => TransportErrorKind::Connect,
    }
}

/// What is known of a proxy's failure, where it is one.
fn of_proxy<R>(error: &(dyn StdError + 'static), read: impl FnMut(&ProxyFailed) -> R) -> Option<R> {
    causes(error).find_map(|cause| cause.downcast_ref()).map(read)
}

/// The error of an exchange whose deadline passed before the response head was complete.
pub(crate) fn deadline_without_head(is_unsent: bool) -> TransportError {
    match is_unsent {
        true => TransportError::new(TransportErrorKind::TimeoutBeforeSend)
            .with_source("no connection took the request in time"),
        false => TransportError::new(TransportErrorKind::Timeout).with_source("no response head arrived in time"),
    }
}

#[cfg(test)]
mod tests {
    use std::{io, time::Duration};

    use super::*;
    use crate::connecting::ConnectTimedOut;

    fn any_is<T: StdError + 'static>(error: &(dyn StdError + 'static)) -> bool {
        causes(error).any(|cause| cause.is::<T>())
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
