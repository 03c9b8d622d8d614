//! What a call made and its caller holds: revoked when it is dropped, unless the caller keeps it.
//!
//! [`Held`] takes the place of the caller whose call has succeeded. Whether what it holds is kept or revoked is decided
//! once, by one atomic exchange, whichever of `keep`, the drop and `close` comes first.

use std::{
    fmt,
    ops::Deref,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    call::{
        call_state::CallState,
        detach,
        in_flight::{HoldPlace, Revocable},
        orphan::OrphanReport,
        sends::{InDoubt, Success},
    },
    classify,
    error::Error,
    execution::Execution,
    observe::spans::Later,
    operation::Operation,
    response::ApiResponse,
    transport::HttpTransport,
};

/// Holds the value of a creation until the application has written it down. A drop revokes what the
/// call made. [`Call::hold`](crate::Call::hold) returns it.
///
/// [`keep`](Self::keep) ends the hold and returns the value. A drop before that revokes it.
/// That covers a web handler that is cancelled, returns early with an error, or panics.
///
/// The executor of the call sends the revocation. If that fails, the token is an orphan. The
/// [orphan handler](crate::ClientBuilder::on_orphan) receives it. Without a handler, the client
/// logs an error, and keeps a report for [`Client::close`](crate::Client::close).
///
/// A drop starts the revocation. At the end of a runtime that is too late: await
/// [`Client::close`](crate::Client::close) first, or the token stays, and its loss is reported.
///
/// There is no drop where the process exits, aborts or is killed, and none after
/// [`std::mem::forget`]. `close` revokes what is still held, also after `forget`. Nothing covers
/// the other three.
///
/// It dereferences to the value. `Debug` shows no credential.
///
/// ```
/// use clerk_actor_tokens_core::{Actor, Client, Error};
/// # async fn write_down(_: &str) -> Result<(), Error> { Ok(()) }
///
/// async fn sign_in_link(clerk: &Client, customer: &str) -> Result<Option<String>, Error> {
///     let held = clerk.actor_tokens().create(customer, Actor::new("user_agent")).hold().await?;
///     write_down(held.id().as_str()).await?; // on an error, or if the caller leaves here, the token is revoked
///     let token = held.keep().await?;
///     Ok(token.url().map(|url| url.expose().to_owned()))
/// }
/// ```
#[must_use = "dropped, it revokes what the call made"]
pub struct Held<V> {
    value: V,
    is_ambiguous: bool,
    /// `None` of one that no call made.
    hold: Option<HoldPlace>,
}

impl<V> Held<V> {
    /// Holds a value that no call made, for tests. Its drop revokes nothing.
    ///
    /// ```
    /// use clerk_actor_tokens_core::Held;
    ///
    /// let held = Held::of("a token");
    /// assert_eq!(pollster::block_on(held.keep())?, "a token");
    /// # Ok::<(), clerk_actor_tokens_core::Error>(())
    /// ```
    pub fn of(value: V) -> Self {
        Self { value, is_ambiguous: false, hold: None }
    }

    /// Returns whether the call may have made another token beside this one: see
    /// [`ApiResponse::is_ambiguous`]. A drop reports that, and [`keep`](Self::keep) does not.
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        self.is_ambiguous
    }

    /// Ends the hold and returns the value. It is ready at once.
    ///
    /// # Errors
    /// [`ErrorKind::NotKept`](crate::ErrorKind::NotKept) if [`Client::close`](crate::Client::close)
    /// has begun to revoke it. Do not hand out the link then.
    #[allow(clippy::unused_async, reason = "a ledger will have something to wait for")]
    pub async fn keep(self) -> Result<V, Error> {
        let Self { value, hold, .. } = self;
        match hold.as_ref().and_then(HoldPlace::keep) {
            None => Ok(value),
            Some(not_kept) => Err(not_kept),
        }
    }
}

impl<V> Deref for Held<V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.value
    }
}

impl<V: fmt::Debug> fmt::Debug for Held<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Held").field(&self.value).finish()
    }
}

/// What is held of a call, without its value.
struct Hold<O, T: ?Sized> {
    call: Arc<CallState<O, T>>,
    /// The id in the value.
    id: Option<String>,
    /// Whether it is decided what becomes of it.
    is_decided: AtomicBool,
    span: Later,
}

impl<O: Operation, T: HttpTransport + ?Sized> Hold<O, T> {
    /// Returns the id in a 2xx that the transport gave. The operation is the user's, and this may be a destructor.
    fn id_in(&self, success: &Success) -> Option<String> {
        let Success { body, is_whole, stamp, .. } = success;
        let salvage = || classify::salvage_success(&self.call.operation, stamp.as_deref(), body, *is_whole);
        let salvaged = catch_unwind(AssertUnwindSafe(salvage)).ok()?.ok()?;
        salvaged.confirmed().map(str::to_owned)
    }
}

impl<O: Operation, T: HttpTransport + ?Sized> Revocable for Hold<O, T> {
    fn decide(&self) -> bool {
        !self.is_decided.swap(true, Ordering::SeqCst)
    }

    fn kept(&self) {
        self.span.kept(true);
    }

    fn not_kept(&self) -> Error {
        Error::not_kept(self.call.operation.info(), self.id.as_deref())
    }

    fn revoke(&self) -> Vec<OrphanReport> {
        let revoke = |in_doubt, id| detach::revoke_held(Arc::clone(&self.call), in_doubt, id, &self.span.link());
        let in_doubt = self.call.log.leave();
        let success = match &in_doubt {
            Some(in_doubt) => in_doubt.success.clone(),
            None => self.call.log.success().map(|(_, success)| success),
        };
        // What the call made is in its log. A middleware may have decoded the response, given another, or answered without a
        // send: then the value alone names it.
        let made = success.and_then(|success| self.id_in(&success));
        let given = self.id.clone().filter(|id| made.as_ref() != Some(id));
        let unsent = InDoubt { execution: Execution::Executed, success: None, others_in_doubt: false };
        let reports = match (in_doubt, given, made) {
            (Some(in_doubt), given @ Some(_), Some(_)) => vec![revoke(in_doubt, None), revoke(unsent, given)],
            (Some(in_doubt), given, _) => vec![revoke(in_doubt, given)],
            (None, given @ Some(_), _) => vec![revoke(unsent, given)],
            (None, None, _) => Vec::new(),
        };
        self.span.kept(false);
        reports
    }
}

/// Holds what a call made. An error where the client has been closed, and has revoked all that was held.
pub(crate) fn hold<O: Operation, T: HttpTransport + ?Sized>(
    call: &Arc<CallState<O, T>>,
    response: ApiResponse<O::Output>,
) -> Result<Held<O::Output>, Error> {
    let (is_ambiguous, value) = (response.is_ambiguous(), response.into_value());
    let id = call.operation.creation().and_then(|creation| creation.id_of(&value));
    let span = call.held_span();
    let hold = Arc::new(Hold { call: Arc::clone(call), id, is_decided: AtomicBool::new(false), span });
    match call.settings.in_flight.hold(Arc::clone(&hold) as Arc<dyn Revocable>) {
        Some(place) => Ok(Held { value, is_ambiguous, hold: Some(place) }),
        None => {
            hold.decide();
            drop(hold.revoke());
            Err(hold.not_kept())
        }
    }
}
