//! Session tokens as a test gets them, and the key that verifies them.

use super::Emulator;
use crate::clerk::SessionToken;

impl Emulator {
    /// Returns a token of a live session, as the page of the application gets one, or `None` if
    /// there is no such session or it is over. It lasts a minute, and is really signed.
    ///
    /// ```
    /// use clerk_actor_tokens_emulator::Emulator;
    ///
    /// let clerk = Emulator::new();
    /// let session = clerk.sign_in("user_1");
    /// assert!(clerk.session_token(session.id()).is_some());
    /// clerk.end_session(session.id(), "ended");
    /// assert!(clerk.session_token(session.id()).is_none());
    /// ```
    #[must_use]
    pub fn session_token(&self, session_id: &str) -> Option<SessionToken> {
        let now = self.inner().clock.millis();
        self.inner().lock().clerk.session_token(session_id, now)
    }

    /// Returns the public key of all tokens in PEM, as Clerk's `CLERK_JWT_KEY` is.
    ///
    /// ```
    /// use clerk_actor_tokens_emulator::Emulator;
    ///
    /// assert!(Emulator::new().public_key_pem().starts_with("-----BEGIN PUBLIC KEY-----"));
    /// ```
    #[must_use]
    pub fn public_key_pem(&self) -> String {
        self.inner().lock().clerk.public_key_pem()
    }
}
