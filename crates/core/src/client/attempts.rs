//! The attempt loop: sends, looks at what came of it, and decides by the rules whether to send again.

use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

use bytes::Bytes;

use crate::{
    classify::{self, Classified, Exchanged, classify},
    client::{
        Client,
        builder::Settings,
        exchange::Exchange,
        guard::Guard,
        options::CallConfig,
        record::{End, Record},
        watchdog::{ATTEMPT_WATCHDOG, late, within},
    },
    context::CallContext,
    execution::Execution,
    middleware::{Endpoint, Next},
    operation::{Idempotency, Operation},
    retry::{
        after,
        rules::{Again, Failure},
    },
    stamp,
    time::{BoxFuture, Deadline, Timer},
    transport::{DiscardConnection, HttpTransport, Request, TransportError},
};

/// One call under way.
pub(crate) struct Attempts<'a, O, T: ?Sized> {
    settings: &'a Settings,
    transport: &'a Arc<T>,
    operation: &'a O,
    idempotency: Idempotency,
    call: &'a CallConfig,
    deadline: Deadline,
    guard: &'a Guard,
    record: &'a Record,
}

/// What one run of the loop comes to.
type Ended<O> = (Exchanged, Result<<O as Operation>::Output, Classified>);

impl<'a, O: Operation, T: HttpTransport + ?Sized> Attempts<'a, O, T> {
    pub(crate) fn new(
        client: &'a Client<T>,
        operation: &'a O,
        call: &'a CallConfig,
        guard: &'a Guard,
        record: &'a Record,
    ) -> Self {
        Self {
            settings: &client.settings,
            transport: &client.transport,
            operation,
            idempotency: operation.info().idempotency(),
            call,
            deadline: Deadline::after(client.transport.timer().now(), call.timeout),
            guard,
            record,
        }
    }

    /// Runs attempts until one succeeds or the rules say that it was the last.
    pub(crate) async fn run(&self, template: Request) -> Ended<O> {
        let mut fresh = false;
        // A server that says that it did nothing may be wrong: it is taken at its word once.
        let mut has_believed = false;
        let mut tries = 0u32;
        let mut last: Option<(Exchanged, Classified)> = None;
        loop {
            if let Err(shut) = self.pass_gate().await {
                let (exchanged, classified) = last.unwrap_or_else(|| held_back(shut));
                return (exchanged, Err(classified));
            }
            tries = tries.saturating_add(1);
            let (exchanged, classified) = match self.attempt(&template, fresh).await {
                (exchanged, Ok(value)) => return (exchanged, Ok(value)),
                (exchanged, Err(classified)) => (exchanged, classified),
            };
            let again = classified.rule().again(self.idempotency);
            let may_go_on = match again {
                Again::No => false,
                Again::Once | Again::OnceFresh => !std::mem::replace(&mut has_believed, true),
                Again::IfOptedIn => self.call.retry.is_opted_in(classify::status_of(&exchanged)),
                Again::Backoff => true,
            };
            // A middleware may claim that nothing happened; the guard knows better.
            let is_doubtful = classified.rule().execution == Execution::NotExecuted && self.guard.is_shut();
            let is_last = tries >= self.call.retry.attempts(self.idempotency) || is_doubtful;
            if is_last || !may_go_on || !self.wait(again, tries, &exchanged).await {
                return (exchanged, Err(classified));
            }
            fresh |= again == Again::OnceFresh;
            last = Some((exchanged, classified));
        }
    }

    /// Waits until the gate is open.
    ///
    /// # Errors
    /// It is shut until after the deadline, for so long.
    async fn pass_gate(&self) -> Result<(), Duration> {
        let timer = self.transport.timer();
        loop {
            let now = timer.now();
            let shut = self.call.gate.remaining(now);
            if shut.is_zero() {
                return Ok(());
            }
            if shut >= self.deadline.remaining(now) {
                return Err(shut);
            }
            // Another answer may shut it for longer meanwhile.
            self.pause(shut).await;
            if self.guard.is_abandoned() {
                return Err(shut);
            }
        }
    }

    /// Waits for the next attempt. `false` if there is none: no time, no budget, or nobody who waits for it.
    async fn wait(&self, again: Again, tries: u32, exchanged: &Exchanged) -> bool {
        if self.guard.is_abandoned() {
            return false;
        }
        let timer = self.transport.timer();
        let wait = match again {
            Again::OnceFresh => Duration::ZERO,
            Again::No | Again::Once | Again::Backoff | Again::IfOptedIn => {
                let backoff = self.settings.backoff(&self.call.retry, tries.saturating_sub(1));
                backoff.max(self.asked_to_wait(exchanged).unwrap_or(Duration::ZERO))
            }
        };
        // Nothing is slept that could not be followed by an attempt.
        let wait = wait.max(self.call.gate.remaining(timer.now()));
        if wait >= self.deadline.remaining(timer.now()) {
            return false;
        }
        if self.call.bucket.as_ref().is_some_and(|bucket| !bucket.take(timer.now())) {
            self.record.out_of_retries();
            return false;
        }
        self.pause(wait).await;
        // A sleep may last longer than it was asked to: the machine itself may have slept.
        !self.deadline.has_passed(timer.now()) && !self.guard.is_abandoned()
    }

