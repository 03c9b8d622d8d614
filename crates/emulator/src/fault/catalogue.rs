//! The catalogue: every fault, with what it needs to be queued without its type.

use std::{fmt, time::Duration};

use clerk_actor_tokens_core::DEFAULT_RESPONSE_CAP;

use super::{
    Action, Change, Fault, Phase, Times, another_actor, another_user, bad_id, bad_utf8, bom, canceled, close,
    connect_timeout, content_type, cut_at, delay, dns, duplicate, empty, goaway_above, goaway_below, gzip, half_close,
    html, malformed, nested, not_clerk, padded_to, pass, proxy, proxy_auth, redirect, refused, refused_stream, reset,
    rst_stream, slow_body, stale, stall, stall_at, status, tls, tls_cut, token_status, unreachable, without,
    wrong_type,
};
use crate::{call::CallKind, next_attempt::NextAttempt};

/// A fault of any type, which says at run time when it can happen.
///
/// ```
/// use clerk_actor_tokens_core::Actor;
/// use clerk_actor_tokens_emulator::{CommitKind, Emulator, fault};
///
/// # pollster::block_on(async {
/// for fault in fault::catalogue() {
///     for &phase in fault.phases_of(CommitKind::Create) {
///         let clerk = Emulator::builder().single_threaded().build();
///         fault.queue(clerk.next_create(), phase);
///         let created = clerk.client().actor_tokens().create("user_1", Actor::new("user_agent")).send().await;
///         assert!(clerk.creates().len() <= 1, "{phase}:{fault}: {created:?}");
///     }
/// }
/// # });
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct AnyFault {
    pub(super) action: Action,
    phases: &'static [Phase],
}

/// Statuses that say that Clerk did nothing. After a commit they would be a lie.
const DEFINITE: [u16; 15] = [307, 308, 400, 401, 402, 403, 404, 405, 409, 410, 413, 415, 421, 422, 429];

impl AnyFault {
    /// As it is written: `status(503)`. No two in the catalogue have the same.
    #[must_use]
    pub fn name(&self) -> String {
        self.action.to_string()
    }

    /// When it can happen to a call of this kind; empty if it cannot.
    ///
    /// That is what its type allows, but for three things:
    ///
    /// - A definite rejection (such as 422 or 429) after a commit is a server that lies.
    /// - A `token_status` that Clerk's own answer has changes nothing.
    /// - A token has no `client_id`, and a session no `url`: what is not there cannot be changed.
    #[must_use]
    pub fn phases_of(&self, kind: impl Into<CallKind>) -> &'static [Phase] {
        let kind = kind.into();
        let usual = match kind {
            CallKind::Create => "pending",
            CallKind::Revoke | CallKind::SessionRevoke => "revoked",
            CallKind::SessionList | CallKind::SessionGet => "active",
        };
        match &self.action {
            Action::Change(change) if change.member().is_some_and(|name| lacks(kind, name)) => &[],
            Action::Answer(answer) if DEFINITE.contains(&answer.status.as_u16()) => &[Phase::BeforeCommit],
            Action::Change(Change::TokenStatus(status)) if *status == usual => &[],
            _ => self.phases,
        }
    }

    /// Queues it for this attempt.
    ///
    /// # Panics
    /// If it cannot happen then: see [`phases_of`](Self::phases_of).
    #[track_caller]
    pub fn queue(&self, attempt: NextAttempt<'_>, phase: Phase) {
        let kind = attempt.kind();
        assert!(self.phases_of(kind).contains(&phase), "fault::{self} cannot happen to a {kind} at {phase}");
        attempt.queue(phase, self.action.clone());
    }
}

impl<When: Times> From<Fault<When>> for AnyFault {
    fn from(fault: Fault<When>) -> Self {
        Self { action: fault.action, phases: When::PHASES }
    }
}

impl fmt::Display for AnyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.action)
    }
}

impl fmt::Debug for AnyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fault::{}", self.action)
    }
}

/// Whether the answers to calls of this kind have no such member, though others have.
fn lacks(kind: CallKind, name: &str) -> bool {
    if kind.answers_a_token() { OF_SESSIONS.contains(&name) } else { OF_TOKENS.contains(&name) }
}

/// The statuses of the table of failures, but for the redirects.
const STATUSES: [u16; 35] = [
    200, 400, 401, 402, 403, 404, 405, 408, 409, 410, 413, 415, 418, 421, 422, 429, 451, 500, 501, 502, 503, 504, 505,
    520, 521, 522, 523, 524, 525, 526, 527, 528, 529, 599, 999,
];
const REDIRECTS: [u16; 9] = [300, 301, 302, 303, 304, 305, 306, 307, 308];
const PAGES: [u16; 5] = [200, 502, 503, 504, 530];

