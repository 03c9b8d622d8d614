//! The stream under a connection: it ends where its connection was given up and its peer still sends.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use hyper::rt::{Read, ReadBufCursor, Write};

/// How often a connection is still read that is given up, once nothing is in flight on it. A peer that sends without end,
/// windows or not, is not listened to for ever.
const LAST_READS: u32 = 1024;

/// What is still expected of a connection.
#[derive(Clone, Default)]
pub(crate) struct Expected(Arc<Inner>);

#[derive(Default)]
struct Inner {
    is_given_up: AtomicBool,
    in_flight: AtomicUsize,
}

impl Expected {
    /// Nothing more, except for the exchanges that are in flight.
    pub(crate) fn give_up(&self) {
        self.0.is_given_up.store(true, Ordering::Release);
    }

    pub(crate) fn is_given_up(&self) -> bool {
        self.0.is_given_up.load(Ordering::Acquire)
    }

    pub(crate) fn set_in_flight(&self, exchanges: usize) {
        self.0.in_flight.store(exchanges, Ordering::Release);
    }

    fn is_nothing(&self) -> bool {
        self.is_given_up() && self.0.in_flight.load(Ordering::Acquire) == 0
    }
}

/// A stream that is read for a while longer, and then is at its end, once its connection is given up.
pub(crate) struct Bounded<S> {
    stream: S,
    expected: Expected,
    reads_left: u32,
}

impl<S> Bounded<S> {
    pub(crate) fn new(stream: S, expected: Expected) -> Self {
        Self { stream, expected, reads_left: LAST_READS }
    }
}

impl<S: Read + Unpin> Read for Bounded<S> {
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
        if self.expected.is_nothing() {
            self.reads_left = self.reads_left.saturating_sub(1);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Write + Unpin> Write for Bounded<S> {
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
