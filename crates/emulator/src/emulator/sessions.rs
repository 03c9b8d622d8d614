//! Sessions as a test opens, sees and ends them.

use clerk_actor_tokens_core::Actor;

use super::Emulator;
use crate::{
    call::CallKind,
    clerk::{Session, StoredSession},
    next_attempt::NextAttempt,
};

impl Emulator {
    /// Opens an ordinary session, as a user does who signs in. It has no actor, and lasts seven
    /// days.
    ///
    /// ```
    /// use clerk_actor_tokens_emulator::Emulator;
    ///
    /// let clerk = Emulator::new();
    /// let session = clerk.sign_in("user_1");
    /// assert_eq!(session.actor().sub(), None);
    /// assert_eq!(clerk.session(session.id()).unwrap().actor(), None);
    /// ```
    pub fn sign_in(&self, user_id: &str) -> Session {
        self.open(user_id, None)
    }

    /// Opens a session of this user by this actor, as the link of another token does. It lasts half
    /// an hour.
    ///
    /// ```
    /// use clerk_actor_tokens_core::Actor;
    /// use clerk_actor_tokens_emulator::Emulator;
    ///
    /// let clerk = Emulator::new();
    /// clerk.sign_in_as("user_1", &Actor::new("another_agent"));
    /// clerk.assert_live_sessions(1);
    /// ```
    pub fn sign_in_as(&self, user_id: &str, actor: &Actor) -> Session {
        self.open(user_id, Some(actor))
    }

    fn open(&self, user_id: &str, actor: Option<&Actor>) -> Session {
        let now = self.inner().clock.millis();
        self.inner().lock().sign_in(user_id, actor, now)
    }

    /// Returns every session as it is now, the oldest first.
    #[must_use]
    pub fn sessions(&self) -> Vec<StoredSession> {
        let now = self.inner().clock.millis();
        self.inner().lock().clerk.sessions(now).collect()
    }

    /// Returns the sessions that are not over: those that are `active` or `pending`, the oldest
    /// first.
    #[must_use]
    pub fn live_sessions(&self) -> Vec<StoredSession> {
        let now = self.inner().clock.millis();
        self.inner().lock().clerk.sessions(now).filter(StoredSession::is_live).collect()
    }

    /// Returns a session as it is now, or `None` if no session has this id.
    #[must_use]
    pub fn session(&self, id: &str) -> Option<StoredSession> {
        let now = self.inner().clock.millis();
        self.inner().lock().clerk.session(id, now)
    }

    /// Gives a live session this status: `ended` if the user signs out, for example. A word that
    /// Clerk does not have leaves it live. Returns `false`, and changes nothing, if there is no such
    /// session, if it is over, or if the status is `active` or `pending`.
    ///
    /// ```
    /// use clerk_actor_tokens_emulator::Emulator;
    ///
    /// let clerk = Emulator::new();
    /// let session = clerk.sign_in("user_1");
    /// assert!(clerk.end_session(session.id(), "ended"));
    /// assert!(!clerk.end_session(session.id(), "removed")); // it is over
    /// clerk.assert_ended_sessions(1);
    /// ```
    pub fn end_session(&self, id: &str, status: &str) -> bool {
        let now = self.inner().clock.millis();
        self.inner().lock().clerk.end_session(id, status, now)
    }

    /// Queues a fault for the next list of sessions that has none.
    ///
    /// ```
    /// use clerk_actor_tokens_emulator::{Emulator, fault};
    ///
    /// let clerk = Emulator::new();
    /// clerk.next_session_list().after_commit(fault::cut_at(120));
    /// clerk.next_session_get().before_commit(fault::status(503));
    /// clerk.next_session_revoke().after_commit(fault::stall());
    /// assert_eq!(clerk.take_unused_faults().len(), 3);
    /// ```
    pub fn next_session_list(&self) -> NextAttempt<'_> {
        self.next_attempt(CallKind::SessionList)
    }

    /// Queues a fault for the next get of a session that has none.
    pub fn next_session_get(&self) -> NextAttempt<'_> {
        self.next_attempt(CallKind::SessionGet)
    }

    /// Queues a fault for the next revocation of a session that has none.
    pub fn next_session_revoke(&self) -> NextAttempt<'_> {
        self.next_attempt(CallKind::SessionRevoke)
    }

    /// Queues a fault for the next call of this kind that has none.
    ///
    /// ```
    /// use clerk_actor_tokens_emulator::{CallKind, Emulator, fault};
    ///
    /// let clerk = Emulator::new();
    /// for kind in CallKind::ALL {
    ///     clerk.next_attempt(kind).before_commit(fault::status(503));
    /// }
    /// assert_eq!(clerk.take_unused_faults().len(), CallKind::ALL.len());
    /// ```
    pub fn next_attempt(&self, kind: CallKind) -> NextAttempt<'_> {
        NextAttempt::new(self.inner(), kind)
    }
}
