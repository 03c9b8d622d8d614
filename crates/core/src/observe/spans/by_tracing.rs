//! Spans and events, as `tracing` has them.
//!
//! A subscriber is the user's, and most of this runs where a panic would lose a token: in destructors, and between a response and
//! its caller. So its panics end here.

use std::{
    cell::Cell,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use tracing::{
    Dispatch, Level, Span, dispatcher,
    field::{Empty, display},
    span::Id,
    subscriber::NoSubscriber,
};

use crate::{
    observe::{AttemptEnded, CallEnded, Described, TARGET},
    operation_info::OperationInfo,
    secret::Sanitized,
    time::BoxFuture,
};

fn quiet<R>(ask: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(ask)).ok()
}

/// The span of a call, as long as its caller waits.
#[derive(Clone)]
pub(crate) struct CallSpan(Span);

impl CallSpan {
    pub(crate) fn begin(call: Described<'_>) -> Self {
        let span = || {
            tracing::span!(
                target: TARGET,
                Level::INFO,
                "clerk_call",
                otel.kind = "client",
                otel.name = format_args!("{} {}", call.method, call.url_template()),
                otel.status_code = Empty,
                clerk.operation = call.operation.name(),
                clerk.execution = Empty,
                clerk.trace_id = Empty,
                clerk.is_detached = Empty,
                http.request.method = call.method.as_str(),
                http.request.resend_count = Empty,
                http.response.status_code = Empty,
                url.template = display(call.url_template()),
                server.address = call.server_address(),
                server.port = call.server_port(),
                error.type = Empty,
            )
        };
        Self(quiet(span).unwrap_or_else(Span::none))
    }

    pub(crate) fn is_wanted(&self) -> bool {
        !self.0.is_disabled()
    }

    pub(crate) fn link(&self) -> Link {
        Link::to(&self.0)
    }

    pub(crate) fn end(&self, ended: &CallEnded<'_>) {
        if !self.is_wanted() {
            return;
        }
        quiet(|| {
            let span = &self.0;
            span.record("clerk.execution", ended.execution.as_str());
            if let Some(last) = ended.attempts.last() {
                if let Some(status) = last.status() {
                    span.record("http.response.status_code", status.as_u16());
                }
                if last.number() > 1 {
                    span.record("http.request.resend_count", last.number().saturating_sub(1));
                }
            }
            if let (Some(error), Some(error_type)) = (ended.error, ended.error_type()) {
                span.record("error.type", display(error_type));
                span.record("otel.status_code", "ERROR");
                if let Some(id) = error.trace_id() {
                    span.record("clerk.trace_id", display(Sanitized::new(id)));
                }
                if error.is_detached() {
                    span.record("clerk.is_detached", true);
                }
            }
        });
    }

    /// The caller left before the call had ended.
    pub(crate) fn left(&self) {
        quiet(|| {
            self.0.record("error.type", "caller_left");
            self.0.record("otel.status_code", "ERROR");
        });
    }

    /// Runs a call in its span.
    pub(crate) fn around<T: Send + 'static>(&self, call: BoxFuture<'static, T>) -> BoxFuture<'static, T> {
        around(&self.0, call)
    }
}

/// What a later span refers to. It keeps no span open.
#[derive(Clone, Default)]
pub(crate) struct Link(Option<(Id, Dispatch)>);

impl Link {
    fn to(span: &Span) -> Self {
        Self(quiet(|| span.with_subscriber(|(id, subscriber)| (id.clone(), subscriber.clone()))).flatten())
    }

    /// The span of a token that is held, which is open until it is kept or dropped.
    pub(crate) fn held(&self, operation: &OperationInfo) -> Later {
        self.linked(|| {
            tracing::span!(
                target: TARGET,
                parent: None,
                Level::INFO,
                "clerk_held",
                clerk.operation = operation.name(),
                clerk.was_kept = Empty,
            )
        })
    }

    /// The span of what runs on without the caller.
    pub(crate) fn detached(&self, operation: &OperationInfo) -> Later {
        self.linked(|| {
            tracing::span!(
                target: TARGET,
                parent: None,
                Level::INFO,
                "clerk_detached",
                clerk.operation = operation.name(),
                clerk.orphan = Empty,
            )
        })
    }

    /// An id is its subscriber's, and the thread that drops something may have another one, or none.
    fn linked(&self, span: impl FnOnce() -> Span) -> Later {
        let linked = || match &self.0 {
            None => span(),
            Some((id, subscriber)) => dispatcher::with_default(subscriber, || {
                let span = span();
                span.follows_from(id);
                span
            }),
        };
        Later(quiet(linked).unwrap_or_else(Span::none))
    }
}

