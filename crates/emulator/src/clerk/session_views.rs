//! Sessions as a test sees and ends them, without a request.

#[cfg(feature = "control")]
use super::session::SessionAnswer;
use super::{
    Clerk, StoredSession,
    session::{ACTIVE, PENDING, SessionRecord},
};

impl Clerk {
    /// Every session as it is at this moment, the oldest first.
    pub(crate) fn sessions(&mut self, now: i64) -> impl DoubleEndedIterator<Item = StoredSession> {
        self.sessions.settle(now, &self.settings);
        self.sessions.iter().map(SessionRecord::view)
    }

    /// Each session as it is answered, and whether it is live, as of when somebody last asked for them all; the oldest first.
    #[cfg(feature = "control")]
    pub(crate) fn session_answers(&self) -> impl DoubleEndedIterator<Item = (SessionAnswer<'_>, bool)> {
        self.sessions.iter().map(|session| (session.to_answer(self.settings.drop_actor_keys), session.is_live()))
    }

    /// One of them.
    #[cfg(feature = "control")]
    pub(crate) fn answered_session(&self, id: &str) -> Option<serde_json::Value> {
        serde_json::to_value(self.sessions.get(id)?.to_answer(self.settings.drop_actor_keys)).ok()
    }

    /// The actor of a session, as it is stored.
    #[cfg(test)]
    pub(crate) fn actor_of_session(
        &self,
        id: &str,
    ) -> Option<&std::sync::Arc<serde_json::Map<String, serde_json::Value>>> {
        self.sessions.get(id)?.actor.as_ref()
    }

    /// A session as it is at this moment.
    pub(crate) fn session(&mut self, id: &str, now: i64) -> Option<StoredSession> {
        self.sessions.settle(now, &self.settings);
        self.sessions.get(id).map(SessionRecord::view)
    }

    /// Gives a live session another status. Says whether it was live, and is that now.
    pub(crate) fn end_session(&mut self, id: &str, status: &str, now: i64) -> bool {
        self.sessions.settle(now, &self.settings);
        let is_another = status != ACTIVE && status != PENDING;
        let ended = self.sessions.edit(id, |session| {
            let ends = session.is_live() && is_another;
            if ends {
                session.become_status(status, now);
            }
            ends
        });
        ended.unwrap_or(false)
    }
}
