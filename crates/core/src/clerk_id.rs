//! The grammar of Clerk's ids: which text is safe in a path, in a query and in a log. How an id is shown.
//!
//! Not responsible for what an id refers to. The ids that have a type of their own are in `actor_token_id` and `session_id`.
//!
//! An id is no secret: an application has to store it. So an id is shown whole, and never goes through the filter for
//! credentials, which would take some ids for a part of a ticket.

use std::{borrow::Cow, fmt};

use crate::{invalid_request::InvalidRequest, secret::Sanitized};

const MAX: usize = 255;

/// Two prefixes that fit the grammar of ids and begin a secret key. No id holds them: behind its own prefix, an id of
/// Clerk's has no `_`.
const KEY_PREFIXES: [&[u8]; 2] = [b"sk_test_", b"sk_live_"];

/// Returns the id, if it fits the grammar of Clerk's ids: 1 to 255 of `A-Z a-z 0-9 _ -`, and no secret key in it.
///
/// For the ids in the paths of your own [`Operation`](crate::Operation)s. None of the characters means anything in a
/// path, so an id never leads a request to another endpoint.
///
/// # Errors
/// [`InvalidRequest`] for this field. It does not show the text.
///
/// ```
/// use clerk_actor_tokens_core::check_id;
///
/// assert_eq!(check_id("user_id", "user_2ABC")?, "user_2ABC");
/// assert_eq!(check_id("user_id", "user_1/../..").unwrap_err().field(), "user_id");
/// # Ok::<(), clerk_actor_tokens_core::InvalidRequest>(())
/// ```
pub fn check_id(field: impl Into<Cow<'static, str>>, id: &str) -> Result<&str, InvalidRequest> {
    match problem(id) {
        None => Ok(id),
        Some(reason) => Err(InvalidRequest::new(field, reason)),
    }
}

/// Whether this text is an id.
pub(crate) fn is_id(text: &str) -> bool {
    problem(text).is_none()
}

/// Returns why this text is no id.
pub(crate) fn problem(id: &str) -> Option<&'static str> {
    // An underscore is rare in an id, and there are three in what is looked for.
    let begins_key = |(at, _): (usize, &str)| {
        let begin = at.checked_sub(2).and_then(|begin| id.get(begin..begin.saturating_add(8)));
        begin.is_some_and(|part| KEY_PREFIXES.iter().any(|prefix| part.as_bytes().eq_ignore_ascii_case(prefix)))
    };
    let holds_key = |id: &str| id.match_indices('_').any(begins_key);
    match id {
        "" => Some("must not be empty"),
        _ if id.len() > MAX => Some("must have at most 255 characters"),
        _ if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) => {
            Some("may have only A-Z, a-z, 0-9, _ and -")
        }
        _ if holds_key(id) => Some("contains a secret key"),
        _ => None,
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

/// Defines a type of ids: a text that fits the grammar. `$field` is the field of the API that holds it.
macro_rules! id_type {
    ($(#[$meta:meta])* $name:ident, $field:literal) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Reads an id.
            ///
            /// # Errors
            /// [`InvalidRequest`](crate::InvalidRequest) for the field of the API that holds it. It does not show the text.
            pub fn new(id: impl Into<String>) -> Result<Self, $crate::invalid_request::InvalidRequest> {
                let id = id.into();
                $crate::clerk_id::check_id($field, &id)?;
                Ok(Self(id))
            }

            /// Returns the id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::invalid_request::InvalidRequest;

            fn from_str(id: &str) -> Result<Self, Self::Err> {
                Self::new(id)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            /// Reads a string, and refuses what `new` refuses.
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let id = <String as serde::Deserialize>::deserialize(deserializer)?;
                Self::new(id).map_err(serde::de::Error::custom)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}
pub(crate) use id_type;
