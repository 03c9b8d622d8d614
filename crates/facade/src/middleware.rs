//! Wrapping each attempt of a call: headers, a log of requests, a limit on their rate.

#[doc(inline)]
pub use clerk_actor_tokens_core::{Headers, Middleware, Next, RateLimit, RequestLine, RequestLog, middleware_fn};
