//! The failure rules as data: what each failure proves, how it surfaces, and whether the call is sent again.
//!
//! The attempt loop, the guard and the error read this one array; the book's table of failures has the same rows. The
//! tests do not read it: they compare the client's behaviour with what a server saw.

use http::StatusCode;

use crate::{error::ErrorKind, execution::Execution, operation::Replay, transport::TransportErrorKind};

/// What went wrong, as finely as the rules distinguish it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    InvalidRequest,
    Connect,
    Tls,
    Proxy,
    ProxyAuth,
    Canceled,
    Refused,
    Interrupted,
    Timeout,
    TimeoutUnsent,
    RateLimited,
    Misdirected,
    RequestTimeout,
    Rejected,
    Unprocessable,
    ServerError,
    RedirectKeepingMethod,
    Redirect,
    ReplyLost,
    ReplyUnusable,
    ReplyNotClerk,
    ReplyMismatch,
    OtherStatus,
    Credential,
    Blocked,
}

/// Whether a failed attempt is followed by another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    No,
    /// After a backoff, or after `Retry-After` where that is longer.
    Backoff,
    /// Once a call, at once, on a fresh connection.
    OnceFresh,
    /// Only for statuses that the user named in `RetryPolicy::retry_create_on`: a gamble.
    IfOptedIn,
}

/// One row: what a failure proves, how it surfaces, and whether each sort of operation is sent again.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) failure: Failure,
    pub(crate) execution: Execution,
    pub(crate) kind: ErrorKind,
    never: Again,
    safe: Again,
}

impl Rule {
    pub(crate) fn again(&self, replay: Replay) -> Again {
        match replay {
            Replay::Never => self.never,
            Replay::Safe => self.safe,
        }
    }
}

const fn row(failure: Failure, execution: Execution, kind: ErrorKind, never: Again, safe: Again) -> Rule {
    Rule { failure, execution, kind, never, safe }
}

use Again::{Backoff, IfOptedIn, No, OnceFresh};
use Execution::{Executed, NotExecuted, Unknown};

/// Failure, what it proves, how it surfaces, `Replay::Never` again?, `Replay::Safe` again?
#[rustfmt::skip]
static RULES: [Rule; 25] = [
    row(Failure::InvalidRequest,        NotExecuted, ErrorKind::InvalidRequest,     No,        No),
    row(Failure::Connect,               NotExecuted, ErrorKind::Connect,            Backoff,   Backoff),
    row(Failure::Tls,                   NotExecuted, ErrorKind::Tls,                No,        No),
    row(Failure::Proxy,                 NotExecuted, ErrorKind::Proxy,              Backoff,   Backoff),
    row(Failure::ProxyAuth,             NotExecuted, ErrorKind::Proxy,              No,        No),
    row(Failure::Canceled,              NotExecuted, ErrorKind::Connect,            Backoff,   Backoff),
    row(Failure::Refused,               NotExecuted, ErrorKind::Refused,            OnceFresh, Backoff),
    row(Failure::Interrupted,           Unknown,     ErrorKind::Interrupted,        No,        Backoff),
    row(Failure::Timeout,               Unknown,     ErrorKind::Timeout,            No,        Backoff),
    row(Failure::TimeoutUnsent,         NotExecuted, ErrorKind::Timeout,            No,        No),
    row(Failure::RateLimited,           NotExecuted, ErrorKind::RateLimited,        Backoff,   Backoff),
    row(Failure::Misdirected,           NotExecuted, ErrorKind::Api,                OnceFresh, OnceFresh),
    row(Failure::RequestTimeout,        Unknown,     ErrorKind::Api,                No,        Backoff),
    row(Failure::Rejected,              NotExecuted, ErrorKind::Api,                No,        No),
    row(Failure::Unprocessable,         NotExecuted, ErrorKind::Api,                No,        No),
    row(Failure::ServerError,           Unknown,     ErrorKind::Api,                IfOptedIn, Backoff),
    row(Failure::RedirectKeepingMethod, NotExecuted, ErrorKind::UnexpectedRedirect, No,        No),
    row(Failure::Redirect,              Unknown,     ErrorKind::UnexpectedRedirect, No,        No),
    row(Failure::ReplyLost,             Executed,    ErrorKind::ReplyLost,          No,        Backoff),
    row(Failure::ReplyUnusable,         Executed,    ErrorKind::ReplyUnusable,      No,        No),
    row(Failure::ReplyNotClerk,         Unknown,     ErrorKind::ReplyUnusable,      No,        No),
    row(Failure::ReplyMismatch,         Unknown,     ErrorKind::ReplyMismatch,      No,        No),
    row(Failure::OtherStatus,           Unknown,     ErrorKind::Api,                No,        No),
    row(Failure::Credential,            NotExecuted, ErrorKind::Credential,         No,        No),
    row(Failure::Blocked,               NotExecuted, ErrorKind::Blocked,            No,        No),
];

/// What holds for a failure that has no row: nothing is proved, nothing is sent again.
static UNKNOWN: Rule = row(Failure::OtherStatus, Unknown, ErrorKind::Interrupted, No, No);

pub(crate) fn rule(failure: Failure) -> &'static Rule {
    RULES.iter().find(|rule| rule.failure == failure).unwrap_or(&UNKNOWN)
}

/// Statuses, first match wins. Everything else is [`Failure::OtherStatus`].
const STATUSES: &[(&[u16], Failure)] = &[
    (&[429], Failure::RateLimited),
    (&[421], Failure::Misdirected),
    (&[408], Failure::RequestTimeout),
    (&[400, 401, 403, 404, 405, 409, 410, 413, 415], Failure::Rejected),
    (&[402, 422], Failure::Unprocessable),
    (&[500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 528, 529], Failure::ServerError),
    (&[307, 308], Failure::RedirectKeepingMethod),
];

/// The failure that a status other than 2xx is.
pub(crate) fn failure_of_status(status: StatusCode) -> Failure {
    let listed = STATUSES.iter().find(|(statuses, _)| statuses.contains(&status.as_u16()));
    match listed {
        Some((_, failure)) => *failure,
        None if status.is_redirection() => Failure::Redirect,
        None => Failure::OtherStatus,
    }
}

/// The failure that a transport's error is, where no head had arrived.
pub(crate) fn failure_of_transport(kind: TransportErrorKind) -> Failure {
    match kind {
        TransportErrorKind::Connect => Failure::Connect,
        TransportErrorKind::Tls => Failure::Tls,
        TransportErrorKind::Proxy => Failure::Proxy,
        TransportErrorKind::ProxyAuth => Failure::ProxyAuth,
        TransportErrorKind::Canceled => Failure::Canceled,
        TransportErrorKind::Refused => Failure::Refused,
        TransportErrorKind::TimeoutUnsent => Failure::TimeoutUnsent,
        TransportErrorKind::Timeout => Failure::Timeout,
        TransportErrorKind::Credential => Failure::Credential,
        TransportErrorKind::Blocked => Failure::Blocked,
        TransportErrorKind::Interrupted | TransportErrorKind::BodyTooLarge | TransportErrorKind::Other => {
            Failure::Interrupted
        }
    }
}

/// Whether a status may be named in `RetryPolicy::retry_create_on`: the gateway statuses alone.
pub(crate) fn may_opt_in(status: StatusCode) -> bool {
    rule(failure_of_status(status)).never == IfOptedIn
}
