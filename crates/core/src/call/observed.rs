//! What a call shows of itself: to the observers of its client, in its span, and in records.

use std::panic::{AssertUnwindSafe, catch_unwind};

use http::Method;

use crate::{
    attempt::Attempt,
    call::{call_state::CallState, orphan::OrphanReport},
    classify::{self, Exchanged},
    error::{Error, api},
    error_kind::ErrorKind,
    execution::Execution,
    lock::Lock,
    observe::{
        AttemptEnded, CallEnded, Described, Observer, OrphanEnd, records,
        spans::{CallSpan, Later, Link},
        watch::Watch,
    },
    operation::Operation,
    response::ApiResponse,
    secret::Sanitized,
    time::Moment,
    transport::HttpTransport,
};

impl<O: Operation, T: HttpTransport + ?Sized> CallState<O, T> {
    /// Begins to watch the call, whose requests have this method, if someone wants to know of it.
    pub(crate) fn begin_watch(&self, method: &Method) -> CallSpan {
        let span = CallSpan::begin(self.described(method));
        if self.has_observers() || span.is_wanted() || records::are_wanted() {
            let (begun, link) = (self.now(), span.link());
            let watch = Watch { method: method.clone(), begun, attempt: Lock::default(), link };
            self.watch.get_or_init(|| Box::new(watch));
        }
        span
    }

    /// The span of what is held.
    pub(crate) fn held_span(&self) -> Later {
        self.link().held(self.operation.info())
    }

    /// The span of what runs on without the caller.
    pub(crate) fn detached_span(&self) -> Later {
        self.link().detached(self.operation.info())
    }

    fn link(&self) -> Link {
        self.watch.get().map(|watch| watch.link.clone()).unwrap_or_default()
    }

    fn described<'a>(&'a self, method: &'a Method) -> Described<'a> {
        Described { operation: self.operation.info(), method, base_url: self.base_url() }
    }

    fn now(&self) -> Moment {
        self.transport.timer().now()
    }

    pub(crate) fn attempt_begins(&self) {
        if let Some(watch) = self.watch.get() {
            let now = self.now();
            watch.attempt.with(|begun| *begun = Some(now));
        }
    }

    pub(crate) fn attempt_ended(&self, attempt: Option<&Attempt>, exchanged: &Exchanged) {
        let (Some(watch), Some(attempt)) = (self.watch.get(), attempt) else { return };
        let begun = watch.attempt.with(|begun| begun.take()).unwrap_or(watch.begun);
        let trace_id = classify::response_of(exchanged).and_then(|response| {
            let (headers, body) = (response.headers(), response.body());
            match response.status().is_success() {
                true => api::trace_id(headers).map(str::to_owned),
                false => api::read(headers, body).trace_id,
            }
        });
        let ended = AttemptEnded {
            call: self.described(&watch.method),
            attempt,
            trace_id: trace_id.map(|id| Sanitized::new(&id).to_string()),
            took: self.now().saturating_duration_since(begun),
        };
        self.tell(|observer| observer.attempt_ended(&ended));
        records::attempt_ended(&ended);
    }

    /// An attempt has ended whose caller had left. Where the caller waits, it ends with that.
    pub(crate) fn left_attempt_ended(
        &self,
        number: u32,
        error: Option<ErrorKind>,
        execution: Execution,
        exchanged: &Exchanged,
    ) {
        if self.watch.get().is_some() && self.log.is_left(number) {
            let status = classify::status_of(exchanged);
            self.attempt_ended(Some(&Attempt { number, status, error, execution, stamp: None }), exchanged);
        }
    }

    pub(crate) fn call_ended<V>(&self, span: &CallSpan, outcome: Result<&ApiResponse<V>, &Error>) {
        let Some(watch) = self.watch.get() else { return };
        let (attempts, error) = match outcome {
            Ok(response) => (response.attempts(), None),
            Err(error) => (error.attempts(), Some(error)),
        };
        let proved = attempts.iter().map(Attempt::execution).max();
        let ended = CallEnded {
            call: self.described(&watch.method),
            attempts,
            execution: error.map_or_else(|| proved.unwrap_or(Execution::Unknown), Error::execution),
            error,
            took: self.now().saturating_duration_since(watch.begun),
        };
        self.tell(|observer| observer.call_ended(&ended));
        span.end(&ended);
        records::call_ended(&ended);
    }

    pub(crate) fn has_observers(&self) -> bool {
        !self.settings.observers.is_empty()
    }

    pub(crate) fn orphan_ended(&self, report: &OrphanReport, end: OrphanEnd) {
        self.tell(|observer| observer.orphan_ended(report, end));
    }

    /// An observer is the user's, and this may be a destructor: its panics end here.
    fn tell(&self, what: impl Fn(&dyn Observer)) {
        for observer in &self.settings.observers {
            let _ = catch_unwind(AssertUnwindSafe(|| what(observer.as_ref())));
        }
    }
}
