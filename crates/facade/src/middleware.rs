//! Wrapping each attempt of a call: headers, logs, metrics.

#[doc(inline)]
pub use clerk_actor_tokens_core::{Middleware, Next, middleware_fn};
