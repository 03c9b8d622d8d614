//! The emulator as a transport: what a client in the same process sees of an exchange.

use std::{io, time::Duration};

use async_trait::async_trait;
use clerk_actor_tokens_core::{
    CallContext, DEFAULT_RESPONSE_CAP, Deadline, HttpTransport, Request, Response, Timer, TransportError,
    TransportErrorKind as Kind,
};

use crate::{
    emulator::Emulator,
    exchange::{Exchange, cut},
    fault::{Action, Break},
    script::Phase,
};

/// How long a request may take that brings no deadline: one that no client made.
const NO_CONTEXT: Duration = Duration::from_secs(30);

#[async_trait]
impl HttpTransport for Emulator {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let clock = &self.inner().clock;
        let context = CallContext::of(&request);
        let deadline = context.map_or_else(|| Deadline::after(clock.now(), NO_CONTEXT), CallContext::deadline);
        let cap = context.map_or(DEFAULT_RESPONSE_CAP, CallContext::response_cap);
        if deadline.has_passed(clock.now()) {
            return Err(Kind::TimeoutUnsent.into());
        }

        let mut attempt = Attempt { exchange: Exchange::begin(self.inner(), &request), clock, deadline };
        attempt.meet(Phase::BeforeSend, None).await?;
        attempt.exchange.arrive(&request);
        if let Some(answer) = attempt.meet(Phase::BeforeCommit, None).await? {
            return within(cap, answer);
        }
        let reply = attempt.exchange.commit(&request);
        if let Some(answer) = attempt.meet(Phase::AfterCommit, Some(&reply)).await? {
            return within(cap, answer);
        }
        let reply = within(cap, reply)?;
        attempt.exchange.receipt().set_delivered(true);
        Ok(reply)
    }

    fn timer(&self) -> &dyn Timer {
        &self.inner().clock
    }
}

struct Attempt<'a> {
    exchange: Exchange,
    clock: &'a dyn Timer,
    deadline: Deadline,
}

impl Attempt<'_> {
    /// Lets the fault of this phase happen, if there is one: it ends the exchange, or answers in Clerk's place, or lets
    /// it go on.
    async fn meet(&mut self, phase: Phase, reply: Option<&Response>) -> Result<Option<Response>, TransportError> {
        match self.exchange.fault(phase, reply) {
            None | Some(Action::Pass) => Ok(None),
            Some(Action::Answer(answer)) => Ok(Some(self.exchange.answer(&answer))),
            Some(Action::Break(cause)) => Err(broken(&cause, phase)),
            Some(Action::Delay(duration)) if duration < self.left() => {
                self.exchange.wait(duration).await;
                Ok(None)
            }
            Some(Action::Delay(_) | Action::Stall(None)) => Err(self.late(phase, None).await),
            Some(Action::Stall(Some(bytes))) => match reply.and_then(|reply| cut(reply, bytes)) {
                Some(partial) => Err(self.late(phase, Some(partial)).await),
                None => Ok(None),
            },
            Some(Action::CutAt(bytes)) => match reply.and_then(|reply| cut(reply, bytes)) {
                Some(partial) => Err(TransportError::new(Kind::Interrupted)
                    .with_source(io::Error::from(io::ErrorKind::UnexpectedEof))
                    .with_partial(partial)),
                None => Ok(None),
            },
        }
    }

    fn left(&self) -> Duration {
        self.deadline.remaining(self.clock.now())
    }

    /// Waits for the deadline, and says how far the exchange had come.
    async fn late(&mut self, phase: Phase, partial: Option<Response>) -> TransportError {
        self.exchange.wait(self.left()).await;
        let error = TransportError::new(if phase == Phase::BeforeSend { Kind::TimeoutUnsent } else { Kind::Timeout });
        match partial {
            Some(partial) => error.with_partial(partial),
            None => error,
        }
    }
}

fn broken(cause: &Break, phase: Phase) -> TransportError {
    let kind = if phase == Phase::BeforeSend { cause.unsent } else { cause.sent };
    TransportError::new(kind).with_source(io::Error::from(cause.cause))
}

/// The response, if its body is within the cap.
fn within(cap: usize, response: Response) -> Result<Response, TransportError> {
    match cut(&response, cap) {
        Some(partial) => Err(TransportError::new(Kind::BodyTooLarge).with_partial(partial)),
        None => Ok(response),
    }
}
