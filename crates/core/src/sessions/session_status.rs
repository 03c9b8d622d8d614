//! The status of a session.

use crate::words::words;

words! {
    /// The status of a session (OpenAPI: `Session.status`).
    ///
    /// ```
    /// use clerk_actor_tokens_core::SessionStatus;
    ///
    /// assert!(SessionStatus::Active.is_live() && SessionStatus::Pending.is_live());
    /// assert!(!SessionStatus::Revoked.is_live());
    /// // To end one session more does less harm than to miss one.
    /// assert!(SessionStatus::from("brand_new").is_live());
    /// ```
    SessionStatus {
        /// The user is signed in.
        Active = "active",
        /// The user is signed in, and has tasks of the session to do first.
        Pending = "pending",
        /// The user signed out.
        Ended = "ended",
        /// It ended, and its browser no longer lists it.
        Removed = "removed",
        /// Another session took its place.
        Replaced = "replaced",
        /// The application ended it.
        Revoked = "revoked",
        /// Its time is over.
        Expired = "expired",
        /// Its browser has not come back.
        Abandoned = "abandoned",
    }
}

impl SessionStatus {
    /// Returns whether somebody may still be signed in with it. A word that this version does not know counts as live.
    #[must_use]
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Active | Self::Pending | Self::Other(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_words_that_are_known_two_are_live() {
        let live: Vec<_> = SessionStatus::known().iter().filter(|status| status.is_live()).collect();
        assert_eq!(live, [&SessionStatus::Active, &SessionStatus::Pending]);
        assert_eq!(SessionStatus::known().len(), 8);
    }
}
