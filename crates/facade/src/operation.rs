//! Calls as values: those of actor tokens, and any Clerk endpoint that you describe.

#[doc(inline)]
pub use clerk_actor_tokens_core::{
    ActorTokens, Call, Creation, Exposure, Idempotency, InvalidRequest, Operation, OperationInfo, ParseError, Query,
    RevokeActorToken, Salvage, Undo, check_id,
};
