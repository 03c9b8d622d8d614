//! The send log of a call: every send and every attempt, and what came of each.
//!
//! It is what makes "never two" true whatever a middleware asks for. Sends of an operation that is not idempotent take
//! turns; after one that is not proved unexecuted, also one that was dropped half-way, no other passes. It also knows what
//! has been made and by which send, for when the caller has left. It never holds a future, and nothing of a user's runs
//! under its lock.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::StatusCode;

use crate::{
    attempt::Attempt,
    auth::SecretKey,
    call::waiting::{Waiting, wake},
    classify::{self, Dropped, Exchanged},
    error_kind::ErrorKind,
    execution::Execution,
    few::Few,
    lock::Lock,
    operation_info::Idempotency,
    retry::RetryPolicy,
};

/// What the sends and the attempts of one call have done so far.
pub(crate) struct SendLog {
    idempotency: Idempotency,
    state: Lock<State>,
}

#[derive(Default)]
struct State {
    attempts: Few<Entry>,
    sends: Few<Send>,
    /// Sends that wait for their turn.
    waiting: Waiting,
    /// No further send passes.
    shut: bool,
    /// The caller has left: what is still in flight reports everything.
    caller_left: bool,
    /// The client's own timer ends the exchanges of this attempt: they had their time, and are not detached.
    aborting: bool,
    /// The join over what the failures of attempts claim by themselves. A middleware may fail, or answer, instead of the
    /// transport: then the log saw no send, and this is all there is.
    claimed: Option<Execution>,
    out_of_retries: bool,
    /// The last 2xx, and by which send: the only place that names what was made, if a middleware discards the response.
    success: Option<(usize, Success)>,
}

struct Entry {
    stamp: Option<String>,
    ended: Option<AttemptEnd>,
}

/// How an attempt ended.
pub(crate) struct AttemptEnd {
    pub(crate) status: Option<StatusCode>,
    pub(crate) error: Option<ErrorKind>,
    pub(crate) execution: Execution,
}

/// One send.
struct Send {
    attempt: u32,
    outcome: Execution,
    phase: Phase,
    dropped: Option<Dropped>,
    /// Whether the executor took its exchange over while the caller waited.
    was_detached: bool,
    /// What the transport gave: for an attempt that its middleware never ended.
    seen: Option<(Option<StatusCode>, ErrorKind)>,
    /// Whether somebody takes care of it already: an orphan is reported once.
    is_handled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Its exchange is polled by the caller.
    InFlight,
    /// Its exchange is polled by the executor.
    Detached,
    /// It is over.
    Ended,
}

impl Send {
    fn is_open(&self) -> bool {
        self.phase != Phase::Ended
    }

    fn is_in_doubt(&self) -> bool {
        self.outcome != Execution::NotExecuted
    }
}

/// Why a send may not pass: an earlier one may have been executed.
#[derive(Debug)]
pub(crate) struct Shut;

/// What is known of a call at one moment.
pub(crate) struct Summary {
    /// Every attempt, in order. One that was dropped has what its sends have done.
    pub(crate) attempts: Few<Attempt>,
    /// The join over all sends and over what failures claim.
    pub(crate) execution: Execution,
    /// Whether a send beside the one whose success is known may have done something, which has no name.
    pub(crate) others_in_doubt: bool,
    /// Whether a send was detached while the caller waited.
    pub(crate) is_detached: bool,
    pub(crate) out_of_retries: bool,
    /// The 2xx that the transport gave, where a middleware has put another body in its place.
    pub(crate) replaced: Option<Success>,
}

/// A 2xx that the transport gave, whatever a middleware made of it.
#[derive(Clone)]
pub(crate) struct Success {
    /// As far as it arrived.
    pub(crate) body: Bytes,
    /// Whether that is all of it.
    pub(crate) is_whole: bool,
    /// The stamp that its request bore.
    pub(crate) stamp: Option<String>,
    /// The key with which it was made: a provider may give another one next.
    pub(crate) key: SecretKey,
}

impl Success {
    /// Whether this is its body: the same bytes at the same place.
    fn has_body(&self, body: &Bytes) -> bool {
        self.body.as_ptr() == body.as_ptr() && self.body.len() == body.len()
    }
}

/// Sends that are in doubt, and that somebody takes care of from here on.
pub(crate) struct InDoubt {
    pub(crate) execution: Execution,
    /// The success among them, which names what was made.
    pub(crate) success: Option<Success>,
    /// Whether another send may have made something that `success` does not name.
    pub(crate) others_in_doubt: bool,
}

