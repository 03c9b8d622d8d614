//! The body of a request: given away whole, once, and only as long as somebody waits for the answer.
//!
//! A connection may keep a request for a long time before it sends it: an HTTP/2 peer says how many streams it takes at a
//! time. An HTTP client sends what it keeps also where the call has ended meanwhile. So the body asks first: a request
//! whose body is withheld is not complete, and cannot be acted on.

use std::{
    error::Error as StdError,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use clerk_actor_tokens_core::{SendState, bytes::Bytes};
use http_body::{Body, Frame, SizeHint};

/// The body of a request that begins the [`SendState`] where it is given away, and is withheld where the send was cancelled.
///
/// An empty body is asked for nothing, so a client would send its request unseen. Here it begins where the client asks whether it
/// ends at once: `is_end_stream`, which is asked before the head is written. A client that asks earlier
/// proves less, and never too much.
///
/// ```
/// use clerk_actor_tokens_core::SendState;
/// use clerk_actor_tokens_transport_kit::GatedBody;
/// use http_body::Body;
///
/// let state = SendState::default();
/// state.hold();
/// let body = GatedBody::new("{}".into(), state.clone());
/// assert_eq!(body.size_hint().exact(), Some(2));
/// assert!(state.is_unsent()); // no client has taken it
/// ```
pub struct GatedBody {
    data: Bytes,
    send_state: SendState,
    /// Whether there is nothing to give: it is empty, and not because it was given away.
    is_empty: bool,
}

impl GatedBody {
    /// Makes a body of these bytes. From the moment in which it is given away, `send_state` counts as begun.
    #[must_use]
    pub fn new(data: Bytes, send_state: SendState) -> Self {
        Self { is_empty: data.is_empty(), data, send_state }
    }

    /// Returns the bytes, for a transport below that has a gate of its own: nothing counts as begun by this.
    #[must_use]
    pub fn into_data(self) -> Bytes {
        self.data
    }
}

impl Body for GatedBody {
    type Data = Bytes;
    type Error = Withdrawn;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Withdrawn>>> {
        if self.data.is_empty() && !self.is_empty {
            return Poll::Ready(None);
        }
        Poll::Ready(match self.send_state.begin() {
            true if self.is_empty => None,
            true => Some(Ok(Frame::data(std::mem::take(&mut self.data)))),
            false => Some(Err(Withdrawn)),
        })
    }

    fn is_end_stream(&self) -> bool {
        // Of one that is withheld, the end never comes: a client that asks on is given an error by `poll_frame`.
        if self.is_empty { self.send_state.begin() } else { self.data.is_empty() }
    }

    fn size_hint(&self) -> SizeHint {
        // A length of 0 would be believed, and `poll_frame` not asked.
        let is_withheld = self.send_state.is_unsent() && !self.send_state.is_held();
        if self.is_empty && is_withheld {
            return SizeHint::default();
        }
        SizeHint::with_exact(u64::try_from(self.data.len()).unwrap_or(u64::MAX))
    }
}

impl fmt::Debug for GatedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatedBody").field("len", &self.data.len()).finish_non_exhaustive()
    }
}

/// The request was not sent, because its exchange had ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "transports return it too")]
pub struct Withdrawn;

impl fmt::Display for Withdrawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the exchange of this request has ended")
    }
}

impl StdError for Withdrawn {}
