//! HTTP/2: many exchanges at once on a connection, each a stream that can be refused or reset alone, and a connection
//! that can say which streams it has not looked at.
//!
//! Everything of one connection happens in one task, the streams before the connection. So what a stream has said has
//! been written once the connection has been polled and has nothing left to flush.
//!
//! A client that resets its stream ends the exchange only while that waits (for the rest of the request, in a delay, in
//! a stall). A request that has come whole is otherwise acted on.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use clerk_actor_tokens_core::BoxFuture;
use h2::{Reason, RecvStream, server};

use self::answer::{Broken, Respond, send};
use super::{
    connection::{Connection, Parting, Socket},
    frames::{NO_ERROR, goaway},
    serve_exchange::{Ending, Gone, Peer, serve_exchange},
    state::{Answering, ServerState},
};
use crate::fault::Wire;

mod answer;

type H2Connection = server::Connection<Socket, Bytes>;

/// The largest head of a request, in bytes.
const HEADER_LIST: u32 = 64 * 1024;

pub(super) async fn serve(connection: &Arc<Connection>, state: &ServerState) -> Parting {
    let socket = Socket::unsettled(Arc::clone(connection));
    let handshake = server::Builder::new().max_header_list_size(HEADER_LIST).handshake(socket);
    // An error is a client that went away or spoke no HTTP/2: no client is left to answer.
    let Ok(h2) = handshake.await else { return Parting::Gentle };
    let (streams, committing) = (Vec::new(), Arc::default());
    Session { h2, streams, connection, answering: &state.answering, committing, last: 0, named: None }.run(state).await
}

/// A connection and its streams.
struct Session<'a> {
    h2: H2Connection,
    streams: Vec<Stream>,
    connection: &'a Arc<Connection>,
    answering: &'a Answering,
    /// The highest stream on which Clerk may have acted.
    committing: Arc<AtomicU32>,
    /// The last stream that was accepted.
    last: u32,
    /// The last stream that a GOAWAY has named.
    named: Option<u32>,
}

/// One exchange.
struct Stream {
    id: u32,
    work: BoxFuture<'static, Next>,
}

/// What an exchange leaves for the connection to do.
enum Next {
    Nothing,
    /// The exchange breaks off like this.
    Break(Wire, Respond),
}

/// What happens next on a connection.
enum Event {
    /// This stream is.
    Done(u32, Next),
    Idle,
    Over,
}

