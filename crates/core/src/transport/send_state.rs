//! The moment at which a request is handed to a connection: what decides whether a caller that goes away takes it along.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use crate::transport::Request;

/// A handle on a request (in its extensions): whether it has been handed to a connection.
///
/// For a transport that says nothing, a request counts as sent from the beginning. One that can tell calls
/// [`hold`](Self::hold) before it looks for a connection. Then a creation whose caller goes away meanwhile is not sent: the
/// client cancels it, and [`begin`](Self::begin) or [`step`](Self::step), of which the transport calls one before it
/// goes on, says so.
///
/// ```
/// use clerk_actor_tokens_core::{SendState, Request, Response, TransportError, transport_fn};
///
/// # async fn connect() -> Result<(), TransportError> { Ok(()) }
/// let transport = transport_fn(|request: Request| async move {
///     let send_state = SendState::of(&request).cloned().unwrap_or_default();
///     send_state.hold();
///     connect().await?;
///     if !send_state.begin() {
///         return Err(TransportError::blocked("nobody waits for this request any more"));
///     }
///     Ok(Response::default()) // write the request, read the answer
/// });
/// # let _ = transport;
/// ```
#[derive(Clone, Default)]
pub struct SendState(Arc<AtomicU8>);

const UNSAID: u8 = 0;
const HELD: u8 = 1;
/// Held, and at this moment being polled: nobody can know how that ends.
const BUSY: u8 = 2;
const BEGUN: u8 = 3;
const CANCELED: u8 = 4;

impl SendState {
    /// What the request carries, if it comes from a client's call.
    #[must_use]
    pub fn of(request: &Request) -> Option<&Self> {
        request.extensions().get()
    }

    /// Nothing of the request has been sent, and nothing will be before [`begin`](Self::begin) or [`step`](Self::step) allows
    /// it. Does nothing after these.
    pub fn hold(&self) {
        self.change(UNSAID, HELD);
    }

    /// From here on, some of the request may be sent. `false` if nobody waits for it any more: then it must not be.
    #[must_use]
    pub fn begin(&self) -> bool {
        let allow = |state| (state != CANCELED).then_some(BEGUN);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, allow).is_ok()
    }

    /// One step of an exchange that only afterwards can tell whether it has handed the request over: `step` gives its result
    /// and that. `None` if nobody waits for the request any more: then `step` is not run.
    pub fn step<T>(&self, step: impl FnOnce() -> (T, bool)) -> Option<T> {
        let enter = |state| match state {
            CANCELED => None,
            BEGUN => Some(BEGUN),
            _ => Some(BUSY),
        };
        let before = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, enter).ok()?;
        let (result, is_handed_over) = step();
        // If `step` panicked, it stays busy, which counts as sent.
        self.change(BUSY, if is_handed_over { BEGUN } else { before });
        Some(result)
    }

    /// Whether the transport has said that nothing of the request has been sent so far. `false` where it says nothing.
    #[must_use]
    pub fn is_held(&self) -> bool {
        matches!(self.0.load(Ordering::Acquire), HELD | BUSY)
    }

    /// Keeps a held request from ever being sent. `false` if it may have been: then nothing is changed.
    ///
    /// The client calls it where the caller goes away. A transport calls it where an exchange ends before its request was
    /// begun, as at the deadline: what still lies in a queue somewhere is then not sent late, and it is proved that nothing
    /// was.
    ///
    /// ```
    /// use clerk_actor_tokens_core::SendState;
    ///
    /// let send_state = SendState::default();
    /// send_state.hold();
    /// assert!(send_state.cancel());
    /// assert!(!send_state.begin());
    /// ```
    pub fn cancel(&self) -> bool {
        let canceled = self.0.compare_exchange(HELD, CANCELED, Ordering::AcqRel, Ordering::Acquire);
        matches!(canceled, Ok(_) | Err(CANCELED))
    }

    fn change(&self, from: u8, to: u8) -> bool {
        self.0.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

impl fmt::Debug for SendState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.load(Ordering::Acquire) {
            UNSAID => "SendState(unsaid)",
            HELD | BUSY => "SendState(held)",
            BEGUN => "SendState(begun)",
            _ => "SendState(canceled)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn only_what_is_held_can_be_canceled_and_what_is_canceled_is_not_sent() {
        let silent = SendState::default();
        assert!(!silent.is_held());
        assert!(!silent.cancel(), "a transport that says nothing may have sent it");

        let held = SendState::default();
        held.hold();
        assert!(held.is_held());
        assert_eq!(held.step(|| (held.is_held(), false)), Some(true));
        assert!(held.cancel() && held.cancel());
        assert!(!held.begin());
        assert_eq!(held.step(|| (1, false)), None);

        for begin in [
            |send_state: &SendState| assert!(send_state.begin()),
            |send_state: &SendState| {
                send_state.step(|| ((), true));
            },
        ] {
            let begun = SendState::default();
            begun.hold();
            begin(&begun);
            begun.hold();
            assert!(!begun.is_held() && !begun.cancel(), "it cannot be held again");
            assert!(begun.begin() && begun.step(|| ((), false)).is_some());
            assert!(!begun.cancel());
        }
    }

    #[test]
    fn what_is_being_polled_or_panicked_may_have_been_sent() {
        let send_state = SendState::default();
        send_state.hold();
        assert_eq!(send_state.step(|| (send_state.cancel(), false)), Some(false));
        assert!(
            catch_unwind(AssertUnwindSafe(|| send_state.step(|| -> ((), bool) { panic!("a transport") }))).is_err()
        );
        assert!(!send_state.cancel());
    }
}
