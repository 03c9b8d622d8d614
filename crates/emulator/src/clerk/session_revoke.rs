//! Revoking a session: only a live one becomes revoked. What a session that is over is answered with is a setting.

use http::StatusCode;

use super::{
    Clerk, Outcome,
    errors::{INVALID_ACTION, NOT_FOUND},
    refusal::Refusal,
    session::REVOKED,
};
use crate::ledger::CommitKind;

impl Clerk {
    pub(super) fn get_session(&self, id: &str, trace: &str) -> Result<Outcome, Refusal> {
        match self.sessions.get(id) {
            Some(session) => Ok(Outcome { response: self.session_answer(session, trace), commit: None }),
            None => Err(NOT_FOUND.into()),
        }
    }

    pub(super) fn revoke_session(&mut self, id: &str, now: i64, trace: &str) -> Result<Outcome, Refusal> {
        let Some(session) = self.sessions.get(id) else { return Err(NOT_FOUND.into()) };
        if session.is_live() {
            self.sessions.edit(id, |session| session.become_status(REVOKED, now));
            return Ok(self.committed(CommitKind::RevokeSession, id.to_owned(), trace));
        }
        match self.settings.revoke_over_session {
            StatusCode::OK => self.get_session(id, trace),
            StatusCode::NOT_FOUND => Err(NOT_FOUND.into()),
            _ => Err(INVALID_ACTION.about(session.status.as_str()).into()),
        }
    }
}
