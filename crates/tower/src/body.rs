//! The body of a request on its way through services: gated, and with the limits of its call.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use clerk_actor_tokens_core::{CallContext, bytes::Bytes};
use clerk_actor_tokens_transport_kit::{GatedBody, Withdrawn};
use http_body::{Body, Frame, SizeHint};

use crate::handed_down::HandedDown;

/// The body of a request. It asks before it is given away, so that nothing is sent for a call that has ended, and it cannot be
/// cloned, so that no layer sends a call twice.
pub struct RequestBody {
    gated: GatedBody,
    context: CallContext,
    handed_down: Option<HandedDown>,
}

impl RequestBody {
    pub(crate) fn new(data: Bytes, context: CallContext, handed_down: Option<HandedDown>) -> Self {
        Self { gated: GatedBody::new(data, context.send_state().clone()), context, handed_down }
    }

    /// Returns the call that the request belongs to, and its limits.
    #[must_use]
    pub fn context(&self) -> &CallContext {
        &self.context
    }

    /// For a transport below, which has a gate of its own.
    pub(crate) fn into_parts(self) -> (Bytes, CallContext, Option<HandedDown>) {
        (self.gated.into_data(), self.context, self.handed_down)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Withdrawn;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Withdrawn>>> {
        Pin::new(&mut self.gated).poll_frame(task)
    }

    fn is_end_stream(&self) -> bool {
        self.gated.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.gated.size_hint()
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody").field("context", &self.context).finish_non_exhaustive()
    }
}
