//! Faults: what can go wrong in one exchange, as data.
//!
//! A fault is *what* happens. *When* it happens is said where it is queued ([`NextAttempt`](crate::NextAttempt)): before
//! the request is sent, before Clerk commits, or after. Not every fault can happen at every time (a refused connection
//! cannot follow a commit), and the types say so: see [`At`].
//!
//! Nothing here acts. The transport turns a fault into a `TransportError`; the server turns it into bytes.

use std::{fmt, io, marker::PhantomData, time::Duration};

use clerk_actor_tokens_core::TransportErrorKind;
use http::{HeaderValue, StatusCode};

/// Something that goes wrong in one exchange. `When` says at which times it can happen.
///
/// ```
/// use clerk_actor_tokens_core::Actor;
/// use clerk_actor_tokens_emulator::{Emulator, fault};
///
/// # pollster::block_on(async {
/// let clerk = Emulator::new();
/// clerk.next_create().before_send(fault::refused()); // the first attempt; the client tries again
/// clerk.next_create().after_commit(fault::stall()); // the second
/// let lost = clerk.client().actor_tokens().create("user_1", Actor::new("user_agent")).send().await;
/// assert!(lost.unwrap_err().is_ambiguous());
/// clerk.assert_orphans(1);
/// # });
/// ```
///
/// A combination that cannot be does not compile:
///
/// ```compile_fail
/// # use clerk_actor_tokens_emulator::{Emulator, fault};
/// Emulator::new().next_create().after_commit(fault::refused());
/// ```
#[must_use = "a fault does nothing until it is queued"]
pub struct Fault<When> {
    pub(crate) action: Action,
    when: PhantomData<When>,
}

/// A fault of a connection that is being made: before the request is sent.
#[derive(Debug)]
pub enum Connecting {}

/// A fault of a request that is under way and that Clerk did not act on: before the commit.
#[derive(Debug)]
pub enum Unprocessed {}

/// A fault that is an answer: before or after the commit.
#[derive(Debug)]
pub enum Answering {}

/// A fault of Clerk's own answer: after the commit.
#[derive(Debug)]
pub enum Replying {}

/// A fault that can happen at any time.
#[derive(Debug)]
pub enum Anytime {}

/// Before the request is sent.
#[derive(Debug)]
pub enum BeforeSend {}

/// After the request has arrived, before Clerk commits.
#[derive(Debug)]
pub enum BeforeCommit {}

/// After Clerk has committed, before the answer has arrived.
#[derive(Debug)]
pub enum AfterCommit {}

/// Which faults can happen when. Nothing else implements it.
#[diagnostic::on_unimplemented(
    message = "this fault cannot happen at this time",
    label = "a `Fault<{Self}>` cannot happen at `{Time}`"
)]
pub trait At<Time>: sealed::Sealed {}

impl At<BeforeSend> for Connecting {}
impl At<BeforeCommit> for Unprocessed {}
impl At<BeforeCommit> for Answering {}
impl At<AfterCommit> for Answering {}
impl At<AfterCommit> for Replying {}
impl<Time> At<Time> for Anytime {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Connecting {}
    impl Sealed for super::Unprocessed {}
    impl Sealed for super::Answering {}
    impl Sealed for super::Replying {}
    impl Sealed for super::Anytime {}
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    Pass,
    Break(Break),
    /// Nothing more comes. `Some(n)`: after the head and `n` bytes of the body.
    Stall(Option<usize>),
    Delay(Duration),
    Answer(Status),
    /// The exchange breaks off after the head and this many bytes of the body.
    CutAt(usize),
}

/// An exchange that breaks off: what a client can know of it, before and after it has sent the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Break {
    pub(crate) name: &'static str,
    pub(crate) unsent: TransportErrorKind,
    pub(crate) sent: TransportErrorKind,
    pub(crate) cause: io::ErrorKind,
}

/// An answer that is not the emulator's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<Duration>,
}

use TransportErrorKind as Kind;

const fn only(name: &'static str, kind: Kind, cause: io::ErrorKind) -> Break {
    Break { name, unsent: kind, sent: kind, cause }
}

const REFUSED: Break = only("refused", Kind::Connect, io::ErrorKind::ConnectionRefused);
const TLS: Break = only("tls", Kind::Tls, io::ErrorKind::InvalidData);
const PROXY: Break = only("proxy", Kind::Proxy, io::ErrorKind::ConnectionRefused);
const PROXY_AUTH: Break = only("proxy_auth", Kind::ProxyAuth, io::ErrorKind::PermissionDenied);
const CANCELED: Break = only("canceled", Kind::Canceled, io::ErrorKind::BrokenPipe);
const REFUSED_STREAM: Break = only("refused_stream", Kind::Refused, io::ErrorKind::ConnectionAborted);
const RESET: Break =
    Break { name: "reset", unsent: Kind::Connect, sent: Kind::Interrupted, cause: io::ErrorKind::ConnectionReset };
const CLOSE: Break =
    Break { name: "close", unsent: Kind::Connect, sent: Kind::Interrupted, cause: io::ErrorKind::UnexpectedEof };

