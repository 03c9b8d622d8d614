//! The attempt loop: sends, looks at what came of it, and decides by the rules whether to send again.

use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use bytes::Bytes;

use crate::{
    attempt::Attempt,
    client::{builder::Settings, exchange::Exchange, guard::Guard, options::Resolved},
    context::CallContext,
    execution::Execution,
    judge::{self, Exchanged, Verdict, judge},
    middleware::{Endpoint, Next},
    operation::Operation,
    retry::{after, rules::Again},
    time::{BoxFuture, Deadline, Timer},
    transport::{DiscardConnection, HttpTransport, Request, TransportError, TransportErrorKind},
};

/// How much later than the deadline the core's own race fires. It is the backstop for transports and middleware that
/// do not keep the deadline themselves; one that does can say how far the exchange got, so it is let win.
const BACKSTOP: Duration = Duration::from_millis(100);

/// One call under way.
pub(crate) struct Attempts<'a, O, T: ?Sized> {
    settings: &'a Settings,
    transport: &'a Arc<T>,
    operation: &'a O,
    call: &'a Resolved,
    deadline: Deadline,
    guard: Guard,
    told: Mutex<Told>,
}

/// What the attempts have come to so far.
struct Told {
    attempts: Vec<Attempt>,
    /// The join over what the failures claim by themselves. A middleware may fail, or answer, in the transport's
    /// place: then the guard saw nothing, and this is all there is.
    claimed: Execution,
}

impl<'a, O: Operation, T: HttpTransport + ?Sized> Attempts<'a, O, T> {
    pub(crate) fn new(settings: &'a Settings, transport: &'a Arc<T>, operation: &'a O, call: &'a Resolved) -> Self {
        Self {
            settings,
            transport,
            operation,
            call,
            deadline: Deadline::after(transport.timer().now(), call.timeout),
            guard: Guard::new(O::INFO.replay(), call.retry.clone()),
            told: Mutex::new(Told { attempts: Vec::new(), claimed: Execution::NotExecuted }),
        }
    }

    /// Runs attempts until one succeeds or the rules say that it was the last.
    pub(crate) async fn run(&self, template: Request) -> (Exchanged, Result<O::Output, Verdict>) {
        let replay = O::INFO.replay();
        let mut fresh = false;
        let mut tries = 1u32;
        loop {
            let number = self.next_number();
            let exchanged = self.attempt(&template, number, fresh).await;
            let verdict = match judge(self.operation, self.settings.response_cap, &exchanged) {
                Ok(value) => {
                    self.tell(number, &exchanged, None);
                    return (exchanged, Ok(value));
                }
                Err(verdict) => verdict,
            };
            self.tell(number, &exchanged, Some(&verdict));
            if verdict.is_foreign_reply() {
                discard_connection(&exchanged);
            }
            let wait = match verdict.rule().again(replay) {
                _ if tries >= self.call.retry.attempts(replay) || self.guard.is_shut() => None,
                Again::No => None,
                Again::OnceFresh if fresh => None,
                Again::OnceFresh => {
                    fresh = true;
                    Some(Duration::ZERO)
                }
                Again::IfOptedIn if !self.call.retry.is_opted_in(judge::status_of(&exchanged)) => None,
                Again::Backoff | Again::IfOptedIn => Some(self.wait(tries, &exchanged)),
            };
            let timer = self.transport.timer();
            match wait {
                // Nothing is slept that could not be followed by an attempt.
                Some(wait) if wait < self.deadline.remaining(timer.now()) => timer.sleep(wait).await,
                _ => return (exchanged, Err(verdict)),
            }
            // A sleep may last longer than it was asked to: the machine itself may have slept.
            if self.deadline.has_passed(timer.now()) {
                return (exchanged, Err(verdict));
            }
            tries = tries.saturating_add(1);
        }
    }

