//! A pool, its calls, its attempts and its connections, and each step that one of them may make next.
//!
//! A step is what happens under the pool's lock once, or outside of it. What a step leaves to be done is done in steps of its
//! own, so that others come between.

use std::collections::VecDeque;

use super::{
    super::{Arrived, Left, Limits, State},
    fakes::{Connection, Many, One, Room, Table, with},
};
use crate::pool::lease::Lease;

type Pool = State<One, Many, usize, ()>;
type ToDo = Left<One, Many, usize, ()>;

/// What a lease is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Has {
    One(usize),
    Room(usize),
}

impl From<Lease<One, Room>> for Has {
    fn from(lease: Lease<One, Room>) -> Self {
        match lease {
            Lease::Http1(One(number)) => Self::One(number),
            Lease::Http2(Room(number)) => Self::Room(number),
        }
    }
}

/// Where a call is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Call {
    /// It looks for a connection next. Whether it has waited before.
    Looks(bool),
    /// It has found none.
    Missed(bool),
    Waits(u64),
    /// It was given one, and has not looked at it.
    Given(Has),
    Uses(Has),
    /// It is dropped while it waits: it has left the pool, and may still be given something.
    Leaving(Option<Has>),
    Gone,
}

/// What a step has left to be done by the thread that made it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Work {
    Give(usize, Has),
    Fail(usize),
    Start(u64),
}

/// What a connection has to say to the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Event {
    Changed,
    EndedUnused,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Look(usize),
    Wait(usize),
    Take(usize),
    Finish(usize),
    Drop(usize),
    Leave(usize),
    Left(usize),
    Work(usize),
    OpensHttp1(usize),
    OpensHttp2(usize, usize),
    OpensEnded(usize),
    CannotOpen(usize),
    Ends(usize),
    /// In the middle of a later step: when it was asked so often.
    EndsWhenAsked(usize, usize),
    Limit(usize, usize),
    Say(usize),
    Sweep,
    RuntimeEnds,
}

/// Which servers there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Server {
    pub(super) speaks_http1: bool,
    pub(super) speaks_http2: bool,
    /// The largest limit of streams.
    pub(super) streams: usize,
    /// How often it changes its limit.
    pub(super) changes: usize,
    /// How many of its connections end by themselves.
    pub(super) endings: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct World {
    pool: PoolState,
    pub(super) calls: Vec<Call>,
    table: Table,
    /// Attempts whose task runs.
    running: Vec<u64>,
    /// What is left to do, thread by thread.
    threads: Vec<VecDeque<Work>>,
    events: Vec<Event>,
    has_ended: bool,
    endings_left: usize,
    changes_left: usize,
}

/// A pool that can be printed.
#[derive(Clone, PartialEq, Eq, Hash)]
struct PoolState(Pool);

impl std::fmt::Debug for PoolState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let waiting: Vec<_> = self.0.waiting.iter().map(|it| (it.number, it.give)).collect();
        let attempts: Vec<_> = self.0.attempts.iter().map(|it| it.number).collect();
        write!(f, "idle {:?}, shared {:?}, waiting {waiting:?}, attempts {attempts:?}", self.0.idle, self.0.shared)
    }
}

impl World {
    pub(super) fn new(calls: usize, limits: Limits, knows_http1: bool, server: Server) -> Self {
        Self {
            pool: PoolState(State::new(limits, knows_http1)),
            calls: vec![Call::Looks(false); calls],
            table: Table::default(),
            running: Vec::new(),
            threads: Vec::new(),
            events: Vec::new(),
            has_ended: false,
            endings_left: server.endings,
            changes_left: server.changes,
        }
    }

