//! Ending a session: `POST /sessions/{session_id}/revoke` (OpenAPI operation `RevokeSession`).

use bytes::Bytes;
use http::Method;

use crate::{
    invalid_request::InvalidRequest,
    operation::{Operation, ParseError},
    operation_info::{Idempotency, OperationInfo},
    sessions::{
        answer::{self, Binding},
        session::Session,
        session_id::SessionId,
    },
    transport::{Request, Response},
    url::BaseUrl,
};

/// The end of a session. With a client, [`Sessions::revoke`](crate::Sessions::revoke) is shorter.
///
/// ```
/// use clerk_actor_tokens_core::{BaseUrl, Operation, RevokeSession};
///
/// let request = RevokeSession::new("sess_1").request(&BaseUrl::default())?;
/// assert_eq!(request.uri(), "https://api.clerk.com/v1/sessions/sess_1/revoke");
/// assert!(request.body().is_empty());
/// # Ok::<(), clerk_actor_tokens_core::InvalidRequest>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct RevokeSession {
    /// A bad id is kept as the refusal that `request` will give.
    id: Result<SessionId, InvalidRequest>,
}

impl RevokeSession {
    /// Has the fixed facts of this call.
    pub const INFO: OperationInfo =
        OperationInfo::new("RevokeSession", "/sessions/{session_id}/revoke", Idempotency::Idempotent);

    /// Describes the end of this session. An id outside the grammar of [`SessionId`] is refused when the call is sent.
    pub fn new(id: impl AsRef<str>) -> Self {
        Self { id: SessionId::new(id.as_ref()) }
    }
}

impl Operation for RevokeSession {
    type Output = Session;

    fn info(&self) -> &'static OperationInfo {
        &Self::INFO
    }

    fn request(&self, base: &BaseUrl) -> Result<Request, InvalidRequest> {
        let id = self.id.as_ref().map_err(Clone::clone)?;
        base.request(Method::POST, &format!("/sessions/{id}/revoke"), Bytes::new())
    }

    /// A session that had ended before may come with the status of its end. One that is live after its end is none of ours.
    fn parse(&self, response: &Response) -> Result<Session, ParseError> {
        let id = self.id.as_ref().ok().map(SessionId::as_str);
        let session = answer::session(response, Binding { id, ..Binding::default() })?;
        if session.status().is_live() {
            return Err(ParseError::mismatch("status"));
        }
        Ok(session)
    }
}
