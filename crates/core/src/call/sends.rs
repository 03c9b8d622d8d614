//! What the sends and attempts of one call have done: the pure part of the send log, without its lock and its wakers.

use std::task::Poll;

use bytes::Bytes;
use http::StatusCode;

use crate::{
    attempt::Attempt, auth::SecretKey, call::waiting::Waiting, classify::Dropped, error_kind::ErrorKind,
    execution::Execution, few::Few, operation_info::Idempotency,
};

/// The sends and attempts of one call.
#[derive(Default)]
pub(super) struct State {
    pub(super) attempts: Few<Entry>,
    pub(super) sends: Few<Send>,
    /// Sends that wait for their turn.
    pub(super) waiting: Waiting,
    /// No further send passes.
    pub(super) shut: bool,
    /// The caller has left: what is still in flight reports everything.
    pub(super) caller_left: bool,
    /// The client's own timer ends the exchanges of this attempt: they had their time, and are not detached.
    pub(super) aborting: bool,
    /// The join over what the failures of attempts claim by themselves. A middleware may fail, or answer, instead of the
    /// transport: then the log saw no send, and this is all there is.
    pub(super) claimed: Option<Execution>,
    pub(super) out_of_retries: bool,
    /// The last 2xx, and by which send: the only place that names what was made, if a middleware discards the response.
    pub(super) success: Option<(usize, Success)>,
}

/// One attempt.
pub(super) struct Entry {
    pub(super) stamp: Option<String>,
    pub(super) ended: Option<AttemptEnd>,
}

/// How an attempt ended.
pub(crate) struct AttemptEnd {
    pub(crate) status: Option<StatusCode>,
    pub(crate) error: Option<ErrorKind>,
    pub(crate) execution: Execution,
}

/// One send.
pub(super) struct Send {
    pub(super) attempt: u32,
    pub(super) outcome: Execution,
    pub(super) phase: Phase,
    pub(super) dropped: Option<Dropped>,
    /// Whether the executor took its exchange over while the caller waited.
    pub(super) was_detached: bool,
    /// What the transport gave: for an attempt that its middleware never ended.
    pub(super) seen: Option<(Option<StatusCode>, ErrorKind)>,
    /// Whether somebody takes care of it already: an orphan is reported once.
    pub(super) is_handled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its exchange is polled by the caller.
    InFlight,
    /// Its exchange is polled by the executor.
    Detached,
    /// It is over.
    Ended,
}

impl Send {
    pub(super) fn is_open(&self) -> bool {
        self.phase != Phase::Ended
    }

    pub(super) fn is_in_doubt(&self) -> bool {
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
    pub(super) fn has_body(&self, body: &Bytes) -> bool {
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

impl State {
    pub(super) fn stamp_of(&mut self, send: usize) -> Option<String> {
        let attempt = self.sends.as_slice().get(send)?.attempt;
        self.entry(attempt)?.stamp.clone()
    }

    /// Pending while another send has the turn.
    pub(super) fn begin_send(&mut self, attempt: u32, idempotency: Idempotency) -> Poll<Result<usize, Shut>> {
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

    pub(super) fn entry(&mut self, attempt: u32) -> Option<&mut Entry> {
        let at = usize::try_from(attempt).unwrap_or(usize::MAX).checked_sub(1)?;
        self.attempts.as_mut_slice().get_mut(at)
    }

    pub(super) fn execution_of(&self, attempt: u32) -> Execution {
        join(self.sends.as_slice().iter().filter(|send| send.attempt == attempt))
    }

    pub(super) fn summary(&self) -> Summary {
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

    /// Takes the sends that are in doubt and have no handler yet: this one, or all.
    pub(super) fn take_in_doubt(&mut self, only: Option<usize>) -> Option<InDoubt> {
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
