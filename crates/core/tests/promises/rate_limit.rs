//! The limit on requests: never more than so many in ten seconds, in order, and no one waits in vain.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use async_trait::async_trait;
use clerk_actor_tokens_core::{
    Actor, BoxFuture, CallContext, CreateActorToken, Deadline, ErrorKind, Execution, Executor, HttpTransport,
    Middleware, Moment, Next, OperationInfo, RateLimit, Request, Response, RevokeActorToken, Timer, TransportError,
    TransportErrorKind,
};
use proptest::prelude::*;

use crate::common::{AGENT, Op, Play, USER, builder, ok, run, token_json};

const WINDOW: Duration = Duration::from_secs(10);

/// A clock that the test moves, whose sleeps end early if the test says so; and what was sent at which moment.
#[derive(Clone, Default)]
struct World(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    now: Duration,
    sleepers: Vec<(Duration, Waker)>,
    sent: Vec<(Duration, u32)>,
}

impl World {
    fn now(&self) -> Duration {
        self.0.lock().unwrap().now
    }

    /// Moves the clock, and wakes whose time has come.
    fn pass(&self, by: Duration) {
        let due = {
            let mut inner = self.0.lock().unwrap();
            inner.now += by;
            let now = inner.now;
            let (due, later) = std::mem::take(&mut inner.sleepers).into_iter().partition(|(until, _)| *until <= now);
            inner.sleepers = later;
            due
        };
        due.into_iter().for_each(|(_, waker): (_, Waker)| waker.wake());
    }

    fn next_wake(&self) -> Option<Duration> {
        self.0.lock().unwrap().sleepers.iter().map(|(until, _)| *until).min()
    }
}

impl Timer for World {
    fn now(&self) -> Moment {
        Moment::from_origin(World::now(self))
    }

    fn system_time(&self) -> std::time::SystemTime {
        std::time::SystemTime::UNIX_EPOCH
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let (world, until) = (self.clone(), World::now(self) + duration);
        Box::pin(std::future::poll_fn(move |task| {
            let mut inner = world.0.lock().unwrap();
            if inner.now >= until {
                return Poll::Ready(());
            }
            inner.sleepers.push((until, task.waker().clone()));
            Poll::Pending
        }))
    }
}

/// Writes down when it sends, and whose request it is.
#[async_trait]
impl HttpTransport for World {
    async fn send(&self, _: Request, context: CallContext) -> Result<Response, TransportError> {
        let mut inner = self.0.lock().unwrap();
        let now = inner.now;
        inner.sent.push((now, context.attempt()));
        Ok(Response::default())
    }

    fn timer(&self) -> &dyn Timer {
        self
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        None
    }
}

/// Which task is to be polled.
struct Ready {
    queue: Arc<Mutex<VecDeque<usize>>>,
    number: usize,
}

impl Wake for Ready {
    fn wake(self: Arc<Self>) {
        self.queue.lock().unwrap().push_back(self.number);
    }
}

type Task = Pin<Box<dyn Future<Output = Result<Response, TransportError>>>>;

/// Tasks that are polled when they are woken, and not before: a wake that is missing leaves one for ever.
struct Tasks {
    world: World,
    limit: RateLimit,
    tasks: Vec<Option<Task>>,
    wakers: Vec<Waker>,
    ready: Arc<Mutex<VecDeque<usize>>>,
    failed: Vec<(usize, TransportError)>,
}

impl Tasks {
    fn new(limit: RateLimit) -> Self {
        let (tasks, wakers, ready) = (Vec::new(), Vec::new(), Arc::default());
        Self { world: World::default(), limit, tasks, wakers, ready, failed: Vec::new() }
    }

    fn start(&mut self, time: Duration) {
        self.start_call(&CreateActorToken::INFO, time);
    }

    fn start_revocation(&mut self, time: Duration) {
        self.start_call(&RevokeActorToken::INFO, time);
    }

    fn start_call(&mut self, info: &'static OperationInfo, time: Duration) {
        let (world, limit) = (self.world.clone(), self.limit.clone());
        let number = self.tasks.len();
        let task = async move {
            let deadline = Deadline::after(Timer::now(&world), time);
            let attempt = u32::try_from(number).unwrap();
            let context = CallContext::new(info, deadline).with_attempt(attempt);
            limit.handle(Request::default(), Next::new(&[], &world, &context)).await
        };
        self.tasks.push(Some(Box::pin(task)));
        self.wakers.push(Arc::new(Ready { queue: Arc::clone(&self.ready), number }).into());
        self.ready.lock().unwrap().push_back(number);
        self.poll();
    }

    fn leave(&mut self, number: usize) {
        self.tasks[number] = None;
        self.poll();
    }

