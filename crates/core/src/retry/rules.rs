//! The failure rules as data: what each failure proves, how it surfaces, and whether the call is sent again.
//!
//! One array. The attempt loop, the guard and the error look failures up in it, and the book's table of failures is
//! written from it (`page.rs`). Tests do not read it: they compare the client's behaviour with what a server saw and with
//! the table in the book.

use http::StatusCode;

use crate::{error::ErrorKind, execution::Execution, operation::Idempotency, transport::TransportErrorKind};

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
    RefusedOnNewConnection,
    Interrupted,
    Timeout,
    TimeoutBeforeSend,
    RateLimited,
    HeldBack,
    Misdirected,
    RequestTimeout,
    Rejected,
    Unprocessable,
    ServerError,
    RedirectKeepingMethod,
    Redirect,
    ResponseTruncated,
    ResponseInvalid,
    ResponseNotClerk,
    ResponseMismatch,
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
    /// Once a call, after a backoff or `Retry-After`: on the server's word that it did nothing.
    Once,
    /// The same, but at once and on a fresh connection. A call is sent again for one of the two, not for each.
    OnceFresh,
    /// Only for statuses that the user named in `RetryPolicy::danger_retry_create_on`: an unsafe retry.
    IfOptedIn,
}

/// One rule: which failure, what it proves, how it surfaces, and whether each sort of operation is sent again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    /// Its number in the book.
    pub(crate) row: &'static str,
    pub(crate) failure: Failure,
    /// The statuses that are this failure, and, for people, what else is.
    pub(crate) statuses: &'static [u16],
    pub(crate) words: &'static str,
    pub(crate) execution: Execution,
    pub(crate) kind: ErrorKind,
    pub(crate) non_idempotent: Again,
    pub(crate) idempotent: Again,
}

impl Rule {
    pub(crate) fn again(&self, idempotency: Idempotency) -> Again {
        match idempotency {
            Idempotency::NonIdempotent => self.non_idempotent,
            Idempotency::Idempotent => self.idempotent,
        }
    }
}

