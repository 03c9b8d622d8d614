//! What becomes of a creation whose caller has left, or whose middleware dropped the exchange: the only other place where a
//! response ends.
//!
//! The exchange is detached: it continues in the call's executor, under the attempt's deadline. What it makes is given to the
//! orphan handler.
//! There is no retry. Where nothing can run it, or where the executor drops it, the loss is reported.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use crate::{
    auth::SecretKey,
    call::{
        call_state::CallState,
        care::Detached,
        guarded::Guarded,
        orphan::OrphanReport,
        sends::InDoubt,
        watchdog::{ATTEMPT_WATCHDOG, late, within},
    },
    classify::{self, Exchanged, classify},
    execution::Execution,
    observe::spans::Link,
    operation::{Operation, Salvage},
    transport::{CallContext, HttpTransport, TransportErrorKind},
};

/// An exchange that has lost its caller.
pub(crate) struct Running {
    pub(crate) future: Guarded<Exchanged>,
    pub(crate) number: usize,
    pub(crate) key: SecretKey,
    pub(crate) context: CallContext,
}

/// Gives an exchange that has lost its caller to the executor.
pub(crate) fn run_on<O: Operation, T: HttpTransport + ?Sized>(call: Arc<CallState<O, T>>, running: Running) {
    let send = Some((running.number, running.context.send_state().clone()));
    let span = call.detached_span();
    hand_over(Detached::new(call, send, None, span), Some(running));
}

/// Gives what a call has left in doubt to the executor: its caller has left, and its exchanges have ended.
pub(crate) fn take_care<O: Operation, T: HttpTransport + ?Sized>(call: Arc<CallState<O, T>>, in_doubt: InDoubt) {
    let span = call.detached_span();
    hand_over(Detached::new(call, None, Some(in_doubt), span), None);
}

/// Gives what was held and is not kept to the executor, which revokes it. The id is the one in the value, where `in_doubt`
/// does not name it.
pub(crate) fn revoke_held<O: Operation, T: HttpTransport + ?Sized>(
    call: Arc<CallState<O, T>>,
    in_doubt: InDoubt,
    id: Option<String>,
    held: &Link,
) -> OrphanReport {
    let span = held.detached(call.operation.info());
    let mut detached = Detached::new(call, None, None, span);
    detached.was_held = true;
    detached.found = id.map_or(Salvage::None, Salvage::Confirmed);
    let report = detached.report(&in_doubt);
    detached.in_doubt = Some(in_doubt);
    hand_over(detached, None);
    report
}

/// Where there is no executor, or where it drops the task, the loss is reported.
fn hand_over<O: Operation, T: HttpTransport + ?Sized>(detached: Detached<O, T>, running: Option<Running>) {
    let executor = detached.call.executor().cloned();
    let span = detached.span.clone();
    let task = span.around(Box::pin(finish(Task { running, detached })));
    // This may be a destructor in the middle of a panic, and an executor is the user's.
    let _ = catch_unwind(AssertUnwindSafe(|| match executor {
        Some(executor) => executor.execute(task),
        None => drop(task),
    }));
}

/// A task that is not polled drops its parts in this order: the exchange before what `close` waits for.
struct Task<O: Operation, T: HttpTransport + ?Sized> {
    running: Option<Running>,
    detached: Detached<O, T>,
}

async fn finish<O: Operation, T: HttpTransport + ?Sized>(task: Task<O, T>) {
    let Task { running, mut detached } = task;
    if let Some(running) = running {
        let (number, key, send_state) = (running.number, running.key.clone(), running.context.send_state().clone());
        let attempt = running.context.attempt();
        let exchanged = detached.poll_to_end(running).await;
        let exchanged = detached.call.finish_send(number, &key, &send_state, exchanged);
        detached.send = None;
        detached.in_doubt = detached.settle(attempt, number, &exchanged);
    }
    let Some(in_doubt) = &detached.in_doubt else { return };
    let key = in_doubt.success.as_ref().map(|success| success.key.clone());
    let report = detached.report(in_doubt);
    detached.handle(report, key).await;
    detached.in_doubt = None;
}

impl<O: Operation, T: HttpTransport + ?Sized> Detached<O, T> {
    /// Polls the exchange to its end: within the deadline of its attempt, and without its panics.
    async fn poll_to_end(&self, running: Running) -> Exchanged {
        let Running { future, context, .. } = running;
        let timer = self.call.transport.timer();
        let polled = match self.call.transport.keeps_deadlines() {
            true => future.await,
            false => within(timer, context.deadline(), ATTEMPT_WATCHDOG, future, || ())
                .await
                .unwrap_or_else(|| Some(Err(late(Execution::Unknown)))),
        };
        polled.unwrap_or_else(|| Err(TransportErrorKind::Interrupted.into()))
    }

    /// Classifies the response, and returns what has to be taken care of.
    fn settle(&mut self, attempt: u32, number: usize, exchanged: &Exchanged) -> Option<InDoubt> {
        let call = &self.call;
        let stamp = call.log.stamp_of(number);
        // The operation is the user's.
        let classified = catch_unwind(AssertUnwindSafe(|| {
            classify(&call.operation, call.settings.response_cap, stamp.as_deref(), exchanged)
                .map(|value| call.operation.creation()?.id_of(&value))
        }));
        match classified {
            Ok(Ok(id)) => {
                self.found = id.map_or(Salvage::None, Salvage::Confirmed);
                call.left_attempt_ended(attempt, None, Execution::Executed, exchanged);
            }
            Ok(Err(classified)) => {
                call.left_attempt_ended(attempt, Some(classified.kind()), classified.rule().execution, exchanged);
                if let Some(body) = classify::success_body(exchanged) {
                    call.log.settle(attempt, body, classified.rule().execution);
                }
            }
            // What panicked in `parse` can often be salvaged: see `report`.
            Err(_) => {}
        }
        call.log.take_in_doubt(Some(number))
    }
}
