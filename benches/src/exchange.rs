//! The one exchange that every loop makes, byte for byte: what is asked, and what the peer answers.
//!
//! The peer refuses any other request, so no loop can be cheaper by sending less.

use http::{
    HeaderName, Method,
    header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, USER_AGENT},
};

use crate::Failure;

/// The customer.
pub const USER_ID: &str = "user_2oFwXpVzKqE7dLmN4tRyBcHsJgA";
/// Who is really acting.
pub const ACTOR_SUB: &str = "user_2mB9cTqWvXy5RzKdPnLhJfGsEaU";
/// The lifetime of the link that is asked for, in seconds.
pub const LIFETIME: u64 = 300;
/// The id of the token that is answered.
pub const TOKEN_ID: &str = "act_2qPwNzXvT5kYdRmLcHbJgFsEaUo";
/// A key of no instance.
pub const SECRET_KEY: &str = "sk_test_benchmark";
/// The path of the endpoint.
pub const PATH: &str = "/v1/actor_tokens";

/// Which version of the API is spoken.
pub(crate) const CLERK_API_VERSION: HeaderName = HeaderName::from_static("clerk-api-version");

/// The headers without which a request is refused.
const HEADERS: [HeaderName; 6] = [ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CLERK_API_VERSION, CONTENT_TYPE, USER_AGENT];

/// The body of a request.
#[must_use]
pub fn request_body() -> String {
    format!(r#"{{"user_id":"{USER_ID}","actor":{{"sub":"{ACTOR_SUB}"}},"expires_in_seconds":{LIFETIME}}}"#)
}

/// The body of the answer, as large as Clerk's: about 1 KiB.
#[must_use]
pub fn answer_body() -> String {
    let ticket = "x".repeat(380);
    format!(
        r#"{{"object":"actor_token","id":"{TOKEN_ID}","status":"pending","user_id":"{USER_ID}","actor":{{"sub":"{ACTOR_SUB}"}},"token":"{ticket}","url":"https://clerk.example.com/v1/tickets/accept?ticket={ticket}","created_at":1767225600000,"updated_at":1767225600000}}"#
    )
}

/// Whether this is the head that each loop must send.
#[must_use]
pub fn is_expected(request: &http::request::Parts) -> bool {
    request.method == Method::POST
        && request.uri.path() == PATH
        && HEADERS.iter().all(|name| request.headers.contains_key(name))
}

/// Checks what a loop has read in the answer.
///
/// # Errors
/// It is not what the peer sent.
pub fn check(id: &str, user_id: &str, url: Option<&str>) -> Result<(), Failure> {
    let is_it = id == TOKEN_ID && user_id == USER_ID && url.is_some_and(|url| url.starts_with("https://"));
    if is_it { Ok(()) } else { Err("the token is not the one that the peer sent".into()) }
}
