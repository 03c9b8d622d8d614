//! The body of a request: given away whole, once, and only as long as somebody waits for the answer.
//!
//! A connection may keep a request for a long time before it sends it: an HTTP/2 peer says how many streams it takes at a
//! time. hyper sends what it keeps also where the call has ended meanwhile. So the body asks first: a request whose body is
//! withheld is not complete, and cannot be acted on.

use std::{
    error::Error as StdError,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use clerk_actor_tokens_core::SendState;
use hyper::body::{Body, Frame, SizeHint};

/// The body of the requests that a [`HyperTransport`](crate::HyperTransport) gives to hyper. You need it only to name the type of
/// a client for [`HyperTransport::from_client`](crate::HyperTransport::from_client).
pub struct RequestBody {
    data: Bytes,
    send_state: SendState,
}

impl RequestBody {
    /// From the moment in which the body is given away, `send_state` counts as begun.
    pub(crate) fn new(data: Bytes, send_state: SendState) -> Self {
        Self { data, send_state }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Withdrawn;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Withdrawn>>> {
        if self.data.is_empty() {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(match self.send_state.begin() {
            true => Ok(Frame::data(std::mem::take(&mut self.data))),
            false => Err(Withdrawn),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.data.len()).unwrap_or(u64::MAX))
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody").field("len", &self.data.len()).finish_non_exhaustive()
    }
}

/// The request was not sent, because its exchange had ended.
#[derive(Debug)]
pub struct Withdrawn;

impl fmt::Display for Withdrawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the exchange of this request has ended")
    }
}

impl StdError for Withdrawn {}