    /// Passes time, as long as somebody waits for the call. One that is handed over is polled anew, and finds out here.
    async fn pause(&self, duration: Duration) {
        let mut sleep = self.transport.timer().sleep(duration);
        let pause = poll_fn(|context| match self.guard.is_abandoned() {
            true => Poll::Ready(()),
            false => sleep.as_mut().poll(context),
        });
        pause.await;
    }

    /// How long the answer asks to wait (`Retry-After`).
    fn asked_to_wait(&self, exchanged: &Exchanged) -> Option<Duration> {
        classify::headers_of(exchanged)
            .and_then(|headers| after::retry_after(headers, self.transport.timer().system_time()))
    }

    async fn attempt(&self, template: &Request, fresh: bool) -> Ended<O> {
        let timer = self.transport.timer();
        let sends_before = self.guard.sends();
        let number = self.record.begin(sends_before);
        let deadline = match self.call.retry.timeout_of_attempt(self.idempotency) {
            Some(timeout) => self.deadline.min(Deadline::after(timer.now(), timeout)),
            None => self.deadline,
        };
        let context = CallContext::new(self.operation.info(), deadline)
            .with_attempt(number)
            .with_response_cap(self.settings.response_cap);
        let mut request = template.clone();
        request.extensions_mut().insert(context.clone());
        if let Err(refused) = self.stamp(&mut request, number) {
            return self.classify(number, Err(refused));
        }
        let exchange = Exchange {
            base_url: &self.call.base_url,
            credentials: self.call.credentials.as_ref(),
            guard: self.guard,
            context,
            fresh,
            transport: self.transport,
        };
        let next = Next::into_core(&self.settings.per_attempt, &exchange);
        let mut exchanged = match within(timer, deadline, ATTEMPT_WATCHDOG, next.run(request)).await {
            Some(exchanged) => exchanged,
            // The watchdog fired and dropped everything of this attempt; the guard knows what had become of it.
            None => Err(late(self.guard.execution_of(sends_before..usize::MAX))),
        };
        classify::bound(&mut exchanged, self.settings.response_cap);
        self.classify(number, exchanged)
    }

    fn stamp(&self, request: &mut Request, number: u32) -> Result<(), TransportError> {
        if !self.operation.is_stamped() {
            return Ok(());
        }
        let random = stamp::random()
            .ok_or_else(|| TransportError::blocked("the operating system gives no random bytes for a stamp"))?;
        if !self.operation.stamp(request, &random) {
            return Err(TransportError::blocked("the request cannot bear the stamp that was asked for"));
        }
        self.record.stamp(number, random);
        Ok(())
    }

    /// Judges an attempt, and tells it to whom it concerns: to the call's own record, to the guard, to the client's other
    /// calls and to the connection.
    fn classify(&self, number: u32, exchanged: Exchanged) -> Ended<O> {
        let judged = classify(self.operation, self.settings.response_cap, &exchanged);
        let now = self.transport.timer().now();
        let rule = match &judged {
            Ok(_) => {
                self.settings.bucket.succeed(now);
                None
            }
            Err(classified) => {
                if let Some(body) = classify::success_body(&exchanged) {
                    self.guard.settle(body, classified.rule().execution);
                }
                if classified.is_mismatched_response() {
                    discard_connection(&exchanged);
                }
                if classified.failure == Failure::RateLimited {
                    if let Some(asked) = self.asked_to_wait(&exchanged) {
                        self.call.gate.shut(now, asked, self.settings.gate_limit);
                    }
                }
                Some(classified.rule())
            }
        };
        let execution = rule.map_or_else(|| classify::proof(&exchanged), |rule| rule.execution);
        let (status, error) = (classify::status_of(&exchanged), rule.map(|rule| rule.kind));
        self.record.end(number, End { status, error, execution });
        (exchanged, judged)
    }

    /// The join over all attempts.
    pub(crate) fn execution(&self) -> Execution {
        self.guard.execution().join(self.record.claimed())
    }

    /// The body of the last success that the transport gave, also where a middleware threw it away.
    pub(crate) fn success(&self) -> Option<Bytes> {
        self.guard.success()
    }

    pub(crate) fn deadline(&self) -> Deadline {
        self.deadline
    }
}

/// What a call comes to that the gate holds back for longer than it has.
fn held_back(shut: Duration) -> (Exchanged, Classified) {
    (Err(TransportError::rate_limited(shut)), Classified::without_detail(Failure::HeldBack))
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

fn discard_connection(exchanged: &Exchanged) {
    if let Some(discard) = exchanged.as_ref().ok().and_then(|response| response.extensions().get::<DiscardConnection>())
    {
        discard.discard();
    }
}
