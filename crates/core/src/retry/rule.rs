//! What a failure rule is made of: the failures that are distinguished, what follows them, and the rows of the table.

use crate::{error_kind::ErrorKind, execution::Execution, operation_info::Idempotency};

/// What went wrong, as finely as the rules distinguish it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    InvalidRequest,
    Connect,
    Tls,
    Proxy,
    ProxyRefused,
    Canceled,
    Refused,
    RefusedOnNewConnection,
    Interrupted,
    Timeout,
    TimeoutBeforeSend,
    DroppedBeforeSend,
    DroppedAfterSend,
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
    /// How it surfaces. `None`: as what a middleware fails with.
    pub(crate) kind: Option<ErrorKind>,
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

/// The effect of a rule in a case that callers ask about. The book prints it; no code looks it up.
#[derive(Debug)]
pub(crate) enum Case {
    /// This failure, where the deadline or the retry budget leaves no further attempt.
    NoFurther(Failure),
    /// A response to a revocation, of a token or of a session, that surfaces as this failure.
    OfRevoke(Failure),
    /// A response to a revocation that is a success.
    RevokeOk(&'static str),
}

/// One row of the table.
#[derive(Debug)]
pub(crate) enum Row {
    Rule(Rule),
    Case { row: &'static str, words: &'static str, case: Case },
}
