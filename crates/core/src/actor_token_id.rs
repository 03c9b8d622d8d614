//! The id of an actor token, which is safe in a path, in a log and in a database.
//!
//! Responsible for how an id is shown. The grammar of ids is in `clerk_id`. Not responsible for what an id refers to.
//!
//! An id is no secret: an application has to store it, because Clerk lists no actor tokens. So an id is shown whole,
//! and never goes through the filter for credentials, which would take some ids for a part of a ticket.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    clerk_id::{check_id, problem},
    invalid_request::InvalidRequest,
    secret::Sanitized,
};

/// The field of the API that holds it, as its path template names it.
const FIELD: &str = "actor_token_id";

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
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActorTokenId(String);

impl ActorTokenId {
    /// Reads an id.
    ///
    /// # Errors
    /// [`InvalidRequest`] for the field `actor_token_id`. It does not show the text.
    pub fn new(id: impl Into<String>) -> Result<Self, InvalidRequest> {
        let id = id.into();
        check_id(FIELD, &id)?;
        Ok(Self(id))
    }

    /// Returns whether this text is an id, without an allocation.
    pub(crate) fn is_one(text: &str) -> bool {
        problem(text).is_none()
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for ActorTokenId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for ActorTokenId {
    type Err = InvalidRequest;

    fn from_str(id: &str) -> Result<Self, InvalidRequest> {
        Self::new(id)
    }
}

impl Serialize for ActorTokenId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ActorTokenId {
    /// Reads a string, and refuses what [`ActorTokenId::new`] refuses.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl fmt::Display for ActorTokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ActorTokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActorTokenId({})", self.0)
    }
}

/// Shows an id that came as text: whole where it fits the grammar of ids, else as any foreign text.
#[derive(Clone, Copy)]
pub(crate) struct ShownId<'a>(pub(crate) &'a str);

impl fmt::Display for ShownId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match problem(self.0) {
            None => f.write_str(self.0),
            Some(_) => Sanitized::new(self.0).fmt(f),
        }
    }
}

impl fmt::Debug for ShownId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
