//! Actor tokens: the handle that makes calls, the two operations, and what they answer.

mod id;
mod model;

pub use self::{
    id::ActorTokenId,
    model::{Actor, ActorToken, ActorTokenStatus, SignInUrl, Ticket, Timestamp},
};
