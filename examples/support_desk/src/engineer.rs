//! Who is signed in at the desk.

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};

/// The Clerk user id of the engineer. Here the company's proxy sets a header once it has signed the engineer in; put your session
/// instead. It must not come from the browser unchecked: it is who the audit trail says has acted. So only the proxy may reach the
/// desk's port, because a client that reaches it can be any engineer.
pub(crate) struct Engineer(pub(crate) String);

/// The header that the proxy sets, and removes from what comes from outside.
const HEADER: &str = "x-desk-engineer";

impl Engineer {
    /// Whether this engineer may sign in as this customer. Put your rule here: colleagues and administrators are users too.
    pub(crate) fn may_impersonate(&self, customer: &str) -> bool {
        self.0 != customer
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Engineer {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let name = parts.headers.get(HEADER).and_then(|value| value.to_str().ok());
        name.filter(|name| !name.is_empty()).map(|name| Self(name.to_owned())).ok_or(StatusCode::UNAUTHORIZED)
    }
}
