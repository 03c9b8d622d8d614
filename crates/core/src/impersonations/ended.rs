//! What came of an end: which sessions are over, and until when their tokens still verify.

use std::time::{Duration, SystemTime};

use crate::{
    sessions::{SessionId, SessionStatus},
    token_status::ActorTokenStatus,
};

/// For how long a session token is valid after its issue, by default: 60 seconds.
const SESSION_TOKEN: Duration = Duration::from_secs(60);

/// How a session came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEnd {
    /// It is revoked: by this call, as far as is known.
    Revoked,
    /// It was over before, with this status. `None` where Clerk no longer lists it as live, and has not said how it ended: also where
    /// this call ended it, and the response was lost.
    AlreadyOver(Option<SessionStatus>),
}

/// One session that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedSession {
    id: SessionId,
    end: SessionEnd,
}

impl EndedSession {
    /// Makes one, for a test double.
    #[must_use]
    pub fn new(id: SessionId, end: SessionEnd) -> Self {
        Self { id, end }
    }

    /// Returns the id.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// Returns how it came to its end.
    #[must_use]
    pub fn end(&self) -> &SessionEnd {
        &self.end
    }
}

/// What an end came to: see [`Impersonations::end`](crate::Impersonations::end).
///
/// ```
/// use clerk_actor_tokens_core::{Ended, EndedSession, SessionEnd, SessionId};
/// use std::time::{Duration, SystemTime};
///
/// // As a test double returns it.
/// let session = EndedSession::new(SessionId::new("sess_1")?, SessionEnd::Revoked);
/// let ended = Ended::new([session], SystemTime::UNIX_EPOCH);
/// assert_eq!(ended.sessions().len(), 1);
/// let until = SystemTime::UNIX_EPOCH + Duration::from_secs(65);
/// assert_eq!(ended.tokens_verify_until(Duration::from_secs(5)), Some(until));
/// # Ok::<(), clerk_actor_tokens_core::InvalidRequest>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ended {
    pub(super) sessions: Vec<EndedSession>,
    pub(super) token_status: Option<ActorTokenStatus>,
    pub(super) last_end: Option<SystemTime>,
}

impl Ended {
    /// Makes one, for a test double: these sessions, the last of which ended at this time.
    pub fn new(sessions: impl IntoIterator<Item = EndedSession>, at: SystemTime) -> Self {
        let sessions: Vec<_> = sessions.into_iter().collect();
        let last_end = (!sessions.is_empty()).then_some(at);
        Self { sessions, token_status: None, last_end }
    }

    /// Sets what the token is, for a test double.
    #[must_use]
    pub fn with_token_status(mut self, status: ActorTokenStatus) -> Self {
        self.token_status = Some(status);
        self
    }

    /// Returns the sessions that are over. Empty, if there were none.
    #[must_use]
    pub fn sessions(&self) -> &[EndedSession] {
        &self.sessions
    }

    /// Returns what the token is now: revoked, or accepted, if its link was used before. `None` if none was named, or if its
    /// revocation failed.
    #[must_use]
    pub fn token_status(&self) -> Option<&ActorTokenStatus> {
        self.token_status.as_ref()
    }

    /// Returns until when session tokens still verify that Clerk had issued before the end: 60 seconds after it, and
    /// the clock skew that your own verifier allows.
    ///
    /// `None` if no session was seen to end: tokens of one that ended in the minute before may still verify. Tokens of a JWT template, and those made by `POST /v1/sessions/{id}/tokens`, may live
    /// longer: an end does not reach them.
    #[must_use]
    pub fn tokens_verify_until(&self, skew: Duration) -> Option<SystemTime> {
        self.last_end?.checked_add(SESSION_TOKEN.saturating_add(skew))
    }

    pub(super) fn has(&self, id: &SessionId) -> bool {
        self.sessions.iter().any(|known| known.id == *id)
    }

    pub(super) fn add(&mut self, id: SessionId, end: SessionEnd, at: SystemTime) {
        self.last_end = Some(at);
        if !self.has(&id) {
            self.sessions.push(EndedSession { id, end });
        }
    }
}
