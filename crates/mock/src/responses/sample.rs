//! The ids, the user, the actor and the time of an answer that names no others.

/// The id in every answer with an actor token that was given no other: `act_` and 27 base62 characters, like Clerk's.
pub const SAMPLE_ID: &str = "act_2SampleActorTokenForTests01";

/// The id in every answer with a session that was given no other: `sess_` and 27 base62 characters, like Clerk's.
pub const SAMPLE_SESSION_ID: &str = "sess_2SampleSessionForUnitTests1";

/// The user in every answer that was given no other.
pub const SAMPLE_USER_ID: &str = "user_customer";

/// The actor's subject in every answer that was given no other.
pub const SAMPLE_ACTOR_SUB: &str = "user_agent";

/// 2023-11-14T22:13:20Z in milliseconds.
pub(super) const CREATED_AT: i64 = 1_700_000_000_000;
