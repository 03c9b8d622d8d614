//! Scripts: which fault the next attempt of a call meets, and when in the exchange.
//!
//! A script is a queue per call; each attempt takes the first entry. What was taken and did nothing is kept, with the
//! reason: the test that queued it has to hear of it. Knows nothing of how a fault looks.

use std::{collections::VecDeque, fmt, panic::Location, sync::Arc};

use http::StatusCode;

use crate::{
    emulator::Inner,
    fault::{Action, AfterCommit, At, BeforeCommit, BeforeSend, Fault, Phase},
    ledger::CommitKind,
};

/// A fault in the queue.
#[derive(Debug, Clone)]
pub(crate) struct Scripted {
    pub(crate) phase: Phase,
    pub(crate) action: Action,
    kind: CommitKind,
    /// Where it was queued.
    pub(crate) place: &'static Location<'static>,
}

impl fmt::Display for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { phase, action, kind, .. } = self;
        write!(f, "next_{kind}().{phase}(fault::{action})")
    }
}

/// Why a fault that an attempt took did nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Idle {
    /// The request was refused: there was no commit to come after.
    NothingCommitted(StatusCode),
    /// The answer has no more than this many bytes: all of it had arrived by then.
    PastTheEnd(usize),
    /// The answer has nothing that it could change.
    NothingToChange,
    /// The exchange ended before its time.
    NotReached,
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingCommitted(status) => {
                write!(f, "the request was answered with {}, and nothing was committed", status.as_u16())
            }
            Self::PastTheEnd(length) => write!(f, "the whole answer has {length} bytes"),
            Self::NothingToChange => f.write_str("there is nothing in the answer that it could change"),
            Self::NotReached => f.write_str("the client went away before it"),
        }
    }
}

/// The queues, and what came out of them for nothing.
#[derive(Debug, Default)]
pub(crate) struct Scripts {
    creates: VecDeque<Scripted>,
    revokes: VecDeque<Scripted>,
    idle: Vec<(Scripted, Idle)>,
}

impl Scripts {
    fn queue(&mut self, kind: CommitKind) -> &mut VecDeque<Scripted> {
        match kind {
            CommitKind::Create => &mut self.creates,
            CommitKind::Revoke => &mut self.revokes,
        }
    }

    /// What the attempt that begins now meets.
    pub(crate) fn take(&mut self, kind: CommitKind) -> Option<Scripted> {
        self.queue(kind).pop_front()
    }

    /// The next fault, if it is one of connecting and this one meets it: a connection that is being made belongs to no
    /// call yet. The creates' comes first.
    #[cfg(feature = "serve")]
    pub(crate) fn take_connecting(&mut self, meets: impl Fn(&Action) -> bool) -> Option<Action> {
        [&mut self.creates, &mut self.revokes].into_iter().find_map(|queue| {
            let first = queue.front()?;
            let is_met = first.phase == Phase::BeforeSend && meets(&first.action);
            if is_met { queue.pop_front().map(|scripted| scripted.action) } else { None }
        })
    }

    /// Keeps a fault that did nothing.
    pub(crate) fn keep_idle(&mut self, scripted: Scripted, why: Idle) {
        self.idle.push((scripted, why));
    }

    /// Forgets all of both.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// What no attempt has met.
    pub(crate) fn unused(&self) -> impl Iterator<Item = &Scripted> {
        self.creates.iter().chain(&self.revokes)
    }

    /// What an attempt met for nothing.
    pub(crate) fn idle(&self) -> impl Iterator<Item = &(Scripted, Idle)> {
        self.idle.iter()
    }
}

/// Says when the next attempt's fault happens. The first call is about the next attempt, the second about the one
/// after it, and so on.
///
/// ```
/// use clerk_actor_tokens_core::Actor;
/// use clerk_actor_tokens_emulator::{Emulator, fault};
///
/// # pollster::block_on(async {
/// let clerk = Emulator::new();
/// let client = clerk.client();
/// let token = client.actor_tokens().create("user_1", Actor::new("user_agent")).send().await?;
/// clerk.next_revoke().before_commit(fault::status(503)); // the first attempt
/// clerk.next_revoke().after_commit(fault::cut_at(120)); // the second
/// client.actor_tokens().revoke(token.id()).send().await?;
/// clerk.assert_revokes(1);
/// # Ok::<(), clerk_actor_tokens_core::Error>(())
/// # }).unwrap();
/// ```
#[must_use = "say when: before_send, before_commit or after_commit"]
pub struct NextAttempt<'a> {
    inner: &'a Arc<Inner>,
    kind: CommitKind,
}

impl<'a> NextAttempt<'a> {
    pub(crate) fn new(inner: &'a Arc<Inner>, kind: CommitKind) -> Self {
        Self { inner, kind }
    }

    /// Before the request is sent: Clerk never sees it.
    #[track_caller]
    pub fn before_send<When: At<BeforeSend>>(self, fault: Fault<When>) {
        self.queue(Phase::BeforeSend, fault.action);
    }

    /// After the request has arrived, and before Clerk commits anything.
    #[track_caller]
    pub fn before_commit<When: At<BeforeCommit>>(self, fault: Fault<When>) {
        self.queue(Phase::BeforeCommit, fault.action);
    }

    /// After Clerk has committed. If Clerk refuses the request, there is no commit to come after: the refusal arrives
    /// whole, and the fault counts as one that did not happen.
    #[track_caller]
    pub fn after_commit<When: At<AfterCommit>>(self, fault: Fault<When>) {
        self.queue(Phase::AfterCommit, fault.action);
    }

    pub(crate) fn kind(&self) -> CommitKind {
        self.kind
    }

    #[track_caller]
    pub(crate) fn queue(self, phase: Phase, action: Action) {
        let place = Location::caller();
        let kind = self.kind;
        self.inner.lock().scripts.queue(kind).push_back(Scripted { phase, action, kind, place });
    }
}

impl fmt::Debug for NextAttempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NextAttempt({})", self.kind)
    }
}
