//! Which kind of failure an error of hyper is, and thereby what it proves.
//!
//! Responsible for: the claim "not executed", which must be proved. Not responsible for: failures after the response
//! head, which prove nothing about the request.
//!
//! What is taken as proof was read in the source of hyper 1.12 and hyper-util 0.1.21:
//!
//! - `legacy::Error::is_connect()`: hyper-util's `client.rs` makes that kind of error in `one_connection_for` and
//!   `connect_to` alone, both of which come before `try_send_request` hands the request to a connection.
//! - `hyper::Error::is_canceled()`: hyper makes it where it gives a request back from the queue between sender and
//!   connection (`Envelope`'s drop in `client/send_state.rs`, `recv_msg` in `proto/h1/send_state.rs`), and where it refuses to
//!   queue one (`try_send_request` and `send_request` in `client/conn/http1.rs` and `client/conn/http2.rs`). A request that
//!   the connection took from that queue, which it does before it writes the first byte, fails in another way: with
//!   the I/O error, `IncompleteMessage`, or `DispatchGone` when the runtime shuts down. So a canceled error is never
//!   given after a byte of the request was written. (hyper's one other `Canceled` is that of an upgrade, which is not
//!   used here.)
//! - The body was not given away, and never will be (the transport kit's `GatedBody`): whatever the connection did with the head, the
//!   request was not complete.
//! - No connection was captured: `try_send_request` stores the connection in the request's
//!   `CaptureConnectionExtension` before it hands the request over, with no await in between.
//!
//! And in the source of h2 0.4.20:
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

use std::{error::Error as StdError, fmt, io};

use clerk_actor_tokens_core::{TransportError, TransportErrorKind};
use hyper_util::client::legacy;

use crate::{
    connecting::{BoxError, ProxyFailed, Unavailable},
    tls,
};

/// What is known of a request that was given to a connection when its exchange fails.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) has_body: bool,
    /// Whether its body was not given away, and will not be.
    pub(crate) is_withheld: bool,
    /// Whether its connection has never answered anything.
    pub(crate) on_new_connection: bool,
}

/// Returns the kind of an exchange that ended before a byte of its request was written, and whose request is no longer in a
/// queue. `None` if that is not proved.
pub(crate) fn before_sending(error: &legacy::Error, is_handed_over: bool) -> Option<TransportErrorKind> {
    if error.is_connect() {
        Some(connecting(error))
    } else if is_canceled(error) {
        Some(TransportErrorKind::Canceled)
    } else if !is_handed_over {
        // The new connection died before it could take a request.
        Some(TransportErrorKind::Connect)
    } else {
        None
    }
}

/// Returns the kind of an exchange whose request had been given to a connection, and that failed before the response head
/// was complete.
pub(crate) fn after_sending(error: &legacy::Error, sent: Sent) -> TransportErrorKind {
    match refusal(error, sent.has_body) {
        Some(Refusal { with_error: true }) if sent.on_new_connection => TransportErrorKind::RefusedOnNewConnection,
        Some(_) => TransportErrorKind::Refused,
        None if sent.is_withheld => TransportErrorKind::Canceled,
        None => TransportErrorKind::Interrupted,
    }
}

/// Makes the error of a failed exchange, without a text of the peer's choice.
pub(crate) fn failure(kind: TransportErrorKind, error: legacy::Error) -> TransportError {
    let advice = advice_of(&error);
    let failed = TransportError::new(kind).with_source(sanitize(error.into()));
    match advice {
        Some(advice) => failed.with_advice(advice),
        None => failed,
    }
}