impl<When> Fault<When> {
    const fn new(action: Action) -> Self {
        Self { action, when: PhantomData }
    }
}

/// No fault: lets one attempt through.
pub fn pass() -> Fault<Anytime> {
    Fault::new(Action::Pass)
}

/// Time passes, then the exchange goes on.
pub fn delay(duration: Duration) -> Fault<Anytime> {
    Fault::new(Action::Delay(duration))
}

/// Nothing more comes, until the client gives up or the deadline passes.
pub fn stall() -> Fault<Anytime> {
    Fault::new(Action::Stall(None))
}

/// The connection is reset. Before the request is sent that is a handshake cut off, and so no connection.
pub fn reset() -> Fault<Anytime> {
    Fault::new(Action::Break(RESET))
}

/// The connection is closed in an orderly way, with no answer.
pub fn close() -> Fault<Anytime> {
    Fault::new(Action::Break(CLOSE))
}

/// The connection is refused.
pub fn refused() -> Fault<Connecting> {
    Fault::new(Action::Break(REFUSED))
}

/// The TLS handshake is refused for a lasting reason, such as a certificate.
pub fn tls() -> Fault<Connecting> {
    Fault::new(Action::Break(TLS))
}

/// A proxy could not reach Clerk.
pub fn proxy() -> Fault<Connecting> {
    Fault::new(Action::Break(PROXY))
}

/// A proxy wants other credentials.
pub fn proxy_auth() -> Fault<Connecting> {
    Fault::new(Action::Break(PROXY_AUTH))
}

/// The connection closed before a byte of the request was written.
pub fn canceled() -> Fault<Connecting> {
    Fault::new(Action::Break(CANCELED))
}

/// The peer refused the request unprocessed (HTTP/2 `REFUSED_STREAM`, RFC 9113 section 8.7).
pub fn refused_stream() -> Fault<Unprocessed> {
    Fault::new(Action::Break(REFUSED_STREAM))
}

/// The answer has this status: in Clerk's error form, or in HTML for 520 to 530, which are the edge's and not Clerk's.
///
/// ```
/// use std::time::Duration;
/// use clerk_actor_tokens_core::Actor;
/// use clerk_actor_tokens_emulator::{Emulator, fault};
///
/// # pollster::block_on(async {
/// let clerk = Emulator::new();
/// clerk.next_create().before_commit(fault::status(429).retry_after(Duration::from_secs(2)));
/// clerk.client().actor_tokens().create("user_1", Actor::new("user_agent")).send().await?;
/// assert_eq!(clerk.requests().len(), 2);
/// # Ok::<(), clerk_actor_tokens_core::Error>(())
/// # }).unwrap();
/// ```
///
/// # Panics
/// If `status` is not 200 to 999: such an answer cannot be sent.
#[track_caller]
#[allow(clippy::panic, reason = "a test that asks for an impossible answer must fail at its own line")]
pub fn status(status: u16) -> Fault<Answering> {
    match StatusCode::from_u16(status) {
        Ok(status) if !status.is_informational() => Fault::new(Action::Answer(Status { status, retry_after: None })),
        _ => panic!("fault::status({status}): a final status is 200 to 999"),
    }
}

/// Clerk's answer breaks off after the head and `bytes` bytes of the body. At or past its end nothing is cut, and the
/// fault counts as one that did not happen: the whole answer has arrived by then.
pub fn cut_at(bytes: usize) -> Fault<Replying> {
    Fault::new(Action::CutAt(bytes))
}

/// Clerk's answer stops after the head and `bytes` bytes of the body, and the connection stays open. At or past its
/// end nothing is missing, and the fault counts as one that did not happen: the whole answer has arrived by then.
pub fn stall_at(bytes: usize) -> Fault<Replying> {
    Fault::new(Action::Stall(Some(bytes)))
}

impl Fault<Answering> {
    /// Adds `Retry-After` in seconds, rounded up (RFC 9110 section 10.2.3).
    pub fn retry_after(mut self, duration: Duration) -> Self {
        if let Action::Answer(answer) = &mut self.action {
            answer.retry_after = Some(duration);
        }
        self
    }
}

/// A `Retry-After` header: whole seconds, rounded up.
pub(crate) fn retry_after(duration: Duration) -> HeaderValue {
    HeaderValue::from(duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0)))
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => f.write_str("pass()"),
            Self::Break(cause) => write!(f, "{}()", cause.name),
            Self::Stall(None) => f.write_str("stall()"),
            Self::Stall(Some(bytes)) => write!(f, "stall_at({bytes})"),
            Self::Delay(duration) => write!(f, "delay({duration:?})"),
            Self::Answer(answer) => write!(f, "status({})", answer.status.as_u16()),
            Self::CutAt(bytes) => write!(f, "cut_at({bytes})"),
        }
    }
}

impl<When> Clone for Fault<When> {
    fn clone(&self) -> Self {
        Self::new(self.action.clone())
    }
}

impl<When> fmt::Debug for Fault<When> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fault::{}", self.action)
    }
}
