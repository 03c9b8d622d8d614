//! What a test says of the next attempt of a call: which fault it meets, and when in the exchange.
//!
//! Responsible for queueing. What becomes of the queue is in `script.rs`.

use std::{fmt, panic::Location, sync::Arc};

use crate::{
    call::CallKind,
    fault::{Action, AfterCommit, At, BeforeCommit, BeforeSend, Fault, Phase},
    script::Scripted,
    state::Inner,
};

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
    kind: CallKind,
}

impl<'a> NextAttempt<'a> {
    pub(crate) fn new(inner: &'a Arc<Inner>, kind: CallKind) -> Self {
        Self { inner, kind }
    }

    /// Queues a fault for before the request is sent: Clerk never sees it.
    #[track_caller]
    pub fn before_send<When: At<BeforeSend>>(self, fault: Fault<When>) {
        self.queue(Phase::BeforeSend, fault.action);
    }

    /// Queues a fault for after the request has arrived, and before Clerk commits anything.
    #[track_caller]
    pub fn before_commit<When: At<BeforeCommit>>(self, fault: Fault<When>) {
        self.queue(Phase::BeforeCommit, fault.action);
    }

    /// Queues a fault for after Clerk has committed. If Clerk refuses the request, there is no
    /// commit: the refusal arrives whole, and the fault counts as one that did not happen.
    ///
    /// A list and a get commit nothing. For them it is when Clerk's answer of 200 is on its way.
    #[track_caller]
    pub fn after_commit<When: At<AfterCommit>>(self, fault: Fault<When>) {
        self.queue(Phase::AfterCommit, fault.action);
    }

    pub(crate) fn kind(&self) -> CallKind {
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
