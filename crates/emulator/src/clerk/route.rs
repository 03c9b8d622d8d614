//! Where a request goes.

use clerk_actor_tokens_core::Request;
use http::Method;

#[cfg(feature = "signing")]
use super::frontend_route::FrontendRoute;
use crate::call::CallKind;

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
