//! The guard: right around the transport, it sees every send of a call and what came of it.
//!
//! It is what makes "never two" true whatever a middleware asks for. Sends of a `Idempotency::NonIdempotent` operation take turns;
//! after one that is not proved unexecuted (also one that was dropped half-way), no other passes.

use std::{
    ops::Range,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;

use crate::{
    classify::{self, Exchanged},
    context::CallContext,
    execution::Execution,
    operation::Idempotency,
    retry::RetryPolicy,
    transport::{HttpTransport, Request, SendState, TransportError, TransportErrorKind},
};

/// What the sends of one call have done so far.
pub(crate) struct Guard {
    idempotency: Idempotency,
    policy: RetryPolicy,
    turn: async_lock::Mutex<()>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    outcomes: Vec<Execution>,
    /// Of the send that is under way: whether it has been handed to a connection.
    under_way: Option<(usize, SendState)>,
    shut: bool,
    /// Nobody waits for the call any more: what is under way is the last of it.
    abandoned: bool,
    /// The number and the body of the last 2xx, as far as it arrived: the only place that names what was made, if a middleware throws
    /// the answer away.
    success: Option<(usize, Bytes)>,
}

impl Seen {
    fn set(&mut self, number: usize, execution: Execution) {
        if let Some(outcome) = self.outcomes.get_mut(number) {
            *outcome = execution;
        }
    }
}

impl Guard {
    pub(crate) fn new(idempotency: Idempotency, policy: RetryPolicy) -> Self {
        Self { idempotency, policy, turn: async_lock::Mutex::new(()), seen: Mutex::default() }
    }

    /// Sends, if that cannot do a second thing at Clerk, and if there is time left for an answer.
    pub(crate) async fn send(
        &self,
        transport: &dyn HttpTransport,
        context: &CallContext,
        mut request: Request,
    ) -> Exchanged {
        // A second send waits for the first instead of failing at once: a hedge that races the two then gets the
        // first one's answer, rather than an error in its place and a token that nobody holds.
        let _turn = match self.idempotency {
            Idempotency::NonIdempotent => Some(self.turn.lock().await),
            Idempotency::Idempotent => None,
        };
        if self.is_abandoned() {
            return Err(TransportError::blocked("nobody waits for this call any more"));
        }
        if self.is_shut() {
            return Err(TransportError::blocked(
                "an earlier send of this call may have been executed, and a second one could do it twice",
            ));
        }
        // A slow key, a slow middleware: what is sent now could only be lost.
        if context.deadline().has_passed(transport.timer().now()) {
            return Err(TransportErrorKind::TimeoutBeforeSend.into());
        }
        let send_state = SendState::default();
        request.extensions_mut().insert(send_state.clone());
        let number = self.begin_send(send_state);
        let mut exchanged = transport.send(request).await;
        classify::bound(&mut exchanged, context.response_cap());
        self.finish_send(number, &exchanged);
        exchanged
    }

    /// Whether no further send of this call may pass.
    pub(crate) fn is_shut(&self) -> bool {
        self.with(|seen| seen.shut)
    }

    /// Lets no further send pass: whoever made the call has gone.
    pub(crate) fn abandon(&self) {
        self.with(|seen| seen.abandoned = true);
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.with(|seen| seen.abandoned)
    }

    /// Keeps a send that waits for a connection from ever being sent. `true` if there was one.
    pub(crate) fn cancel(&self) -> bool {
        self.with(|seen| {
            let Some((number, _)) = seen.under_way.take_if(|(_, send_state)| send_state.cancel()) else { return false };
            seen.set(number, Execution::NotExecuted);
            true
        })
    }

    /// Whether a send beside the one whose success is known may have done something: something that nobody can name.
    pub(crate) fn has_others_in_doubt(&self) -> bool {
        self.with(|seen| {
            let named = seen.success.as_ref().map(|(number, _)| *number);
            let mut outcomes = seen.outcomes.iter().enumerate();
            outcomes.any(|(number, outcome)| *outcome != Execution::NotExecuted && Some(number) != named)
        })
    }

    /// How many sends there have been.
    pub(crate) fn sends(&self) -> usize {
        self.with(|seen| seen.outcomes.len())
    }

    /// What the sends have done together.
    pub(crate) fn execution(&self) -> Execution {
        self.with(|seen| seen.outcomes.iter().copied().fold(Execution::NotExecuted, Execution::join))
    }

    /// What these sends have done together, counted from 0.
    pub(crate) fn execution_of(&self, sends: Range<usize>) -> Execution {
        self.with(|seen| {
            let outcomes = seen.outcomes.iter().take(sends.end).skip(sends.start);
            outcomes.copied().fold(Execution::NotExecuted, Execution::join)
        })
    }

    /// The body of the last 2xx that the transport gave, whatever a middleware made of it.
    pub(crate) fn success(&self) -> Option<Bytes> {
        self.with(|seen| seen.success.as_ref().map(|(_, body)| body.clone()))
    }

    /// What this 2xx proves, now that its body has been judged: one that is not Clerk's answer to this request names
    /// nothing and proves nothing. If it is not what the transport gave, it was a middleware's, and what the transport gave
    /// stands.
    pub(crate) fn settle(&self, body: &Bytes, execution: Execution) {
        self.with(|seen| {
            let is_it = |(_, seen): &&(usize, Bytes)| seen.as_ptr() == body.as_ptr() && seen.len() == body.len();
            let Some(number) = seen.success.as_ref().filter(is_it).map(|(number, _)| *number) else { return };
            seen.set(number, execution);
            if execution != Execution::Executed {
                seen.success = None;
            }
        });
    }

    /// From here on until it has landed, a send counts as unknown: also where it is dropped, or never polled again.
    fn begin_send(&self, send_state: SendState) -> usize {
        self.with(|seen| {
            let number = seen.outcomes.len();
            seen.outcomes.push(Execution::Unknown);
            seen.under_way = Some((number, send_state));
            seen.shut |= self.idempotency == Idempotency::NonIdempotent;
            number
        })
    }

    fn finish_send(&self, number: usize, exchanged: &Exchanged) {
        let execution = classify::proof(exchanged);
        let is_opted_in = self.policy.is_opted_in(classify::status_of(exchanged));
        self.with(|seen| {
            seen.set(number, execution);
            seen.under_way.take_if(|(under_way, _)| *under_way == number);
            // The unsafe retry is bounded here too: a middleware may send as often as it likes.
            let most = usize::try_from(self.policy.attempts(self.idempotency)).unwrap_or(usize::MAX);
            let may_pass = execution == Execution::NotExecuted || (is_opted_in && seen.outcomes.len() < most);
            if let Some(body) = classify::success_body(exchanged) {
                seen.success = Some((number, body.clone()));
            }
            // Sends that could do harm take turns: no other one is under way.
            seen.shut &= !may_pass;
        });
    }

    fn with<R>(&self, look: impl FnOnce(&mut Seen) -> R) -> R {
        look(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
