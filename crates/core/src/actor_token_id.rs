//! The id of an actor token, which is safe in a path, in a log and in a database.
//!
//! The grammar of ids, and how they are shown, is in `clerk_id`.

use crate::clerk_id::id_type;

id_type! {
    /// The id of an actor token: 1 to 255 of `A-Z a-z 0-9 _ -`.
    ///
    /// Today's are `act_` and 27 base62 characters; neither is required. None of the characters means anything in a path,
    /// so an id can never lead a request elsewhere. A text with a secret key in it (`sk_test_`, `sk_live_`) is refused.
    ///
    /// An id is no secret. `Display`, `Debug` and serde give it whole, and each of them can be read back.
    ///
    /// ```
    /// use clerk_actor_tokens_core::ActorTokenId;
    ///
    /// let id = ActorTokenId::new("act_2ABCdefGHIjklMNOpqrSTUvwxYZ")?;
    /// assert_eq!(id.as_str(), "act_2ABCdefGHIjklMNOpqrSTUvwxYZ");
    /// assert_eq!(id.to_string().parse(), Ok(id));
    /// assert!(ActorTokenId::new("../users").is_err());
    /// # Ok::<(), clerk_actor_tokens_core::InvalidRequest>(())
    /// ```
    ActorTokenId, "actor_token_id"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clerk_id::ShownId;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_id_of_clerks_form_is_read_back_from_what_shows_it(
            before in "[A-Za-z0-9]{0,24}", ticket_like in "[eE][yY][jJ]", filler in "[A-Za-z0-9]{27}",
        ) {
            let text = format!("act_{:.27}", format!("{before}{ticket_like}{filler}"));
            let id = ActorTokenId::new(text.as_str()).unwrap();
            prop_assert_eq!(&id.to_string(), &text);
            prop_assert_eq!(&format!("{id:?}"), &format!("ActorTokenId({text})"));
            prop_assert_eq!(&ShownId(&text).to_string(), &text);
            prop_assert_eq!(&text.parse::<ActorTokenId>().unwrap(), &id);
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(&json, &format!("\"{text}\""));
            prop_assert_eq!(&serde_json::from_str::<ActorTokenId>(&json).unwrap(), &id);
        }

        #[test]
        fn each_text_that_fits_the_grammar_is_shown_whole(id in "[A-Za-z0-9_-]{1,255}") {
            prop_assume!(!id.contains("sk_"));
            prop_assert_eq!(&ActorTokenId::new(id.as_str()).unwrap().to_string(), &id);
            prop_assert_eq!(&ShownId(&id).to_string(), &id);
        }
    }

    #[test]
    fn every_unicode_scalar_at_the_start_middle_and_end_is_judged_by_the_grammar() {
        for c in char::MIN..=char::MAX {
            let allowed = c.is_ascii_alphanumeric() || c == '_' || c == '-';
            for id in [format!("{c}ct_1"), format!("ac{c}_1"), format!("act_{c}")] {
                assert_eq!(ActorTokenId::new(id).is_ok(), allowed, "{:?}", c);
            }
        }
    }

    #[test]
    fn the_length_is_1_to_255() {
        for (len, allowed) in [(0, false), (1, true), (255, true), (256, false)] {
            assert_eq!(ActorTokenId::new("a".repeat(len)).is_ok(), allowed, "{len}");
        }
    }

    #[test]
    fn a_secret_key_is_no_id_and_is_not_shown() {
        for text in ["sk_live_CANARY", "SK_TEST_CANARY", "act_sk_live_CANARY", "sk_live_"] {
            let error = ActorTokenId::new(text).unwrap_err();
            assert!(error.to_string().contains("contains a secret key"));
            assert!(!format!("{error:?}{}", ShownId(text)).contains("CANARY"));
        }
        assert!(ActorTokenId::new("act_task_live").is_ok());
    }

    #[test]
    fn what_serde_refuses_is_not_shown() {
        for json in ["\"\"", "\"CANARY/\"", "\"sk_live_CANARY\"", "[\"CANARY\"]"] {
            let error = serde_json::from_str::<ActorTokenId>(json).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("CANARY"));
        }
    }

    #[test]
    fn an_error_does_not_show_the_value() {
        assert!(!format!("{:?}", ActorTokenId::new("CANARY/").unwrap_err()).contains("CANARY"));
    }
}
