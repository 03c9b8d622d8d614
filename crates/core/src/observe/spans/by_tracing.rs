//! Spans and events, as `tracing` has them.

use std::fmt;

use tracing::{
    Instrument as _, Level, Span,
    field::{Empty, display},
    span::Id,
};

use crate::{
    observe::{AttemptEnded, CallEnded, Described, TARGET},
    operation_info::OperationInfo,
    secret::Sanitized,
};

/// The span of a call, as long as its caller waits.
#[derive(Clone)]
pub(crate) struct CallSpan(Span);

impl CallSpan {
    pub(crate) fn begin(call: Described<'_>) -> Self {
        Self(tracing::span!(
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
        ))
    }

    pub(crate) fn is_wanted(&self) -> bool {
        !self.0.is_disabled()
    }

    pub(crate) fn link(&self) -> Link {
        Link(self.0.id())
    }

    pub(crate) fn end(&self, ended: &CallEnded<'_>) {
        if !self.is_wanted() {
            return;
        }
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
    }

    /// The caller left before the call had ended.
    pub(crate) fn left(&self) {
        self.0.record("error.type", "caller_left");
        self.0.record("otel.status_code", "ERROR");
    }

    /// Runs a call in its span.
    pub(crate) fn around<F: Future>(&self, call: F) -> impl Future<Output = F::Output> + use<F> {
        call.instrument(self.0.clone())
    }
}

/// What a later span refers to. It keeps no span open.
#[derive(Clone, Default)]
pub(crate) struct Link(Option<Id>);

impl Link {
    /// The span of a token that is held, which is open until it is kept or dropped.
    pub(crate) fn held(&self, operation: &OperationInfo) -> Later {
        self.linked(tracing::span!(
            target: TARGET,
            parent: None,
            Level::INFO,
            "clerk_held",
            clerk.operation = operation.name(),
            clerk.was_kept = Empty,
        ))
    }

    /// The span of what runs on without the caller.
    pub(crate) fn detached(&self, operation: &OperationInfo) -> Later {
        self.linked(tracing::span!(
            target: TARGET,
            parent: None,
            Level::INFO,
            "clerk_detached",
            clerk.operation = operation.name(),
            clerk.orphan = Empty,
        ))
    }

    fn linked(&self, span: Span) -> Later {
        if let Some(id) = &self.0 {
            span.follows_from(id);
        }
        Later(span)
    }
}

/// A span of its own that follows from that of a call: it may be open when the caller's is long closed.
#[derive(Clone)]
pub(crate) struct Later(Span);

impl Later {
    pub(crate) fn link(&self) -> Link {
        Link(self.0.id())
    }

    pub(crate) fn kept(&self, was_kept: bool) {
        self.0.record("clerk.was_kept", was_kept);
    }

    pub(crate) fn orphan(&self, end: &'static str) {
        self.0.record("clerk.orphan", end);
    }

    pub(crate) fn around<F: Future>(&self, task: F) -> impl Future<Output = F::Output> + use<F> {
        task.instrument(self.0.clone())
    }
}

pub(crate) fn wants_debug() -> bool {
    tracing::enabled!(target: TARGET, Level::DEBUG)
}

/// Whether a subscriber takes it.
pub(crate) fn attempt_ended(ended: &AttemptEnded<'_>) -> bool {
    let is_wanted = wants_debug();
    if is_wanted {
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
    is_wanted
}

macro_rules! reports {
    ($($name:ident at $level:ident;)*) => { $(
        /// Whether a subscriber takes it.
        pub(crate) fn $name(what: fmt::Arguments<'_>) -> bool {
            let is_wanted = tracing::enabled!(target: TARGET, Level::$level);
            if is_wanted {
                tracing::event!(target: TARGET, Level::$level, "{what}");
            }
            is_wanted
        }
    )* };
}

reports! {
    info at INFO;
    warn at WARN;
    error at ERROR;
}
