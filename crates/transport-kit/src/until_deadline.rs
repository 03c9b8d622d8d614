//! Waiting for the head of a response: no longer than the deadline, and nothing is sent once no caller waits.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::Poll,
};

use clerk_actor_tokens_core::{CallContext, SendState, Timer, TransportError, TransportErrorKind};

use crate::{prove::prove, read::BoxError};

/// Runs what sends the request, until the deadline. It is dropped where the time is over, and where this future is. What had not
/// begun by then never does: the send is cancelled.
///
/// Hold the [`SendState`](clerk_actor_tokens_core::SendState) first.
///
/// ```
/// use clerk_actor_tokens_core::{CallContext, CreateActorToken, Deadline, Operation, SystemTimer, Timer, TransportErrorKind};
/// use clerk_actor_tokens_transport_kit::until_deadline;
/// use std::{future, time::Duration};
///
/// let soon = Deadline::after(SystemTimer.now(), Duration::from_millis(5));
/// let context = CallContext::new(&CreateActorToken::INFO, soon);
/// context.send_state().hold();
/// let waits_for_a_connection = future::pending::<()>();
/// let late = pollster::block_on(until_deadline(&context, &SystemTimer, waits_for_a_connection)).unwrap_err();
/// assert_eq!(late.kind(), TransportErrorKind::TimeoutBeforeSend);
/// assert!(!context.send_state().begin());
/// ```
///
/// # Errors
/// `TimeoutBeforeSend` where nothing was sent, else `Timeout`.
pub async fn until_deadline<F: Future>(
    context: &CallContext,
    timer: &dyn Timer,
    sending: F,
) -> Result<F::Output, TransportError> {
    let left = context.deadline().remaining(timer.now());
    if left.is_zero() {
        return Err(late(context.send_state()));
    }
    until_asleep(context, timer.sleep(left).as_mut(), sending).await
}

/// The same with a sleep that ends at the deadline, which may go on to bound the reading of the body.
///
/// # Errors
/// `TimeoutBeforeSend` where nothing was sent, else `Timeout`.
pub async fn until_asleep<F: Future, S: Future<Output = ()> + ?Sized>(
    context: &CallContext,
    mut sleep: Pin<&mut S>,
    sending: F,
) -> Result<F::Output, TransportError> {
    let send_state = context.send_state();
    let cancels = Cancels(send_state);
    let mut sending = pin!(sending);
    let sent = poll_fn(|task| match sending.as_mut().poll(task) {
        // What is ready counts, also where the time is over.
        Poll::Ready(sent) => Poll::Ready(Some(sent)),
        Poll::Pending => sleep.as_mut().poll(task).map(|()| None),
    })
    .await;
    cancels.end();
    sent.ok_or_else(|| late(send_state))
}

fn late(send_state: &SendState) -> TransportError {
    match send_state.cancel() {
        true => TransportError::new(TransportErrorKind::TimeoutBeforeSend)
            .with_source("no connection took the request in time"),
        false => TransportError::new(TransportErrorKind::Timeout).with_source("no response head arrived in time"),
    }
}

/// Makes the error of a client that gave no head of a response. `claim` is what its error would prove if nothing was sent:
/// [`Connect`](TransportErrorKind::Connect) where it had no connection,
/// [`Refused`](TransportErrorKind::Refused) where the peer says so,
/// [`Canceled`](TransportErrorKind::Canceled) where no more is known. Where the request had begun, the end is unknown.
///
/// The send is cancelled, because the client may still keep the request in a queue. Where that cannot be, use [`no_connection`].
///
/// ```
/// use clerk_actor_tokens_core::{SendState, TransportErrorKind};
/// use clerk_actor_tokens_transport_kit::no_head;
///
/// let state = SendState::default();
/// state.hold();
/// assert_eq!(no_head(TransportErrorKind::Connect, "refused", &state).kind(), TransportErrorKind::Connect);
/// assert!(!state.begin());
///
/// let state = SendState::default();
/// assert!(state.begin());
/// assert_eq!(no_head(TransportErrorKind::Connect, "refused", &state).kind(), TransportErrorKind::Interrupted);
/// ```
pub fn no_head(claim: TransportErrorKind, cause: impl Into<BoxError>, send_state: &SendState) -> TransportError {
    send_state.cancel();
    no_connection(claim, cause, send_state)
}

/// Makes the same error for a request that is in no queue, because no connection came about. It stays held: a transport around this one
/// may send it over another.
pub fn no_connection(claim: TransportErrorKind, cause: impl Into<BoxError>, send_state: &SendState) -> TransportError {
    TransportError::new(prove(claim, send_state)).with_source(cause)
}

/// Where an exchange is dropped before its answer, what has not been sent of it never will be.
struct Cancels<'a>(&'a SendState);

impl Cancels<'_> {
    /// It has come to an end by itself.
    fn end(self) {
        std::mem::forget(self);
    }
}

impl Drop for Cancels<'_> {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
