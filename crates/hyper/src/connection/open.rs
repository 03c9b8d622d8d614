//! Opening a connection: the connector's stream, and hyper's handshake over it.
//!
//! Not responsible for DNS, TCP, proxies and TLS (`connect.rs`), or for which call gets the connection (`pool`).

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll, ready},
};

use clerk_actor_tokens_core::BoxFuture;
use clerk_actor_tokens_transport_kit::GatedBody;
use http::Uri;
use hyper::{
    client::conn::{http1, http2},
    rt::{Read, Write},
};
use hyper_util::{client::legacy::connect::Connection, rt::TokioTimer};
use tokio::sync::oneshot;

use super::{
    events::Events,
    http1::Http1,
    http2::{Http2, Tasks, Turns},
    socket::Socket,
    stream::{Bounded, Expected},
};
use crate::{connecting::BoxError, settings::Settings};

/// A connection that nothing was moved to yet.
pub(crate) enum Opened {
    Http1(Http1),
    Http2(Arc<Http2>),
}

/// Opens a connection to the origin of this URL, on the runtime that is entered.
pub(crate) type Open = Arc<dyn Fn(Uri, Arc<dyn Events>) -> BoxFuture<'static, Result<Opened, BoxError>> + Send + Sync>;

/// A connection's stream, and its socket where it is known.
pub(crate) struct Connected<S> {
    pub(crate) stream: S,
    pub(crate) socket: Option<Socket>,
}

/// Speaks with the peer of this stream, in tasks of the runtime that is entered.
pub(crate) async fn open<S>(
    connected: Connected<S>,
    settings: &Settings,
    events: Arc<dyn Events>,
) -> Result<Opened, BoxError>
where
    S: Read + Write + Connection + Unpin + Send + 'static,
{
    let Connected { stream, socket } = connected;
    let expected = Expected::default();
    if settings.is_http2(stream.connected().is_negotiated_h2()) {
        let turns = Turns::default();
        let builder = settings.http2(Tasks::new(turns.clone()));
        let stream = Bounded::new(stream, expected.clone());
        let (sender, connection) = builder.handshake::<_, GatedBody>(stream).await?;
        let http2 = Arc::new(Http2::new(sender, expected, socket, Arc::clone(&events)));
        let (ready, begun) = oneshot::channel();
        let of_driver = Arc::downgrade(&http2);
        drop(tokio::spawn(Driver { connection, http2: of_driver, turns, events, ready: Some(ready) }));
        // It is open when its peer has said how many requests it takes.
        return match begun.await {
            Ok(begun) => begun.map(|()| Opened::Http2(http2)),
            Err(_) => Err("the runtime has ended".into()),
        };
    }
    let (sender, mut connection) = settings.http1().handshake::<_, GatedBody>(stream).await?;
    // No async block: that would hold the connection twice, before and while it is awaited.
    let driver = tokio::spawn(poll_fn(move |context| {
        // How it ended, the exchanges know.
        let _ = ready!(Pin::new(&mut connection).poll(context));
        events.changed();
        Poll::Ready(())
    }));
    Ok(Opened::Http1(Http1::new(sender, driver.abort_handle(), socket)))
}

/// Drives an HTTP/2 connection, and follows the number of streams that its peer takes.
struct Driver<T: Read + Write + Unpin + Send + 'static> {
    connection: http2::Connection<T, GatedBody, Tasks>,
    http2: Weak<Http2>,
    turns: Turns,
    events: Arc<dyn Events>,
    /// Until the peer's SETTINGS have come.
    ready: Option<oneshot::Sender<Result<(), BoxError>>>,
}

/// Where it is dropped, its runtime has ended, or its connection has.
impl<T: Read + Write + Unpin + Send + 'static> Drop for Driver<T> {
    fn drop(&mut self) {
        if let Some(http2) = self.http2.upgrade() {
            http2.discard();
        }
    }
}

impl<T: Read + Write + Unpin + Send + 'static> Future for Driver<T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.turns.wait(context.waker());
        let polled = Pin::new(&mut self.connection).poll(context);
        let limit = Some(self.connection.current_max_send_streams()).filter(|limit| *limit != UNKNOWN);
        let http2 = self.http2.upgrade();
        let has_risen = limit.is_some_and(|limit| http2.as_ref().is_some_and(|http2| http2.set_limit(limit)));
        match polled {
            Poll::Ready(ended) => {
                // It takes no more requests, also where the sender does not know yet.
                let was_used = http2.is_none_or(|http2| {
                    http2.give_up();
                    http2.was_used()
                });
                let cause = match ended {
                    Err(cause) => cause.into(),
                    Ok(()) => "the connection ended before it took a request".into(),
                };
                match self.ready.take() {
                    // A call that has left needs no cause.
                    Some(ready) => drop(ready.send(Err(cause))),
                    None if !was_used => self.events.failed(cause),
                    None => self.events.changed(),
                }
                Poll::Ready(())
            }
            Poll::Pending => {
                if let Some(ready) = self.ready.take_if(|_| limit.is_some()) {
                    drop(ready.send(Ok(())));
                }
                if has_risen {
                    self.events.changed();
                }
                Poll::Pending
            }
        }
    }
}

impl Settings {
    /// For servers and for proxies.
    pub(crate) fn http1(&self) -> http1::Builder {
        let mut builder = http1::Builder::new();
        builder
            .max_buf_size(usize::try_from(self.max_head_size).unwrap_or(usize::MAX))
            .max_headers(self.max_headers)
            // What browsers and curl read past. Framing is not among it.
            .allow_spaces_after_header_name_in_responses(true)
            .allow_obsolete_multiline_headers_in_responses(true)
            .ignore_invalid_headers_in_responses(true);
        builder
    }

    fn http2(&self, tasks: Tasks) -> http2::Builder<Tasks> {
        let mut builder = http2::Builder::new(tasks);
        builder
            .timer(TokioTimer::new())
            .max_header_list_size(self.max_head_size)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            // The peer says how many it takes. Until then none is moved, so that this number is only a mark.
            .initial_max_send_streams(UNKNOWN);
        builder
    }
}

/// How many streams a peer takes before it has said so: a number that none says.
const UNKNOWN: usize = usize::MAX - 1;

/// What a peer may send on one HTTP/2 stream before the client reads it: RFC 9113's own default, which holds an
/// actor token sixty times over. A body beyond the cap of a response is thus never buffered.
const STREAM_WINDOW: u32 = 65_535;

/// The same for all streams of a connection together.
const CONNECTION_WINDOW: u32 = 16 * STREAM_WINDOW;
