//! Describing an API call as two pure conversions: to an HTTP request, and from an HTTP response.
//!
//! Creating and revoking actor tokens are operations; so is any other Clerk endpoint that a user describes. An
//! operation knows nothing of clients, keys, retries or time, and is usable without any of them.

mod salvage;

use std::{borrow::Cow, fmt, sync::Arc};

pub use self::salvage::Salvage;

use crate::{
    exposure::Exposure,
    invalid_request::InvalidRequest,
    operation_info::{Idempotency, OperationInfo},
    secret::Sanitized,
    transport::message::{Request, Response},
    url::BaseUrl,
};

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

    /// Makes the request, complete but for what the client adds (key, user agent, API version if set otherwise).
    ///
    /// Called once for each attempt: it must give the same request each time.
    ///
    /// # Errors
    /// [`InvalidRequest`] names the field that cannot be sent. Nothing is sent then.
    fn request(&self, base: &BaseUrl) -> Result<Request, InvalidRequest>;

    /// The value of an answer. Pure; sees every status.
    ///
    /// # Errors
    /// [`ParseError`] says why this answer is no success.
    fn parse(&self, response: &Response) -> Result<Self::Output, ParseError>;

    /// Reads the id of what was made from the body of a 2xx answer that was cut short or cannot be read.
    ///
    /// [`Salvage::Confirmed`] only where what arrived says that it is the answer to this request: the client takes back
    /// what a confirmed id names, if the caller is gone.
    ///
    /// # Errors
    /// [`ParseError::mismatch`] or [`ParseError::not_clerk`] if what arrived shows already that it is not the answer to
    /// this request. It is withheld then.
    fn salvage(&self, partial: &[u8]) -> Result<Salvage, ParseError> {
        let _ = partial;
        Ok(Salvage::None)
    }

    /// Compares the stamp that a 2xx answer echoes, whole or cut, with the one that the attempt bore. Called before
    /// [`parse`](Self::parse) and [`salvage`](Self::salvage), where the attempt bore one. Returns whether the answer echoes
    /// it: an id that is salvaged from a cut answer is certain only then.
    ///
    /// # Errors
    /// [`ParseError::mismatch`] if the answer echoes another stamp: it belongs to another attempt, and is withheld.
    fn check_stamp(&self, body: &[u8], stamp: &str) -> Result<bool, ParseError> {
        let _ = (body, stamp);
        Ok(true)
    }

    /// The id of what was made, from the value of a successful answer. `None` (the default) where that has none.
    fn id_of(&self, output: &Self::Output) -> Option<String> {
        let _ = output;
        None
    }

    /// What takes back what this call made, given its id, as [`id_of`](Self::id_of) or a confirmed
    /// [`salvage`](Self::salvage) gives it. `None` (the default) where nothing does.
    ///
    /// The client sends it where the caller has left, with the key that made it: see
    /// [`Client::detaches_on_drop`](crate::Client::detaches_on_drop).
    fn undo(&self, id: &str) -> Option<Undo> {
        let _ = id;
        None
    }

    /// For how long what this call makes can be used, if that matters when it is lost.
    fn exposure(&self) -> Option<Exposure> {
        None
    }

    /// Returns whether each attempt is to bear a stamp of its own: a random text by which what it made is recognised.
    fn is_stamped(&self) -> bool {
        false
    }

    /// Puts a stamp into the request of one attempt. Called where [`is_stamped`](Self::is_stamped) says so;
    /// [`Attempt::stamp`](crate::Attempt::stamp) returns it afterwards. `false` if this request cannot bear one: it is not
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

    pub(crate) fn is_mismatch(&self) -> bool {
        matches!(self.0, ParseProblem::Mismatch { .. })
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
