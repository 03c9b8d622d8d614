//! What the error of a stalled call has to say, and of which token.

use clerk_actor_tokens::{Error, ErrorKind, Execution};

pub(super) const USER: &str = "user_customer";
pub(super) const ACTOR: &str = "user_agent";
pub(super) const ID: &str = "act_2ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// What an error has to say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Promise {
    pub(super) kind: ErrorKind,
    pub(super) execution: Execution,
    /// A creation's error names the token.
    pub(super) salvaged: bool,
}

impl Promise {
    pub(super) fn is_kept(self, told: Option<&Error>, salvageable: bool) -> Result<(), String> {
        let Some(error) = told else { return Err("it succeeded".to_owned()) };
        let (kind, execution) = (error.kind(), error.execution());
        if (kind, execution) != (self.kind, self.execution) {
            return Err(format!("{kind:?} and {execution:?}, not {:?} and {:?}", self.kind, self.execution));
        }
        let wanted = salvageable.then_some(ID);
        if error.salvaged_id() != wanted {
            return Err(format!("{:?} was salvaged, not {wanted:?}", error.salvaged_id()));
        }
        let attempts = error.attempts().len();
        if attempts == 1 { Ok(()) } else { Err(format!("{attempts} attempts")) }
    }
}
