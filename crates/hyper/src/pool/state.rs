//! What a pool decides: which waiting call gets which connection, and how many attempts to connect run.
//!
//! Nothing here locks, waits or sends. Each method is one step under the pool's lock, and says what is left to do when the lock
//! is free. So a test can try every order of steps (`state/every_order.rs`).

#[cfg(test)]
mod every_order;

use std::collections::VecDeque;

use super::lease::Lease;

/// A connection that serves one exchange at a time.
pub(super) trait Exclusive {
    fn is_closed(&self) -> bool;

    /// From here on it is idle.
    fn rest(&mut self);
}

/// A connection that serves several exchanges at once.
pub(super) trait Shared {
    type Stream;

    /// Whether it takes no more requests.
    fn is_over(&self) -> bool;

    /// Takes room for one exchange, if there is any.
    fn stream(&self) -> Option<Self::Stream>;
}

/// What an attempt has opened.
pub(super) enum Arrived<E, S> {
    Http1(E),
    Http2(S),
}

/// How many connections are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Limits {
    /// Idle ones, of HTTP/1.1.
    pub(super) idle: usize,
    /// Of HTTP/2.
    pub(super) shared: usize,
}

/// Connections `E` and `S`, calls that wait and are given one by `G`, and attempts that run as `T`.
#[cfg_attr(test, derive(Clone, PartialEq, Eq, Hash))]
pub(super) struct State<E, S, G, T> {
    limits: Limits,
    /// The last one used last.
    idle: Vec<E>,
    shared: Vec<S>,
    /// The one that waits longest first.
    waiting: VecDeque<Waiting<G>>,
    attempts: Vec<Attempt<T>>,
    /// Numbers of waiting calls and of attempts.
    next: u64,
    /// Whether the origin is known to speak HTTP/1.1.
    speaks_http1: bool,
    /// Whether the server did not take one more HTTP/2 connection beside those that are open.
    takes_no_more: bool,
    /// Whether a task closes what rests for too long.
    is_swept: bool,
    /// Whether the runtime has ended.
    has_ended: bool,
}

#[cfg_attr(test, derive(Clone, PartialEq, Eq, Hash))]
struct Waiting<G> {
    number: u64,
    give: G,
}

/// An attempt to connect. Its task is known once it was started.
#[cfg_attr(test, derive(Clone, PartialEq, Eq, Hash))]
struct Attempt<T> {
    number: u64,
    task: Option<T>,
}

/// What is left to do after a step, when the lock is free.
#[must_use]
pub(super) struct Left<E, S: Shared, G, T> {
    pub(super) given: Vec<(G, Lease<E, S::Stream>)>,
    /// The calls that fail.
    pub(super) failed: Vec<G>,
    /// Attempts to start.
    pub(super) starts: Vec<u64>,
    /// Attempts to end, and connections to drop.
    pub(super) given_up: Vec<T>,
    pub(super) closed: Vec<E>,
    pub(super) over: Vec<S>,
    /// Whether to begin the task that closes what rests for too long.
    pub(super) sweeps: bool,
}

impl<E, S: Shared, G, T> Default for Left<E, S, G, T> {
    fn default() -> Self {
        Self {
            given: Vec::new(),
            failed: Vec::new(),
            starts: Vec::new(),
            given_up: Vec::new(),
            closed: Vec::new(),
            over: Vec::new(),
            sweeps: false,
        }
    }
}

impl<E: Exclusive, S: Shared, G, T> State<E, S, G, T> {
    pub(super) fn new(limits: Limits, speaks_http1: bool) -> Self {
        Self {
            limits,
            idle: Vec::new(),
            shared: Vec::new(),
            waiting: VecDeque::new(),
            attempts: Vec::new(),
            next: 0,
            speaks_http1,
            takes_no_more: false,
            is_swept: false,
            has_ended: false,
        }
    }

    fn number(&mut self) -> u64 {
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        number
    }

