//! The state of a connection: whether it has ever answered, and whether it is given up.
//!
//! The first decides what a peer's refusal means: one that has answered before may be going away; one that never has may not
//! want to talk to us at all. The second ends a connection whose peer keeps sending what the client does not read.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};

/// How often a connection is still read that is given up. Over HTTP/2 other exchanges may be in flight on it, which need a
/// few reads each. A peer that sends without end, windows or not, is not listened to for ever: hyper keeps the connection
/// until the pool is swept, and would read and throw away all of it.
const LAST_READS: u32 = 1024;

/// What is known of a connection, in its [`Connected`].
#[derive(Clone, Default)]
pub(crate) struct ConnectionState(Arc<Flags>);

#[derive(Default)]
struct Flags {
    has_answered: AtomicBool,
    is_given_up: AtomicBool,
}

impl ConnectionState {
    /// Returns the state of this connection. A connection of somebody else's client has none.
    pub(crate) fn of(connected: &Connected) -> Option<Self> {
        let mut extensions = http::Extensions::new();
        connected.get_extras(&mut extensions);
        extensions.remove()
    }

    /// Returns the mark of the connection that this response came over: hyper-util puts it there.
    pub(crate) fn of_response<B>(response: &http::Response<B>) -> Option<&Self> {
        response.extensions().get()
    }

    /// A response has come over it.
    pub(crate) fn answered(&self) {
        self.0.has_answered.store(true, Ordering::Release);
    }

    pub(crate) fn has_answered(&self) -> bool {
        self.0.has_answered.load(Ordering::Acquire)
    }

    /// Nothing more is expected of it, except for the exchanges that are in flight.
    pub(crate) fn give_up(&self) {
        self.0.is_given_up.store(true, Ordering::Release);
    }
}

/// A connection that keeps its state.
pub(crate) struct Tracked<S> {
    stream: S,
    state: ConnectionState,
    reads_left: u32,
    extras: Extras,
}

/// What becomes of the values that a connection puts into the extensions of its responses, such as its addresses.
/// hyper-util clones them for each exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extras {
    /// For connectors that are not this crate's: their user may look for these values.
    Kept,
    Dropped,
}

impl<S> Tracked<S> {
    pub(crate) fn new(stream: S, extras: Extras) -> Self {
        Self { stream, state: ConnectionState::default(), reads_left: LAST_READS, extras }
    }
}

impl<S: Connection> Connection for Tracked<S> {
    fn connected(&self) -> Connected {
        let connected = self.stream.connected();
        let connected = match self.extras {
            Extras::Kept => connected,
            Extras::Dropped => {
                let bare = Connected::new().proxy(connected.is_proxied());
                if connected.is_negotiated_h2() { bare.negotiated_h2() } else { bare }
            }
        };
        connected.extra(self.state.clone())
    }
}

impl<S: Read + Unpin> Read for Tracked<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.reads_left == 0 {
            // Nothing is read: the end.
            return Poll::Ready(Ok(()));
        }
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if self.state.0.is_given_up.load(Ordering::Acquire) {
            self.reads_left = self.reads_left.saturating_sub(1);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Write + Unpin> Write for Tracked<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }
}