    /// Each step that may be next.
    pub(super) fn steps(&self, server: Server) -> Vec<Step> {
        let mut steps = Vec::new();
        for (number, call) in self.calls.iter().enumerate() {
            match call {
                Call::Looks(_) => steps.push(Step::Look(number)),
                Call::Missed(_) => steps.extend([Step::Wait(number), Step::Leave(number)]),
                Call::Waits(_) => steps.push(Step::Leave(number)),
                Call::Given(_) => steps.extend([Step::Take(number), Step::Leave(number)]),
                Call::Uses(_) => steps.extend([Step::Finish(number), Step::Drop(number)]),
                Call::Leaving(_) => steps.push(Step::Left(number)),
                Call::Gone => {}
            }
        }
        steps.extend((0..self.threads.len()).map(Step::Work));
        for at in 0..self.running.len() {
            steps.push(Step::CannotOpen(at));
            if server.speaks_http1 {
                steps.push(Step::OpensHttp1(at));
            }
            if server.speaks_http2 {
                steps.extend((0..=server.streams).map(|streams| Step::OpensHttp2(at, streams)));
                steps.push(Step::OpensEnded(at));
            }
        }
        for (number, connection) in self.table.connections.iter().enumerate().filter(|(_, it)| !it.is_over) {
            if self.endings_left > 0 && self.table.ending.is_none() {
                steps.push(Step::Ends(number));
                steps.extend([1, 2].map(|asked| Step::EndsWhenAsked(number, asked)));
            }
            if connection.is_shared && self.changes_left > 0 {
                let others = (0..=server.streams).filter(|limit| *limit != connection.limit);
                steps.extend(others.map(|limit| Step::Limit(number, limit)));
            }
        }
        steps.extend((0..self.events.len()).map(Step::Say));
        if self.pool.0.is_swept {
            steps.push(Step::Sweep);
        }
        if !self.has_ended {
            steps.push(Step::RuntimeEnds);
        }
        steps
    }

    pub(super) fn make(&mut self, step: Step) {
        let (failing, may_fail) = (self.failing(), self.may_fail(step));
        match step {
            Step::Look(call) => {
                let Call::Looks(has_waited) = self.calls[call] else { return };
                let taken = with(&mut self.table, || self.pool.0.take());
                self.calls[call] = taken.map_or(Call::Missed(has_waited), |lease| Call::Given(lease.into()));
            }
            Step::Wait(call) => {
                let Call::Missed(has_waited) = self.calls[call] else { return };
                let (number, to_do) = with(&mut self.table, || self.pool.0.wait(call, has_waited));
                self.calls[call] = Call::Waits(number);
                self.act(to_do);
            }
            Step::Take(call) => {
                let Call::Given(has) = self.calls[call] else { return };
                let (Has::One(number) | Has::Room(number)) = has;
                if self.table.connections[number].is_over {
                    self.drop_lease(has);
                    self.calls[call] = Call::Looks(true);
                } else {
                    self.calls[call] = Call::Uses(has);
                }
            }
            Step::Finish(call) => match std::mem::replace(&mut self.calls[call], Call::Gone) {
                Call::Uses(Has::One(number)) => self.put_back(number),
                Call::Uses(has @ Has::Room(_)) => self.drop_lease(has),
                _ => {}
            },
            Step::Drop(call) => {
                let Call::Uses(has) = std::mem::replace(&mut self.calls[call], Call::Gone) else { return };
                if let Has::Room(number) = has {
                    self.table.connections[number].is_over = true;
                }
                self.drop_lease(has);
            }
            Step::Leave(call) => match std::mem::replace(&mut self.calls[call], Call::Gone) {
                Call::Waits(number) => {
                    self.calls[call] = Call::Leaving(None);
                    let to_do = with(&mut self.table, || self.pool.0.leave(number));
                    self.act(to_do);
                }
                Call::Given(has) => self.drop_lease(has),
                _ => {}
            },
            Step::Left(call) => {
                if let Call::Leaving(Some(has)) = std::mem::replace(&mut self.calls[call], Call::Gone) {
                    self.drop_lease(has);
                }
            }
            Step::Work(thread) => self.work(thread),
            Step::OpensHttp1(at) => self.opens(at, false, 0, false),
            Step::OpensHttp2(at, streams) => self.opens(at, true, streams, false),
            Step::OpensEnded(at) => self.opens(at, true, 0, true),
            Step::CannotOpen(at) => {
                let attempt = self.running.remove(at);
                let to_do = with(&mut self.table, || self.pool.0.failed(attempt));
                self.act(to_do);
            }
            Step::Ends(number) => {
                self.endings_left -= 1;
                self.end(number);
            }
            Step::EndsWhenAsked(number, asked) => {
                self.endings_left -= 1;
                self.table.ending = Some((number, asked));
            }
            Step::Limit(number, limit) => {
                self.changes_left -= 1;
                let connection = &mut self.table.connections[number];
                if limit > connection.limit {
                    self.events.push(Event::Changed);
                }
                connection.limit = limit;
            }
            Step::Say(at) => {
                let event = self.events.remove(at);
                let to_do = with(&mut self.table, || match event {
                    Event::Changed => self.pool.0.changed(),
                    Event::EndedUnused => self.pool.0.ended_unused(),
                });
                self.act(to_do);
            }
            Step::Sweep => {
                let used = |table: &Table| table.connections.iter().map(|it| it.used > 0).collect::<Vec<_>>();
                let is_used = used(&self.table);
                let (to_do, _) = with(&mut self.table, || self.pool.0.sweep(|_| true, |shared| !is_used[shared.0]));
                self.act(to_do);
            }
            Step::RuntimeEnds => {
                self.has_ended = true;
                let to_do = with(&mut self.table, || self.pool.0.end());
                self.act(to_do);
            }
        }
        assert!(may_fail || self.failing() <= failing, "{step:?} fails a call");
        // One that has ended in the middle of this step says so.
        if let Some((number, 0)) = self.table.ending {
            self.table.ending = None;
            self.end(number);
        }
        self.forget();
    }