/// The members of Clerk's answer. Of these a client can do without the last three.
const FIELDS: [&str; 9] = ["object", "id", "status", "user_id", "created_at", "updated_at", "actor", "token", "url"];

/// Of these only a token has some, and only a session the others.
const OF_TOKENS: [&str; 2] = ["token", "url"];
const OF_SESSIONS: [&str; 5] = ["client_id", "last_active_at", "expire_at", "abandon_at", "tasks"];

/// Before the id, within it, behind its closing quote, and in the middle of the answer.
const PLACES: [usize; 5] = [0, 1, 61, 62, 300];

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Every fault there is. Those that take a value come with values that make a difference: each status of the failure
/// rules, each member of Clerk's answer, a time inside every deadline and one beyond it.
///
/// A test that runs over it needs to name none of them. For faults of its own choice, `AnyFault` is made
/// [from](AnyFault#impl-From%3CFault%3CWhen%3E%3E-for-AnyFault) any [`Fault`].
#[must_use]
pub fn catalogue() -> Vec<AnyFault> {
    let mut all = connections();
    all.extend(answers());
    all.extend(replies());
    all
}

fn connections() -> Vec<AnyFault> {
    vec![
        pass().into(),
        delay(SECOND).into(),
        delay(HOUR).into(),
        stall().into(),
        reset().into(),
        close().into(),
        refused().into(),
        dns().into(),
        unreachable().into(),
        connect_timeout().into(),
        tls().into(),
        tls_cut().into(),
        proxy().into(),
        proxy_auth().into(),
        canceled().into(),
        refused_stream().into(),
        goaway_below().into(),
        goaway_above().into(),
        // NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, CANCEL, ENHANCE_YOUR_CALM, and one that RFC 9113 does not have.
        rst_stream(0).into(),
        rst_stream(1).into(),
        rst_stream(2).into(),
        rst_stream(8).into(),
        rst_stream(11).into(),
        rst_stream(4711).into(),
        half_close().into(),
    ]
}

fn answers() -> impl Iterator<Item = AnyFault> {
    let limited = || status(429);
    STATUSES
        .map(status)
        .into_iter()
        .chain(REDIRECTS.map(|status| redirect(status, "https://elsewhere.test/v1/actor_tokens")))
        .chain(PAGES.map(html))
        .chain([
            empty(200),
            empty(204),
            not_clerk(),
            limited().retry_after(SECOND),
            limited().retry_after(DAY),
            limited().retry_after_date(SECOND),
            limited().retry_after_date(DAY),
            limited().retry_after_date(SECOND).dated(),
            limited().retry_after_date(DAY).dated(),
            limited().retry_after_date(SECOND).clock_ahead(HOUR),
            limited().retry_after_date(SECOND).clock_behind(HOUR),
            limited().retry_after_date(DAY).clock_ahead(HOUR),
            limited().retry_after_date(DAY).clock_behind(HOUR),
            limited().retry_after_text("soon"),
            limited().retry_after_text("-1"),
            limited().retry_after_text(""),
            limited().retry_after_text("99999999999999999999"),
            status(503).retry_after(SECOND),
            status(503).retry_after(DAY),
        ])
        .map(AnyFault::from)
}

fn replies() -> impl Iterator<Item = AnyFault> {
    PLACES
        .map(cut_at)
        .into_iter()
        .chain(PLACES.map(stall_at))
        .chain(FIELDS.map(without))
        .chain(FIELDS.map(wrong_type))
        .chain(OF_SESSIONS.map(without))
        .chain(OF_SESSIONS.map(wrong_type))
        .chain(["object", "id", "status", "user_id"].map(bad_utf8))
        .chain(["object", "id", "status", "user_id"].map(duplicate))
        .chain(["pending", "accepted", "a_new_word"].map(token_status))
        .chain(["application/json; charset=utf-8", "text/plain", "text/html"].map(content_type))
        .chain([DEFAULT_RESPONSE_CAP, DEFAULT_RESPONSE_CAP + 1].map(padded_to))
        .chain([16, 10_000].map(nested))
        .chain([
            slow_body(SECOND),
            slow_body(HOUR),
            malformed(),
            gzip(),
            bom(),
            another_user(),
            another_actor(),
            stale(),
            bad_id(),
        ])
        .map(AnyFault::from)
}