/// A span of its own that follows from that of a call: it may be open when the caller's is long closed.
#[derive(Clone)]
pub(crate) struct Later(Span);

impl Later {
    pub(crate) fn link(&self) -> Link {
        Link::to(&self.0)
    }

    pub(crate) fn kept(&self, was_kept: bool) {
        quiet(|| self.0.record("clerk.was_kept", was_kept));
    }

    pub(crate) fn orphan(&self, end: &'static str) {
        quiet(|| self.0.record("clerk.orphan", end));
    }

    pub(crate) fn around<T: Send + 'static>(&self, task: BoxFuture<'static, T>) -> BoxFuture<'static, T> {
        around(&self.0, task)
    }
}

fn around<T: Send + 'static>(span: &Span, future: BoxFuture<'static, T>) -> BoxFuture<'static, T> {
    match span.is_disabled() {
        true => future,
        false => Box::pin(InSpan { future: Some(future), span: Some(span.clone()) }),
    }
}

/// As `tracing`'s own `Instrumented`, but what is within is polled and dropped whatever the subscriber does.
struct InSpan<T> {
    future: Option<BoxFuture<'static, T>>,
    span: Option<Span>,
}

impl<T> InSpan<T> {
    fn within<R>(span: Option<&Span>, run: impl FnOnce() -> R) -> R {
        let entered = span.and_then(|span| quiet(|| span.enter()));
        let result = run();
        quiet(move || drop(entered));
        result
    }
}

impl<T> Future for InSpan<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<T> {
        let Self { future, span } = &mut *self;
        match future {
            Some(future) => Self::within(span.as_ref(), || future.as_mut().poll(task)),
            None => Poll::Pending,
        }
    }
}

impl<T> Drop for InSpan<T> {
    fn drop(&mut self) {
        let future = self.future.take();
        Self::within(self.span.as_ref(), || drop(future));
        let span = self.span.take();
        quiet(move || drop(span));
    }
}

/// Whether this thread has a subscriber. Asked in this way, and not by `enabled!`: a question without an event leaves filters of
/// layers behind that then drop the next one.
pub(crate) fn has_subscriber() -> bool {
    quiet(|| dispatcher::get_default(|subscriber| !subscriber.is::<NoSubscriber>())).unwrap_or(false)
}

pub(crate) fn attempt_ended(ended: &AttemptEnded<'_>) {
    let attempt = ended.attempt;
    let resends = attempt.number().saturating_sub(1);
    tracing::event!(
        target: TARGET,
        Level::DEBUG,
        clerk.operation = ended.call.operation.name(),
        clerk.execution = attempt.execution().as_str(),
        clerk.trace_id = ended.trace_id().map(|id| display(Sanitized::new(id))),
        http.request.method = ended.call.method.as_str(),
        http.request.resend_count = (resends > 0).then_some(resends),
        http.response.status_code = attempt.status().map(|status| status.as_u16()),
        url.template = display(ended.call.url_template()),
        server.address = ended.call.server_address(),
        server.port = ended.call.server_port(),
        error.type = ended.error_type().map(display),
        "an attempt ended"
    );
}

pub(crate) fn call_ended(ended: &CallEnded<'_>) {
    tracing::event!(
        target: TARGET,
        Level::DEBUG,
        clerk.operation = ended.call.operation.name(),
        clerk.execution = ended.execution.as_str(),
        clerk.attempts = ended.attempts.len(),
        clerk.error = ended.error.map(display),
        error.type = ended.error_type().map(display),
        "a call ended"
    );
}

pub(crate) fn info(what: fmt::Arguments<'_>) {
    tracing::event!(target: TARGET, Level::INFO, "{what}");
}

pub(crate) fn warn(what: fmt::Arguments<'_>) {
    tracing::event!(target: TARGET, Level::WARN, "{what}");
}

/// Returns whether a subscriber has taken it: one that filters it out never writes the words.
pub(crate) fn error(what: fmt::Arguments<'_>) -> bool {
    let noted = Noted { what, is_written: Cell::new(false) };
    quiet(|| tracing::event!(target: TARGET, Level::ERROR, "{noted}"));
    noted.is_written.get()
}

struct Noted<'a> {
    what: fmt::Arguments<'a>,
    is_written: Cell<bool>,
}

impl fmt::Display for Noted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_fmt(self.what)?;
        self.is_written.set(true);
        Ok(())
    }
}
