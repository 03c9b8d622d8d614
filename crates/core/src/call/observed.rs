//! What a call shows of itself: to the observers of its client, in its span, and in records.

use std::panic::{AssertUnwindSafe, catch_unwind};

use http::Method;

use crate::{
    attempt::Attempt,
    call::{call_state::CallState, orphan::OrphanReport},
    classify::{self, Exchanged},
    error::{Error, api},
    execution::Execution,
    observe::{
        AttemptEnded, CallEnded, Described, Observer, OrphanEnd, records,
        spans::{CallSpan, Later},
    },
    operation::Operation,
    response::ApiResponse,
    secret::Sanitized,
    time::Moment,
    transport::HttpTransport,
};

impl<O: Operation, T: HttpTransport + ?Sized> CallState<O, T> {
    /// Begins to watch the call, whose requests have this method.
    pub(crate) fn begin_watch(&mut self, method: &Method) -> CallSpan {
        self.watch.method = method.clone();
        let span = CallSpan::begin(self.described());
        let is_wanted = self.has_observers() || span.is_wanted() || records::are_wanted();
        self.watch.begun = is_wanted.then(|| self.now());
        self.watch.link = span.link();
        span
    }

    /// The span of what runs on without the caller.
    pub(crate) fn detached_span(&self) -> Later {
        self.watch.link.detached(self.operation.info())
    }

    fn described(&self) -> Described<'_> {
        Described { operation: self.operation.info(), method: &self.watch.method, base_url: self.base_url() }
    }

    fn now(&self) -> Moment {
        self.transport.timer().now()
    }

    pub(crate) fn attempt_begins(&self) {
        if self.watch.begun.is_some() {
            let now = self.now();
            self.watch.attempt.with(|begun| *begun = Some(now));
        }
    }

    /// The last of these attempts has ended.
    pub(crate) fn attempt_ended(&self, attempts: &[Attempt], exchanged: &Exchanged) {
        let (Some(begun), Some(attempt)) = (self.watch.begun, attempts.last()) else { return };
        let begun = self.watch.attempt.with(|begun| begun.take()).unwrap_or(begun);
        let trace_id = classify::response_of(exchanged).and_then(|response| {
            let (headers, body) = (response.headers(), response.body());
            match response.status().is_success() {
                true => api::trace_id(headers).map(str::to_owned),
                false => api::read(headers, body).trace_id,
            }
        });
        let ended = AttemptEnded {
            call: self.described(),
            attempt,
            trace_id: trace_id.map(|id| Sanitized::new(&id).to_string()),
            took: self.now().saturating_duration_since(begun),
        };
        self.show(|observer| observer.attempt_ended(&ended), || records::attempt_ended(&ended));
    }

    pub(crate) fn call_ended<V>(&self, span: &CallSpan, outcome: Result<&ApiResponse<V>, &Error>) {
        let Some(begun) = self.watch.begun else { return };
        let (attempts, error) = match outcome {
            Ok(response) => (response.attempts(), None),
            Err(error) => (error.attempts(), Some(error)),
        };
        let proved = attempts.iter().map(Attempt::execution).max();
        let ended = CallEnded {
            call: self.described(),
            attempts,
            execution: error.map_or_else(|| proved.unwrap_or(Execution::Unknown), Error::execution),
            error,
            took: self.now().saturating_duration_since(begun),
        };
        let record = || {
            span.end(&ended);
            records::call_ended(&ended);
        };
        self.show(|observer| observer.call_ended(&ended), record);
    }

    pub(crate) fn has_observers(&self) -> bool {
        !self.settings.observers.is_empty()
    }

    pub(crate) fn orphan_ended(&self, report: &OrphanReport, end: OrphanEnd) {
        self.show(|observer| observer.orphan_ended(report, end), || ());
    }

    /// An observer, a logger and a subscriber are the user's, and this may be a destructor: their panics end here.
    fn show(&self, to: impl Fn(&dyn Observer), record: impl FnOnce()) {
        for observer in &self.settings.observers {
            let _ = catch_unwind(AssertUnwindSafe(|| to(observer.as_ref())));
        }
        let _ = catch_unwind(AssertUnwindSafe(record));
    }
}
