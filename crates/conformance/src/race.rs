//! Waiting beside a future, on whatever executor polls it.
//!
//! Sleeps are the system's (one thread for a process), so that nothing here needs a runtime.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use clerk_actor_tokens_core::{BoxFuture, SystemTimer, Timer as _};

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// What the first future gives, unless the second is done before.
pub(crate) async fn race<F: Future>(future: F, until: impl Future<Output = ()>) -> Option<F::Output> {
    let (mut future, mut until) = (pin!(future), pin!(until));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => until.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// What a future gives, if it is done within `limit`.
pub(crate) async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    race(future, SystemTimer.sleep(limit)).await
}

/// What these give, in their order, polled side by side. The first failure ends all of them.
pub(crate) async fn all<T, E>(futures: Vec<BoxFuture<'_, Result<T, E>>>) -> Result<Vec<T>, E> {
    let mut running: Vec<_> = futures.into_iter().map(|future| (future, None)).collect();
    poll_fn(|context| {
        let mut is_pending = false;
        for (future, done) in running.iter_mut().filter(|(_, done)| done.is_none()) {
            match future.as_mut().poll(context) {
                Poll::Ready(Ok(output)) => *done = Some(output),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => is_pending = true,
            }
        }
        match is_pending {
            true => Poll::Pending,
            false => Poll::Ready(Ok(running.iter_mut().filter_map(|(_, done)| done.take()).collect())),
        }
    })
    .await
}

/// Waits until the condition holds, no longer than `limit`. Gives whether it does.
pub(crate) async fn holds(limit: Duration, condition: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if start.elapsed() >= limit {
            return false;
        }
        SystemTimer.sleep(LOOK).await;
    }
}
