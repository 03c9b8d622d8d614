//! Calls as values: those of actor tokens and of sessions, and any Clerk endpoint that you describe.

#[doc(inline)]
pub use clerk_actor_tokens_core::{
    ActorTokens, Call, Creation, Ending, Exposure, GetSession, Idempotency, Impersonations, InvalidRequest,
    ListSessions, Operation, OperationInfo, ParseError, Query, RevokeActorToken, RevokeSession, Salvage, SessionPages,
    Sessions, Undo, check_id,
};