    /// How many calls are about to fail.
    fn failing(&self) -> usize {
        self.threads.iter().flatten().filter(|work| matches!(work, Work::Fail(_))).count()
    }

    /// Whether a call may fail by this step: where nothing came about that it waited for, and nothing else may serve it.
    fn may_fail(&self, step: Step) -> bool {
        let is_open = |shared: &Many| !self.table.connections[shared.0].is_over;
        // In the middle of this step a connection may end.
        let may_end = self.table.ending.is_some();
        let is_served = !self.pool.0.speaks_http1 && self.pool.0.shared.iter().any(is_open) && !may_end;
        match step {
            Step::RuntimeEnds | Step::Work(_) => true,
            Step::CannotOpen(_) | Step::OpensEnded(_) => !is_served,
            Step::OpensHttp2(..) => may_end,
            Step::Say(at) => self.events[at] == Event::EndedUnused && !is_served,
            Step::Wait(_) => self.has_ended,
            _ => false,
        }
    }

    /// The connection ends, and will say so.
    fn end(&mut self, number: usize) {
        let connection = &mut self.table.connections[number];
        connection.is_over = true;
        let is_unused = connection.is_shared && !connection.was_given;
        self.events.push(if is_unused { Event::EndedUnused } else { Event::Changed });
    }

    fn opens(&mut self, at: usize, is_shared: bool, limit: usize, is_over: bool) {
        let attempt = self.running.remove(at);
        let number = self.table.connections.len();
        self.table.connections.push(Connection { is_shared, is_over, limit, ..Connection::default() });
        let arrived = if is_shared { Arrived::Http2(Many(number)) } else { Arrived::Http1(One(number)) };
        let to_do = with(&mut self.table, || self.pool.0.arrived(attempt, arrived));
        self.act(to_do);
    }

    fn put_back(&mut self, number: usize) {
        if !self.table.connections[number].is_over {
            let to_do = with(&mut self.table, || self.pool.0.put_back(One(number)));
            self.act(to_do);
        }
    }

    fn drop_lease(&mut self, has: Has) {
        match has {
            Has::One(number) => self.table.connections[number].is_over = true,
            Has::Room(number) => {
                self.table.connections[number].used -= 1;
                self.events.push(Event::Changed);
            }
        }
    }

