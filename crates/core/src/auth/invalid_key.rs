//! Why a text is not a secret key.

use std::{error::Error as StdError, fmt};

use crate::environment;

/// Why a text is not a secret key. Holds nothing of the text.
///
/// ```
/// use clerk_actor_tokens_core::{InvalidKey, SecretKey};
///
/// let quoted = SecretKey::new("\"sk_test_abc\"").unwrap_err();
/// assert_eq!(quoted, InvalidKey::Quoted);
/// assert_eq!(quoted.to_string(), "the secret key is in quotes: remove them");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidKey {
    /// `CLERK_SECRET_KEY` is not set.
    NotInEnvironment,
    /// `CLERK_SECRET_KEY` is set, and its value is not a secret key for this reason.
    InEnvironment(Box<InvalidKey>),
    /// Nothing, or white space alone.
    Empty,
    /// `sk_test_` or `sk_live_`, and nothing after it.
    PrefixAlone,
    /// White space or a line break before or after the key.
    WhiteSpaceAround,
    /// A quote before or after the key: `docker run --env-file` passes quotes on, a shell removes them.
    Quoted,
    /// A `$`: a placeholder such as `${KEY}` or `$KEY` that nothing replaced.
    Placeholder,
    /// A backslash and `n` (or `r`) at the end: a line break that was escaped.
    EscapedLineBreak,
    /// A JSON Web Token: a user's session token, which acts for that user and not for the backend.
    SessionToken,
    /// A publishable key (`pk_...`), which is for browsers.
    PublishableKey,
    /// After the prefix, a character other than `A-Z a-z 0-9 _ -`. A variable that is not Unicode counts as this.
    IllegalCharacter,
    /// Neither `sk_test_...` nor `sk_live_...`.
    UnknownForm,
}

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotInEnvironment => {
                return write!(f, "the environment variable {} is not set: set it to the secret key", environment::SECRET_KEY);
            }
            Self::InEnvironment(problem) => {
                return write!(f, "the environment variable {} is invalid: {problem}", environment::SECRET_KEY);
            }
            Self::Empty => "the secret key is empty",
            Self::PrefixAlone => "the secret key is sk_test_ or sk_live_ and nothing more: copy all of it",
            Self::WhiteSpaceAround => {
                "the secret key has white space or a line break before or after it: remove it"
            }
            Self::Quoted => "the secret key is in quotes: remove them",
            Self::Placeholder => {
                "the secret key contains a $: a placeholder such as ${KEY} or $KEY was not replaced by its value"
            }
            Self::EscapedLineBreak => "the secret key ends with an escaped line break (\\n): remove it",
            Self::SessionToken => {
                "this is a session token (a JWT), not a secret key: copy the key that begins with sk_test_ or sk_live_ from the Clerk \
                 dashboard"
            }
            Self::PublishableKey => {
                "this is a publishable key (pk_...), not a secret key: copy the key that begins with sk_test_ or sk_live_ from the \
                 Clerk dashboard"
            }
            Self::IllegalCharacter => {
                "the secret key contains a character other than A-Z, a-z, 0-9, _ and -: copy the key alone"
            }
            Self::UnknownForm => {
                "a secret key begins with sk_test_ or sk_live_ and this text does not: give the key alone, without Bearer"
            }
        })
    }
}

impl StdError for InvalidKey {}