impl Session<'_> {
    async fn run(mut self, state: &ServerState) -> Parting {
        let connection = self.connection;
        let mut idle = pin!(state.idle(connection));
        loop {
            let event = poll_fn(|context| match self.poll_event(context) {
                Poll::Pending => idle.as_mut().poll(context).map(|()| Event::Idle),
                ready => ready,
            });
            match event.await {
                Event::Done(_, Next::Nothing) => {}
                Event::Done(id, Next::Break(wire, respond)) => {
                    if let Some(parting) = self.break_off(id, wire, respond).await {
                        return parting;
                    }
                }
                Event::Idle => {
                    self.go_away(self.last).await;
                    return Parting::Sudden;
                }
                Event::Over => return Parting::Gentle,
            }
            if self.named.is_some_and(|named| self.streams.iter().all(|stream| stream.id > named)) {
                // The last answer is with h2, and may not be on the wire.
                self.written().await;
                return Parting::Gentle;
            }
        }
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Event> {
        loop {
            if let Poll::Ready(done) = self.poll_streams(context) {
                return Poll::Ready(done);
            }
            match self.h2.poll_accept(context) {
                Poll::Ready(Some(Ok((request, respond)))) => self.begin(request, respond),
                Poll::Ready(None | Some(Err(_))) => return Poll::Ready(Event::Over),
                Poll::Pending => {
                    if !self.connection.is_dirty() {
                        self.connection.settle();
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    fn poll_streams(&mut self, context: &mut Context<'_>) -> Poll<Event> {
        let named = self.named.unwrap_or(u32::MAX);
        for (place, stream) in self.streams.iter_mut().enumerate() {
            // What a GOAWAY has disowned waits: it must not commit.
            if stream.id > named {
                continue;
            }
            if let Poll::Ready(next) = stream.work.as_mut().poll(context) {
                let id = self.streams.swap_remove(place).id;
                return Poll::Ready(Event::Done(id, next));
            }
        }
        Poll::Pending
    }

    fn begin(&mut self, request: http::Request<RecvStream>, respond: Respond) {
        let id = respond.stream_id().as_u32();
        self.last = self.last.max(id);
        let (answering, connection) = (self.answering.clone(), Arc::clone(self.connection));
        let committing = Arc::clone(&self.committing);
        self.streams.push(Stream { id, work: Box::pin(exchange(request, respond, answering, connection, committing)) });
    }

    /// Ends a stream, or the connection with it.
    async fn break_off(&mut self, id: u32, wire: Wire, mut respond: Respond) -> Option<Parting> {
        match wire {
            Wire::ResetStream(code) => respond.send_reset(code.into()),
            // What came after it has been acted on: so the connection cannot say that it has not.
            Wire::GoAwayBelow if self.committing.load(Ordering::Relaxed) > id => {
                respond.send_reset(Reason::REFUSED_STREAM);
            }
            Wire::GoAwayBelow => {
                // Those below it are answered; it and those above it stand still until the connection ends.
                let named = id.saturating_sub(2).min(self.named.unwrap_or(u32::MAX));
                self.streams.push(Stream { id, work: Box::pin(stand_still(respond)) });
                self.go_away(named).await;
                self.named = Some(named);
            }
            Wire::GoAwayAbove => {
                self.go_away(self.last).await;
                return Some(Parting::Gentle);
            }
            Wire::End => return Some(Parting::Gentle),
            Wire::HalfEnd => {
                self.written().await;
                self.connection.end().await;
                self.connection.drain().await;
                return Some(Parting::Sudden);
            }
            Wire::Reset | Wire::Silence | Wire::TlsAlert | Wire::TlsCut | Wire::Proxy(_) => {
                self.connection.reset();
                return Some(Parting::Sudden);
            }
        }
        None
    }

    /// Writes a GOAWAY that names this stream, between two frames. If that fails the connection is broken, as the next
    /// look at it will show.
    async fn go_away(&mut self, last: u32) {
        if self.written().await {
            let _ = self.connection.write(&goaway(last, NO_ERROR)).await;
        }
    }

    /// Waits until everything that is to be written is, to the end of a frame. `false` if the connection is over.
    async fn written(&mut self) -> bool {
        poll_fn(|context| match self.h2.poll_closed(context) {
            Poll::Ready(_) => Poll::Ready(false),
            Poll::Pending if self.connection.is_dirty() => Poll::Pending,
            Poll::Pending => {
                self.connection.settle();
                Poll::Ready(true)
            }
        })
        .await
    }
}

/// Keeps a stream as it is: dropped, it would be reset.
async fn stand_still(respond: Respond) -> Next {
    let _kept = respond;
    std::future::pending().await
}

async fn exchange(
    request: http::Request<RecvStream>,
    mut respond: Respond,
    answering: Answering,
    connection: Arc<Connection>,
    committing: Arc<AtomicU32>,
) -> Next {
    let _busy = connection.busy();
    let (parts, body) = request.into_parts();
    let mut caller = Caller { body, respond: &mut respond, committing: &committing };
    match serve_exchange(&answering, parts, &mut caller).await {
        Ending::Gone => Next::Nothing,
        Ending::Break(wire) => Next::Break(wire, respond),
        Ending::Answer(answer) => match send(answer, &mut respond, &connection).await {
            Ok(()) | Err(Broken::Gone) => Next::Nothing,
            Err(Broken::Cut) => Next::Break(Wire::ResetStream(Reason::INTERNAL_ERROR.into()), respond),
        },
    }
}

/// The client of one exchange.
struct Caller<'a> {
    body: RecvStream,
    respond: &'a mut Respond,
    committing: &'a AtomicU32,
}

impl Peer for Caller<'_> {
    async fn next(&mut self) -> Option<Result<Bytes, Gone>> {
        let data = match self.body.data().await? {
            Ok(data) => data,
            Err(_) => return Some(Err(Gone)),
        };
        let released = self.body.flow_control().release_capacity(data.len());
        Some(released.map(|()| data).map_err(|_| Gone))
    }

    async fn gone(&mut self) {
        // An error is a connection that has gone.
        let _ = poll_fn(|context| self.respond.poll_reset(context)).await;
    }

    fn committing(&mut self) {
        self.committing.fetch_max(self.respond.stream_id().as_u32(), Ordering::Relaxed);
    }
}
