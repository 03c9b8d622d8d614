//! Which status a web handler returns to its own caller, where a call to Clerk failed.
//!
//! One table, the first row that fits. The rows are documented at [`Error::suggested_status`], in the same order.

use http::StatusCode;

use crate::{
    error::{Error, ErrorCode},
    error_kind::ErrorKind as Kind,
};

/// One row: which errors, and the status.
struct Row {
    fits: fn(&Error) -> bool,
    status: StatusCode,
}

const fn row(status: StatusCode, fits: fn(&Error) -> bool) -> Row {
    Row { fits, status }
}

#[rustfmt::skip]
static TABLE: [Row; 17] = [
    row(StatusCode::INTERNAL_SERVER_ERROR, is_an_option),
    row(StatusCode::UNPROCESSABLE_ENTITY,  Error::is_invalid_parameter),
    row(StatusCode::NOT_FOUND,             |error| error.is_not_found() && is_clerks(error)),
    row(StatusCode::CONFLICT,              |error| error.code() == Some(&ErrorCode::ActorTokenCannotBeRevoked)),
    row(StatusCode::SERVICE_UNAVAILABLE,   Error::is_rate_limited),
    row(StatusCode::SERVICE_UNAVAILABLE,   |error| error.is_plan_required() || error.is_quota_exceeded()),
    row(StatusCode::SERVICE_UNAVAILABLE,   |error| error.kind() == Kind::NotKept),
    row(StatusCode::SERVICE_UNAVAILABLE,   |error| has_status(error, &[503])),
    row(StatusCode::GATEWAY_TIMEOUT,       Error::is_timeout),
    row(StatusCode::GATEWAY_TIMEOUT,       |error| has_status(error, &[408, 504, 522, 524])),
    row(StatusCode::INTERNAL_SERVER_ERROR, |error| matches!(error.kind(), Kind::Credential | Kind::Blocked)),
    row(StatusCode::INTERNAL_SERVER_ERROR, Error::is_unauthorized),
    row(StatusCode::BAD_GATEWAY,           |error| matches!(error.kind(), Kind::Connect | Kind::Tls | Kind::Proxy | Kind::Refused)),
    row(StatusCode::BAD_GATEWAY,           |error| matches!(error.kind(), Kind::Interrupted | Kind::ResponseTruncated)),
    row(StatusCode::BAD_GATEWAY,           |error| matches!(error.kind(), Kind::ResponseInvalid | Kind::ResponseMismatch)),
    row(StatusCode::INTERNAL_SERVER_ERROR, |error| error.kind() == Kind::Api && is_client_error(error) && is_clerks(error)),
    row(StatusCode::BAD_GATEWAY,           |_| true),
];

/// What the caller of a web handler may have given, as the API names it. Every other field of an operation on actor tokens
/// is an option that the program sets.
const FIELDS: [&str; 5] =
    ["user_id", "actor", "expires_in_seconds", "session_max_duration_in_seconds", "actor_token_id"];

fn is_an_option(error: &Error) -> bool {
    let Some(refused) = error.invalid_request() else { return false };
    let is_field = FIELDS.contains(&refused.field()) || refused.field().starts_with("actor.");
    error.operation().path().starts_with("/actor_tokens") && !is_field
}

/// Whether Clerk's words are there: else a server before Clerk may have responded.
fn is_clerks(error: &Error) -> bool {
    !error.api_errors().is_empty()
}

fn is_client_error(error: &Error) -> bool {
    error.status().is_some_and(|status| status.is_client_error())
}

fn has_status(error: &Error, statuses: &[u16]) -> bool {
    error.kind() == Kind::Api && error.status().is_some_and(|status| statuses.contains(&status.as_u16()))
}

impl Error {
    /// Returns a status that a web handler can return to its own caller. The first row that fits applies:
    ///
    /// | the call failed with | status | because |
    /// | --- | --- | --- |
    /// | an invalid option of the call, such as a header or a timeout | 500 | this program sets it |
    /// | an invalid parameter, refused by the client or by Clerk | 422 | the caller can correct it |
    /// | 404 in Clerk's words | 404 | the user or the token does not exist |
    /// | a token that cannot be revoked | 409 | it is not pending |
    /// | 429, or held back by the client | 503 | send `Retry-After` from [`retry_after`](Self::retry_after) |
    /// | a plan or a monthly quota | 503 | the operator pays Clerk, and not the caller |
    /// | a token that was held when the client closed | 503 | this program is ending |
    /// | 503 | 503 | Clerk says that it is unavailable |
    /// | the deadline | 504 | Clerk did not respond in time |
    /// | 408, 504, 522, 524 | 504 | a gateway got no response in time |
    /// | no secret key, or a request that this program blocked | 500 | the setup of this program is wrong |
    /// | 401 | 500 | the secret key of this program is wrong |
    /// | no connection, TLS, a proxy, a refused request | 502 | Clerk cannot be reached |
    /// | a connection that broke off, a response cut short | 502 | Clerk's response was lost |
    /// | a response that cannot be used, or belongs elsewhere | 502 | the response is not Clerk's |
    /// | another 4xx in Clerk's words | 500 | this program sent a wrong request |
    /// | a redirect, a 5xx, a status of a gateway | 502 | the fault is beyond this program |
    ///
    /// Do not send the error's text to the caller: log it, with its [advice](Self::advice). Where the error
    /// [is ambiguous](Self::is_ambiguous), the caller must not simply repeat the request.
    ///
    /// ```
    /// use clerk_actor_tokens_core::{Error, http};
    ///
    /// fn answer(error: &Error) -> http::Response<&'static str> {
    ///     let mut answer = http::Response::builder().status(error.suggested_status());
    ///     if let (true, Some(wait)) = (error.is_rate_limited(), error.retry_after()) {
    ///         answer = answer.header("retry-after", wait.as_secs() + 1); // whole seconds, rounded up
    ///     }
    ///     answer.body("impersonation is not possible now").unwrap_or_default()
    /// }
    /// # use clerk_actor_tokens_core::{CreateActorToken, Operation, TransportError};
    /// # let held_back = TransportError::rate_limited(std::time::Duration::from_secs(7));
    /// # let answer = answer(&Error::from_transport(&CreateActorToken::INFO, held_back));
    /// # assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (503, &http::HeaderValue::from(8)));
    /// ```
    #[must_use]
    pub fn suggested_status(&self) -> StatusCode {
        let row = TABLE.iter().find(|row| (row.fits)(self));
        row.map_or(StatusCode::BAD_GATEWAY, |row| row.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_documented_in_its_order() {
        let source = include_str!("suggested_status.rs");
        let documented: Vec<_> = source
            .lines()
            .filter_map(|line| line.trim().strip_prefix("/// | "))
            .filter_map(|line| line.split('|').nth(1)?.trim().parse::<u16>().ok())
            .collect();
        let rows: Vec<_> = TABLE.iter().map(|row| row.status.as_u16()).collect();
        assert_eq!(documented, rows);
    }
}
