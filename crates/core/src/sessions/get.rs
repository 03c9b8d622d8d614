//! Reading a session: `GET /sessions/{session_id}` (OpenAPI operation `GetSession`).

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

/// The reading of a session. With a client, [`Sessions::get`](crate::Sessions::get) is shorter.
///
/// ```
/// use clerk_actor_tokens_core::{BaseUrl, GetSession, Operation};
///
/// let request = GetSession::new("sess_1").request(&BaseUrl::default())?;
/// assert_eq!(request.uri(), "https://api.clerk.com/v1/sessions/sess_1");
/// # Ok::<(), clerk_actor_tokens_core::InvalidRequest>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct GetSession {
    /// A bad id is kept as the refusal that `request` will give.
    id: Result<SessionId, InvalidRequest>,
}

impl GetSession {
    /// Has the fixed facts of this call.
    pub const INFO: OperationInfo = OperationInfo::new("GetSession", "/sessions/{session_id}", Idempotency::Idempotent);

    /// Describes the reading of this session. An id outside the grammar of [`SessionId`] is refused when the call is sent.
    pub fn new(id: impl AsRef<str>) -> Self {
        Self { id: SessionId::new(id.as_ref()) }
    }
}

impl Operation for GetSession {
    type Output = Session;

    fn info(&self) -> &'static OperationInfo {
        &Self::INFO
    }

    fn request(&self, base: &BaseUrl) -> Result<Request, InvalidRequest> {
        let id = self.id.as_ref().map_err(Clone::clone)?;
        base.request(Method::GET, &format!("/sessions/{id}"), Bytes::new())
    }

    fn parse(&self, response: &Response) -> Result<Session, ParseError> {
        let id = self.id.as_ref().ok().map(SessionId::as_str);
        answer::session(response, Binding { id, ..Binding::default() })
    }
}
