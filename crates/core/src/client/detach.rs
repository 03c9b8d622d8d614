//! Supervision: a call whose future is dropped runs on, if it may have made something already.
//!
//! As long as its caller waits, a call runs in the caller's own task, with all that is local to it. If the future is
//! dropped before anything can have happened at Clerk, the call ends there. After that, it is handed to the executor, which
//! runs it to its end; what comes of it goes to the orphan handler. Where nothing can run it, what is lost is reported.

use std::{
    future::Future,
    panic::{self, AssertUnwindSafe},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use crate::{
    client::{
        Client,
        guard::Guard,
        in_flight::InFlightGuard,
        options::CallConfig,
        orphan::{Orphan, OrphanReport},
        record::Record,
    },
    error::Error,
    execution::Execution,
    operation::Operation,
    response::ApiResponse,
    time::BoxFuture,
    transport::HttpTransport,
};

pub(crate) type Outcome<O> = Result<ApiResponse<<O as Operation>::Output>, Error>;

/// A call under way that makes something.
pub(crate) struct Supervised<O: Operation, T: HttpTransport + ?Sized> {
    /// Until it has ended.
    call: Option<BoxFuture<'static, Outcome<O>>>,
    /// Whether a poll is on, or ended in a panic: a future that panicked is not polled again.
    polling: bool,
    watch: Option<Watch<O, T>>,
}

impl<O: Operation, T: HttpTransport + ?Sized> Supervised<O, T> {
    pub(crate) fn new(call: BoxFuture<'static, Outcome<O>>, watch: Watch<O, T>) -> Self {
        Self { call: Some(call), polling: false, watch: Some(watch) }
    }
}

impl<O: Operation, T: HttpTransport + ?Sized> Future for Supervised<O, T> {
    type Output = Outcome<O>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Nothing in here is pinned in place: the call is a box.
        let this = self.get_mut();
        let Some(call) = this.call.as_mut() else { return Poll::Pending };
        this.polling = true;
        let polled = call.as_mut().poll(context);
        this.polling = false;
        if polled.is_ready() {
            this.call = None;
            this.watch = None;
        }
        polled
    }
}

impl<O: Operation, T: HttpTransport + ?Sized> Drop for Supervised<O, T> {
    fn drop(&mut self) {
        let (Some(call), Some(watch)) = (self.call.take(), self.watch.take()) else { return };
        let is_canceled = watch.guard.cancel();
        // In backoff, at the gate, waiting for a key or a connection: nothing has happened, and nothing is to happen any more.
        if watch.guard.execution() == Execution::NotExecuted {
            return;
        }
        watch.guard.abandon();
        // Nothing comes any more of what panicked, or of an unsafe retry whose next send has just been kept back.
        let may_run_on = !self.polling && !is_canceled;
        watch.hand_over(may_run_on.then_some(call));
    }
}

/// What is needed of a call after its caller has gone.
pub(crate) struct Watch<O, T: ?Sized> {
    pub(crate) client: Client<T>,
    pub(crate) operation: Arc<O>,
    pub(crate) call: Arc<CallConfig>,
    pub(crate) guard: Arc<Guard>,
    pub(crate) record: Arc<Record>,
    pub(crate) in_flight: InFlightGuard,
}