    fn poll(&mut self) {
        loop {
            let Some(number) = self.ready.lock().unwrap().pop_front() else { return };
            let Some(task) = &mut self.tasks[number] else { continue };
            let mut context = Context::from_waker(&self.wakers[number]);
            if let Poll::Ready(result) = task.as_mut().poll(&mut context) {
                self.tasks[number] = None;
                self.failed.extend(result.err().map(|error| (number, error)));
            }
        }
    }

    fn pass(&mut self, by: Duration) {
        self.world.pass(by);
        self.poll();
    }

    /// Lets time pass from one sleep to the next, until no one waits.
    fn run(&mut self) {
        while self.tasks.iter().any(Option::is_some) {
            let next = self.world.next_wake().expect("someone waits, and nothing will wake it");
            let by = next.saturating_sub(self.world.now());
            self.pass(by);
        }
    }

    fn sent(&self) -> Vec<(Duration, u32)> {
        self.world.0.lock().unwrap().sent.clone()
    }

    /// Whether no one passed at an earlier moment than one that came before it.
    fn are_in_order(&self) -> bool {
        let mut sent = self.sent();
        sent.sort_by_key(|(_, number)| *number);
        sent.is_sorted_by_key(|(at, _)| *at)
    }

    fn most_in_a_window(&self) -> usize {
        let sent = self.sent();
        let first_outside = |from: Duration| sent.partition_point(|(at, _)| *at < from + WINDOW);
        sent.iter().enumerate().map(|(number, (at, _))| first_outside(*at) - number).max().unwrap_or(0)
    }
}

const LONG: Duration = Duration::from_secs(1_000_000);

#[test]
#[allow(clippy::print_stdout, reason = "the figure")]
fn ten_thousand_tasks_pass_in_order_and_never_more_than_the_limit_in_ten_seconds() {
    let mut tasks = Tasks::new(RateLimit::per_10s(100));
    for number in 0..10_000 {
        tasks.start(LONG);
        if number % 7 == 0 {
            tasks.pass(Duration::from_millis(3));
        }
        // One in eleven leaves, the first of the queue among them.
        if number % 11 == 0 {
            tasks.leave(number / 2);
        }
        // The machine slept.
        if number % 2_500 == 2_499 {
            tasks.pass(Duration::from_secs(47));
        }
    }
    tasks.run();
    assert!(tasks.failed.is_empty());
    let sent = tasks.sent();
    assert!(tasks.are_in_order(), "someone overtook another");
    assert!(sent.len() > 9_000 && sent.len() <= 10_000, "{}", sent.len());
    assert_eq!(tasks.most_in_a_window(), 100);
    println!("figure: rate limit: 10000 tasks, {} sent, at most {} in 10 s", sent.len(), tasks.most_in_a_window());
}

#[derive(Debug, Clone)]
enum Step {
    Start(u64),
    Leave(usize),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_u64..60_000).prop_map(Step::Start),
        1 => (0_usize..60).prop_map(Step::Leave),
        2 => (0_u64..12_000).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..60)
}

proptest! {
    /// Whatever the limit is, with callers that leave and a clock that jumps.
    #[test]
    fn no_window_has_more_than_the_limit_and_no_one_waits_in_vain(limit in 1_u32..6, steps in steps()) {
        let mut tasks = Tasks::new(RateLimit::per_10s(limit));
        for step in steps {
            match step {
                Step::Start(time) => tasks.start(Duration::from_millis(time)),
                Step::Leave(number) if number < tasks.tasks.len() => tasks.leave(number),
                Step::Leave(_) => {}
                Step::Pass(by) => tasks.pass(Duration::from_millis(by)),
            }
        }
        tasks.run();
        prop_assert!(tasks.most_in_a_window() <= usize::try_from(limit).unwrap());
        prop_assert!(tasks.are_in_order());
        for (_, error) in &tasks.failed {
            // One whose deadline passed while it waited behind others that left late, or were not there when it came.
            let is_late = error.kind() == TransportErrorKind::TimeoutBeforeSend;
            let is_refused = error.kind() == TransportErrorKind::RateLimited && error.retry_after().is_some();
            prop_assert!(is_late || is_refused, "{:?}", error);
        }
    }
}

