//! The moment at which a request is handed to a connection. It decides what becomes of an exchange
//! whose caller leaves, and what a failure of the transport proves.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

/// A handle on one send of a request ([`CallContext::send_state`](crate::CallContext::send_state)): whether any of it may
/// have been sent.
///
/// | state | set by | what it proves |
/// | --- | --- | --- |
/// | silent | the beginning | nothing: a transport that says nothing may have sent the request |
/// | held | [`hold`](Self::hold) | nothing has been sent |
/// | begun | [`begin`](Self::begin) | nothing: some of the request may have been sent |
/// | given back | [`give_back`](Self::give_back) | nothing reached the server |
/// | cancelled | [`cancel`](Self::cancel) | nothing has been sent, and nothing will be |
///
/// A failure that claims that nothing was sent, such as [`Connect`](crate::TransportErrorKind::Connect), counts as
/// proved only in the states held, given back and cancelled. A creation whose caller leaves in one of these is cancelled.
///
/// ```
/// use clerk_actor_tokens_core::{CallContext, Request, Response, TransportError, transport_fn};
///
/// # async fn connect() -> Result<(), TransportError> { Ok(()) }
/// let transport = transport_fn(|_request: Request, context: CallContext| async move {
///     let state = context.send_state();
///     state.hold();
///     connect().await?;
///     if !state.begin() {
///         return Err(TransportError::blocked("the caller has left"));
///     }
///     Ok(Response::default()) // write the request, read the response
/// });
/// # let _ = transport;
/// ```
#[derive(Clone, Default)]
pub struct SendState(Arc<AtomicU8>);

const SILENT: u8 = 0;
const HELD: u8 = 1;
const BEGUN: u8 = 2;
const GIVEN_BACK: u8 = 3;
const CANCELLED: u8 = 4;

impl SendState {
    /// Says that nothing of the request has been sent, and that nothing will be before [`begin`](Self::begin) allows it.
    /// Does nothing after that.
    pub fn hold(&self) {
        self.change(SILENT, HELD);
    }

    /// Says that some of the request may be sent from here on. `false` if the send was cancelled: then nothing must be sent.
    #[must_use]
    pub fn begin(&self) -> bool {
        let allow = |state| (state != CANCELLED).then_some(BEGUN);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, allow).is_ok()
    }

    /// Says that what had begun has come back whole: no byte of it reached the server. It is held again, and
    /// [`begin`](Self::begin) has to be asked before the next try.
    pub fn give_back(&self) {
        self.change(BEGUN, GIVEN_BACK);
    }

    /// Keeps a held request from ever being sent. `false` if it may have been sent: then nothing is changed.
    ///
    /// The client calls it where the caller leaves. A transport calls it where an exchange ends
    /// before its request was begun, as at the deadline. What is still queued is then not sent
    /// late. It does not call it where the request may be tried on another connection, as after a
    /// failure to connect.
    ///
    /// ```
    /// use clerk_actor_tokens_core::SendState;
    ///
    /// let state = SendState::default();
    /// state.hold();
    /// assert!(state.cancel());
    /// assert!(!state.begin());
    /// ```
    pub fn cancel(&self) -> bool {
        let cancel = |state| matches!(state, HELD | GIVEN_BACK | CANCELLED).then_some(CANCELLED);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, cancel).is_ok()
    }

    /// Returns whether it is proved that nothing of the request has reached the server: held, given back or cancelled.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        matches!(self.0.load(Ordering::Acquire), HELD | GIVEN_BACK | CANCELLED)
    }

    /// Returns whether the request is held or given back, and may still be sent.
    #[must_use]
    pub fn is_held(&self) -> bool {
        matches!(self.0.load(Ordering::Acquire), HELD | GIVEN_BACK)
    }

    fn change(&self, from: u8, to: u8) {
        // Where it is in another state, that state is the one that counts.
        let _ = self.0.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire);
    }
}

impl fmt::Debug for SendState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.load(Ordering::Acquire) {
            SILENT => "SendState(silent)",
            HELD => "SendState(held)",
            BEGUN => "SendState(begun)",
            GIVEN_BACK => "SendState(given back)",
            _ => "SendState(cancelled)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What can be done to a send, and what each state becomes by it: the table of the type's documentation.
    #[test]
    fn each_verb_leads_from_each_state_to_the_one_that_is_documented() {
        type Verb = fn(&SendState) -> Option<bool>;
        let verbs: [(&str, Verb); 4] = [
            ("hold", |state| {
                state.hold();
                None
            }),
            ("begin", |state| Some(state.begin())),
            ("give_back", |state| {
                state.give_back();
                None
            }),
            ("cancel", |state| Some(state.cancel())),
        ];
        let states = ["silent", "held", "begun", "given back", "cancelled"];
        // By state: what each of the four verbs leads to, and what it returns.
        let table = [
            [("held", None), ("begun", Some(true)), ("silent", None), ("silent", Some(false))],
            [("held", None), ("begun", Some(true)), ("held", None), ("cancelled", Some(true))],
            [("begun", None), ("begun", Some(true)), ("given back", None), ("begun", Some(false))],
            [("given back", None), ("begun", Some(true)), ("given back", None), ("cancelled", Some(true))],
            [("cancelled", None), ("cancelled", Some(false)), ("cancelled", None), ("cancelled", Some(true))],
        ];
        for ((name, number), row) in states.iter().zip([SILENT, HELD, BEGUN, GIVEN_BACK, CANCELLED]).zip(table) {
            for ((verb, act), (after, returned)) in verbs.iter().zip(row) {
                let state = SendState(Arc::new(AtomicU8::new(number)));
                assert_eq!(act(&state), returned, "{verb} of {name}");
                assert_eq!(format!("{state:?}"), format!("SendState({after})"), "{verb} of {name}");
            }
            let state = SendState(Arc::new(AtomicU8::new(number)));
            assert_eq!(state.is_unsent(), ["held", "given back", "cancelled"].contains(name), "{name}");
            assert_eq!(state.is_held(), ["held", "given back"].contains(name), "{name}");
        }
    }
}
