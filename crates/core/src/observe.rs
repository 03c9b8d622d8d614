//! Watching calls: what an observer is given when an attempt or a call has ended, and what became of an orphan.
//!
//! Spans and events are in `observe/spans.rs`, records of the `log` crate in `observe/records.rs`.

pub(crate) mod records;
pub(crate) mod spans;
pub(crate) mod watch;

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use http::{Method, StatusCode, uri::Scheme};

use crate::{
    attempt::Attempt, call::orphan::OrphanReport, error::Error, error_kind::ErrorKind, execution::Execution,
    operation_info::OperationInfo, secret::Sanitized, url::BaseUrl,
};

/// The target of all events and records.
const TARGET: &str = "clerk_actor_tokens";

/// Counts and measures the calls of a client: see [`ClientBuilder::observer`](crate::ClientBuilder::observer).
///
/// Each method is called where what it describes ends: in the caller's task, in an executor's, or in a destructor. It must return
/// soon. A panic in it ends there.
/// What it is given shows no secret by `Display` or `Debug`. Its words are few, so that they fit the labels of metrics. In a test, the
/// emulator makes each of them happen.
///
/// ```
/// use clerk_actor_tokens_core::{AttemptEnded, Observer};
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// #[derive(Default)]
/// struct Sent(AtomicU64);
///
/// impl Observer for Sent {
///     fn attempt_ended(&self, ended: &AttemptEnded<'_>) {
///         self.0.fetch_add(1, Ordering::Relaxed);
///         println!("{} {} {:?}", ended.method(), ended.url_template(), ended.took());
///     }
/// }
/// # let _ = Sent::default();
/// ```
pub trait Observer: Send + Sync + 'static {
    /// An attempt has ended, also one that runs on without its caller. One that is given up before it ends is not counted: the caller
    /// of a revocation left, or nothing had been sent.
    fn attempt_ended(&self, ended: &AttemptEnded<'_>) {
        let _ = ended;
    }

    /// A call has ended, with its last attempt. One that was refused before it began, for its input say, is not counted, nor is one
    /// whose caller left.
    fn call_ended(&self, ended: &CallEnded<'_>) {
        let _ = ended;
    }

    /// The client is done with what a call made, or may have made, whose caller left or did not keep it. It may be called in a
    /// destructor.
    fn orphan_ended(&self, report: &OrphanReport, end: OrphanEnd) {
        let _ = (report, end);
    }
}

impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn attempt_ended(&self, ended: &AttemptEnded<'_>) {
        (**self).attempt_ended(ended);
    }

    fn call_ended(&self, ended: &CallEnded<'_>) {
        (**self).call_ended(ended);
    }

    fn orphan_ended(&self, report: &OrphanReport, end: OrphanEnd) {
        (**self).orphan_ended(report, end);
    }
}

/// What became of an [orphan](crate::Orphan).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OrphanEnd {
    /// The client revoked it.
    Revoked,
    /// The application's [handler](crate::ClientBuilder::on_orphan) has taken it.
    Handled,
    /// It was not revoked, or another token may be left: [`Client::close`](crate::Client::close) returns it, and the log has an error.
    Lost,
}

impl OrphanEnd {
    /// Returns the word for it: `revoked`, `handled` or `lost`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Handled => "handled",
            Self::Lost => "lost",
        }
    }
}

/// What is the same for all attempts of a call.
#[derive(Clone, Copy)]
pub(crate) struct Described<'a> {
    pub(crate) operation: &'static OperationInfo,
    pub(crate) method: &'a Method,
    pub(crate) base_url: &'a BaseUrl,
}

impl Described<'_> {
    /// The host, without the brackets of an IPv6 address.
    pub(crate) fn server_address(&self) -> &str {
        self.base_url.authority().host().trim_start_matches('[').trim_end_matches(']')
    }

    pub(crate) fn server_port(&self) -> u16 {
        let by_scheme = if *self.base_url.scheme() == Scheme::HTTP { 80 } else { 443 };
        self.base_url.authority().port_u16().unwrap_or(by_scheme)
    }

    pub(crate) fn url_template(&self) -> UrlTemplate<'_> {
        UrlTemplate { base: self.base_url.path(), operation: self.operation }
    }
}

/// The path of a call, with the names of its parameters instead of their values.
pub(crate) struct UrlTemplate<'a> {
    base: &'a str,
    operation: &'static OperationInfo,
}

impl fmt::Display for UrlTemplate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Sanitized::new(self.base), Sanitized::new(self.operation.path()))
    }
}

/// An attempt that has ended.
#[derive(Clone)]
pub struct AttemptEnded<'a> {
    pub(crate) call: Described<'a>,
    pub(crate) attempt: &'a Attempt,
    pub(crate) trace_id: Option<String>,
    pub(crate) took: Duration,
}

