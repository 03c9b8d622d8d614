//! Where a request goes.

use clerk_actor_tokens_core::{Request, Sanitized};
use http::Method;

#[cfg(feature = "signing")]
use super::frontend_route::FrontendRoute;
use super::{
    errors::{NOT_EMULATED, NOT_FOUND},
    refusal::Refusal,
};
use crate::call::CallKind;

/// All routes, for people. In braces is what differs.
const ROUTES: &[&str] = &[
    "POST /v1/actor_tokens",
    "POST /v1/actor_tokens/{id}/revoke",
    "GET /v1/sessions",
    "GET /v1/sessions/{id}",
    "POST /v1/sessions/{id}/revoke",
    #[cfg(feature = "signing")]
    "POST /v1/sessions/{id}/tokens",
    #[cfg(feature = "signing")]
    "GET /v1/jwks",
    #[cfg(feature = "signing")]
    "GET /.well-known/jwks.json",
    #[cfg(feature = "signing")]
    "GET /v1/tickets/accept",
    #[cfg(feature = "signing")]
    "POST /v1/client/sign_ins",
    #[cfg(feature = "signing")]
    "POST /v1/client/sessions/{id}/tokens",
    #[cfg(feature = "signing")]
    "POST /v1/client/sessions/{id}/touch",
    #[cfg(feature = "signing")]
    "POST /v1/client/sessions/{id}/end",
];

/// Why a request has no route: its path has, with another method, or the emulator does not have it.
pub(super) fn no_route(request: &Request) -> Refusal {
    let path = request.uri().path();
    let is_like = |template: &str| {
        let (mut wanted, mut found) = (template.split('/'), path.split('/'));
        loop {
            match (wanted.next(), found.next()) {
                (None, None) => return true,
                (Some("{id}"), Some(id)) if !id.is_empty() => {}
                (Some(wanted), Some(found)) if wanted == found => {}
                _ => return false,
            }
        }
    };
    if ROUTES.iter().filter_map(|route| route.split_once(' ')).any(|(_, template)| is_like(template)) {
        return NOT_FOUND.into();
    }
    let asked = format!("{} {}. It has: {}.", request.method(), Sanitized::new(path), ROUTES.join(", "));
    NOT_EMULATED.about(asked).into()
}

/// Where a request goes.
pub(super) enum Route<'a> {
    Create,
    Revoke(&'a str),
    SessionList,
    SessionGet(&'a str),
    SessionRevoke(&'a str),
    #[cfg(feature = "signing")]
    SessionTokens(&'a str),
    #[cfg(feature = "signing")]
    Jwks,
    /// The frontend API, whose callers have no secret key.
    #[cfg(feature = "signing")]
    Frontend(FrontendRoute<'a>),
}

impl<'a> Route<'a> {
    pub(super) fn of(request: &'a Request) -> Option<Self> {
        #[cfg(feature = "signing")]
        if let Some(route) = FrontendRoute::of(request) {
            return Some(Self::Frontend(route));
        }
        let segments: Vec<_> = request.uri().path().strip_prefix("/v1/")?.split('/').collect();
        match (request.method(), segments.as_slice()) {
            (&Method::POST, ["actor_tokens"]) => Some(Self::Create),
            (&Method::POST, ["actor_tokens", id, "revoke"]) if !id.is_empty() => Some(Self::Revoke(id)),
            (&Method::GET, ["sessions"]) => Some(Self::SessionList),
            (&Method::GET, ["sessions", id]) if !id.is_empty() => Some(Self::SessionGet(id)),
            (&Method::POST, ["sessions", id, "revoke"]) if !id.is_empty() => Some(Self::SessionRevoke(id)),
            #[cfg(feature = "signing")]
            (&Method::POST, ["sessions", id, "tokens"]) if !id.is_empty() => Some(Self::SessionTokens(id)),
            #[cfg(feature = "signing")]
            (&Method::GET, ["jwks"]) => Some(Self::Jwks),
            _ => None,
        }
    }

    /// Whether it counts against the limit of requests.
    pub(super) fn is_limited(&self) -> bool {
        #[cfg(feature = "signing")]
        return !matches!(self, Self::Jwks);
        #[cfg(not(feature = "signing"))]
        return true;
    }
}

/// Which call a request is, if a fault can be queued for it.
pub(crate) fn kind_of(request: &Request) -> Option<CallKind> {
    match Route::of(request)? {
        Route::Create => Some(CallKind::Create),
        Route::Revoke(_) => Some(CallKind::Revoke),
        Route::SessionList => Some(CallKind::SessionList),
        Route::SessionGet(_) => Some(CallKind::SessionGet),
        Route::SessionRevoke(_) => Some(CallKind::SessionRevoke),
        #[cfg(feature = "signing")]
        Route::SessionTokens(_) | Route::Jwks | Route::Frontend(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(route: &str) -> Request {
        let (method, path) = route.split_once(' ').unwrap();
        let mut request = Request::default();
        *request.method_mut() = method.parse().unwrap();
        *request.uri_mut() = path.replace("{id}", "x").parse().unwrap();
        request
    }

    #[test]
    fn every_route_that_is_named_is_one_and_its_path_with_another_method_is_a_404() {
        for route in ROUTES {
            assert!(Route::of(&request(route)).is_some(), "{route}");
            let other = request(&route.replace("POST ", "PUT ").replace("GET ", "DELETE "));
            assert!(Route::of(&other).is_none());
            assert_eq!(no_route(&other).errors[0].status(), 404, "{route}");
        }
    }

    #[test]
    fn what_is_not_emulated_is_a_501_that_says_what_is() {
        for path in
            ["/", "/v1", "/v1/", "/v1/users", "/v2/actor_tokens", "/v1/actor_tokens//revoke", "/v1/sessions/a/b"]
        {
            let refusal = no_route(&request(&format!("GET {path}")));
            assert_eq!(refusal.errors[0].status(), 501, "{path}");
            let said = refusal.errors[0].value();
            assert!(said.starts_with(&format!("GET {path}. It has: POST /v1/actor_tokens, ")), "{said}");
        }
    }
}