/// Returns what to do about a transport without TLS, which knows best why it has none.
fn advice_of(error: &legacy::Error) -> Option<&'static str> {
    let mut advice = None;
    any_cause(error, |cause| {
        advice = cause.downcast_ref().map(|unavailable: &Unavailable| unavailable.advice);
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
fn connecting(error: &legacy::Error) -> TransportErrorKind {
    if any_cause(error, |cause| cause.is::<Unavailable>() || tls::is_refusal(cause)) {
        return TransportErrorKind::Tls;
    }
    let mut wants_credentials = None;
    any_cause(error, |cause| {
        wants_credentials = cause.downcast_ref().map(|failed: &ProxyFailed| failed.wants_credentials);
        wants_credentials.is_some()
    });
    match wants_credentials {
        Some(true) => TransportErrorKind::ProxyAuth,
        Some(false) => TransportErrorKind::Proxy,
        None => TransportErrorKind::Connect,
    }
}

/// The error of an exchange whose deadline passed before the response head was complete.
pub(crate) fn deadline_without_head(is_unsent: bool) -> TransportError {
    match is_unsent {
        true => TransportError::new(TransportErrorKind::TimeoutBeforeSend)
            .with_source("no connection took the request in time"),
        false => TransportError::new(TransportErrorKind::Timeout).with_source("no response head arrived in time"),
    }
}

/// hyper's own word that the request was not started. Only the direct cause counts: deeper ones may speak of another
/// exchange.
fn is_canceled(error: &legacy::Error) -> bool {
    error.source().and_then(|cause| cause.downcast_ref::<hyper::Error>()).is_some_and(hyper::Error::is_canceled)
}

/// The peer's own word that it did not process the request.
struct Refusal {
    /// Whether it closes the connection, and with an error.
    with_error: bool,
}

fn refusal(error: &legacy::Error, has_body: bool) -> Option<Refusal> {
    let cause: &hyper::Error = error.source()?.downcast_ref()?;
    let peer: &h2::Error = cause.source()?.downcast_ref()?;
    let reason = peer.reason().filter(|_| peer.is_remote())?;
    if peer.is_reset() && reason == h2::Reason::REFUSED_STREAM {
        return Some(Refusal { with_error: false });
    }
    (peer.is_go_away() && has_body).then_some(Refusal { with_error: reason != h2::Reason::NO_ERROR })
}

/// Whether the error or one of its causes is of this sort.
fn any_cause(error: &(dyn StdError + 'static), mut wanted: impl FnMut(&(dyn StdError + 'static)) -> bool) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if wanted(error) {
            return true;
        }
        // `io::Error::source` skips the error that it wraps and gives that one's source.
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use std::{
        future::{Ready, ready},
        pin::Pin,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::{Context, Poll},
        time::Duration,
    };

    use bytes::Bytes;
    use clerk_actor_tokens_core::Execution;
    use http::{Request, Uri};
    use http_body_util::Full;
    use hyper::rt::{Read, ReadBufCursor, Write};
    use hyper_util::{
        client::legacy::{
            Client,
            connect::{Connected, Connection, capture_connection},
        },
        rt::TokioExecutor,
    };
    use tower_service::Service;

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

    /// A connection whose peer has closed it by the time hyper reads for the `closed_at`th time.
    #[derive(Clone)]
    struct Dying {
        closed_at: usize,
        reads: Arc<AtomicUsize>,
        written: Arc<AtomicUsize>,
    }

    impl Service<Uri> for Dying {
        type Response = Self;
        type Error = io::Error;
        type Future = Ready<io::Result<Self>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Uri) -> Self::Future {
            ready(Ok(self.clone()))
        }
    }

    impl Connection for Dying {
        fn connected(&self) -> Connected {
            Connected::new()
        }
    }

    impl Read for Dying {
        fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, _: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
            if self.reads.fetch_add(1, Ordering::SeqCst) + 1 >= self.closed_at {
                return Poll::Ready(Ok(()));
            }
            if self.written.load(Ordering::SeqCst) > 0 {
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        }
    }

    impl Write for Dying {
        fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            // What was written makes the peer close, sooner or later.
            cx.waker().wake_by_ref();
            self.written.fetch_add(bytes.len(), Ordering::SeqCst);
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_connection_that_dies_proves_something_exactly_while_no_byte_was_written() {
        use TransportErrorKind::{Canceled, Connect, Interrupted};
        // hyper reads when the connection starts, when the request comes, and when it has been written.
        for (closed_at, kind) in [(1, Connect), (2, Canceled), (3, Interrupted), (4, Interrupted)] {
            let dying = Dying { closed_at, reads: Arc::default(), written: Arc::default() };
            let written = Arc::clone(&dying.written);
            let client = Client::builder(TokioExecutor::new()).build::<_, Full<Bytes>>(dying);
            let mut request = Request::post("http://host/").body(Full::from("body")).unwrap();
            let captured = capture_connection(&mut request);
            let error = client.request(request).await.expect_err("it died");
            let sent = Sent { has_body: true, is_withheld: false, on_new_connection: true };
            let is_handed_over = captured.connection_metadata().is_some();
            let kind_seen = before_sending(&error, is_handed_over).unwrap_or_else(|| after_sending(&error, sent));
            let error = failure(kind_seen, error);
            assert_eq!(error.kind(), kind, "{error:?}");
            let unsent = written.load(Ordering::SeqCst) == 0;
            assert_eq!(error.execution() == Execution::NotExecuted, unsent, "{error:?}");
        }
    }
}
