//! What an emulator has seen, kept to go back to, or given up.

use std::{fmt, time::Duration};

use crate::{
    emulator::Emulator,
    state::{Inner, State},
    unused_faults,
};

/// Everything that an emulator has seen and been set to, at one moment: see [`Emulator::snapshot`].
pub struct Snapshot {
    state: State,
    /// How far the calendar had been moved.
    moved: Duration,
}

impl Emulator {
    /// Keeps everything as it is now: tokens, sessions, users, faults, requests, the ledger, the
    /// numbers that ids come from, and how far [`advance`](Self::advance) has moved the calendar.
    ///
    /// ```
    /// use clerk_actor_tokens_core::Actor;
    /// use clerk_actor_tokens_emulator::Emulator;
    ///
    /// # pollster::block_on(async {
    /// let clerk = Emulator::new();
    /// let tokens = clerk.client().actor_tokens();
    /// let first = clerk.snapshot();
    /// let token = tokens.create("user_1", Actor::new("user_agent")).send().await?;
    /// clerk.restore(&first);
    /// clerk.assert_creates(0);
    /// let again = tokens.create("user_1", Actor::new("user_agent")).send().await?;
    /// assert_eq!(again.id(), token.id());
    /// # Ok::<(), clerk_actor_tokens_core::Error>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(self.inner())
    }

    /// Makes everything as it was then, as often as you like. Virtual time does not go back. With
    /// real time, the calendar does. An exchange in flight may still commit. A fault that was queued
    /// since then, and has not happened, is given up.
    ///
    /// The snapshot may be of another emulator. Then the settings are those of that one, but for the
    /// clock, and for where a server listens.
    pub fn restore(&self, snapshot: &Snapshot) {
        snapshot.restore(self.inner());
    }

    /// Makes everything as it was when the emulator was made. The clock stays as it is, but with
    /// real time the calendar is the operating system's again. Returns the faults that
    /// had not happened.
    pub fn reset(&self) -> Vec<String> {
        reset(self.inner())
    }
}

impl Snapshot {
    pub(crate) fn of(inner: &Inner) -> Self {
        Self { state: inner.lock().clone(), moved: inner.clock.moved() }
    }

    pub(crate) fn restore(&self, inner: &Inner) {
        inner.clock.move_to(self.moved);
        inner.lock().become_as(self.state.clone());
    }
}

/// As [`Emulator::reset`].
pub(crate) fn reset(inner: &Inner) -> Vec<String> {
    inner.clock.move_to(Duration::ZERO);
    let mut state = inner.lock();
    let unused = unused_faults::take(&mut state);
    state.reset();
    unused
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("commits", &self.state.ledger.iter().count())
            .field("requests", &self.state.journal.total())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by a panic")]
mod tests {
    use std::sync::Arc;

    use clerk_actor_tokens_core::Actor;

    use super::*;
    use crate::requests::RecordedRequest;

    #[test]
    fn a_snapshot_shares_bodies_and_actors() {
        let clerk = Emulator::new();
        let client = clerk.client();
        let tokens = client.actor_tokens();
        let token = pollster::block_on(tokens.create("user_1", Actor::new("user_agent")).send()).unwrap();
        let opened = clerk.accept(token.id()).unwrap();
        let snapshot = clerk.snapshot();
        let given = clerk.requests();
        let state = clerk.inner().lock();
        let body = |state: &State| state.journal.iter().next().map(RecordedRequest::body_ptr);
        assert_eq!(body(&snapshot.state), body(&state));
        assert_eq!(body(&state), given.first().map(RecordedRequest::body_ptr));
        let actor = |state: &State| Arc::as_ptr(&state.clerk.token(token.id().as_str()).unwrap().actor);
        assert_eq!(actor(&snapshot.state), actor(&state));
        let of_session = |state: &State| Arc::as_ptr(state.clerk.actor_of_session(opened.id()).unwrap());
        assert_eq!([of_session(&snapshot.state), of_session(&state)], [actor(&state); 2]);
    }
}
