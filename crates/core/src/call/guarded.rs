//! A future of somebody else's that has lost its caller: its panics go no further.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use crate::time::BoxFuture;

/// Gives what the future gives, or `None` where it panicked. It is dropped quietly too: that may be in the middle of a
/// panic, of its caller's or of an executor's.
pub(crate) struct Guarded<R>(Option<BoxFuture<'static, R>>);

impl<R> Guarded<R> {
    pub(crate) fn new(future: BoxFuture<'static, R>) -> Self {
        Self(Some(future))
    }
}

impl<R> Future for Guarded<R> {
    type Output = Option<R>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<R>> {
        let Some(future) = self.0.as_mut() else { return Poll::Ready(None) };
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(polled) => polled.map(Some),
            Err(_) => Poll::Ready(None),
        }
    }
}

impl<R> Drop for Guarded<R> {
    fn drop(&mut self) {
        let _ = catch_unwind(AssertUnwindSafe(|| drop(self.0.take())));
    }
}
