//! The control plane: what a test in any language sees and does, over HTTP, under `/_emulator/`, where `/` leads a browser.
//!
//! Data flows downhill: `guard.rs` (who may ask), then the routes below, then `views.rs` (what is) and `acts.rs` (what is
//! done), which answer by `answer.rs` (what is sent has no key in it: `masked.rs`), and `pages.rs` (what people see). No request to it is one to Clerk: it meets no fault, and is not recorded.

mod acts;
mod answer;
mod guard;
mod masked;
mod pages;
mod plane;
mod views;

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    response::{IntoResponse as _, Redirect},
    routing::{get, post, put},
};
use clerk_actor_tokens_core::{Request, Response};
use http::{HeaderMap, Method, StatusCode, Uri, uri::Scheme};
use tower_service::Service as _;

use self::{answer::Refused, guard::Guard, plane::Plane};
use crate::{
    pages::{HasPages, protect, wants_html},
    state::Inner,
};

/// Where it is.
const PREFIX: &str = "/_emulator";

/// The control plane of one server.
pub(crate) struct Control {
    guard: Guard,
    router: Router,
}

impl Control {
    /// For requests that name the server by a loopback name, or by one of these. The server speaks this scheme.
    pub(crate) fn new(inner: Arc<Inner>, scheme: Scheme, names: Vec<String>) -> Self {
        Self { guard: Guard::new(scheme, names), router: routes(Plane::new(inner)) }
    }

    /// Whether a request is for it.
    pub(crate) fn is_for(path: &str) -> bool {
        path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether a person looks at the address that the server says it listens on.
    pub(crate) fn is_looked_at(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
        method == Method::GET && uri.path() == "/" && wants_html(headers)
    }

    /// Says of a request to Clerk that the pages are there, if they are for the host that it names.
    pub(crate) fn mark(&self, parts: &mut http::request::Parts) {
        if self.guard.names_host(&parts.uri, &parts.headers) {
            parts.extensions.insert(HasPages);
        }
    }

    /// What is answered where there is none. The pages need files, which are not there either.
    pub(crate) async fn absent() -> Response {
        let why = "no control plane is served here. It is on loopback addresses unless it was switched off, and elsewhere \
                   for the hosts of --control-host (in Rust: Server::control_host)";
        whole(Refused::new(StatusCode::NOT_FOUND, why).into_response()).await
    }

    pub(crate) async fn answer(&self, request: Request) -> Response {
        let is_for_a_person = wants_html(request.headers());
        let mut response = match self.guard.check(&request) {
            Ok(()) => {
                let mut router = self.router.clone();
                // A router has no error of its own, and is always ready.
                let Ok(response) = router.call(request.map(Body::from)).await;
                response
            }
            Err(refused) => refused.into_response(),
        };
        if let Some(refused) = response.extensions_mut().remove::<Refused>().filter(|_| is_for_a_person) {
            response = pages::refused(refused);
        }
        whole(response).await
    }
}

async fn whole(response: http::Response<Body>) -> Response {
    let (mut head, body) = response.into_parts();
    protect(&mut head.headers);
    // The routes write whole bodies.
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    Response::from_parts(head, body)
}

fn routes(plane: Plane) -> Router {
    Router::new()
        .route("/", get(async || Redirect::to("/_emulator/")))
        .route("/_emulator", get(pages::overview))
        .route("/_emulator/", get(pages::overview))
        .route("/_emulator/page.css", get(pages::style))
        .route("/_emulator/page.js", get(pages::script))
        .route("/_emulator/link.js", get(pages::link_script))
        .route("/_emulator/icon.svg", get(pages::icon))
        .route("/_emulator/sessions/{id}", get(pages::session))
        .route("/_emulator/health", get(views::health))
        .route("/_emulator/openapi.json", get(views::openapi))
        .route("/_emulator/state", get(views::state))
        .route("/_emulator/requests", get(views::requests))
        .route("/_emulator/reset", post(acts::reset))
        .route("/_emulator/users", put(acts::set_users).get(views::users))
        .route("/_emulator/faults", post(acts::add_faults).get(views::faults).delete(acts::clear_faults))
        .route("/_emulator/clock", get(views::clock))
        .route("/_emulator/clock/advance", post(acts::advance))
        .route("/_emulator/tokens/{id}/accept", post(acts::accept))
        .route("/_emulator/tokens/{id}/open", post(acts::open))
        .route("/_emulator/tokens/{id}/revoke", post(acts::revoke))
        .route("/_emulator/sessions/{id}/end", post(acts::end_session))
        .route("/_emulator/snapshots", post(acts::take_snapshot).get(views::snapshots))
        .route("/_emulator/snapshots/{id}/restore", post(acts::restore))
        .fallback(async || Refused::new(StatusCode::NOT_FOUND, "no such route: GET /_emulator/openapi.json has all"))
        .method_not_allowed_fallback(async || {
            Refused::new(StatusCode::METHOD_NOT_ALLOWED, "not by this method: GET /_emulator/openapi.json has all")
        })
        .with_state(plane)
}
