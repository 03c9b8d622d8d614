//! The emulator as a transport: what a client in the same process sees of an exchange.

use std::{io, sync::Arc, time::Duration};

use async_trait::async_trait;
use clerk_actor_tokens_core::{
    CallContext, Deadline, Executor, HttpTransport, Request, Response, Timer, TransportError,
    TransportErrorKind as Kind,
};

use crate::{
    emulator::Emulator,
    exchange::{Effect, Exchange, Then, cut},
    fault::{Break, Phase, Wire},
};

#[async_trait]
impl HttpTransport for Emulator {
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        let clock = &self.inner().clock;
        let (deadline, cap, send_state) = (context.deadline(), context.response_cap(), context.send_state());
        send_state.hold();
        if deadline.has_passed(clock.now()) {
            return Err(Kind::TimeoutBeforeSend.into());
        }

        // A fault before the request is sent is one of connecting.
        let exchange = Exchange::begin(self.inner(), &request).with_attempt(context.attempt());
        let mut attempt = Attempt { exchange, clock, deadline };
        attempt.meet(Phase::BeforeSend, None).await?;
        if !send_state.begin() {
            return Err(TransportError::blocked("the caller no longer waits for this request"));
        }
        attempt.exchange.arrive(&request);
        if let Some(Met::Instead(answer)) = attempt.meet(Phase::BeforeCommit, None).await? {
            return within(cap, answer);
        }
        let reply = attempt.exchange.commit(&request);
        let reply = match attempt.meet(Phase::AfterCommit, Some(&reply)).await? {
            None => reply,
            Some(Met::Changed(changed)) => changed,
            Some(Met::Instead(answer)) => return within(cap, answer),
        };
        let reply = within(cap, reply).inspect_err(|_| attempt.exchange.gave_part(cap))?;
        attempt.exchange.receipt(&reply).set_delivered(true);
        Ok(reply)
    }

    fn timer(&self) -> &dyn Timer {
        &self.inner().clock
    }

    /// Returns an executor that gives each task a thread: the emulator has no runtime. Virtual time does not pass before a
    /// task has begun.
    fn executor(&self) -> Option<Arc<dyn Executor>> {
        Some(Arc::new(self.inner().clock.clone()))
    }

    /// Returns `true`: whatever a fault makes of an exchange, it waits for nothing but the emulator's clock, and no longer
    /// than the deadline.
    fn keeps_deadlines(&self) -> bool {
        true
    }
}

/// An answer that a fault gives.
enum Met {
    Instead(Response),
    Changed(Response),
}

struct Attempt<'a> {
    exchange: Exchange,
    clock: &'a dyn Timer,
    deadline: Deadline,
}

impl Attempt<'_> {
    /// Lets the fault of this phase happen, if there is one: it ends the exchange, gives an answer, or lets it go on.
    async fn meet(&mut self, phase: Phase, reply: Option<&Response>) -> Result<Option<Met>, TransportError> {
        match self.exchange.fault(phase, reply) {
            None => Ok(None),
            Some(Effect::Instead(answer)) => Ok(Some(Met::Instead(answer))),
            Some(Effect::Changed(changed)) => Ok(Some(Met::Changed(changed))),
            Some(Effect::Break(cause)) if cause.after.is_zero() || cause.after < self.left() => {
                if !cause.after.is_zero() {
                    self.exchange.wait(cause.after).await;
                }
                Err(broken(&cause, phase))
            }
            Some(Effect::Delay(duration)) if duration < self.left() => {
                self.exchange.wait(duration).await;
                Ok(None)
            }
            Some(Effect::Break(_) | Effect::Delay(_) | Effect::Stall) => Err(self.late(phase, None).await),
            Some(Effect::Slow(takes)) if takes < self.left() => {
                self.exchange.wait(takes).await;
                Ok(None)
            }
            Some(Effect::Slow(takes)) => {
                let partial = reply.and_then(|reply| cut(reply, arrived(reply.body().len(), self.left(), takes)));
                self.exchange.gave_part(partial.as_ref().map_or(0, |partial| partial.body().len()));
                Err(self.late(phase, partial).await)
            }
            Some(Effect::Part { partial, then: Then::Silence }) => Err(self.late(phase, Some(partial)).await),
            Some(Effect::Part { partial, then: Then::End }) => Err(TransportError::new(Kind::Interrupted)
                .with_source(io::Error::from(io::ErrorKind::UnexpectedEof))
                .with_partial(partial)),
        }
    }

    fn left(&self) -> Duration {
        self.deadline.remaining(self.clock.now())
    }

    /// Waits for the deadline, and says how far the exchange had come.
    async fn late(&mut self, phase: Phase, partial: Option<Response>) -> TransportError {
        self.exchange.wait(self.left()).await;
        let error =
            TransportError::new(if phase == Phase::BeforeSend { Kind::TimeoutBeforeSend } else { Kind::Timeout });
        match partial {
            Some(partial) => error.with_partial(partial),
            None => {
                self.exchange.left_without_answer();
                error
            }
        }
    }
}

/// How many bytes of a body have arrived after `passed`, of the time that the whole of it takes.
fn arrived(length: usize, passed: Duration, takes: Duration) -> usize {
    let bytes = u128::try_from(length).unwrap_or(u128::MAX).saturating_mul(passed.as_nanos());
    // The deadline comes first, so this is less than all; the last byte comes at the very end.
    let bytes = bytes.checked_div(takes.as_nanos()).unwrap_or(0);
    usize::try_from(bytes).unwrap_or(length).min(length.saturating_sub(1))
}

fn broken(cause: &Break, phase: Phase) -> TransportError {
    let kind = if phase == Phase::BeforeSend { cause.unsent } else { cause.sent };
    let error = TransportError::new(kind).with_source(io::Error::new(cause.cause, format!("fault::{cause}")));
    match cause.wire {
        Wire::Proxy(status) => error.with_proxy_status(status),
        _ => error,
    }
}

/// The response, if its body is within the cap.
fn within(cap: usize, response: Response) -> Result<Response, TransportError> {
    match cut(&response, cap) {
        Some(partial) => Err(TransportError::new(Kind::BodyTooLarge).with_partial(partial)),
        None => Ok(response),
    }
}
