//! The body of an answer over HTTP/1.1: whole, slow, or stopping short of the length that it announces.
//!
//! hyper drops a connection whose body fails, together with bytes that it has not written yet. So a body that is to be
//! cut waits until the socket has been flushed, and fails then.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::{
    connection::{Busy, Connection},
    pieces::Pieces,
    serve_exchange::{Answer, End},
};
use crate::exchange::Receipt;

/// A body that may stop short of the length that it announces.
pub(super) struct Reply {
    pieces: Pieces,
    length: u64,
    end: End,
    /// How often the socket had been flushed when the last piece was handed to hyper.
    flushes: Option<u64>,
    connection: Arc<Connection>,
    /// Handed over with the last byte.
    receipt: Option<Receipt>,
    _busy: Busy,
}

impl Reply {
    pub(super) fn of(answer: Answer, connection: Arc<Connection>, busy: Busy) -> http::Response<Self> {
        let Answer { response, length, end, pacing, mut receipt } = answer;
        response.map(|data| {
            let pieces = Pieces::new(data, pacing);
            if pieces.is_at_once() {
                // Before hyper begins to write: a client that reads the answer must find it delivered.
                receipt.take().into_iter().for_each(|receipt| connection.hand_over(receipt));
            }
            let length = u64::try_from(length).unwrap_or(u64::MAX);
            Self { pieces, length, end, flushes: None, connection, receipt, _busy: busy }
        })
    }

    fn next_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, Dropped>> {
        if self.pieces.poll_due(context).is_pending() {
            return self.connection.poll_gone(context).map(|()| Err(Dropped));
        }
        if self.pieces.is_last() {
            self.receipt.take().into_iter().for_each(|receipt| self.connection.hand_over(receipt));
        }
        Poll::Ready(Ok(self.pieces.take()))
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Dropped;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        if !self.pieces.is_done() {
            return self.next_piece(context).map(|piece| Some(piece.map(Frame::data)));
        }
        if self.end == End::Whole {
            return Poll::Ready(None);
        }
        let now = self.connection.flushes();
        let flushes = *self.flushes.get_or_insert(now);
        ready!(self.connection.poll_flushed(flushes, context));
        if self.end == End::Silence {
            ready!(self.connection.poll_gone(context));
        }
        Poll::Ready(Some(Err(Dropped)))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_done() && self.end == End::Whole
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}

/// The connection is dropped on purpose, or the client has gone.
#[derive(Debug)]
pub(super) struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is dropped")
    }
}

impl std::error::Error for Dropped {}