    async fn attempt(&self, template: &Request, number: u32, fresh: bool) -> Exchanged {
        let timer = self.transport.timer();
        let replay = O::INFO.replay();
        let deadline = match self.call.retry.timeout_of_attempt(replay) {
            Some(timeout) => self.deadline.min(Deadline::after(timer.now(), timeout)),
            None => self.deadline,
        };
        let context =
            CallContext::new(&O::INFO, deadline).with_attempt(number).with_response_cap(self.settings.response_cap);
        let mut request = template.clone();
        request.extensions_mut().insert(context.clone());
        let exchange = Exchange {
            base_url: &self.call.base_url,
            credentials: self.call.credentials.as_ref(),
            guard: &self.guard,
            context,
            fresh,
            transport: self.transport,
        };
        let sends_before = self.guard.sends();
        let next = Next::into_core(&self.settings.per_attempt, &exchange);
        match within(timer, deadline, next.run(request)).await {
            Some(exchanged) => exchanged,
            // The backstop fired and dropped everything of this attempt; the guard knows what had become of it.
            None => Err(late(self.guard.execution_since(sends_before))),
        }
    }

    /// Counted over the whole call, also where a per-call middleware runs the attempts more than once.
    fn next_number(&self) -> u32 {
        u32::try_from(self.told().attempts.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    fn wait(&self, tries: u32, exchanged: &Exchanged) -> Duration {
        let backoff = self.settings.backoff(&self.call.retry, tries.saturating_sub(1));
        let asked =
            judge::headers_of(exchanged).and_then(|headers| after::retry_after(headers, self.transport.timer().wall()));
        backoff.max(asked.unwrap_or(Duration::ZERO))
    }

    fn tell(&self, number: u32, exchanged: &Exchanged, verdict: Option<&Verdict>) {
        let rule = verdict.map(Verdict::rule);
        if verdict.is_some_and(Verdict::is_foreign_reply) {
            if let Some(body) = judge::success_body(exchanged) {
                self.guard.doubt(body);
            }
        }
        let execution = rule.map_or_else(|| judge::proof(exchanged), |rule| rule.execution);
        let mut told = self.told();
        if rule.is_some() {
            told.claimed = told.claimed.join(execution);
        }
        told.attempts.push(Attempt {
            number,
            status: judge::status_of(exchanged),
            error: rule.map(|rule| rule.kind),
            execution,
        });
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The verdict over all attempts.
    pub(crate) fn execution(&self) -> Execution {
        self.guard.execution().join(self.told().claimed)
    }

    /// What each attempt came to.
    pub(crate) fn take_attempts(&self) -> Vec<Attempt> {
        std::mem::take(&mut self.told().attempts)
    }

    /// The body of the last success that the transport gave, also where a middleware threw it away.
    pub(crate) fn success(&self) -> Option<Bytes> {
        self.guard.success()
    }

    pub(crate) fn deadline(&self) -> Deadline {
        self.deadline
    }
}

/// The attempt loop as the end of the per-call middleware.
impl<O: Operation, T: HttpTransport + ?Sized> Endpoint for Attempts<'_, O, T> {
    fn call(&self, request: Request) -> BoxFuture<'_, Exchanged> {
        Box::pin(async move { self.run(request).await.0 })
    }

    fn timer(&self) -> &dyn Timer {
        self.transport.timer()
    }
}

/// The failure of a backstop that fired.
pub(crate) fn late(execution: Execution) -> TransportError {
    match execution {
        Execution::NotExecuted => TransportErrorKind::TimeoutUnsent.into(),
        Execution::Unknown | Execution::Executed => TransportErrorKind::Timeout.into(),
    }
}

/// Runs a future until a little after the deadline; the future is polled first.
pub(crate) async fn within<F: Future>(timer: &dyn Timer, deadline: Deadline, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut sleep = timer.backstop(deadline.remaining(timer.now()).saturating_add(BACKSTOP));
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => sleep.as_mut().poll(context).map(|()| None),
    })
    .await
}

fn discard_connection(exchanged: &Exchanged) {
    if let Some(discard) = exchanged.as_ref().ok().and_then(|response| response.extensions().get::<DiscardConnection>())
    {
        discard.discard();
    }
}
