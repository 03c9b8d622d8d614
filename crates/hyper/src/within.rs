//! A future that runs until a sleep is over. One sleep serves the head of a response and all frames of its body: arming a
//! timer is a good part of what a small exchange costs.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use tokio::time::Sleep;

/// Polls the future, and then the sleep: a result that is ready counts also where the time is over. `None` where the time
/// is over and there is no result.
pub(crate) fn poll_within<F: Future + ?Sized>(
    sleep: Pin<&mut Sleep>,
    future: Pin<&mut F>,
    context: &mut Context<'_>,
) -> Poll<Option<F::Output>> {
    match future.poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => sleep.poll(context).map(|()| None),
    }
}

/// Runs the future until the sleep is over.
pub(crate) async fn within<F: Future>(mut sleep: Pin<&mut Sleep>, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| poll_within(sleep.as_mut(), future.as_mut(), context)).await
}
