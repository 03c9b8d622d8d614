//! A failure as a response: the browser gets a status and a sentence, and the log gets the rest.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use clerk_actor_tokens::{ActorTokenStatus, EndError, Error};
use serde_json::json;

/// Why a request failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The call to Clerk.
    Clerk(Error),
    /// The end of a session.
    End(EndError),
    /// This engineer may not sign in as this customer.
    Forbidden,
    /// There is no reason, or one that is too long for a session token.
    Reason,
    /// Clerk returned no link: there is nothing to hand out.
    NoLink,
    /// It was not written down.
    Records(std::io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Clerk(error)
    }
}

impl From<EndError> for Failure {
    fn from(error: EndError) -> Self {
        Self::End(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Records(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let is_ambiguous = matches!(&self, Self::Clerk(error) if error.is_ambiguous());
        let is_used = matches!(&self, Self::Clerk(error) if error.token_status() == Some(ActorTokenStatus::Accepted));
        let is_left = matches!(&self, Self::End(_));
        let (status, wait) = match &self {
            Self::Forbidden => (StatusCode::FORBIDDEN, None),
            Self::Reason => (StatusCode::UNPROCESSABLE_ENTITY, None),
            Self::Clerk(error) => {
                // The line and the advice are about the desk's own setup: for the log, not for the browser.
                log::error!("{error}. {} Usable until {:?}.", error.advice(), error.exposure_until());
                (error.suggested_status(), error.retry_after().filter(|_| error.is_rate_limited()))
            }
            Self::End(error) => {
                log::error!("{error}. {}", error.advice());
                (error.error().map_or(StatusCode::BAD_GATEWAY, Error::suggested_status), None)
            }
            Self::NoLink => {
                log::error!("Clerk's response had no link; the token is being revoked");
                (StatusCode::BAD_GATEWAY, None)
            }
            Self::Records(error) => {
                log::error!("the token was not written down, and is being revoked: {error}");
                (StatusCode::INTERNAL_SERVER_ERROR, None)
            }
        };
        let says = match status {
            _ if is_left => "a session may be left: end it again",
            _ if is_used => "the link was used: end the session",
            _ if is_ambiguous => "a token may have been made or revoked: ask before you try again",
            StatusCode::FORBIDDEN => "you may not sign in as this customer",
            StatusCode::UNPROCESSABLE_ENTITY => "the input is not valid",
            StatusCode::NOT_FOUND => "there is no such customer or token",
            StatusCode::CONFLICT => "the token cannot be revoked",
            _ => "impersonation is not possible now",
        };
        let mut response = (status, Json(json!({ "error": says }))).into_response();
        if let Some(wait) = wait {
            // Whole seconds, rounded up.
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().saturating_add(1)));
        }
        response
    }
}
