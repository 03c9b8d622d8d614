//! Orphans: what a call made, or may have made, whose caller has left; and how it is revoked.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use http::Extensions;

use crate::{
    actor_tokens::actor::Actor, attempt::Attempt, clerk_id::ShownId, error::Error, execution::Execution,
    exposure::Exposed, invalid_request::InvalidRequest, operation_info::OperationInfo, secret::Sanitized,
    time::BoxFuture,
};

/// Makes the call that revokes an orphan.
pub(crate) type UndoCall = Box<dyn Fn() -> BoxFuture<'static, Result<(), Error>> + Send + Sync>;

/// What a call made, or may have made, whose caller left before the response arrived. An [orphan
/// handler](crate::ClientBuilder::on_orphan) receives it.
///
/// ```
/// use clerk_actor_tokens_core::Orphan;
///
/// async fn take_care(orphan: Orphan) {
///     eprintln!("audit: {}", orphan.report());
///     if let Err(error) = orphan.undo().await {
///         eprintln!("{:?} is still there: {error}", orphan.report().id());
///     }
/// }
/// ```
#[must_use = "dropping it revokes nothing"]
pub struct Orphan {
    pub(crate) report: OrphanReport,
    /// `None` where its id is not known, or where nothing revokes it.
    pub(crate) undo: Option<UndoCall>,
}

impl Orphan {
    /// Returns what is known about it.
    #[must_use]
    pub fn report(&self) -> &OrphanReport {
        &self.report
    }

    /// Revokes the token, at the base URL of the call and with the key that made it.
    ///
    /// If Clerk refuses that key (401), the client tries again with the next key of the call's credential provider. With each
    /// key it makes up to six attempts, which take nothing from the retry budget. They may last as long as the client's timeout
    /// plus the longest time for which a 429 holds calls back. Headers and extensions of the call are not carried over.
    ///
    /// Where the report [is incomplete](OrphanReport::is_incomplete), another token may be left that this cannot reach.
    ///
    /// # Errors
    /// [`Error`]: the one of the revocation. Its kind is [`InvalidRequest`](crate::ErrorKind::InvalidRequest) if the
    /// [id](OrphanReport::id) is not known, or if nothing revokes what this operation makes.
    pub async fn undo(&self) -> Result<(), Error> {
        match &self.undo {
            Some(undo) => undo().await,
            None => Err(Error::from_invalid_request(
                self.report.operation,
                InvalidRequest::new("id", "is not known, or nothing revokes what this operation makes"),
            )),
        }
    }
}

impl fmt::Debug for Orphan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Orphan").field("report", &self.report).finish_non_exhaustive()
    }
}

/// What is known about an orphan. It has no credential.
///
/// `Display` is one line, fit for a log.
///
/// ```
/// use clerk_actor_tokens_core::OrphanReport;
///
/// fn severity(report: &OrphanReport) -> &'static str {
///     match report.id() {
///         Some(_) if !report.is_incomplete() => "revoke it",
///         _ => "a token may exist whose id is not known",
///     }
/// }
/// ```
#[derive(Clone)]
pub struct OrphanReport {
    pub(crate) operation: &'static OperationInfo,
    pub(crate) execution: Execution,
    pub(crate) id: Option<String>,
    pub(crate) unconfirmed_id: Option<String>,
    pub(crate) exposed: Option<Exposed>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) others_in_doubt: bool,
    pub(crate) was_held: bool,
    pub(crate) user_id: Option<String>,
    pub(crate) actor: Option<Actor>,
    pub(crate) extensions: Extensions,
}

