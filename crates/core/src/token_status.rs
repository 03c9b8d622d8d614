//! Where an actor token is in its life: a word of Clerk's that answers carry, and errors too.

use crate::words::words;

words! {
    /// Where an actor token is in its life. There is no "expired": an unused token stays pending past its time.
    ///
    /// ```
    /// use clerk_actor_tokens_core::ActorTokenStatus;
    /// assert_eq!(ActorTokenStatus::from("pending"), ActorTokenStatus::Pending);
    /// assert_eq!(ActorTokenStatus::from("brand_new").as_str(), "brand_new");
    /// ```
    ActorTokenStatus {
        /// Nobody has used the link yet; it can be revoked.
        Pending = "pending",
        /// Somebody used the link; end the session instead.
        Accepted = "accepted",
        /// Taken back.
        Revoked = "revoked",
    }
}
