//! One page of sessions: `GET /sessions` (OpenAPI operation `GetSessionList`).

use std::fmt;

use bytes::Bytes;
use http::Method;

use crate::{
    invalid_request::InvalidRequest,
    operation::{Operation, ParseError},
    operation_info::{Idempotency, OperationInfo},
    query::Query,
    secret::Sanitized,
    sessions::{
        answer::{self, Binding},
        session::Session,
        session_status::SessionStatus,
    },
    transport::{Request, Response},
    url::BaseUrl,
};

/// How many sessions a page has unless another number is set. Clerk's own default is 10. 500, the most, may not fit the cap on
/// responses of 256 KiB.
pub(super) const PAGE: u32 = 100;

/// The largest page (OpenAPI: `GetSessionList`, parameter `limit`).
const LARGEST_PAGE: u32 = 500;

/// One page of the sessions of a user, or of a browser, the newest first. With a client,
/// [`Sessions::list`](crate::Sessions::list) is shorter.
///
/// ```
/// use clerk_actor_tokens_core::{BaseUrl, ListSessions, Operation, SessionStatus};
///
/// let list = ListSessions::of_user("user_customer").status(SessionStatus::Active).offset(100);
/// let request = list.request(&BaseUrl::default())?;
/// assert_eq!(
///     request.uri().query(),
///     Some("user_id=user_customer&status=active&paginated=true&limit=100&offset=100")
/// );
/// # Ok::<(), clerk_actor_tokens_core::InvalidRequest>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct ListSessions {
    user_id: Option<String>,
    client_id: Option<String>,
    status: Option<SessionStatus>,
    limit: u32,
    offset: u32,
}

impl ListSessions {
    /// Has the fixed facts of this call.
    pub const INFO: OperationInfo = OperationInfo::new("GetSessionList", "/sessions", Idempotency::Idempotent);

    /// Lists the sessions in which somebody is signed in as this user.
    pub fn of_user(user_id: impl Into<String>) -> Self {
        Self { user_id: Some(user_id.into()), client_id: None, status: None, limit: PAGE, offset: 0 }
    }

    /// Lists the sessions of this browser or device.
    pub fn of_client(client_id: impl Into<String>) -> Self {
        Self { user_id: None, client_id: Some(client_id.into()), status: None, limit: PAGE, offset: 0 }
    }

    /// Takes those of this user only.
    pub fn user(mut self, user_id: impl Into<String>) -> Self {
        self.user_id = Some(user_id.into());
        self
    }

    /// Takes those of this browser or device only.
    pub fn client(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// Takes those with this status only. Clerk's description does not name `pending` here, and may refuse it.
    pub fn status(mut self, status: SessionStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// Sets how many sessions a page has: 1 to 500. 100 if unset.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }

    /// Leaves out so many of the newest.
    pub fn offset(mut self, offset: u32) -> Self {
        self.offset = offset;
        self
    }

    pub(super) fn page_size(&self) -> u32 {
        self.limit
    }

    pub(super) fn begins_at(&self) -> u32 {
        self.offset
    }
}

impl fmt::Debug for ListSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListSessions")
            .field("user_id", &self.user_id.as_deref().map(Sanitized::new))
            .field("client_id", &self.client_id.as_deref().map(Sanitized::new))
            .field("status", &self.status)
            .field("limit", &self.limit)
            .field("offset", &self.offset)
            .finish()
    }
}

impl Operation for ListSessions {
    type Output = Vec<Session>;

    fn info(&self) -> &'static OperationInfo {
        &Self::INFO
    }

    fn request(&self, base: &BaseUrl) -> Result<Request, InvalidRequest> {
        let mut query = Query::new();
        for (field, value) in [("user_id", &self.user_id), ("client_id", &self.client_id)] {
            match value.as_deref() {
                Some("") => return Err(InvalidRequest::new(field, "must not be empty")),
                Some(value) => query = query.pair(field, value),
                None => {}
            }
        }
        if !(1..=LARGEST_PAGE).contains(&self.limit) {
            return Err(InvalidRequest::new("limit", "must be 1 to 500"));
        }
        if let Some(status) = &self.status {
            query = query.pair("status", status.as_str());
        }
        // Without it Clerk returns a bare array, which is read as well.
        query = query.pair("paginated", "true").pair("limit", self.limit.to_string());
        if self.offset > 0 {
            query = query.pair("offset", self.offset.to_string());
        }
        base.request(Method::GET, &format!("/sessions{query}"), Bytes::new())
    }

    fn parse(&self, response: &Response) -> Result<Vec<Session>, ParseError> {
        let binding =
            Binding { user_id: self.user_id.as_deref(), client_id: self.client_id.as_deref(), ..Binding::default() };
        answer::sessions(response, binding)
    }
}
