//! The parts of values and of errors: what Clerk said, and what each attempt did.

#[doc(inline)]
pub use clerk_actor_tokens_core::{
    ApiError, Attempt, EndedSession, Sanitized, SessionActivity, SessionEnd, Ticket, UnknownWord,
};
