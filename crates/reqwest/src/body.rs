//! The body of a request, as reqwest can neither clone it nor take it for one that need not be cloned.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use clerk_actor_tokens_core::bytes::Bytes;
use clerk_actor_tokens_transport_kit::{GatedBody, Withdrawn};
use http_body::{Body, Frame, SizeHint};

/// A gated body that is given away once.
///
/// reqwest sends a request again where it can clone its body: behind a redirect, by its retry policy, and after an HTTP/2 refusal. A
/// body that streams is not cloned. But one whose length is known to be 0 is made anew, so that of an empty one nothing is said.
pub(crate) struct Once {
    gated: GatedBody,
    is_empty: bool,
}

impl Once {
    pub(crate) fn new(gated: GatedBody) -> Self {
        let is_empty = gated.size_hint().exact() == Some(0);
        Self { gated, is_empty }
    }
}

impl Body for Once {
    type Data = Bytes;
    type Error = Withdrawn;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Withdrawn>>> {
        Pin::new(&mut self.gated).poll_frame(task)
    }

    fn is_end_stream(&self) -> bool {
        self.gated.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.is_empty {
            true => SizeHint::default(),
            false => self.gated.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clerk_actor_tokens_core::SendState;

    use super::*;

    fn polled(body: &mut Once) -> Poll<Option<Result<Frame<Bytes>, Withdrawn>>> {
        Pin::new(body).poll_frame(&mut Context::from_waker(std::task::Waker::noop()))
    }

    /// An empty one has no length that a client would believe, and ends only while its exchange waits.
    #[test]
    fn an_empty_body_is_not_known_to_be_empty_and_one_that_was_cancelled_has_no_end() {
        for data in ["", "{}"] {
            let state = SendState::default();
            state.hold();
            let mut body = Once::new(GatedBody::new(data.into(), state.clone()));
            assert_eq!(body.size_hint().exact(), (!data.is_empty()).then_some(2));
            assert!(state.cancel());
            assert!(!body.is_end_stream());
            assert!(matches!(polled(&mut body), Poll::Ready(Some(Err(Withdrawn)))), "{data:?}");
        }
    }
}