#[test]
fn a_call_that_would_wait_beyond_its_deadline_fails_at_once_and_takes_no_place() {
    let mut tasks = Tasks::new(RateLimit::per_10s(2));
    tasks.start(LONG);
    tasks.pass(Duration::from_secs(4));
    tasks.start(LONG);
    // Slots are free after 6 s, after 10 s, and 10 s after each of these. A second is left for the exchange.
    for (time, wait) in [(7, Some(6)), (8, None), (11, Some(10)), (12, None), (17, Some(16)), (18, None)] {
        tasks.start(Duration::from_secs(time));
        let refused = tasks.failed.pop().map(|(_, error)| error.retry_after().unwrap());
        assert_eq!(refused, wait.map(Duration::from_secs), "{time} s");
    }
    tasks.run();
    assert!(tasks.failed.is_empty());
    let at: Vec<_> = tasks.sent().iter().map(|(at, _)| at.as_secs()).collect();
    assert_eq!(at, [0, 4, 10, 14, 20]);
}

/// The machine slept beyond the deadline of one that waited. The one behind it moves up at once, before one that comes now.
#[test]
fn those_behind_one_whose_deadline_passed_move_up() {
    let mut tasks = Tasks::new(RateLimit::per_10s(2));
    tasks.start(LONG);
    tasks.pass(Duration::from_secs(2));
    tasks.start(LONG);
    tasks.start(LONG);
    tasks.start(Duration::from_secs(14));
    tasks.pass(Duration::from_secs(8));
    // Its own slot is that of the third, at 20 s. The fourth leaves the one at 12 s unused.
    tasks.start(LONG);
    tasks.pass(Duration::from_secs(6));
    tasks.start(LONG);
    tasks.run();
    let sent: Vec<_> = tasks.sent().iter().map(|(at, number)| (at.as_secs(), *number)).collect();
    assert_eq!(sent, [(0, 0), (2, 1), (10, 2), (16, 4), (20, 5)]);
}

#[test]
fn a_limit_of_zero_counts_as_one() {
    let mut tasks = Tasks::new(RateLimit::per_10s(0));
    tasks.start(LONG);
    tasks.start(LONG);
    tasks.run();
    let at: Vec<_> = tasks.sent().iter().map(|(at, _)| at.as_secs()).collect();
    assert_eq!(at, [0, 10]);
}

/// A revocation does not wait behind a batch of creations, and is not refused because they wait.
#[test]
fn revocations_go_first_and_count() {
    let mut tasks = Tasks::new(RateLimit::per_10s(2));
    for _ in 0..6 {
        tasks.start(LONG);
    }
    tasks.start_revocation(Duration::from_secs(10));
    tasks.start_revocation(Duration::from_secs(11));
    tasks.start_revocation(Duration::from_secs(25));
    tasks.run();
    let sent: Vec<_> = tasks.sent().iter().map(|(at, number)| (at.as_secs(), *number)).collect();
    // The first has no time left when its slot is free. It ends unsent, after which it is sent again.
    assert_eq!(sent, [(0, 0), (0, 1), (10, 7), (10, 8), (20, 2), (20, 3), (30, 4), (30, 5)]);
    let failed: Vec<_> = tasks.failed.iter().map(|(number, error)| (*number, error.kind())).collect();
    assert_eq!(failed, [(6, TransportErrorKind::TimeoutBeforeSend)]);
}

/// A future that is kept and not polled takes its own place alone, and that until its deadline.
#[test]
fn one_that_is_not_polled_holds_no_one_up() {
    let mut tasks = Tasks::new(RateLimit::per_10s(2));
    for time in [LONG, LONG, Duration::from_secs(15), LONG, LONG] {
        tasks.start(time);
    }
    // The first that waits.
    let unpolled = tasks.tasks[2].take();
    tasks.run();
    let sent: Vec<_> = tasks.sent().iter().map(|(at, number)| (at.as_secs(), *number)).collect();
    assert_eq!(sent, [(0, 0), (0, 1), (10, 3), (20, 4)]);
    drop(unpolled);
}

#[test]
fn each_attempt_counts_and_clones_share_the_limit() {
    let limit = RateLimit::per_10s(3);
    let client = |script: fn(usize) -> Play| builder(script).middleware(limit.clone()).build().unwrap();
    // Two attempts.
    let first = client(|number| match number {
        0 => TransportErrorKind::Connect.into(),
        _ => ok(&token_json("pending")).into(),
    });
    run(&first, Op::Create).unwrap();
    let second = client(|_| ok(&token_json("pending")).into());
    run(&second, Op::Create).unwrap();
    let create = second.actor_tokens().create(USER, Actor::new(AGENT)).timeout(Duration::from_secs(1));
    let error = pollster::block_on(create.send()).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::RateLimited, Execution::NotExecuted));
    assert_eq!((second.transport().sends(), error.retry_after().is_some()), (1, true));
}

#[test]
fn clerks_limits_have_names() {
    for (limit, shown) in [(RateLimit::production(), "1000"), (RateLimit::development(), "100")] {
        assert_eq!(format!("{limit:?}"), format!("RateLimit {{ per_10s: {shown}, .. }}"));
    }
}
