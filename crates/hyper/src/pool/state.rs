//! Which connections a pool has, which calls wait for one, and which attempts to connect run.

use std::{collections::VecDeque, sync::Arc};

use tokio::{sync::oneshot, task::AbortHandle};

use super::lease::{Lease, OpenFailed};
use crate::connection::{http1::Http1, http2::Http2};

#[derive(Default)]
pub(super) struct State {
    /// HTTP/1.1, the last one used last.
    pub(super) idle: Vec<Http1>,
    /// HTTP/2: the last is the one that takes new requests.
    pub(super) shared: Vec<Arc<Http2>>,
    pub(super) waiting: VecDeque<Waiting>,
    pub(super) attempts: Vec<Attempt>,
    /// Numbers of waiting calls and of attempts.
    next: u64,
    /// Whether the origin is known to speak HTTP/1.1.
    pub(super) speaks_http1: bool,
    /// Whether a task closes what rests for too long.
    pub(super) is_swept: bool,
}

impl State {
    pub(super) fn new(speaks_http1: bool) -> Self {
        Self { speaks_http1, ..Self::default() }
    }

    pub(super) fn number(&mut self) -> u64 {
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        number
    }

    /// The HTTP/2 connection that takes new requests.
    pub(super) fn shared(&mut self) -> Option<Arc<Http2>> {
        self.shared.retain(|shared| !shared.is_over());
        self.shared.last().cloned()
    }

    /// One that has waited before waits in front. The number by which it leaves.
    pub(super) fn wait(&mut self, give: oneshot::Sender<Result<Lease, OpenFailed>>, has_waited: bool) -> u64 {
        let number = self.number();
        match has_waited {
            true => self.waiting.push_front(Waiting { number, give }),
            false => self.waiting.push_back(Waiting { number, give }),
        }
        number
    }

    /// It waits no longer: nothing, where it had been given a connection.
    pub(super) fn leave(&mut self, number: u64) -> Option<Waiting> {
        let at = self.waiting.iter().position(|waiting| waiting.number == number)?;
        self.waiting.remove(at)
    }

    /// Whether it was still wanted.
    pub(super) fn end_attempt(&mut self, number: u64) -> bool {
        let at = self.attempts.iter().position(|attempt| attempt.number == number);
        let ended = at.map(|at| self.attempts.swap_remove(at));
        let is_wanted = ended.is_some();
        if let Some(mut ended) = ended {
            // It is said from within its task: to abort that would end the caller.
            ended.task = None;
        }
        is_wanted
    }

    /// The calls that fail with an attempt. HTTP/1.1: one, since each has an attempt of its own. Else all that waited for it.
    pub(super) fn fail_waiting(&mut self, attempt: u64) -> VecDeque<Waiting> {
        if self.speaks_http1 {
            return self.waiting.pop_front().into_iter().collect();
        }
        let waiting = std::mem::take(&mut self.waiting);
        let (failing, others) = waiting.into_iter().partition(|waiting| waiting.number < attempt);
        self.waiting = others;
        failing
    }
}

/// Takes out those of which this is true: the caller drops them when it holds the lock no longer.
pub(super) fn split_off<T>(connections: &mut Vec<T>, is_over: impl FnMut(&T) -> bool) -> Vec<T> {
    let (over, lasting) = std::mem::take(connections).into_iter().partition(is_over);
    *connections = lasting;
    over
}

pub(super) struct Waiting {
    pub(super) number: u64,
    pub(super) give: oneshot::Sender<Result<Lease, OpenFailed>>,
}

/// An attempt to connect. Dropped, it is given up.
pub(super) struct Attempt {
    pub(super) number: u64,
    /// Until it has ended.
    pub(super) task: Option<AbortHandle>,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