/// What a rule comes to in a case that callers ask about: told in the book, and never looked up.
#[derive(Debug)]
pub(crate) enum Case {
    /// This failure, where the deadline or the retry budget leaves no further attempt.
    NoFurther(Failure),
    /// An answer to a revocation that surfaces as this failure.
    OfRevoke(Failure),
    /// An answer to a revocation that is a success.
    RevokeOk(&'static str),
}

/// One row of the table.
#[derive(Debug)]
pub(crate) enum Row {
    Rule(Rule),
    Case { row: &'static str, words: &'static str, case: Case },
}

#[allow(clippy::too_many_arguments, reason = "the cells of a table, each row on one line below")]
const fn rule_row(
    row: &'static str,
    failure: Failure,
    non_idempotent: Again,
    idempotent: Again,
    kind: ErrorKind,
    execution: Execution,
    statuses: &'static [u16],
    words: &'static str,
) -> Row {
    Row::Rule(Rule { row, failure, statuses, words, execution, kind, non_idempotent, idempotent })
}

const fn case_row(row: &'static str, case: Case, words: &'static str) -> Row {
    Row::Case { row, words, case }
}

use Again::{Backoff, IfOptedIn, No, Once, OnceFresh};
use ErrorKind as Kind;
use Execution::{Executed, NotExecuted, Unknown};
use Failure as F;

/// The table. A status that stands in no row is row 17a if it is a redirect, else row 24.
#[rustfmt::skip]
pub(crate) static TABLE: [Row; 35] = [
    rule_row("1",   F::InvalidRequest,        No,        No,        Kind::InvalidRequest,     NotExecuted, &[], "invalid input, id or setting"),
    rule_row("2",   F::Connect,               Backoff,   Backoff,   Kind::Connect,            NotExecuted, &[], "DNS failure; TCP refused, unreachable, connect timeout; a TLS handshake cut off"),
    rule_row("3",   F::Tls,                   No,        No,        Kind::Tls,                NotExecuted, &[], "TLS: certificate, name, protocol"),
    rule_row("4",   F::ProxyAuth,             No,        No,        Kind::Proxy,              NotExecuted, &[], "the proxy wants other credentials (407 to CONNECT)"),
    rule_row("4a",  F::Proxy,                 Backoff,   Backoff,   Kind::Proxy,              NotExecuted, &[], "the proxy cannot reach Clerk (502 to CONNECT)"),
    rule_row("5",   F::Canceled,              Backoff,   Backoff,   Kind::Connect,            NotExecuted, &[], "the connection closed before a byte was written"),
    rule_row("6",   F::Refused,               OnceFresh, Backoff,   Kind::Refused,            NotExecuted, &[], "refused unprocessed: HTTP/2 `REFUSED_STREAM`, or `GOAWAY` below our stream"),
    rule_row("6a",  F::RefusedOnNewConnection,         No,        Backoff,   Kind::Refused,            NotExecuted, &[], "a new HTTP/2 connection, closed by `GOAWAY` with an error code at its first request"),
    rule_row("7",   F::Interrupted,           No,        Backoff,   Kind::Interrupted,        Unknown,     &[], "end of stream, reset, broken pipe after the request was handed over; any other failure of a transport"),
    rule_row("8",   F::Timeout,               No,        Backoff,   Kind::Timeout,            Unknown,     &[], "no complete head by the deadline"),
    rule_row("8a",  F::TimeoutBeforeSend,         No,        No,        Kind::Timeout,            NotExecuted, &[], "the deadline passed before the request was handed to a connection"),
    case_row("9",   Case::NoFurther(F::Connect),                                                                "the next backoff would end after the deadline"),
    case_row("9a",  Case::NoFurther(F::Connect),                                                                "the client's retry budget is used up"),
    rule_row("10",  F::RateLimited,           Once,      Backoff,   Kind::RateLimited,        NotExecuted, &[429], "with a `Retry-After` inside the deadline, or none"),
    case_row("11",  Case::NoFurther(F::RateLimited),                                                            "429 with a `Retry-After` beyond the deadline"),
    rule_row("11a", F::HeldBack,              No,        No,        Kind::RateLimited,        NotExecuted, &[], "an earlier 429 holds all calls back until after the deadline: nothing is sent"),
    rule_row("12",  F::Misdirected,           OnceFresh, OnceFresh, Kind::Api,                NotExecuted, &[421], ""),
    rule_row("13",  F::RequestTimeout,        No,        Backoff,   Kind::Api,                Unknown,     &[408], ""),
    rule_row("14",  F::Rejected,              No,        No,        Kind::Api,                NotExecuted, &[400, 401, 403, 404, 405, 409, 410, 413, 415], ""),
    rule_row("15",  F::Unprocessable,         No,        No,        Kind::Api,                NotExecuted, &[402, 422], ""),
    rule_row("16",  F::ServerError,           IfOptedIn, Backoff,   Kind::Api,                Unknown,     &[500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 528, 529], ""),
    rule_row("17",  F::RedirectKeepingMethod, No,        No,        Kind::UnexpectedRedirect, NotExecuted, &[307, 308], ""),
    rule_row("17a", F::Redirect,              No,        No,        Kind::UnexpectedRedirect, Unknown,     &[], "300 301 302 303 304 305 306, any other 3xx"),
    rule_row("18",  F::ResponseTruncated,             No,        Backoff,   Kind::ResponseTruncated,          Executed,    &[], "2xx, body cut, or stalled to the deadline"),
    rule_row("18a", F::ResponseInvalid,         No,        No,        Kind::ResponseInvalid,      Executed,    &[], "2xx, body over the cap, compressed, or malformed; an id outside the grammar"),
    rule_row("19",  F::ResponseNotClerk,         No,        No,        Kind::ResponseInvalid,      Unknown,     &[], "2xx that is not Clerk's (HTML, no `object`)"),
    rule_row("19a", F::ResponseMismatch,         No,        No,        Kind::ResponseMismatch,      Unknown,     &[], "2xx for another user, actor or id"),
    case_row("20",  Case::RevokeOk("AlreadyRevoked"),                                                           "revoke: 400 `actor_token_cannot_be_revoked_code`, status revoked"),
    case_row("21",  Case::OfRevoke(F::Rejected),                                                                "revoke: the same code, status accepted"),
    case_row("22",  Case::OfRevoke(F::Rejected),                                                                "revoke: the same code, status unreadable"),
    case_row("23",  Case::OfRevoke(F::Rejected),                                                                "revoke: 404"),
    rule_row("24",  F::OtherStatus,           No,        No,        Kind::Api,                Unknown,     &[], "418 451 501 505 599 999, any other status"),
    case_row("25",  Case::OfRevoke(F::ResponseMismatch),                                                           "2xx to revoke whose status is not revoked"),
    rule_row("26",  F::Credential,            No,        No,        Kind::Credential,         NotExecuted, &[], "the credential provider failed"),
    rule_row("26a", F::Blocked,               No,        No,        Kind::Blocked,            NotExecuted, &[], "a middleware refused"),
];

/// What holds for a failure that has no row: nothing is proved, nothing is sent again.
static UNKNOWN: Rule = Rule {
    row: "",
    failure: F::OtherStatus,
    statuses: &[],
    words: "",
    execution: Unknown,
    kind: Kind::Interrupted,
    non_idempotent: No,
    idempotent: No,
};

fn rules() -> impl Iterator<Item = &'static Rule> {
    TABLE.iter().filter_map(|row| match row {
        Row::Rule(rule) => Some(rule),
        Row::Case { .. } => None,
    })
}

pub(crate) fn rule(failure: Failure) -> &'static Rule {
    #[cfg(flipped_rules)]
    if let Some(rule) = super::flip::rule(failure) {
        return rule;
    }
    rules().find(|rule| rule.failure == failure).unwrap_or(&UNKNOWN)
}

/// The failure that a status other than 2xx is.
pub(crate) fn failure_of_status(status: StatusCode) -> Failure {
    #[cfg(flipped_rules)]
    if let Some(failure) = super::flip::failure_of_status(status.as_u16()) {
        return failure;
    }
    match rules().find(|rule| rule.statuses.contains(&status.as_u16())) {
        Some(rule) => rule.failure,
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
        TransportErrorKind::RefusedOnNewConnection => Failure::RefusedOnNewConnection,
        TransportErrorKind::TimeoutBeforeSend => Failure::TimeoutBeforeSend,
        TransportErrorKind::Timeout => Failure::Timeout,
        TransportErrorKind::RateLimited => Failure::HeldBack,
        TransportErrorKind::Credential => Failure::Credential,
        TransportErrorKind::Blocked => Failure::Blocked,
        TransportErrorKind::Interrupted | TransportErrorKind::BodyTooLarge | TransportErrorKind::Other => {
            Failure::Interrupted
        }
    }
}

/// Whether a status may be named in `RetryPolicy::danger_retry_create_on`: the gateway statuses alone.
pub(crate) fn may_opt_in(status: StatusCode) -> bool {
    rule(failure_of_status(status)).non_idempotent == IfOptedIn
}
