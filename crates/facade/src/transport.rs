//! Bringing your own HTTP stack, clock or executor.

#[doc(inline)]
pub use clerk_actor_tokens_core::{
    BoxFuture, CallContext, DEFAULT_RESPONSE_CAP, Deadline, DiscardConnection, Executor, HttpTransport, Moment,
    Request, Response, SendState, SystemTimer, ThreadExecutor, Timer, TransportError, TransportErrorKind, executor_fn,
    transport_fn,
};
/// What every transport repeats: the gated body, reading under cap and deadline, claims that are proved.
#[cfg(feature = "transport-kit")]
pub use clerk_actor_tokens_transport_kit as kit;