    /// Takes an idle connection, or room on one. The caller looks whether it may still be used.
    pub(super) fn take(&mut self) -> Option<Lease<E, S::Stream>> {
        let idle = self.idle.pop().map(Lease::Http1);
        // The last one first.
        idle.or_else(|| self.shared.iter().rev().find_map(S::stream).map(Lease::Http2))
    }

    /// A call waits. One that has waited before waits in front. Returns the number by which it leaves.
    pub(super) fn wait(&mut self, give: G, has_waited: bool) -> (u64, Left<E, S, G, T>) {
        let number = self.number();
        if self.has_ended {
            return (number, Left { failed: vec![give], ..Left::default() });
        }
        match has_waited {
            true => self.waiting.push_front(Waiting { number, give }),
            false => self.waiting.push_back(Waiting { number, give }),
        }
        (number, self.settled(Left::default()))
    }

    /// A call waits no longer.
    pub(super) fn leave(&mut self, number: u64) -> Left<E, S, G, T> {
        self.waiting.retain(|waiting| waiting.number != number);
        self.settled(Left::default())
    }

    /// A connection has come to the end of an exchange.
    pub(super) fn put_back(&mut self, mut connection: E) -> Left<E, S, G, T> {
        let mut left = Left::default();
        // Also where it is given to a call at once, which then looks at it: it has carried an exchange.
        connection.rest();
        self.offer(connection, &mut left);
        self.settled(left)
    }

    /// A connection has ended, or takes more streams than before.
    pub(super) fn changed(&mut self) -> Left<E, S, G, T> {
        let closed = split_off(&mut self.idle, E::is_closed);
        self.settled(Left { closed, ..Left::default() })
    }

    /// The attempt of this number runs as this task. Returns the task where the attempt is no longer wanted.
    pub(super) fn started(&mut self, number: u64, task: T) -> Option<T> {
        match self.attempts.iter_mut().find(|attempt| attempt.number == number) {
            Some(attempt) => attempt.task.replace(task),
            None => Some(task),
        }
    }

    /// The attempt of this number has opened a connection.
    pub(super) fn arrived(&mut self, number: u64, arrived: Arrived<E, S>) -> Left<E, S, G, T> {
        self.end_attempt(number);
        let mut left = Left::default();
        match arrived {
            // The runtime ended just before.
            Arrived::Http2(connection) if self.has_ended => left.over.push(connection),
            Arrived::Http1(mut connection) => {
                self.speaks_http1 = true;
                if self.waiting.is_empty() {
                    connection.rest();
                }
                self.offer(connection, &mut left);
            }
            // Not opened again at once: a server that takes leave of each connection would be asked without end.
            Arrived::Http2(connection) if connection.is_over() => {
                left.failed = self.fail_waiting(number);
                left.over.push(connection);
            }
            Arrived::Http2(connection) => {
                (self.speaks_http1, self.takes_no_more) = (false, false);
                self.shared.push(connection);
            }
        }
        self.settled(left)
    }

    /// The attempt of this number has failed. One that was given up meanwhile fails no call.
    pub(super) fn failed(&mut self, number: u64) -> Left<E, S, G, T> {
        let mut left = Left::default();
        if self.end_attempt(number) {
            left.failed = self.fail_waiting(number);
        }
        self.settled(left)
    }

    /// An HTTP/2 connection ended before its peer took a single request. All that wait for it fail with it.
    pub(super) fn ended_unused(&mut self) -> Left<E, S, G, T> {
        let failed = self.fail_waiting(u64::MAX);
        self.settled(Left { failed, ..Left::default() })
    }

    /// Takes out what has rested for too long. Whether anything is left for later.
    pub(super) fn sweep(
        &mut self,
        has_rested: impl Fn(&E) -> bool,
        has_been_idle: impl Fn(&S) -> bool,
    ) -> (Left<E, S, G, T>, bool) {
        let closed = split_off(&mut self.idle, |idle| idle.is_closed() || has_rested(idle));
        // One that calls wait for does not rest: its peer may take them soon.
        let rests = self.waiting.is_empty();
        let over = split_off(&mut self.shared, |shared| shared.is_over() || (rests && has_been_idle(shared)));
        self.is_swept = !self.idle.is_empty() || !self.shared.is_empty();
        let goes_on = self.is_swept;
        (self.settled(Left { closed, over, ..Left::default() }), goes_on)
    }