impl SendLog {
    pub(crate) fn new(idempotency: Idempotency) -> Self {
        Self { idempotency, state: Lock::default() }
    }

    /// Begins an attempt, and returns its number, counted from 1, and that of its first send, counted from 0.
    pub(crate) fn begin_attempt(&self) -> (u32, usize) {
        self.state.with(|state| {
            state.attempts.push(Entry { stamp: None, ended: None });
            state.aborting = false;
            let number = u32::try_from(state.attempts.as_slice().len()).unwrap_or(u32::MAX);
            (number, state.sends.as_slice().len())
        })
    }

    /// Says that the requests of this attempt bear this stamp.
    pub(crate) fn stamp(&self, attempt: u32, stamp: String) {
        self.state.with(|state| {
            if let Some(entry) = state.entry(attempt) {
                entry.stamp = Some(stamp);
            }
        });
    }

    /// Returns the stamp that the request of this send bore.
    pub(crate) fn stamp_of(&self, send: usize) -> Option<String> {
        self.state.with(|state| state.stamp_of(send))
    }

    /// Says how an attempt ended, and with which body if that was a success. Returns what is known of the call by then.
    pub(crate) fn end_attempt(&self, attempt: u32, end: AttemptEnd, returned: Option<&Bytes>) -> Summary {
        self.state.with(|state| {
            if end.error.is_some() {
                state.claimed = Some(state.claimed.map_or(end.execution, |claimed| claimed.join(end.execution)));
            }
            // A middleware may claim less than the transport's result proves.
            let execution = end.execution.join(state.execution_of(attempt));
            if let Some(entry) = state.entry(attempt) {
                entry.ended = Some(AttemptEnd { execution, ..end });
            }
            let is_other = |success: &&(usize, Success)| returned.is_some_and(|body| !success.1.has_body(body));
            let replaced = state.success.as_ref().filter(is_other).map(|(_, success)| success.clone());
            Summary { replaced, ..state.summary() }
        })
    }

    /// Returns what is known of the call by now.
    pub(crate) fn summary(&self) -> Summary {
        self.state.with(|state| state.summary())
    }

