//! The client's own races against its deadlines: a future ends by then, whether what it waits for keeps the deadline or not.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
    time::Duration,
};

use crate::{
    execution::Execution,
    time::{BoxFuture, Deadline, Timer},
    transport::{TransportError, TransportErrorKind},
};

/// How much later than the deadline the core's own race fires. It is the watchdog for transports
/// and middleware that do not keep the deadline. One that keeps it ends first, because it can say
/// how far the exchange got.
pub(crate) const ATTEMPT_WATCHDOG: Duration = Duration::from_millis(100);

/// The failure of a watchdog that fired.
pub(crate) fn late(execution: Execution) -> TransportError {
    match execution {
        Execution::NotExecuted => TransportErrorKind::TimeoutBeforeSend.into(),
        Execution::Unknown | Execution::Executed => TransportErrorKind::Timeout.into(),
    }
}

/// Runs a future until so much after the deadline; the future is polled first. `late` runs before it is dropped.
pub(crate) fn within<F: Future + Unpin>(
    timer: &dyn Timer,
    deadline: Deadline,
    watchdog: Duration,
    future: F,
    late: impl Fn(),
) -> impl Future<Output = Option<F::Output>> {
    race(future, move || timer.watchdog(deadline.remaining(timer.now()).saturating_add(watchdog)), late)
}

/// Runs a future until the deadline; the future is polled first.
pub(crate) fn until<F: Future + Unpin>(
    timer: &dyn Timer,
    deadline: Deadline,
    future: F,
) -> impl Future<Output = Option<F::Output>> {
    race(future, move || timer.sleep(deadline.remaining(timer.now())), || ())
}

/// The sleep is begun where the future is not ready at once. The future is no local of an async block: that would hold it
/// twice.
fn race<F: Future + Unpin>(
    mut future: F,
    sleep: impl Fn() -> BoxFuture<'static, ()>,
    late: impl Fn(),
) -> impl Future<Output = Option<F::Output>> {
    let mut sleeping = None;
    poll_fn(move |context| match Pin::new(&mut future).poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => sleeping.get_or_insert_with(&sleep).as_mut().poll(context).map(|()| {
            late();
            None
        }),
    })
}
