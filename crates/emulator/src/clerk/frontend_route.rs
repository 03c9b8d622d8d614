//! Where a request to the frontend API goes.

use clerk_actor_tokens_core::Request;
use http::Method;

/// Where a request to the frontend API goes.
pub(super) enum FrontendRoute<'a> {
    Jwks,
    /// The link itself.
    Accept,
    SignIn,
    Tokens(&'a str),
    Touch(&'a str),
    End(&'a str),
}

impl<'a> FrontendRoute<'a> {
    pub(super) fn of(request: &'a Request) -> Option<Self> {
        let segments: Vec<_> = request.uri().path().strip_prefix('/')?.split('/').collect();
        match (request.method(), segments.as_slice()) {
            (&Method::GET, [".well-known", "jwks.json"]) => Some(Self::Jwks),
            (&Method::GET, ["v1", "tickets", "accept"]) => Some(Self::Accept),
            (&Method::POST, ["v1", "client", "sign_ins"]) => Some(Self::SignIn),
            (&Method::POST, ["v1", "client", "sessions", id, "tokens"]) => Some(Self::Tokens(id)),
            (&Method::POST, ["v1", "client", "sessions", id, "touch"]) => Some(Self::Touch(id)),
            (&Method::POST, ["v1", "client", "sessions", id, "end"]) => Some(Self::End(id)),
            _ => None,
        }
    }
}
