//! The fixed facts of an API call: its name, its path, and whether a second send can do harm.

/// Whether the operation is idempotent (RFC 9110 section 9.2.2): sending it twice has the effect of
/// sending it once. These two are all there is. An operation that is not proved to be idempotent is
/// `NonIdempotent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Idempotency {
    /// A second send can do a second thing (mint a second token). It is sent again only where the first is proved not
    /// to have been executed.
    NonIdempotent,
    /// A second send does no more than one does. It is sent again where that can help.
    Idempotent,
}

/// The fixed facts of an operation.
///
/// ```
/// use clerk_actor_tokens_core::{OperationInfo, Idempotency};
/// const INFO: OperationInfo = OperationInfo::new("GetUser", "/users/{user_id}", Idempotency::Idempotent);
/// assert_eq!(INFO.name(), "GetUser");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationInfo {
    name: &'static str,
    path: &'static str,
    idempotency: Idempotency,
}

impl OperationInfo {
    /// Makes the facts from the operation id of Clerk's OpenAPI description, the path template, and
    /// the idempotency.
    #[must_use]
    pub const fn new(name: &'static str, path: &'static str, idempotency: Idempotency) -> Self {
        Self { name, path, idempotency }
    }

    /// Returns the operation id, for example `CreateActorToken`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the path template below the base URL, for example
    /// `/actor_tokens/{actor_token_id}/revoke`. It has no ids, so it suits metrics.
    #[must_use]
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// Returns whether it is idempotent.
    #[must_use]
    pub const fn idempotency(&self) -> Idempotency {
        self.idempotency
    }
}