    /// The runtime has ended, and with it all that it drove. Each call that waits fails, and each that comes.
    pub(super) fn end(&mut self) -> Left<E, S, G, T> {
        self.has_ended = true;
        Left {
            failed: self.waiting.drain(..).map(|waiting| waiting.give).collect(),
            given_up: self.attempts.drain(..).filter_map(|attempt| attempt.task).collect(),
            closed: std::mem::take(&mut self.idle),
            over: std::mem::take(&mut self.shared),
            ..Left::default()
        }
    }

    /// Gives a connection to the call that waits longest, or keeps it.
    fn offer(&mut self, connection: E, left: &mut Left<E, S, G, T>) {
        if let Some(first) = self.waiting.pop_front() {
            left.given.push((first.give, Lease::Http1(connection)));
        } else if self.has_ended || self.idle.len() >= self.limits.idle {
            left.closed.push(connection);
        } else {
            self.idle.push(connection);
        }
    }

    /// Whether it was still wanted.
    fn end_attempt(&mut self, number: u64) -> bool {
        let at = self.attempts.iter().position(|attempt| attempt.number == number);
        at.map(|at| self.attempts.swap_remove(at)).is_some()
    }

    /// The calls that fail with an attempt. HTTP/1.1: one, since each has an attempt of its own. Else all that waited for it,
    /// and none where another connection may serve them.
    fn fail_waiting(&mut self, attempt: u64) -> Vec<G> {
        if !self.speaks_http1 && self.shared.iter().any(|shared| !shared.is_over()) {
            self.takes_no_more = true;
            return Vec::new();
        }
        if self.speaks_http1 {
            return self.waiting.pop_front().into_iter().map(|waiting| waiting.give).collect();
        }
        let waiting = std::mem::take(&mut self.waiting);
        let (failing, others): (VecDeque<_>, _) = waiting.into_iter().partition(|it| it.number < attempt);
        self.waiting = others;
        failing.into_iter().map(|waiting| waiting.give).collect()
    }

    /// The end of each step: no call waits beside a connection that it could have, and what the others wait for is on its way.
    fn settled(&mut self, mut left: Left<E, S, G, T>) -> Left<E, S, G, T> {
        let over = split_off(&mut self.shared, S::is_over);
        self.takes_no_more &= over.is_empty();
        left.over.extend(over);
        while !self.waiting.is_empty() {
            let Some(lease) = self.take() else { break };
            let Some(first) = self.waiting.pop_front() else { break };
            left.given.push((first.give, lease));
        }
        let needed = match self.speaks_http1 {
            true => self.waiting.len(),
            // The others wait for it too, or for a stream.
            false if self.shared.is_empty() => self.waiting.len().min(1),
            false if self.shared.len() < self.limits.shared && !self.takes_no_more => self.waiting.len().min(1),
            false => 0,
        };
        while self.attempts.len() < needed {
            let number = self.number();
            self.attempts.push(Attempt { number, task: None });
            left.starts.push(number);
        }
        // No call waits for the others.
        let unneeded = self.attempts.drain(needed.min(self.attempts.len())..);
        left.given_up.extend(unneeded.filter_map(|attempt| attempt.task));
        let has_any = !self.idle.is_empty() || !self.shared.is_empty();
        left.sweeps = has_any && !self.is_swept;
        self.is_swept |= left.sweeps;
        left
    }
}

/// Takes out those of which this is true.
fn split_off<T>(connections: &mut Vec<T>, is_over: impl Fn(&T) -> bool) -> Vec<T> {
    if !connections.iter().any(&is_over) {
        return Vec::new();
    }
    let (over, lasting) = std::mem::take(connections).into_iter().partition(is_over);
    *connections = lasting;
    over
}
