//! One exchange as the caller polls it: what survives the caller.
//!
//! The caller's future owns the exchange. The caller, a middleware's own timeout or a panic may
//! drop it. A request that was not handed over is cancelled then. One that was is given to the
//! call's executor.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use crate::{
    auth::SecretKey,
    call::{
        call_state::CallState,
        detach::{self, Running},
        guarded::Guarded,
    },
    classify::{Dropped, Exchanged},
    operation::Operation,
    operation_info::Idempotency,
    time::BoxFuture,
    transport::{CallContext, HttpTransport, message::Request},
};

/// An exchange under the eyes of its caller.
pub(crate) struct Exchange<'a, O: Operation, T: HttpTransport + ?Sized> {
    call: &'a Arc<CallState<O, T>>,
    number: usize,
    key: &'a SecretKey,
    context: CallContext,
    /// Until it has ended.
    future: Option<BoxFuture<'static, Exchanged>>,
    /// Whether a poll is on, or ended in a panic: a future that panicked is not polled again.
    is_polling: bool,
}

impl<'a, O: Operation, T: HttpTransport + ?Sized> Exchange<'a, O, T> {
    pub(crate) fn new(
        call: &'a Arc<CallState<O, T>>,
        number: usize,
        key: &'a SecretKey,
        context: CallContext,
        request: Request,
    ) -> Self {
        let (transport, of_transport) = (Arc::clone(&call.transport), context.clone());
        // Not `transport.send(..)`: the impl for `Arc` would box the future once more.
        let future = Box::pin(async move { (*transport).send(request, of_transport).await });
        Self { call, number, key, context, future: Some(future), is_polling: false }
    }
}

impl<O: Operation, T: HttpTransport + ?Sized> Future for Exchange<'_, O, T> {
    type Output = Exchanged;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Exchanged> {
        // Nothing in here is pinned in place: the future is a box.
        let this = self.get_mut();
        let Some(future) = this.future.as_mut() else { return Poll::Pending };
        this.is_polling = true;
        let polled = future.as_mut().poll(context);
        this.is_polling = false;
        polled.map(|exchanged| {
            this.future = None;
            this.call.finish_send(this.number, this.key, this.context.send_state(), exchanged)
        })
    }
}

impl<O: Operation, T: HttpTransport + ?Sized> Drop for Exchange<'_, O, T> {
    fn drop(&mut self) {
        let Some(future) = self.future.take().map(Guarded::new) else { return };
        let log = &self.call.log;
        if self.context.send_state().cancel() {
            return log.drop_send(self.number, Dropped::BeforeSend);
        }
        let may_run_on =
            !self.is_polling && self.call.idempotency() == Idempotency::NonIdempotent && self.call.executor().is_some();
        if may_run_on && log.detach(self.number) {
            let running = Running { future, number: self.number, key: self.key.clone(), context: self.context.clone() };
            return detach::run_on(Arc::clone(self.call), running);
        }
        log.drop_send(self.number, Dropped::AfterSend);
    }
}