    fn act(&mut self, to_do: ToDo) {
        let Left { given, failed, starts, given_up, closed, over, sweeps: _ } = to_do;
        // The tasks of attempts that are given up may have come to their end already: they stay, and may still say so.
        drop((given_up, over));
        for One(number) in closed {
            self.table.connections[number].is_over = true;
        }
        let mut thread = VecDeque::new();
        thread.extend(failed.into_iter().map(Work::Fail));
        thread.extend(starts.into_iter().map(Work::Start));
        thread.extend(given.into_iter().map(|(call, lease)| Work::Give(call, lease.into())));
        if !thread.is_empty() {
            self.threads.push(thread);
        }
    }

    fn work(&mut self, thread: usize) {
        let Some(work) = self.threads[thread].pop_front() else { return };
        if self.threads[thread].is_empty() {
            self.threads.remove(thread);
        }
        match work {
            Work::Give(call, has) => match self.calls[call] {
                Call::Waits(_) => self.calls[call] = Call::Given(has),
                Call::Leaving(None) => self.calls[call] = Call::Leaving(Some(has)),
                Call::Gone => match has {
                    Has::One(number) => self.put_back(number),
                    Has::Room(_) => self.drop_lease(has),
                },
                ref other => panic!("a call that {other:?} was given a connection"),
            },
            Work::Fail(call) => match self.calls[call] {
                Call::Waits(_) | Call::Leaving(None) => self.calls[call] = Call::Gone,
                Call::Gone => {}
                ref other => panic!("a call that {other:?} was failed"),
            },
            Work::Start(attempt) => {
                self.running.push(attempt);
                let _ = with(&mut self.table, || self.pool.0.started(attempt, ()));
            }
        }
    }

    /// What is broken in this state, if anything is.
    pub(super) fn broken(&self) -> Option<String> {
        let pool = &self.pool.0;
        let connections = &self.table.connections;
        // One exchange on a connection at a time, and no more streams than are in use.
        for (number, connection) in connections.iter().enumerate() {
            let is = |has: &Has| matches!(has, Has::One(it) | Has::Room(it) if *it == number);
            let held = self.leases().filter(is).count() + pool.idle.iter().filter(|it| it.0 == number).count();
            if !connection.is_shared && held > 1 {
                return Some(format!("connection {number} serves {held} exchanges"));
            }
            if connection.is_shared && held != connection.used {
                return Some(format!("connection {number} counts {}, and {held} use it", connection.used));
            }
        }
        let is_quiet = self.threads.is_empty() && self.events.is_empty() && self.table.ending.is_none();
        if !is_quiet {
            return None;
        }
        if self.has_ended && !(pool.waiting.is_empty() && pool.idle.is_empty() && pool.shared.is_empty()) {
            return Some("something is left in the pool of a runtime that has ended".into());
        }
        if pool.waiting.iter().any(|it| !matches!(self.calls[it.give], Call::Waits(_))) {
            return Some("a call that has left still waits".into());
        }
        let waits = |number: u64| pool.waiting.iter().any(|it| it.number == number);
        if self.calls.iter().any(|call| matches!(call, Call::Waits(number) if !waits(*number))) {
            return Some("a call waits that the pool has forgotten".into());
        }
        let running = |number: &u64| self.running.contains(number);
        let wanted = pool.attempts.iter().filter(|it| running(&it.number)).count();
        let needed = if pool.speaks_http1 { pool.waiting.len() } else { pool.waiting.len().min(1) };
        if wanted > needed {
            return Some(format!("{wanted} attempts run for {} calls", pool.waiting.len()));
        }
        if pool.waiting.is_empty() {
            return None;
        }
        if !pool.idle.is_empty() {
            return Some("a call waits beside an idle connection".into());
        }
        let open = || pool.shared.iter().map(|shared| connections[shared.0]).filter(|it| !it.is_over);
        if open().any(|connection| connection.used < connection.limit) {
            return Some("a call waits beside a free stream".into());
        }
        if wanted < needed && (pool.speaks_http1 || open().count() == 0) {
            return Some(format!("{} calls wait for {wanted} attempts", pool.waiting.len()));
        }
        None
    }