    /// Waits for the turn of a send, and returns its number. From here on until it has ended it counts as unknown: also
    /// where it is dropped, or never polled again.
    ///
    /// A second send waits for the first instead of failing at once: a hedge that races the two then gets the response of
    /// the first, rather than an error.
    pub(crate) fn begin_send(&self, attempt: u32) -> Turn<'_> {
        Turn { log: self, attempt, place: None }
    }

    /// Ends a send with what the transport gave, all of it or not, and wakes those that wait for their turn.
    pub(crate) fn finish_send(
        &self,
        number: usize,
        exchanged: &Exchanged,
        is_whole: bool,
        key: &SecretKey,
        policy: &RetryPolicy,
    ) {
        let outcome = classify::proof(exchanged);
        let is_opted_in = policy.is_opted_in(classify::status_of(exchanged));
        // An unsafe retry is bounded here too: a middleware may send as often as it likes.
        let most = usize::try_from(policy.attempts(self.idempotency)).unwrap_or(usize::MAX);
        let body = classify::success_body(exchanged).cloned();
        let kind = classify::failure_of(exchanged).and_then(classify::kind_of).unwrap_or(ErrorKind::Interrupted);
        let seen = Some((classify::status_of(exchanged), kind));
        // What it replaces is dropped unlocked: a body may be of a transport's own making.
        let mut replaced = None;
        self.end_send(number, None, outcome, |state| {
            state.shut &= outcome != Execution::NotExecuted && !(is_opted_in && state.sends.as_slice().len() < most);
            if let Some(body) = body {
                let stamp = state.stamp_of(number);
                replaced = state.success.replace((number, Success { body, is_whole, stamp, key: key.clone() }));
            }
            if let Some(send) = state.sends.as_mut_slice().get_mut(number) {
                send.seen = seen;
            }
        });
        drop(replaced);
    }

    /// Ends a send that never became an exchange.
    pub(crate) fn withdraw_send(&self, number: usize) {
        self.end_send(number, None, Execution::NotExecuted, |state| state.shut = false);
    }

    /// Ends a send whose exchange was dropped, and does not run on.
    pub(crate) fn drop_send(&self, number: usize, dropped: Dropped) {
        let outcome = classify::proof_of_dropped(dropped);
        self.end_send(number, Some(dropped), outcome, |state| state.shut &= dropped == Dropped::AfterSend);
    }

    /// Says that the executor has taken the exchange of this send over. `false` if it has had its time already.
    pub(crate) fn detach(&self, number: usize) -> bool {
        self.state.with(|state| {
            if state.aborting {
                return false;
            }
            if let Some(send) = state.sends.as_mut_slice().get_mut(number) {
                (send.phase, send.dropped) = (Phase::Detached, Some(Dropped::AfterSend));
                send.was_detached = true;
            }
            true
        })
    }

    /// Says that the client's own timer is about to drop the exchanges of this attempt.
    pub(crate) fn abort(&self) {
        self.state.with(|state| state.aborting = true);
    }

    /// Says that the retry budget kept the call from being sent again.
    pub(crate) fn out_of_retries(&self) {
        self.state.with(|state| state.out_of_retries = true);
    }

    /// Returns whether no further send of this call may pass.
    pub(crate) fn is_shut(&self) -> bool {
        self.state.with(|state| state.shut)
    }

    /// Returns when the exchange of an attempt was dropped, if it was: of its last send, unless an earlier one is in doubt.
    pub(crate) fn dropped(&self, attempt: u32) -> Option<Dropped> {
        self.state.with(|state| {
            let of_attempt = || state.sends.as_slice().iter().filter(|send| send.attempt == attempt);
            if of_attempt().any(|send| send.dropped == Some(Dropped::AfterSend) && send.is_in_doubt()) {
                return Some(Dropped::AfterSend);
            }
            // A detached one that was proved unexecuted meanwhile is as good as unsent.
            of_attempt().next_back()?.dropped.map(|_| Dropped::BeforeSend)
        })
    }

    /// Returns what the sends of an attempt have done together.
    pub(crate) fn execution_of(&self, attempt: u32) -> Execution {
        self.state.with(|state| state.execution_of(attempt))
    }

    /// Returns the last 2xx that the transport gave, and in which attempt.
    pub(crate) fn success(&self) -> Option<(u32, Success)> {
        self.state.with(|state| {
            let (number, success) = state.success.as_ref()?;
            Some((state.sends.as_slice().get(*number)?.attempt, success.clone()))
        })
    }

    /// Sets what this 2xx proves, now that its body has been classified: one that is not Clerk's response to this request
    /// names nothing and proves nothing. A body that is not the transport's was a middleware's: then nothing changes.
    /// Nor does it where another attempt got that response: it bears another stamp.
    pub(crate) fn settle(&self, attempt: u32, body: &Bytes, execution: Execution) -> bool {
        let settled = self.state.with(|state| {
            let is_it = |(_, success): &&(usize, Success)| success.has_body(body);
            let number = state.success.as_ref().filter(is_it).map(|(number, _)| *number)?;
            let send = state.sends.as_mut_slice().get_mut(number).filter(|send| send.attempt == attempt)?;
            send.outcome = execution;
            Some(if execution == Execution::Executed { None } else { state.success.take() })
        });
        settled.is_some()
    }

    /// Says that the caller has left. Returns what has to be taken care of: nothing, where nothing is in doubt or where a
    /// detached exchange will see to it.
    pub(crate) fn leave(&self) -> Option<InDoubt> {
        self.state.with(|state| {
            state.caller_left = true;
            match state.sends.as_slice().iter().any(|send| send.phase == Phase::Detached) {
                true => None,
                false => state.take_in_doubt(None),
            }
        })
    }

    /// Returns what has to be taken care of after a detached exchange has ended: that one, and all others once the caller
    /// has left.
    pub(crate) fn take_in_doubt(&self, number: Option<usize>) -> Option<InDoubt> {
        self.state.with(|state| {
            let only = if state.caller_left { None } else { number };
            state.take_in_doubt(only)
        })
    }

    fn end_send(&self, number: usize, dropped: Option<Dropped>, outcome: Execution, change: impl FnOnce(&mut State)) {
        let waiting = self.state.with(|state| {
            if let Some(send) = state.sends.as_mut_slice().get_mut(number) {
                (send.phase, send.outcome) = (Phase::Ended, outcome);
                send.dropped = send.dropped.or(dropped);
            }
            change(state);
            state.waiting.take()
        });
        wake(waiting);
    }
}

/// The turn of a send: see [`SendLog::begin_send`].
pub(crate) struct Turn<'a> {
    log: &'a SendLog,
    attempt: u32,
    place: Option<u64>,
}

