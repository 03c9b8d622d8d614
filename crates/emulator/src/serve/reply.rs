//! The body of an answer on the wire: whole, slow, or stopping short of the length that it announces.
//!
//! hyper drops a connection whose body fails, together with bytes that it has not written yet. So a body that is to be
//! cut waits until the socket has been flushed, and fails then.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use clerk_actor_tokens_core::{BoxFuture, SystemTimer, Timer as _};
use hyper::body::{Body, Frame, SizeHint};

use super::socket::Line;
use crate::exchange::Receipt;

/// A slow body comes in at most so many pieces.
const PIECES: usize = 64;

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// As announced.
    Whole,
    /// Too early: the connection is closed.
    Close,
    /// Never: nothing more comes, until the client goes.
    Silence,
}

/// How fast a body comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pacing {
    AtOnce,
    /// Evenly, in this time.
    Over(Duration),
}

/// A body that may stop short of the length that it announces.
pub(super) struct Reply {
    data: Bytes,
    length: u64,
    end: End,
    flushed: bool,
    line: Arc<Line>,
    /// Handed over with the last byte.
    receipt: Option<Receipt>,
    slow: Option<Slow>,
}

/// A body in pieces.
struct Slow {
    bytes: usize,
    every: Duration,
    wait: BoxFuture<'static, ()>,
}

impl Reply {
    pub(super) fn new(data: Bytes, length: usize, end: End, line: Arc<Line>) -> Self {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        Self { data, length, end, flushed: false, line, receipt: None, slow: None }
    }

    /// A whole body, of whose delivery the ledger is told.
    pub(super) fn told(data: Bytes, pacing: Pacing, receipt: Receipt, line: Arc<Line>) -> Self {
        let length = data.len();
        let slow = match pacing {
            Pacing::AtOnce => None,
            Pacing::Over(takes) => {
                let bytes = length.div_ceil(PIECES).max(1);
                let pieces = u32::try_from(length.div_ceil(bytes).max(1)).unwrap_or(u32::MAX);
                let every = takes.checked_div(pieces).unwrap_or(takes);
                Some(Slow { bytes, every, wait: SystemTimer.sleep(every) })
            }
        };
        if slow.is_none() {
            // Before hyper begins to write: a client that reads the answer must find it delivered.
            line.hand_over(receipt);
            return Self::new(data, length, End::Whole, line);
        }
        Self { slow, receipt: Some(receipt), ..Self::new(data, length, End::Whole, line) }
    }

    fn next_piece(&mut self, context: &mut Context<'_>) -> Poll<Bytes> {
        let Some(slow) = &mut self.slow else { return Poll::Ready(std::mem::take(&mut self.data)) };
        if slow.wait.as_mut().poll(context).is_pending() {
            return if self.line.poll_gone(context).is_ready() { Poll::Ready(Bytes::new()) } else { Poll::Pending };
        }
        slow.wait = SystemTimer.sleep(slow.every);
        let piece = self.data.split_to(slow.bytes.min(self.data.len()));
        if self.data.is_empty() {
            if let Some(receipt) = self.receipt.take() {
                self.line.hand_over(receipt);
            }
        }
        Poll::Ready(piece)
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Dropped;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        if !self.data.is_empty() {
            let piece = ready!(self.next_piece(context));
            // No piece: the client has gone.
            return Poll::Ready(Some(if piece.is_empty() { Err(Dropped) } else { Ok(Frame::data(piece)) }));
        }
        if self.end == End::Whole {
            return Poll::Ready(None);
        }
        if !self.flushed {
            ready!(self.line.poll_flushed(context));
            self.flushed = true;
        }
        if self.end == End::Silence {
            ready!(self.line.poll_gone(context));
        }
        Poll::Ready(Some(Err(Dropped)))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty() && self.end == End::Whole
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
