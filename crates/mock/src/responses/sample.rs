//! The user and the actor of an answer that names no others.

/// The id in every answer that was given no other: `act_` and 27 base62 characters, like Clerk's.
pub const SAMPLE_ID: &str = "act_2SampleActorTokenForTests01";

/// The user in every answer that was given no other.
pub const SAMPLE_USER_ID: &str = "user_customer";

/// The actor's subject in every answer that was given no other.
pub const SAMPLE_ACTOR_SUB: &str = "user_agent";
