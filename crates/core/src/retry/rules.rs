//! The failure rules as data: what each failure proves, how it surfaces, and whether the call is sent again.
//!
//! One array. The attempt loop, the send log and the error look failures up in it, and the book's table of failures is
//! written from it (`page.rs`). Tests do not read it: they compare the client's behaviour with what a server saw and with
//! the table in the book.

use http::StatusCode;

use crate::{
    error_kind::ErrorKind,
    execution::Execution,
    retry::rule::{Again, Case, Failure, Row, Rule},
    transport::error::{TransportError, TransportErrorKind},
};

#[allow(clippy::too_many_arguments, reason = "the cells of a table, each row on one line below")]
const fn rule_row(
    row: &'static str,
    failure: Failure,
    non_idempotent: Again,
    idempotent: Again,
    kind: Option<ErrorKind>,
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

/// The table. A status without a row is row 17a if it is a redirect, else row 24.
#[rustfmt::skip]
pub(crate) static TABLE: [Row; 38] = [
    rule_row("1",   F::InvalidRequest,        No,        No,        Some(Kind::InvalidRequest),     NotExecuted, &[], "invalid input, id or setting"),
    rule_row("2",   F::Connect,               Backoff,   Backoff,   Some(Kind::Connect),            NotExecuted, &[], "DNS failure; TCP refused, unreachable, connect timeout; a TLS handshake cut off"),
    rule_row("3",   F::Tls,                   No,        No,        Some(Kind::Tls),                NotExecuted, &[], "TLS: certificate, name, protocol"),
    rule_row("4",   F::ProxyRefused,             No,        No,        Some(Kind::Proxy),              NotExecuted, &[], "the proxy refuses the tunnel: 403, 407, or any other status to CONNECT"),
    rule_row("4a",  F::Proxy,                 Backoff,   Backoff,   Some(Kind::Proxy),              NotExecuted, &[], "the proxy cannot reach Clerk: 429, 502, 503 or 504 to CONNECT, or no HTTP response"),
    rule_row("5",   F::Canceled,              Backoff,   Backoff,   Some(Kind::Connect),            NotExecuted, &[], "the connection closed before a byte was written"),
    rule_row("6",   F::Refused,               OnceFresh, Backoff,   Some(Kind::Refused),            NotExecuted, &[], "refused unprocessed: HTTP/2 `REFUSED_STREAM`, or `GOAWAY` below our stream"),
    rule_row("6a",  F::RefusedOnNewConnection,         No,        Backoff,   Some(Kind::Refused),            NotExecuted, &[], "a new HTTP/2 connection, closed by `GOAWAY` with an error code at its first request"),
    rule_row("7",   F::Interrupted,           No,        Backoff,   Some(Kind::Interrupted),        Unknown,     &[], "end of stream, reset, broken pipe after the request was handed over; any other failure of a transport"),
    rule_row("8",   F::Timeout,               No,        Backoff,   Some(Kind::Timeout),            Unknown,     &[], "no complete head by the deadline"),
    rule_row("8a",  F::TimeoutBeforeSend,     No,        Backoff,   Some(Kind::Timeout),            NotExecuted, &[], "the deadline passed before the request was handed to a connection"),
    rule_row("8b",  F::DroppedBeforeSend,     Backoff,   Backoff,   None,                           NotExecuted, &[], "a middleware dropped the exchange before the request was handed to a connection"),
    rule_row("8c",  F::DroppedAfterSend,      No,        Backoff,   None,                           Unknown,     &[], "a middleware dropped the exchange after that"),
    case_row("9",   Case::NoFurther(F::Connect),                                                                "the next backoff would end after the deadline"),
    case_row("9a",  Case::NoFurther(F::Connect),                                                                "the retry budget of the base URL and key is used up"),
    rule_row("10",  F::RateLimited,           Once,      Backoff,   Some(Kind::RateLimited),        NotExecuted, &[429], "with a `Retry-After` inside the deadline, or none"),
    case_row("11",  Case::NoFurther(F::RateLimited),                                                            "429 with a `Retry-After` beyond the deadline"),
    rule_row("11a", F::HeldBack,              No,        No,        Some(Kind::RateLimited),        NotExecuted, &[], "an earlier 429 to the same base URL and key holds the call back until after the deadline: nothing is sent"),
    rule_row("12",  F::Misdirected,           OnceFresh, OnceFresh, Some(Kind::Api),                NotExecuted, &[421], ""),
    rule_row("13",  F::RequestTimeout,        No,        Backoff,   Some(Kind::Api),                Unknown,     &[408], ""),
    rule_row("14",  F::Rejected,              No,        No,        Some(Kind::Api),                NotExecuted, &[400, 401, 403, 404, 405, 409, 410, 413, 415], ""),
    rule_row("15",  F::Unprocessable,         No,        No,        Some(Kind::Api),                NotExecuted, &[402, 422], ""),
    rule_row("16",  F::ServerError,           IfOptedIn, Backoff,   Some(Kind::Api),                Unknown,     &[500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 528, 529, 530], ""),
    rule_row("17",  F::RedirectKeepingMethod, No,        No,        Some(Kind::UnexpectedRedirect), NotExecuted, &[307, 308], ""),
    rule_row("17a", F::Redirect,              No,        No,        Some(Kind::UnexpectedRedirect), Unknown,     &[], "300 301 302 303 304 305 306, any other 3xx"),
    rule_row("18",  F::ResponseTruncated,             No,        Backoff,   Some(Kind::ResponseTruncated),          Executed,    &[], "2xx, body cut, or stalled to the deadline"),
    rule_row("18a", F::ResponseInvalid,         No,        No,        Some(Kind::ResponseInvalid),      Executed,    &[], "2xx whose body is over the cap, compressed (gzip, x-gzip, compress, deflate, br, zstd) or malformed. Malformed is an invalid `object`, `id`, `user_id`, `actor` or `status`"),
    rule_row("19",  F::ResponseNotClerk,         No,        No,        Some(Kind::ResponseInvalid),      Unknown,     &[], "2xx that is not Clerk's (HTML, no `object`)"),
    rule_row("19a", F::ResponseMismatch,         No,        No,        Some(Kind::ResponseMismatch),      Unknown,     &[], "2xx for another user, actor, id or stamp"),
    case_row("20",  Case::RevokeOk("AlreadyRevoked"),                                                           "revoke: 400 `actor_token_cannot_be_revoked_code`, status revoked"),
    case_row("21",  Case::OfRevoke(F::Rejected),                                                                "revoke: the same code, status accepted"),
    case_row("22",  Case::OfRevoke(F::Rejected),                                                                "revoke: the same code, status unreadable"),
    case_row("23",  Case::OfRevoke(F::Rejected),                                                                "revoke: 404"),
    rule_row("24",  F::OtherStatus,           No,        No,        Some(Kind::Api),                Unknown,     &[], "418 451 501 505 599 999, any other status"),
    case_row("25",  Case::OfRevoke(F::ResponseMismatch),                                                           "2xx to revoke whose status is not revoked"),
    case_row("25a", Case::OfRevoke(F::ResponseMismatch),                                                           "2xx to the end of a session that is still live"),
    rule_row("26",  F::Credential,            No,        No,        Some(Kind::Credential),         NotExecuted, &[], "the credential provider failed"),
    rule_row("26a", F::Blocked,               No,        No,        Some(Kind::Blocked),            NotExecuted, &[], "a middleware refused"),
];

/// What holds for a failure that has no row: nothing is proved, nothing is sent again.
static UNKNOWN: Rule = Rule {
    row: "",
    failure: F::OtherStatus,
    statuses: &[],
    words: "",
    execution: Unknown,
    kind: Some(Kind::Interrupted),
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
    if let Some(rule) = super::flipped::rule(failure) {
        return rule;
    }
    rules().find(|rule| rule.failure == failure).unwrap_or(&UNKNOWN)
}

/// The failure that a status other than 2xx is.
pub(crate) fn failure_of_status(status: StatusCode) -> Failure {
    #[cfg(flipped_rules)]
    if let Some(failure) = super::flipped::failure_of_status(status.as_u16()) {
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
        TransportErrorKind::ProxyRefused => Failure::ProxyRefused,
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

impl TransportErrorKind {
    /// Returns what this kind claims, by the table of failures. A claim that nothing was sent counts only where the
    /// [`SendState`](crate::SendState) proves it, or where the peer refused the request.
    #[must_use]
    pub fn execution(self) -> Execution {
        rule(failure_of_transport(self)).execution
    }
}

impl TransportError {
    /// Returns what the kind claims: see [`TransportErrorKind::execution`]. A partial response may prove more; the client
    /// looks at both.
    #[must_use]
    pub fn execution(&self) -> Execution {
        self.kind().execution()
    }
}

/// Whether a status may be named in `RetryPolicy::danger_retry_create_on`: the gateway statuses alone.
pub(crate) fn may_opt_in(status: StatusCode) -> bool {
    rule(failure_of_status(status)).non_idempotent == IfOptedIn
}
