//! The status of an actor token: a word of Clerk's in responses, and in errors too.

use crate::words::words;

words! {
    /// The status of an actor token. There is no "expired": an unused token stays pending past its
    /// time.
    ///
    /// ```
    /// use clerk_actor_tokens_core::ActorTokenStatus;
    /// assert_eq!(ActorTokenStatus::from("pending"), ActorTokenStatus::Pending);
    /// assert_eq!(ActorTokenStatus::from("brand_new").as_str(), "brand_new");
    /// ```
    ActorTokenStatus {
        /// The link was not used yet. The token can be revoked.
        Pending = "pending",
        /// The link was used. End the session instead: [`Impersonations::end`](crate::Impersonations::end).
        Accepted = "accepted",
        /// The token was revoked.
        Revoked = "revoked",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_word_is_read_back_as_it_was_also_an_unknown_one(
            word in prop_oneof![proptest::sample::select(ActorTokenStatus::known()).prop_map(|it| it.to_string()), any::<String>()],
        ) {
            let status = ActorTokenStatus::from(word.as_str());
            prop_assert_eq!(status.as_str(), word.as_str());
            let json = serde_json::to_string(&status).unwrap();
            prop_assert_eq!(&json, &serde_json::to_string(&word).unwrap());
            prop_assert_eq!(serde_json::from_str::<ActorTokenStatus>(&json).unwrap(), status);
        }
    }

    #[test]
    fn what_is_no_text_is_no_status() {
        for json in ["7", "null", "[\"pending\"]", "{\"pending\":null}"] {
            assert!(serde_json::from_str::<ActorTokenStatus>(json).is_err(), "{json}");
        }
    }
}
