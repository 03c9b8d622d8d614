//! Sessions as a test sees and ends them, without a request.

use super::{
    Clerk, StoredSession,
    session::{ACTIVE, PENDING, SessionRecord},
};

impl Clerk {
    /// Every session as it is at this moment, the oldest first.
    pub(crate) fn sessions(&mut self, now: i64) -> impl Iterator<Item = StoredSession> {
        self.sessions.settle(now, &self.settings);
        self.sessions.iter().map(SessionRecord::view)
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
        let live = self.sessions.get_mut(id).filter(|session| session.is_live() && is_another);
        live.map(|session| session.become_status(status, now)).is_some()
    }
}
