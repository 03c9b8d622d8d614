//! Describing an API call as two pure conversions: to an HTTP request, and from an HTTP response.
//!
//! Creating and revoking actor tokens are operations; so is any other Clerk endpoint that a user describes. An
//! operation knows nothing of clients, keys, retries or time, and is usable without any of them.

mod undo;

use std::{borrow::Cow, fmt};

pub use self::undo::Undo;

use crate::{
    exposure::Exposure,
    invalid_request::InvalidRequest,
    secret::Sanitized,
    transport::{Request, Response},
    url::BaseUrl,
};

/// Whether the operation is idempotent (RFC 9110 section 9.2.2): whether sending it twice has the effect of sending it
/// once. These two are all there is: an operation that is not proved to be idempotent is `NonIdempotent`.
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
    /// The operation id of Clerk's OpenAPI description, the path template, and whether it may be sent again.
    #[must_use]
    pub const fn new(name: &'static str, path: &'static str, idempotency: Idempotency) -> Self {
        Self { name, path, idempotency }
    }

    /// The operation id, for example `CreateActorToken`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The path template below the base URL, for example `/actor_tokens/{actor_token_id}/revoke`. Holds no ids, so
    /// it suits metrics.
    #[must_use]
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// Whether it may be sent again.
    #[must_use]
    pub const fn idempotency(&self) -> Idempotency {
        self.idempotency
    }
}

/// An API call as pure conversions.
///
/// Any Clerk endpoint can be called with the same pipeline:
///
/// ```
/// use clerk_actor_tokens_core::{
///     BaseUrl, InvalidRequest, Operation, OperationInfo, ParseError, Idempotency, Request, Response,
/// };
///
/// struct CountUsers;
///
/// impl Operation for CountUsers {
///     type Output = String;
///     const INFO: OperationInfo = OperationInfo::new("GetUsersCount", "/users/count", Idempotency::Idempotent);
///
///     fn request(&self, base: &BaseUrl) -> Result<Request, InvalidRequest> {
///         base.request(http::Method::GET, "/users/count", Default::default())
///     }
///
///     fn parse(&self, response: &Response) -> Result<String, ParseError> {
///         if !response.status().is_success() {
///             return Err(ParseError::status());
///         }
///         String::from_utf8(response.body().to_vec()).map_err(|_| ParseError::unusable("body", "is not UTF-8"))
///     }
/// }
/// ```
pub trait Operation: Send + Sync + 'static {
    /// What a successful answer is turned into.
    type Output: Send + 'static;

    /// The fixed facts.
    const INFO: OperationInfo;

    /// The request, complete but for what the client adds (key, user agent, API version if set otherwise).
    ///
    /// # Errors
    /// [`InvalidRequest`] names the field that cannot be sent. Nothing is sent then.
    fn request(&self, base: &BaseUrl) -> Result<Request, InvalidRequest>;

    /// The value of an answer. Pure; sees every status.
    ///
    /// # Errors
    /// [`ParseError`] says why this answer is no success.
    fn parse(&self, response: &Response) -> Result<Self::Output, ParseError>;

    /// The id of what was made, from the body of a 2xx answer that was cut short or cannot be read. `None` unless the id
    /// arrived whole.
    ///
    /// # Errors
    /// [`ParseError::mismatch`] or [`ParseError::not_clerk`] if what arrived shows already that it is not the answer to
    /// this request. It is withheld then.
    fn salvage(&self, partial: &[u8]) -> Result<Option<String>, ParseError> {
        let _ = partial;
        Ok(None)
    }

    /// The id of what was made, from the value of a successful answer. `None` (the default) where that has none.
    fn id_of(&self, output: &Self::Output) -> Option<String> {
        let _ = output;
        None
    }

    /// What takes back what this call made, given its id, as [`id_of`](Self::id_of) or
    /// [`salvage`](Self::salvage) gives it. `None` (the default) where nothing does.
    ///
    /// A detached call whose caller has gone uses it.
    fn undo(&self, id: &str) -> Option<Undo> {
        let _ = id;
        None
    }

    /// For how long what this call makes can be used, if that matters when it is lost.
    fn exposure(&self) -> Option<Exposure> {
        None
    }

    /// Whether each attempt is to bear a stamp of its own: a random text that tells what grew from it.
    fn is_stamped(&self) -> bool {
        false
    }

    /// Puts a stamp into the request of one attempt. Called where [`is_stamped`](Self::is_stamped) says so;
    /// [`Attempt::stamp`](crate::Attempt::stamp) tells it afterwards. `false` if this request cannot bear one: it is not
    /// sent then.
    fn stamp(&self, request: &mut Request, stamp: &str) -> bool {
        let _ = (request, stamp);
        false
    }

    /// The fixed facts, of an operation whose type is not known.
    fn info(&self) -> &'static OperationInfo {
        &Self::INFO
    }
}

/// Why an answer is no success, as [`Operation::parse`] sees it.
#[derive(Clone, PartialEq, Eq)]
pub struct ParseError(pub(crate) ParseProblem);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ParseProblem {
    /// The status says no; the core reads Clerk's error envelope.
    Status,
    /// 2xx, but the value cannot be read.
    Unusable { detail: Cow<'static, str>, raw_id: Option<String> },
    /// 2xx, but not an answer of Clerk's.
    NotClerk { detail: Cow<'static, str> },
    /// 2xx, but the answer to something else.
    Mismatch { field: Cow<'static, str> },
}

impl ParseProblem {
    pub(crate) fn unusable(detail: &'static str) -> Self {
        Self::Unusable { detail: detail.into(), raw_id: None }
    }
}

impl ParseError {
    /// The status is not a success. The core reads Clerk's error envelope and decides by the status.
    #[must_use]
    pub fn status() -> Self {
        Self(ParseProblem::Status)
    }

    /// A success that cannot be read: `field` (a path in the answer) and what is wrong with it. Never its value.
    #[must_use]
    pub fn unusable(field: &str, problem: &str) -> Self {
        Self(ParseProblem::Unusable { detail: format!("`{field}` {problem}").into(), raw_id: None })
    }

    /// A success that Clerk did not send (a captive portal, a proxy's own page).
    pub fn not_clerk(detail: impl Into<Cow<'static, str>>) -> Self {
        Self(ParseProblem::NotClerk { detail: detail.into() })
    }

    /// A success that answers another request: `field` differs from what was asked for.
    pub fn mismatch(field: impl Into<Cow<'static, str>>) -> Self {
        Self(ParseProblem::Mismatch { field: field.into() })
    }

    pub(crate) fn with_raw_id(mut self, id: &str) -> Self {
        if let ParseProblem::Unusable { raw_id, .. } = &mut self.0 {
            *raw_id = Some(id.to_owned());
        }
        self
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            ParseProblem::Status => f.write_str("the status is not a success"),
            ParseProblem::Unusable { detail, .. } | ParseProblem::NotClerk { detail } => {
                write!(f, "{}", Sanitized::new(detail))
            }
            ParseProblem::Mismatch { field } => {
                write!(f, "`{}` is not the one that was asked for", Sanitized::new(field))
            }
        }
    }
}

impl fmt::Debug for ParseError {
    /// As `Display`: an id outside the grammar of ids may be anything, also a ticket.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ParseError({self})")
    }
}

impl std::error::Error for ParseError {}
