//! Taking back what a call made: an operation of any type, told apart by nothing but what it is for.

use std::{fmt, sync::Arc};

use crate::{
    invalid_request::InvalidRequest,
    operation::{Idempotency, Operation, OperationInfo, ParseError},
    transport::{Request, Response},
    url::BaseUrl,
};

/// The operation that takes back what another one made: what [`Operation::undo`] gives.
///
/// ```
/// use clerk_actor_tokens_core::{Operation, RevokeActorToken, Undo};
///
/// let undo = Undo::new(RevokeActorToken::new("act_1"));
/// assert_eq!(undo.info().name(), "RevokeActorToken");
/// ```
#[derive(Clone)]
pub struct Undo(Arc<dyn Erased>);

impl Undo {
    /// This operation takes it back. It should be one that may be repeated ([`Idempotency::Idempotent`]): others are refused once the
    /// client is closed.
    #[must_use]
    pub fn new(operation: impl Operation) -> Self {
        Self(Arc::new(operation))
    }
}

impl fmt::Debug for Undo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Undo({})", self.0.info().name())
    }
}

impl Operation for Undo {
    type Output = ();
    const INFO: OperationInfo = OperationInfo::new("Undo", "", Idempotency::NonIdempotent);

    fn info(&self) -> &'static OperationInfo {
        self.0.info()
    }

    fn request(&self, base: &BaseUrl) -> Result<Request, InvalidRequest> {
        self.0.request(base)
    }

    fn parse(&self, response: &Response) -> Result<(), ParseError> {
        self.0.parse(response)
    }
}

/// An operation whose value does not matter.
trait Erased: Send + Sync {
    fn info(&self) -> &'static OperationInfo;
    fn request(&self, base: &BaseUrl) -> Result<Request, InvalidRequest>;
    fn parse(&self, response: &Response) -> Result<(), ParseError>;
}

impl<O: Operation> Erased for O {
    fn info(&self) -> &'static OperationInfo {
        Operation::info(self)
    }

    fn request(&self, base: &BaseUrl) -> Result<Request, InvalidRequest> {
        Operation::request(self, base)
    }

    fn parse(&self, response: &Response) -> Result<(), ParseError> {
        Operation::parse(self, response).map(drop)
    }
}
