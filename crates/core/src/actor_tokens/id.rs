//! The id of an actor token, which can only be one that is safe in a path.

use std::{fmt, str::FromStr};

use crate::{invalid_request::InvalidRequest, secret::Sanitized};

/// The field of the API that holds it, as its path template names it.
pub(crate) const FIELD: &str = "actor_token_id";
const MAX: usize = 255;

/// The id of an actor token: 1 to 255 of `A-Z a-z 0-9 _ -`.
///
/// Today's are `act_` and 27 base62 characters; neither is insisted on. None of the characters means anything in a
/// path, so an id can never lead a request elsewhere.
///
/// ```
/// use clerk_actor_tokens_core::ActorTokenId;
///
/// let id = ActorTokenId::new("act_2ABCdefGHIjklMNOpqrSTUvwxYZ")?;
/// assert_eq!(id.as_str(), "act_2ABCdefGHIjklMNOpqrSTUvwxYZ");
/// assert!(ActorTokenId::new("../users").is_err());
/// # Ok::<(), clerk_actor_tokens_core::InvalidRequest>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActorTokenId(String);

impl ActorTokenId {
    /// Reads an id.
    ///
    /// # Errors
    /// [`InvalidRequest`] for the field `actor_token_id`.
    pub fn new(id: impl Into<String>) -> Result<Self, InvalidRequest> {
        let id = id.into();
        let reason = if id.is_empty() {
            "must not be empty"
        } else if id.len() > MAX {
            "must have at most 255 characters"
        } else if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
            "may hold A-Z, a-z, 0-9, _ and - alone"
        } else {
            return Ok(Self(id));
        };
        Err(InvalidRequest::new(FIELD, reason))
    }

    /// The id as text.
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

impl TryFrom<&str> for ActorTokenId {
    type Error = InvalidRequest;

    fn try_from(id: &str) -> Result<Self, InvalidRequest> {
        Self::new(id)
    }
}

impl TryFrom<String> for ActorTokenId {
    type Error = InvalidRequest;

    fn try_from(id: String) -> Result<Self, InvalidRequest> {
        Self::new(id)
    }
}

impl fmt::Display for ActorTokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Sanitized::new(&self.0).fmt(f)
    }
}

impl fmt::Debug for ActorTokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActorTokenId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn an_error_does_not_show_the_value() {
        assert!(!format!("{:?}", ActorTokenId::new("CANARY/").unwrap_err()).contains("CANARY"));
    }
}
