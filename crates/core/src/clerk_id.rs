//! The grammar of Clerk's ids: which text is safe in a path, in a query and in a log.
//!
//! Not responsible for what an id refers to. The id of an actor token has a type of its own, in `actor_token_id`.

use std::borrow::Cow;

use crate::invalid_request::InvalidRequest;

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