impl Future for Turn<'_> {
    type Output = Result<usize, Shut>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (log, attempt, mut waker) = (self.log, self.attempt, Some(context.waker().clone()));
        log.state.with(|state| {
            let begun = state.begin_send(attempt, log.idempotency);
            if begun.is_pending() {
                state.waiting.keep(&mut self.place, &mut waker);
            }
            begun
        })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let waker = self.place.and_then(|place| self.log.state.with(|state| state.waiting.leave(place)));
        drop(waker);
    }
}

impl State {
    fn stamp_of(&mut self, send: usize) -> Option<String> {
        let attempt = self.sends.as_slice().get(send)?.attempt;
        self.entry(attempt)?.stamp.clone()
    }

    /// Pending while another send has the turn.
    fn begin_send(&mut self, attempt: u32, idempotency: Idempotency) -> Poll<Result<usize, Shut>> {
        if idempotency == Idempotency::NonIdempotent {
            if self.sends.as_slice().iter().any(Send::is_open) {
                return Poll::Pending;
            }
            if std::mem::replace(&mut self.shut, true) {
                return Poll::Ready(Err(Shut));
            }
        }
        let number = self.sends.as_slice().len();
        let (outcome, phase) = (Execution::Unknown, Phase::InFlight);
        let (dropped, was_detached, seen, is_handled) = (None, false, None, false);
        self.sends.push(Send { attempt, outcome, phase, dropped, was_detached, seen, is_handled });
        Poll::Ready(Ok(number))
    }

    fn entry(&mut self, attempt: u32) -> Option<&mut Entry> {
        let at = usize::try_from(attempt).unwrap_or(usize::MAX).checked_sub(1)?;
        self.attempts.as_mut_slice().get_mut(at)
    }

    fn execution_of(&self, attempt: u32) -> Execution {
        join(self.sends.as_slice().iter().filter(|send| send.attempt == attempt))
    }

    fn summary(&self) -> Summary {
        let sends = self.sends.as_slice();
        let attempts = self.attempts.as_slice().iter().zip(1u32..);
        Summary {
            attempts: attempts.map(|(entry, number)| entry.to_attempt(number, &self.sends)).collect(),
            execution: join(sends.iter()).join(self.claimed.unwrap_or(Execution::NotExecuted)),
            others_in_doubt: self.has_others_in_doubt(),
            // Also between the end of its exchange and the moment at which somebody takes care of what it made.
            is_detached: sends.iter().any(|send| send.was_detached && send.is_in_doubt()),
            out_of_retries: self.out_of_retries,
            replaced: None,
        }
    }

    fn has_others_in_doubt(&self) -> bool {
        let named = self.success.as_ref().map(|(number, _)| *number);
        let mut sends = self.sends.as_slice().iter().enumerate();
        sends.any(|(number, send)| send.is_in_doubt() && Some(number) != named)
    }

    /// Takes the sends that are in doubt and that nobody takes care of yet: this one, or all.
    fn take_in_doubt(&mut self, only: Option<usize>) -> Option<InDoubt> {
        let mut execution = Execution::NotExecuted;
        let mut named = None;
        for (number, send) in self.sends.as_mut_slice().iter_mut().enumerate() {
            if send.is_handled || !send.is_in_doubt() || only.is_some_and(|only| only != number) {
                continue;
            }
            send.is_handled = true;
            execution = execution.join(send.outcome);
            named = named.or_else(|| self.success.clone().filter(|(success, _)| *success == number));
        }
        // Where no send was seen, a middleware may have sent something by itself: its own claim is not the client's to report.
        let others_in_doubt = self.has_others_in_doubt();
        let success = named.map(|(_, success)| success);
        (execution != Execution::NotExecuted).then_some(InDoubt { execution, success, others_in_doubt })
    }
}

impl Entry {
    fn to_attempt(&self, number: u32, sends: &Few<Send>) -> Attempt {
        let stamp = self.stamp.clone();
        if let Some(AttemptEnd { status, error, execution }) = self.ended {
            return Attempt { number, status, error, execution, stamp };
        }
        let of_attempt = || sends.as_slice().iter().filter(|send| send.attempt == number);
        let execution = join(of_attempt());
        if let Some((status, kind)) = of_attempt().next_back().and_then(|send| send.seen) {
            return Attempt { number, status, error: Some(kind), execution, stamp };
        }
        let error = match execution {
            Execution::NotExecuted => ErrorKind::Blocked,
            Execution::Unknown | Execution::Executed => ErrorKind::Interrupted,
        };
        Attempt { number, status: None, error: Some(error), execution, stamp }
    }
}

fn join<'a>(sends: impl Iterator<Item = &'a Send>) -> Execution {
    sends.map(|send| send.outcome).fold(Execution::NotExecuted, Execution::join)
}
