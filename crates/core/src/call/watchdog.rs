//! The client's own races against its deadlines: a future ends by then, whether what it waits for keeps the deadline or not.

use std::{pin::pin, task::Poll, time::Duration};

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
pub(crate) async fn within<F: Future>(
    timer: &dyn Timer,
    deadline: Deadline,
    watchdog: Duration,
    future: F,
    late: impl Fn(),
) -> Option<F::Output> {
    race(future, || timer.watchdog(deadline.remaining(timer.now()).saturating_add(watchdog)), late).await
}

/// Runs a future until the deadline; the future is polled first.
pub(crate) async fn until<F: Future>(timer: &dyn Timer, deadline: Deadline, future: F) -> Option<F::Output> {
    race(future, || timer.sleep(deadline.remaining(timer.now())), || ()).await
}

/// The sleep is begun where the future is not ready at once.
async fn race<F: Future>(future: F, sleep: impl Fn() -> BoxFuture<'static, ()>, late: impl Fn()) -> Option<F::Output> {
    let (mut future, mut sleeping) = (pin!(future), None);
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => sleeping.get_or_insert_with(&sleep).as_mut().poll(context).map(|()| {
            late();
            None
        }),
    })
    .await
}