    fn leases(&self) -> impl Iterator<Item = Has> {
        let of_calls = self.calls.iter().filter_map(|call| match call {
            Call::Given(has) | Call::Uses(has) | Call::Leaving(Some(has)) => Some(*has),
            _ => None,
        });
        let on_the_way = self.threads.iter().flatten().filter_map(|work| match work {
            Work::Give(_, has) => Some(*has),
            _ => None,
        });
        of_calls.chain(on_the_way)
    }

    /// Forgets numbers that say nothing, so that states that mean the same are the same.
    fn forget(&mut self) {
        self.events.sort_unstable();
        self.events.dedup();
        let pool = &mut self.pool.0;
        let mut numbers: Vec<u64> = pool.waiting.iter().map(|it| it.number).collect();
        numbers.extend(pool.attempts.iter().map(|it| it.number));
        numbers.extend(&self.running);
        numbers.extend(self.calls.iter().filter_map(|call| match call {
            Call::Waits(number) => Some(*number),
            _ => None,
        }));
        numbers.extend(self.threads.iter().flatten().filter_map(|work| match work {
            Work::Start(number) => Some(*number),
            _ => None,
        }));
        numbers.sort_unstable();
        numbers.dedup();
        let rank = |number: &mut u64| {
            let at = numbers.binary_search(number).expect("it was collected");
            *number = u64::try_from(at).expect("a small number");
        };
        pool.next = u64::try_from(numbers.len()).expect("a small number");
        pool.waiting.iter_mut().for_each(|it| rank(&mut it.number));
        pool.attempts.iter_mut().for_each(|it| rank(&mut it.number));
        self.running.iter_mut().for_each(rank);
        self.running.sort_unstable();
        for call in &mut self.calls {
            if let Call::Waits(number) = call {
                rank(number);
            }
        }
        for work in self.threads.iter_mut().flatten() {
            if let Work::Start(number) = work {
                rank(number);
            }
        }
        self.forget_connections();
    }

    /// A connection that nothing refers to has ended. One that only its exchanges refer to ends with them.
    fn forget_connections(&mut self) {
        let pool = &mut self.pool.0;
        let mut known: Vec<usize> = pool.idle.iter().map(|it| it.0).collect();
        known.extend(pool.shared.iter().map(|it| it.0));
        known.extend(self.calls.iter().filter_map(|call| match call {
            Call::Given(Has::One(it) | Has::Room(it))
            | Call::Uses(Has::One(it) | Has::Room(it))
            | Call::Leaving(Some(Has::One(it) | Has::Room(it))) => Some(*it),
            _ => None,
        }));
        known.extend(self.threads.iter().flatten().filter_map(|work| match work {
            Work::Give(_, Has::One(it) | Has::Room(it)) => Some(*it),
            _ => None,
        }));
        let mut order = Vec::new();
        for number in known {
            if !order.contains(&number) {
                order.push(number);
            }
        }
        let is_gone = |(number, it): (usize, &Connection)| it.is_shared && !it.is_over && !order.contains(&number);
        if self.table.connections.iter().enumerate().any(is_gone) {
            // Its driver says so.
            self.events.push(Event::Changed);
            self.events.sort_unstable();
            self.events.dedup();
        }
        let rank = |number: &mut usize| *number = order.iter().position(|it| it == number).expect("it was collected");
        pool.idle.iter_mut().for_each(|it| rank(&mut it.0));
        pool.shared.iter_mut().for_each(|it| rank(&mut it.0));
        for call in &mut self.calls {
            if let Call::Given(Has::One(it) | Has::Room(it))
            | Call::Uses(Has::One(it) | Has::Room(it))
            | Call::Leaving(Some(Has::One(it) | Has::Room(it))) = call
            {
                rank(it);
            }
        }
        for work in self.threads.iter_mut().flatten() {
            if let Work::Give(_, Has::One(it) | Has::Room(it)) = work {
                rank(it);
            }
        }
        self.table.ending = self.table.ending.and_then(|(number, left)| {
            let number = order.iter().position(|it| *it == number)?;
            Some((number, left))
        });
        self.table.connections = order.iter().map(|number| self.table.connections[*number]).collect();
    }
}
