//! Describing an API call as two pure conversions: to an HTTP request, and from an HTTP response.
//!
//! Creating and revoking actor tokens are operations; so is any other Clerk endpoint that a user describes. An
//! operation knows nothing of clients, keys, retries or time, and is usable without any of them.

mod parse_error;
mod salvage;

use std::{fmt, sync::Arc};

pub(crate) use self::parse_error::ParseProblem;
pub use self::{parse_error::ParseError, salvage::Salvage};

use crate::{
    actor_tokens::actor::Actor,
    exposure::Exposure,
    invalid_request::InvalidRequest,
    operation_info::OperationInfo,
    transport::message::{Request, Response},
    url::BaseUrl,
};

/// Describes an API call as pure conversions.
///
/// You can call any Clerk endpoint in the same way:
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
///
///     fn info(&self) -> &'static OperationInfo {
///         const { &OperationInfo::new("GetUsersCount", "/users/count", Idempotency::Idempotent) }
///     }
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
    /// The value of a successful response.
    type Output: Send + 'static;

    /// Returns the fixed facts: the name, the path, and whether the call is idempotent.
    fn info(&self) -> &'static OperationInfo;

    /// Makes the request. The client adds the key, the user agent, and the API version if it is
    /// set.
    ///
    /// The client calls it once for each attempt. It must return the same request each time.
    ///
    /// # Errors
    /// [`InvalidRequest`] names the field that cannot be sent. Nothing is sent then.
    fn request(&self, base: &BaseUrl) -> Result<Request, InvalidRequest>;

    /// Returns the value of a response. It must be pure, and it is given every status.
    ///
    /// # Errors
    /// [`ParseError`] says why this response is not a success.
    fn parse(&self, response: &Response) -> Result<Self::Output, ParseError>;

    /// Returns the rules for what this call makes at Clerk, where it makes something. `None`, the
    /// default, suits calls that read, and [idempotent](crate::Idempotency::Idempotent) calls.
    ///
    /// ```
    /// use clerk_actor_tokens_core::{Actor, CreateActorToken, Operation, RevokeActorToken};
    ///
    /// assert!(CreateActorToken::new("user_customer", Actor::new("user_agent")).creation().is_some());
    /// assert!(RevokeActorToken::new("act_1").creation().is_none());
    /// ```
    fn creation(&self) -> Option<&dyn Creation<Self::Output>> {
        None
    }
}

/// Describes what a call makes at Clerk: its id, how to revoke it, and how to recognise it.
/// [`Operation::creation`] returns it.
///
/// The client uses it where a response is cut, and where a caller leaves.
///
/// ```
/// use clerk_actor_tokens_core::{Actor, CreateActorToken, Operation};
/// use std::time::Duration;
///
/// let create = CreateActorToken::new("user_customer", Actor::new("user_agent")).expires_in(Duration::from_secs(300));
/// let creation = create.creation().ok_or("makes nothing")?;
/// assert_eq!(creation.user_id(), Some("user_customer"));
/// assert_eq!(creation.exposure().map(|exposure| exposure.lifetime()), Some(Duration::from_secs(300)));
/// # Ok::<(), &str>(())
/// ```
pub trait Creation<V> {
    /// Returns the id of what was made, from the value of a successful response. `None` where it
    /// has none.
    fn id_of(&self, value: &V) -> Option<String>;

    /// Returns the operation that revokes what this call made. The id is the one that [`id_of`](Self::id_of) or a confirmed
    /// [`salvage`](Self::salvage) returned. `None` where no operation does.
    ///
    /// The client sends it where the caller has left, with the key of the creation: see
    /// [`Client::detaches_on_drop`](crate::Client::detaches_on_drop).
    fn undo(&self, id: &str) -> Option<Undo>;

    /// Reads the id of what was made from the body of a 2xx response that was cut short or cannot
    /// be read.
    ///
    /// Return [`Salvage::Confirmed`] only where what arrived says that it is the response to this
    /// request. The client revokes what a confirmed id names, if the caller has left. By default,
    /// nothing is salvaged.
    ///
    /// # Errors
    /// [`ParseError::mismatch`] or [`ParseError::not_clerk`] if what arrived shows that it is not
    /// the response to this request. The client withholds it then.
    fn salvage(&self, partial: &[u8]) -> Result<Salvage, ParseError> {
        let _ = partial;
        Ok(Salvage::None)
    }

    /// Returns for how long what this call makes can be used, if that matters when it is lost.
    fn exposure(&self) -> Option<Exposure> {
        None
    }

    /// Returns the user for whom it is made: a report of an orphan names them.
    fn user_id(&self) -> Option<&str> {
        None
    }

    /// Returns who acts with it: a report of an orphan names them.
    fn actor(&self) -> Option<&Actor> {
        None
    }

    /// Returns whether each attempt has a stamp of its own: a random text by which what it made is
    /// recognised.
    fn is_stamped(&self) -> bool {
        false
    }

    /// Puts a stamp into the request of one attempt. Returns `false` if this request cannot have
    /// one: it is not sent then.
    ///
    /// The client calls it where [`is_stamped`](Self::is_stamped) is true.
    /// [`Attempt::stamp`](crate::Attempt::stamp) returns the stamp afterwards.
    fn stamp(&self, request: &mut Request, stamp: &str) -> bool {
        let _ = (request, stamp);
        false
    }

    /// Compares the stamp in a 2xx response, whole or cut, with the one of the attempt. Returns
    /// whether the response echoes it. Only then is an id from a cut response certain.
    ///
    /// The client calls it before [`parse`](Operation::parse) and [`salvage`](Self::salvage), where
    /// the attempt had a stamp.
    ///
    /// # Errors
    /// [`ParseError::mismatch`] if the response echoes another stamp. It belongs to another
    /// attempt, and is withheld.
    fn check_stamp(&self, body: &[u8], stamp: &str) -> Result<bool, ParseError> {
        let _ = (body, stamp);
        Ok(true)
    }
}

/// The operation that revokes what another one made. [`Creation::undo`] returns it.
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
    /// Wraps the operation that revokes it. It should be [idempotent](crate::Idempotency::Idempotent), because a closed client
    /// refuses others.
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
