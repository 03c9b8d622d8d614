//! Revoking a token: only a pending one can be. The body is ignored, whatever it is.

use clerk_actor_tokens_core::ActorTokenStatus;

use super::{
    Clerk,
    errors::{CANNOT_REVOKE, NOT_FOUND},
    refusal::Refusal,
};

impl Clerk {
    /// Revokes a token. Returns its id.
    pub(super) fn revoke(&mut self, id: &str, now: i64) -> Result<String, Refusal> {
        let moves_updated_at = self.settings.revoke_moves_updated_at;
        let revoked = self.tokens.edit(id, |token| {
            if !token.is_pending() {
                return Err(CANNOT_REVOKE.about(token.status.as_str()).into());
            }
            token.status = ActorTokenStatus::Revoked;
            if moves_updated_at {
                token.updated_at = now;
            }
            Ok(id.to_owned())
        });
        revoked.unwrap_or_else(|| Err(NOT_FOUND.into()))
    }

    /// The same without a request. Returns `false`, and changes nothing, if there is no pending token of this id.
    #[cfg(feature = "control")]
    pub(crate) fn revoke_pending(&mut self, id: &str, now: i64) -> bool {
        self.revoke(id, now).is_ok()
    }
}
