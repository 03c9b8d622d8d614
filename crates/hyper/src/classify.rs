//! Which kind of failure an error of hyper is, and thereby what it proves.
//!
//! Responsible for: the claim "not executed", which must be proved. Not responsible for: failures after the response
//! head, which prove nothing about the request (`body.rs`).
//!
//! What is taken as proof was read in the source of hyper 1.12 and hyper-util 0.1.21:
//!
//! - `legacy::Error::is_connect()`: hyper-util's `client.rs` makes that kind of error in `one_connection_for` and
//!   `connect_to` alone, both of which come before `try_send_request` hands the request to a connection.
//! - `hyper::Error::is_canceled()`: hyper makes it in three places of its HTTP/1 client. Two give the request back
//!   from the queue between sender and connection (`Envelope`'s drop in `client/dispatch.rs`, `recv_msg` in
//!   `proto/h1/dispatch.rs`), one refuses to queue it (`try_send_request` in `client/conn/http1.rs`). A request that
//!   the connection took from that queue, which it does before it writes the first byte, fails in another way: with
//!   the I/O error, `IncompleteMessage`, or `DispatchGone` when the runtime shuts down. So a canceled error is never
//!   given after a byte of the request was written. (hyper's one other `Canceled` is that of an upgrade, which is not
//!   used here.)
//! - No connection was captured: `try_send_request` stores the connection in the request's
//!   `CaptureConnectionExtension` before it hands the request over, with no await in between.

use std::{error::Error as StdError, fmt, io, time::Duration};

use clerk_actor_tokens_core::{TransportError, TransportErrorKind};
use hyper_util::client::legacy;

use crate::tls;

/// The error of an exchange that failed before the response head was complete. `handed_over`: whether the request had
/// been given to a connection.
pub(crate) fn without_head(error: legacy::Error, handed_over: bool) -> TransportError {
    let kind = if error.is_connect() {
        match any_cause(&error, |cause| cause.is::<Unavailable>() || tls::is_refusal(cause)) {
            true => TransportErrorKind::Tls,
            false => TransportErrorKind::Connect,
        }
    } else if is_canceled(&error) {
        TransportErrorKind::Canceled
    } else if !handed_over {
        // The new connection died before it could take a request.
        TransportErrorKind::Connect
    } else {
        TransportErrorKind::Interrupted
    };
    TransportError::new(kind).with_source(error)
}

/// The error of an exchange whose deadline passed before the response head was complete.
pub(crate) fn deadline_without_head(handed_over: bool) -> TransportError {
    match handed_over {
        true => TransportError::new(TransportErrorKind::Timeout).with_source("no response head arrived in time"),
        false => TransportError::new(TransportErrorKind::TimeoutUnsent).with_source("no connection came about in time"),
    }
}

/// hyper's own word that the request was not started. Only the direct cause counts: deeper ones may speak of another
/// exchange.
fn is_canceled(error: &legacy::Error) -> bool {
    error.source().and_then(|cause| cause.downcast_ref::<hyper::Error>()).is_some_and(hyper::Error::is_canceled)
}

/// Whether the error or one of its causes is of this sort.
fn any_cause(error: &(dyn StdError + 'static), wanted: impl Fn(&(dyn StdError + 'static)) -> bool) -> bool {
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

/// Connecting took longer than the limit.
#[derive(Debug)]
pub(crate) struct ConnectTimedOut(pub(crate) Duration);

impl fmt::Display for ConnectTimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connecting took longer than {:?}", self.0)
    }
}

impl StdError for ConnectTimedOut {}

/// This transport has no TLS, and why.
#[derive(Debug, Clone)]
pub(crate) struct Unavailable {
    pub(crate) reason: &'static str,
    /// As text: an `io::Error` cannot be cloned into each failure.
    pub(crate) detail: Option<String>,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason)?;
        match &self.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl StdError for Unavailable {}

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
        assert_eq!(deadline_without_head(false).kind(), TransportErrorKind::TimeoutUnsent);
        assert_eq!(deadline_without_head(true).kind(), TransportErrorKind::Timeout);
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
            let error = without_head(error, captured.connection_metadata().is_some());
            assert_eq!(error.kind(), kind, "{error:?}");
            let unsent = written.load(Ordering::SeqCst) == 0;
            assert_eq!(error.execution() == Execution::NotExecuted, unsent, "{error:?}");
        }
    }
}