impl AttemptEnded<'_> {
    /// Returns which call it is of.
    #[must_use]
    pub fn operation(&self) -> &'static OperationInfo {
        self.call.operation
    }

    /// Returns the method of its request: OpenTelemetry's `http.request.method`.
    #[must_use]
    pub fn method(&self) -> &Method {
        self.call.method
    }

    /// Returns the path with the names of its parameters, such as `/v1/actor_tokens/{actor_token_id}/revoke`: OpenTelemetry's
    /// `url.template`.
    #[must_use]
    pub fn url_template(&self) -> String {
        self.call.url_template().to_string()
    }

    /// Returns the host of the base URL: OpenTelemetry's `server.address`.
    #[must_use]
    pub fn server_address(&self) -> &str {
        self.call.server_address()
    }

    /// Returns the port of the base URL, or that of its scheme: OpenTelemetry's `server.port`.
    #[must_use]
    pub fn server_port(&self) -> u16 {
        self.call.server_port()
    }

    /// Returns what it has come to: its number, the status, the error and what it did at Clerk.
    #[must_use]
    pub fn attempt(&self) -> &Attempt {
        self.attempt
    }

    /// Returns why it failed, in OpenTelemetry's words for `error.type`: the status, where that is an error, else the name of the
    /// [`ErrorKind`]. `None` if it succeeded.
    #[must_use]
    pub fn error_type(&self) -> Option<Cow<'static, str>> {
        error_type(self.attempt.status(), self.attempt.error())
    }

    /// Returns Clerk's id for the exchange, with what looks like a credential masked.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        self.trace_id.as_deref()
    }

    /// Returns how long it took, with all middleware, and what that waits for: OpenTelemetry's `http.client.request.duration`, unless
    /// a middleware waits. Waits between attempts do not count.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.took
    }
}

impl fmt::Debug for AttemptEnded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AttemptEnded({self})")
    }
}

/// One line, as `log` has it.
impl fmt::Display for AttemptEnded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (call, attempt) = (&self.call, self.attempt);
        let origin = call.base_url.authority();
        write!(f, "{}: attempt {}: {} {}", call.operation.name(), attempt.number(), call.method, origin)?;
        write!(f, "{}: ", call.url_template())?;
        if let Some(status) = attempt.status() {
            write!(f, "{}, ", status.as_u16())?;
        }
        if let Some(kind) = attempt.error() {
            write!(f, "{kind:?}, ")?;
        }
        write!(f, "{}, {} ms", attempt.execution(), self.took.as_millis())?;
        self.trace_id().map_or(Ok(()), |id| write!(f, ", trace id {}", Sanitized::new(id)))
    }
}

/// A call that has ended.
#[derive(Clone)]
pub struct CallEnded<'a> {
    pub(crate) call: Described<'a>,
    pub(crate) attempts: &'a [Attempt],
    pub(crate) execution: Execution,
    pub(crate) error: Option<&'a Error>,
    pub(crate) took: Duration,
}

impl CallEnded<'_> {
    /// Returns which call it was.
    #[must_use]
    pub fn operation(&self) -> &'static OperationInfo {
        self.call.operation
    }

    /// Returns its attempts.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        self.attempts
    }

    /// Returns what happened at Clerk, over all attempts.
    #[must_use]
    pub fn execution(&self) -> Execution {
        self.execution
    }

    /// Returns how it failed. `None` if it succeeded.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.error
    }

    /// Returns why it failed, as [`AttemptEnded::error_type`] does.
    #[must_use]
    pub fn error_type(&self) -> Option<Cow<'static, str>> {
        error_type(self.error?.status(), Some(self.error?.kind()))
    }

    /// Returns how long it took, with the waits between attempts.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.took
    }
}

impl fmt::Debug for CallEnded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallEnded({self})")
    }
}

/// One line, as `log` has it.
impl fmt::Display for CallEnded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = self.took.as_millis();
        match self.error {
            Some(error) => write!(f, "{error}; the call took {took} ms"),
            None => {
                let attempts = self.attempts.len();
                let plural = if attempts == 1 { "" } else { "s" };
                let name = self.operation().name();
                write!(f, "{name}: {}, {attempts} attempt{plural}, the call took {took} ms", self.execution)
            }
        }
    }
}

fn error_type(status: Option<StatusCode>, kind: Option<ErrorKind>) -> Option<Cow<'static, str>> {
    let kind = kind?;
    Some(match status {
        Some(status) if status.is_client_error() || status.is_server_error() => status.as_str().to_owned().into(),
        _ => format!("{kind:?}").into(),
    })
}
