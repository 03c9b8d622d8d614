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

use crate::{
    auth::SecretKey,
    call::{
        sends::{AttemptEnd, Entry, InDoubt, Phase, Shut, State, Success, Summary},
        waiting::wake,
    },
    classify::{self, Dropped, Exchanged},
    error_kind::ErrorKind,
    execution::Execution,
    lock::Lock,
    operation_info::Idempotency,
    retry::RetryPolicy,
};

/// What the sends and the attempts of one call have done so far.
pub(crate) struct SendLog {
    idempotency: Idempotency,
    state: Lock<State>,
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
    /// A second send waits for the first instead of failing at once. A hedge that races the two
    /// then gets the response of the first, rather than an error.
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

    /// Ends a send whose exchange was dropped, and is not detached.
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

    /// Returns whether the caller has left this attempt before it ended.
    pub(crate) fn is_left(&self, attempt: u32) -> bool {
        self.state.with(|state| {
            let index = usize::try_from(attempt).unwrap_or(0).checked_sub(1);
            let entry = index.and_then(|index| state.attempts.as_slice().get(index));
            state.caller_left && entry.is_some_and(|entry| entry.ended.is_none())
        })
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

#[cfg(test)]
mod tests {
    use std::{
        sync::Arc,
        task::{Wake, Waker},
    };

    use super::*;

    /// What becomes of a send.
    #[derive(Debug, Clone, Copy)]
    enum Becomes {
        InFlight,
        Withdrawn,
        Dropped(Dropped),
        /// Detached, and proved unexecuted meanwhile.
        DetachedInVain,
    }

    #[test]
    fn an_attempt_was_dropped_after_the_send_where_one_of_its_sends_is_in_doubt_by_that() {
        use Becomes::{DetachedInVain, Dropped as Drops, InFlight, Withdrawn};
        use Dropped::{AfterSend, BeforeSend};

        for (sends, expected) in [
            (vec![], None),
            (vec![InFlight], None),
            (vec![Withdrawn], None),
            (vec![Drops(BeforeSend)], Some(BeforeSend)),
            (vec![Drops(AfterSend)], Some(AfterSend)),
            (vec![DetachedInVain], Some(BeforeSend)),
            (vec![InFlight, Drops(BeforeSend)], Some(BeforeSend)),
            (vec![Drops(AfterSend), Drops(BeforeSend)], Some(AfterSend)),
            (vec![Drops(AfterSend), InFlight], Some(AfterSend)),
            (vec![Drops(BeforeSend), InFlight], None),
        ] {
            let log = SendLog::new(Idempotency::Idempotent);
            let (attempt, _) = log.begin_attempt();
            for becomes in &sends {
                let Ok(number) = pollster::block_on(log.begin_send(attempt)) else { panic!("it is idempotent") };
                match becomes {
                    InFlight => {}
                    Withdrawn => log.withdraw_send(number),
                    Drops(dropped) => log.drop_send(number, *dropped),
                    DetachedInVain => {
                        assert!(log.detach(number));
                        log.withdraw_send(number);
                    }
                }
            }
            assert_eq!(log.dropped(attempt), expected, "{sends:?}");
            assert_eq!(log.dropped(attempt + 1), None, "another attempt");
        }
    }

    #[test]
    fn a_send_that_is_taken_care_of_leaves_the_others_to_be_taken_care_of() {
        let log = SendLog::new(Idempotency::Idempotent);
        let (attempt, _) = log.begin_attempt();
        let [first, second, third] = [(); 3].map(|()| pollster::block_on(log.begin_send(attempt)).unwrap_or_default());
        log.drop_send(first, Dropped::AfterSend);
        log.drop_send(second, Dropped::AfterSend);
        log.withdraw_send(third);
        let taken = log.take_in_doubt(Some(second)).unwrap();
        assert_eq!((taken.execution, taken.others_in_doubt), (Execution::Unknown, true));
        assert!(log.take_in_doubt(Some(second)).is_none(), "once is enough");
        assert!(log.take_in_doubt(Some(third)).is_none(), "it is not in doubt");
        assert!(log.leave().is_some(), "the first");
        assert!(log.leave().is_none(), "all are taken care of");
    }

    struct Counted;

    impl Wake for Counted {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn a_send_that_is_dropped_while_it_waits_for_its_turn_keeps_nothing_of_its_task() {
        let log = SendLog::new(Idempotency::NonIdempotent);
        let (attempt, _) = log.begin_attempt();
        let Ok(_first) = pollster::block_on(log.begin_send(attempt)) else { panic!("it is the first") };
        let counted = Arc::new(Counted);
        {
            let waker = Waker::from(Arc::clone(&counted));
            let mut turn = log.begin_send(attempt);
            assert!(Pin::new(&mut turn).poll(&mut Context::from_waker(&waker)).is_pending());
            assert_eq!(Arc::strong_count(&counted), 3, "it waits by this waker");
        }
        assert_eq!(Arc::strong_count(&counted), 1);
    }
}
