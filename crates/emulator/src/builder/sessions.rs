//! Settings of sessions.

use std::time::Duration;

use http::StatusCode;

use super::EmulatorBuilder;
use crate::{clerk::OVER, settings::SecondSession};

impl EmulatorBuilder {
    /// Sets the users with an unfinished session task. Their sessions are `pending`, and have one
    /// task. Default: none.
    pub fn users_with_tasks<I>(mut self, users: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.settings.users_with_tasks = users.into_iter().map(Into::into).collect();
        self
    }

    /// Leaves all keys but `sub` out of the `actor` of sessions. Open at Clerk; default: all keys
    /// are there.
    pub fn sessions_drop_actor_keys(mut self) -> Self {
        self.settings.drop_actor_keys = true;
        self
    }

    /// Sets the status that answers the revocation of a session that is over: 200, 400 or 404.
    /// Open at Clerk; default: 400 `invalid_action_for_session`.
    ///
    /// # Panics
    /// If it is none of these.
    #[track_caller]
    pub fn revoke_over_session(mut self, status: u16) -> Self {
        assert!([200, 400, 404].contains(&status), "revoke_over_session({status}): it is 200, 400 or 404");
        self.settings.revoke_over_session = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        self
    }

    /// Accepts `status=pending` in a list of sessions. Open at Clerk; default: it is answered with
    /// 422.
    pub fn accept_pending_filter(mut self) -> Self {
        self.settings.pending_filter = true;
        self
    }

    /// Sets how long a session that is over stays in lists. By its id it is found for ever.
    /// Open at Clerk; default: always.
    pub fn keep_over_sessions(mut self, kept: Duration) -> Self {
        self.settings.keep_over_sessions = Some(kept);
        self
    }

    /// Sets how long it takes until a new session is in lists. By its id it is found at once.
    /// Open at Clerk; default: no time.
    pub fn list_delay(mut self, delay: Duration) -> Self {
        self.settings.list_delay = delay;
        self
    }

    /// Sets the status of an impersonated session after ten minutes of inactivity. Open at Clerk;
    /// default: `expired`.
    ///
    /// # Panics
    /// If it is none of `abandoned`, `ended`, `expired`, `removed`, `replaced` and `revoked`.
    #[track_caller]
    pub fn inactive_as(mut self, status: &str) -> Self {
        assert!(OVER.contains(&status), "inactive_as({status:?}): it is one of {}", OVER.join(", "));
        status.clone_into(&mut self.settings.inactive_as);
        self
    }

    /// Sets what a second actor token of a user does to the session of the first, when its link is
    /// opened. Open at Clerk; default: [`SecondSession::Beside`].
    pub fn second_session(mut self, what: SecondSession) -> Self {
        self.settings.second_session = what;
        self
    }
}
