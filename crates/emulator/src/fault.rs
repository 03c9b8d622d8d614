//! Faults: what can go wrong in one exchange, as data.
//!
//! A fault is *what* happens. *When* it happens is said where it is queued ([`NextAttempt`](crate::NextAttempt)): before
//! the request is sent, before Clerk commits, or after. Not every fault can happen at every time (a refused connection
//! cannot follow a commit), and the types say so: see [`At`]. [`catalogue`] lists them all.
//!
//! Nothing here acts. The transport turns a fault into a `TransportError`; the server turns it into bytes. What each
//! fault is there, where it is no answer:
//!
//! | before_commit, after_commit | in process | HTTP/1.1 | HTTP/2 |
//! | --- | --- | --- | --- |
//! | [`reset`] | `Interrupted` | RST of the connection | RST of the connection |
//! | [`close`] | `Interrupted` | end of stream, both ways | end of stream, both ways; no GOAWAY |
//! | [`half_close`] | `Interrupted`, as [`close`] | end of stream from the server, which reads until the client goes | the same, of the connection |
//! | [`refused_stream`] | `Refused` | RST of the connection, which proves nothing | RST_STREAM, REFUSED_STREAM |
//! | [`rst_stream`] | `Interrupted` | RST of the connection | RST_STREAM with that code; the connection continues |
//! | [`goaway_below`] | `Refused` | RST of the connection, which proves nothing | GOAWAY, NO_ERROR, that names the stream before; those up to it are answered, those above are dropped; then end of stream. Where a stream above has been acted on, that would be a lie: RST_STREAM, REFUSED_STREAM |
//! | [`goaway_above`] | `Interrupted` | RST of the connection | GOAWAY, NO_ERROR, that names the last stream that came; then end of stream |
//! | [`stall`], [`stall_at`] | the deadline | silence until the client goes | silence on the stream, until the client resets it or goes |
//! | [`cut_at`] | `Interrupted` with a part | end of stream, short of the `Content-Length` | RST_STREAM, INTERNAL_ERROR; the connection continues |
//! | [`delay`], [`slow_body`] | virtual time | real time | real time |
//!
//! TLS changes none of these. An end of stream is announced by `close_notify` (RFC 8446 section 6.1); a reset is one of
//! the TCP connection.
//!
//! Faults before_send are those of connecting, and over a socket the next connection that is accepted meets them, before
//! a byte of a request is read. A connection has no call yet: it looks at the front of each queue, in the order of
//! [`CallKind`](crate::CallKind), the creates' first. A client that opens connections ahead of its calls meets them with those.
//!
//! | before_send | in process | in the clear | with TLS |
//! | --- | --- | --- | --- |
//! | [`refused`], [`dns`], [`unreachable()`], [`canceled`], [`reset`] | the error of that name | RST as soon as the connection is accepted | the same: in the handshake, so unsent for certain |
//! | [`close`] | `Connect` | end of stream at once | the same, in the handshake |
//! | [`connect_timeout`], [`stall`] | 5 s; the deadline | silence until the client goes | the same: the handshake is never answered |
//! | [`tls`] | `Tls` | RST | a fatal alert, handshake_failure, instead of the ServerHello |
//! | [`tls_cut`] | `Connect` | RST | the first 18 bytes of a ServerHello of 127, then end of stream |
//! | [`proxy`], [`proxy_auth`] | `Proxy`, `ProxyRefused` | to a CONNECT 502, or 407 with `Proxy-Authenticate`; to anything else RST | the same |
//! | [`delay`] | virtual time | real time, once the head of a request is read | the same |
//!
//! In the clear none of this proves to a client that its request was not sent: it may have written it by then. And no
//! listener can refuse one connection alone, as an operating system does where no socket listens (`ECONNREFUSED`), nor
//! fail a name: for those the connection is accepted, and reset.
//!
//! A request that comes over a connection that is up already meets a fault of connecting itself: RST of the connection
//! once its head is read, over HTTP/2 too. Nothing is ever committed by a fault before_send.
//!
//! Every other fault is an answer, and the same everywhere.

mod action;
mod answers;
mod catalogue;
mod connection;
mod parse;
mod queued;
mod replies;
mod text;

use std::{fmt, marker::PhantomData};

pub(crate) use self::{
    action::{Action, Answer, Break, Change, Page, RetryAfter, Skew, Wire},
    answers::retry_after,
    replies::{ANOTHER, ANOTHER_ID, ANOTHER_SESSION, BAD_ID},
};
pub use self::{
    answers::{empty, html, not_clerk, redirect, status},
    catalogue::{AnyFault, catalogue},
    connection::{
        canceled, close, connect_timeout, delay, dns, goaway_above, goaway_below, half_close, pass, proxy, proxy_auth,
        refused, refused_stream, reset, rst_stream, stall, tls, tls_cut, unreachable,
    },
    parse::ParseFaultError,
    queued::QueuedFault,
    replies::{
        another_actor, another_user, bad_id, bad_utf8, bom, content_type, cut_at, duplicate, gzip, malformed, nested,
        padded_to, slow_body, stale, stall_at, token_status, without, wrong_type,
    },
};

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
/// An impossible combination does not compile:
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

impl<When> Fault<When> {
    const fn new(action: Action) -> Self {
        Self { action, when: PhantomData }
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

/// When in an exchange a fault happens, as a value. As a type: [`BeforeSend`], [`BeforeCommit`], [`AfterCommit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Before the request is sent.
    BeforeSend,
    /// After the request has arrived, before Clerk commits.
    BeforeCommit,
    /// After Clerk has committed, before the answer has arrived.
    AfterCommit,
}

impl Phase {
    /// All three, in the order of time.
    pub const ALL: [Self; 3] = [Self::BeforeSend, Self::BeforeCommit, Self::AfterCommit];
}

impl fmt::Display for Phase {
    /// As the method of [`NextAttempt`](crate::NextAttempt) is called.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BeforeSend => "before_send",
            Self::BeforeCommit => "before_commit",
            Self::AfterCommit => "after_commit",
        })
    }
}

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
pub trait At<Time>: Times {}

/// The times at which a fault can happen. Nothing else implements it.
pub trait Times: sealed::Times {}

mod sealed {
    pub trait Times {
        /// The times as values, in order.
        const PHASES: &'static [super::Phase];
    }
}

/// One list for both: what the types allow, and what the catalogue says.
macro_rules! times {
    ($($(#[$doc:meta])* $name:ident: $($time:ident)+;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}

        impl Times for $name {}
        impl sealed::Times for $name {
            const PHASES: &'static [Phase] = &[$(Phase::$time),+];
        }
        $(impl At<$time> for $name {})+
    )+};
}

times! {
    /// A fault of a connection that is being made: before the request is sent.
    Connecting: BeforeSend;
    /// A fault of a request that is in flight and that Clerk did not act on: before the commit.
    Unprocessed: BeforeCommit;
    /// A fault of a request that is in flight, which Clerk may have acted on: before or after the commit.
    Underway: BeforeCommit AfterCommit;
    /// A fault that is an answer: before or after the commit.
    Answering: BeforeCommit AfterCommit;
    /// A fault of Clerk's own answer: after the commit.
    Replying: AfterCommit;
    /// A fault that can happen at any time.
    Anytime: BeforeSend BeforeCommit AfterCommit;
}