impl<O: Operation, T: HttpTransport + ?Sized> Watch<O, T> {
    fn hand_over(self, call: Option<BoxFuture<'static, Outcome<O>>>) {
        let client = self.client.clone();
        // From here on, it reports what is lost if it is dropped: by an executor that cannot run it, by a runtime that ends.
        let mut lost = Lost { watch: self, outcome: None, begun: false, settled: false };
        let task = Box::pin(async move {
            if let Some(call) = call {
                lost.outcome = Some(call.await.map(|response| lost.watch.operation.id_of(&response.value)));
            }
            lost.settle().await;
        });
        // This may be a destructor in the middle of a panic. A task that is dropped here says what is lost by it.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| match client.executor() {
            Some(executor) => executor.execute(task),
            None => drop(task),
        }));
    }

    /// What is known by now. `None` if nothing has happened.
    fn report(&self, outcome: Option<&Result<Option<String>, Error>>) -> Option<OrphanReport> {
        let error = outcome.and_then(|outcome| outcome.as_ref().err());
        let seen = self.guard.execution();
        let execution = error.map_or(seen, |error| seen.join(error.execution()));
        if execution == Execution::NotExecuted {
            return None;
        }
        let info = self.operation.info();
        let arrived = || self.guard.success().and_then(|body| self.operation.salvage(&body).ok()?);
        let told = match outcome {
            Some(Ok(id)) => id.clone(),
            Some(Err(error)) => error.salvaged_id().map(str::to_owned),
            None => None,
        };
        Some(OrphanReport {
            operation: info,
            execution,
            id: told.or_else(arrived),
            exposed: self.operation.exposure().map(|it| it.until(self.client.transport.timer().system_time())),
            attempts: self.record.attempts(&self.guard),
            others_in_doubt: self.guard.has_others_in_doubt(),
        })
    }

    /// The same, where asking the operation ended in a panic.
    fn bare_report(&self) -> Option<OrphanReport> {
        let execution = self.guard.execution();
        (execution != Execution::NotExecuted).then(|| OrphanReport {
            operation: &O::INFO,
            execution,
            id: None,
            exposed: None,
            attempts: self.record.attempts(&self.guard),
            others_in_doubt: self.guard.has_others_in_doubt(),
        })
    }
}

/// A call that nobody waits for. Dropped before it is settled, it is lost.
struct Lost<O: Operation, T: HttpTransport + ?Sized> {
    watch: Watch<O, T>,
    outcome: Option<Result<Option<String>, Error>>,
    /// Whether somebody has begun to take care of it, and whether they have ended.
    begun: bool,
    settled: bool,
}

impl<O: Operation, T: HttpTransport + ?Sized> Lost<O, T> {
    /// Gives the orphan to whoever takes care of it.
    async fn settle(mut self) {
        self.begun = true;
        let Some(report) = self.watch.report(self.outcome.as_ref()) else {
            self.settled = true;
            return;
        };
        let client = self.watch.client.share();
        let orphan = Orphan {
            undo: report.id.as_deref().and_then(|id| self.watch.operation.undo(id)),
            call: Arc::clone(&self.watch.call),
            report,
            client,
        };
        match self.watch.client.settings.on_orphan.clone() {
            Some(handler) => handler(orphan).await,
            None => self.take_back(orphan).await,
        }
        self.settled = true;
    }

    /// The default: take it back, then report.
    async fn take_back(&self, orphan: Orphan) {
        let report = orphan.report();
        if orphan.undo.is_none() {
            let why = if report.id.is_none() { "its id is not known" } else { "nothing undoes this operation" };
            log::error!(target: "clerk_actor_tokens", "{report}; it cannot be taken back: {why}");
            self.watch.in_flight.in_flight().leave(report.clone());
            return;
        }
        match orphan.undo().await {
            Ok(()) if report.is_incomplete() => {
                let unnamed = OrphanReport { id: None, execution: Execution::Unknown, ..report.clone() };
                log::error!(target: "clerk_actor_tokens", "{report}; it was taken back, but an earlier attempt may have made another");
                self.watch.in_flight.in_flight().leave(unnamed);
            }
            Ok(()) => log::warn!(target: "clerk_actor_tokens", "{report}; it was taken back"),
            Err(error) => {
                log::error!(target: "clerk_actor_tokens", "{report}; it was not taken back: {error}");
                self.watch.in_flight.in_flight().leave(report.clone());
            }
        }
    }
}

impl<O: Operation, T: HttpTransport + ?Sized> Drop for Lost<O, T> {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        // Code of the application's is asked here, and this may be a destructor in the middle of a panic.
        let asked = panic::catch_unwind(AssertUnwindSafe(|| self.watch.report(self.outcome.as_ref())));
        let Some(report) = asked.unwrap_or_else(|_| self.watch.bare_report()) else { return };
        self.watch.in_flight.in_flight().leave(report.clone());
        let why = match self.begun {
            true => "what was to take care of it did not finish",
            false => "nothing ran on to take it back",
        };
        let _ = panic::catch_unwind(|| log::error!(target: "clerk_actor_tokens", "{report}; {why}"));
    }
}