impl OrphanReport {
    /// Returns which call it was.
    #[must_use]
    pub fn operation(&self) -> &'static OperationInfo {
        self.operation
    }

    /// Returns what happened at Clerk: `Executed`, or `Unknown`.
    #[must_use]
    pub fn execution(&self) -> Execution {
        self.execution
    }

    /// Returns the id of the actor token, or of what else the call made. `None` if no response
    /// named it.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Returns an id from a response of which too little arrived to say whose it is: see
    /// [`Error::unconfirmed_id`]. [`Orphan::undo`] does not revoke it.
    #[must_use]
    pub fn unconfirmed_id(&self) -> Option<&str> {
        self.unconfirmed_id.as_deref()
    }

    /// Returns whether there may be something at Clerk that this report does not name. That is so
    /// in two cases:
    ///
    /// - The id is not known.
    /// - Another send of the call may have made another. That takes
    ///   [`danger_retry_create_on`](crate::RetryPolicy::danger_retry_create_on).
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.id.is_none() || self.others_in_doubt
    }

    /// Returns an estimate of when it stops being usable: see [`Error::exposure_until`].
    #[must_use]
    pub fn exposure_until(&self) -> Option<SystemTime> {
        self.exposed.map(|exposed| exposed.until)
    }

    /// Returns an estimate of when a session that it opened ends: see
    /// [`Error::session_exposure_until`].
    #[must_use]
    pub fn session_exposure_until(&self) -> Option<SystemTime> {
        self.exposed.and_then(|exposed| exposed.session_until)
    }

    /// Returns the user for whom it was made.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        self.user_id.as_deref()
    }

    /// Returns who acts with it.
    #[must_use]
    pub fn actor(&self) -> Option<&Actor> {
        self.actor.as_ref()
    }

    /// Returns the extensions of the call, as [`Call::extension`](crate::Call::extension) set them.
    /// One may be the id of the web request behind it.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Returns whether its caller [held](crate::Held) it, and dropped it before it was kept.
    #[must_use]
    pub fn was_held(&self) -> bool {
        self.was_held
    }

    /// Returns the result of each attempt of the call, as far as it was seen.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }
}

impl fmt::Debug for OrphanReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrphanReport")
            .field("operation", &self.operation.name())
            .field("execution", &self.execution)
            .field("id", &self.id().map(ShownId))
            .field("unconfirmed_id", &self.unconfirmed_id().map(ShownId))
            .field("exposure_until", &self.exposure_until())
            .field("session_exposure_until", &self.session_exposure_until())
            .field("user_id", &self.user_id().map(Sanitized::new))
            .field("actor", &self.actor)
            .field("was_held", &self.was_held)
            .field("attempts", &self.attempts)
            .field("is_incomplete", &self.is_incomplete())
            .finish()
    }
}

impl fmt::Display for OrphanReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = if self.was_held {
            "the caller held it and did not keep it"
        } else {
            "the caller left before the response arrived"
        };
        write!(f, "{}: {why}; ", self.operation.name())?;
        match (&self.id, self.execution) {
            (Some(id), _) => write!(f, "the call made {}", ShownId(id)),
            (None, Execution::Executed) => f.write_str("the call made something whose id is not known"),
            (None, _) => f.write_str("it is unknown whether Clerk acted"),
        }?;
        if let Some(id) = &self.unconfirmed_id {
            write!(f, " (perhaps {}, not confirmed)", ShownId(id))?;
        }
        if let Some(until) = self.exposure_until().filter(|until| is_writable(*until)) {
            write!(f, "; usable until {}", httpdate::fmt_http_date(until))?;
        }
        match self.session_exposure_until().filter(|until| is_writable(*until)) {
            Some(until) => write!(f, ", in a session until {}", httpdate::fmt_http_date(until)),
            None => Ok(()),
        }
    }
}

/// Whether an HTTP date can say it: a clock may be anywhere.
fn is_writable(moment: SystemTime) -> bool {
    const YEAR_10000: u64 = 253_402_300_800;
    moment.duration_since(UNIX_EPOCH).is_ok_and(|since| since.as_secs() < YEAR_10000)
}

/// What remains after [`Client::close`](crate::Client::close), which has an example: creations in
/// flight, and orphans that were not revoked.
#[derive(Debug, Clone)]
#[must_use = "it says what remains"]
pub struct Closed {
    pub(crate) in_flight: usize,
    pub(crate) held: Vec<OrphanReport>,
    pub(crate) orphans: Vec<OrphanReport>,
    pub(crate) more_orphans: usize,
}

impl Closed {
    /// Returns whether nothing remains: nothing is in flight, and there is no orphan.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.in_flight == 0 && self.orphan_count() == 0
    }

    /// Returns how many creations were still in flight when the time was over. A revocation of what was held counts.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Returns what was still [held](crate::Held) when the time was over. `close` began to revoke
    /// it. What it could not revoke is among the [orphans](Self::orphans) as well.
    #[must_use]
    pub fn held(&self) -> &[OrphanReport] {
        &self.held
    }

    /// Returns the orphans of the client's whole life that were neither revoked nor given to the
    /// application's orphan handler. The first 1,000 are kept.
    #[must_use]
    pub fn orphans(&self) -> &[OrphanReport] {
        &self.orphans
    }

    /// Returns the number of those orphans, also of those beyond the first 1,000.
    #[must_use]
    pub fn orphan_count(&self) -> usize {
        self.orphans.len().saturating_add(self.more_orphans)
    }
}
