//! Time that a test moves by hand, and a way to give it to any transport.
//!
//! [`ManualTimer`] is the clock; [`WithTimer`] puts it on a transport, which is where the client takes its clock from.
//! No thread is started and nothing is slept for real.
//!
//! A waker is cloned, woken and dropped without the clock's lock. All three are the executor's code, and may come back
//! to the clock: a waker that owns a task owns the sleeps of that task.

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clerk_actor_tokens_core::{
    BoxFuture, CallContext, Deadline, Executor, HttpTransport, Moment, Request, Response, Timer, TransportError,
};

use crate::lock::locked;

/// A clock that moves only when the test moves it.
///
/// Clones are handles of one clock. A sleep is counted from the moment at which it is made.
///
/// ```
/// use clerk_actor_tokens_core::Timer;
/// use clerk_actor_tokens_mock::ManualTimer;
/// use std::time::Duration;
///
/// let timer = ManualTimer::new();
/// let sleep = timer.sleep(Duration::from_secs(3600));
/// timer.advance(Duration::from_secs(3600));
/// pollster::block_on(sleep); // over at once
/// assert_eq!(timer.elapsed(), Duration::from_secs(3600));
/// ```
#[derive(Clone)]
pub struct ManualTimer {
    auto_advance: bool,
    clock: Arc<Mutex<Clock>>,
}

struct Clock {
    elapsed: Duration,
    wall: SystemTime,
    next_sleeper: u64,
    /// By when they are due, then by age.
    sleepers: BTreeMap<(Duration, u64), Waker>,
}

/// What the wall shows at first: 2023-11-14T22:13:20Z, the same in every run.
const WALL_AT_START: Duration = Duration::from_secs(1_700_000_000);

impl ManualTimer {
    /// A clock that only [`advance`](Self::advance) moves.
    #[must_use]
    pub fn new() -> Self {
        Self::with_auto_advance(false)
    }

    /// A clock that jumps to the end of every sleep that is awaited, so that a test with backoff in it runs through on
    /// one thread.
    ///
    /// It cannot tell waiting from being about to be answered: a sleep that races an exchange wins at once if the
    /// exchange is not ready the first time it is polled. That suits every double of this crate, and
    /// [`NeverTransport`](crate::NeverTransport) in particular; it does not suit a real network.
    ///
    /// ```
    /// use clerk_actor_tokens_core::Timer;
    /// use clerk_actor_tokens_mock::ManualTimer;
    /// use std::time::Duration;
    ///
    /// let timer = ManualTimer::auto_advancing();
    /// pollster::block_on(timer.sleep(Duration::from_secs(7)));
    /// assert_eq!(timer.elapsed(), Duration::from_secs(7));
    /// ```
    #[must_use]
    pub fn auto_advancing() -> Self {
        Self::with_auto_advance(true)
    }

    fn with_auto_advance(auto_advance: bool) -> Self {
        let wall = UNIX_EPOCH.checked_add(WALL_AT_START).unwrap_or(UNIX_EPOCH);
        let clock = Clock { elapsed: Duration::ZERO, wall, next_sleeper: 0, sleepers: BTreeMap::new() };
        Self { auto_advance, clock: Arc::new(Mutex::new(clock)) }
    }

    /// Moves both clocks forward and wakes every sleep that is due.
    ///
    /// # Panics
    /// If [`SystemTime`] cannot hold the moment.
    #[track_caller]
    #[allow(clippy::panic, reason = "a wrong argument fails the test")]
    pub fn advance(&self, duration: Duration) {
        let due = locked(&self.clock).advance(duration);
        let Some(due) = due else { panic!("ManualTimer: no clock reaches {duration:?} further") };
        due.into_iter().for_each(Waker::wake);
    }

    /// How much time has passed since this clock was made.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        locked(&self.clock).elapsed
    }

    /// How many sleeps are being awaited and are not due.
    #[must_use]
    pub fn sleepers(&self) -> usize {
        locked(&self.clock).sleepers.len()
    }
}

impl Clock {
    /// The wakers of what became due, or `None` (and no change) if a clock cannot hold the moment.
    fn advance(&mut self, duration: Duration) -> Option<Vec<Waker>> {
        let elapsed = self.elapsed.checked_add(duration)?;
        self.wall = self.wall.checked_add(duration)?;
        self.elapsed = elapsed;
        let later = match elapsed.checked_add(Duration::from_nanos(1)) {
            Some(first_not_due) => self.sleepers.split_off(&(first_not_due, 0)),
            None => BTreeMap::new(),
        };
        Some(std::mem::replace(&mut self.sleepers, later).into_values().collect())
    }
}

impl Timer for ManualTimer {
    fn now(&self) -> Moment {
        Moment::from_origin(self.elapsed())
    }

    fn system_time(&self) -> SystemTime {
        locked(&self.clock).wall
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut clock = locked(&self.clock);
        let id = clock.next_sleeper;
        clock.next_sleeper = id.wrapping_add(1);
        let due = clock.elapsed.saturating_add(duration);
        drop(clock);
        Box::pin(Sleep { timer: self.clone(), due, id })
    }
}

impl Default for ManualTimer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ManualTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualTimer")
            .field("elapsed", &self.elapsed())
            .field("sleepers", &self.sleepers())
            .field("auto_advance", &self.auto_advance)
            .finish_non_exhaustive()
    }
}

struct Sleep {
    timer: ManualTimer,
    due: Duration,
    id: u64,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let key = (self.due, self.id);
        let waker = context.waker().clone();
        let mut clock = locked(&self.timer.clock);
        if clock.elapsed >= self.due {
            let old = clock.sleepers.remove(&key);
            drop(clock);
            drop(old);
            return Poll::Ready(());
        }
        if self.timer.auto_advance {
            let missing = self.due.saturating_sub(clock.elapsed);
            if let Some(due) = clock.advance(missing) {
                drop(clock);
                due.into_iter().for_each(Waker::wake);
                return Poll::Ready(());
            }
            // A sleep that no clock can hold never ends.
        }
        let old = clock.sleepers.insert(key, waker);
        drop(clock);
        drop(old);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        // The lock is gone at the end of this statement, the waker at the end of the block.
        let _waker = locked(&self.timer.clock).sleepers.remove(&(self.due, self.id));
    }
}

/// A transport with another clock.
///
/// The clock of the transport inside is not this one. So the transport inside is given a deadline of its own clock, with
/// as much time as is left on this one.
///
/// ```
/// use clerk_actor_tokens_core::{HttpTransport, Timer};
/// use clerk_actor_tokens_mock::{ManualTimer, NeverTransport, WithTimer};
/// use std::time::Duration;
///
/// let timer = ManualTimer::new();
/// let transport = WithTimer::new(NeverTransport::new(), timer.clone());
/// let before = transport.timer().now();
/// timer.advance(Duration::from_secs(30));
/// assert_eq!(transport.timer().now().saturating_duration_since(before), Duration::from_secs(30));
/// ```
#[derive(Clone)]
pub struct WithTimer<T> {
    transport: T,
    timer: Arc<dyn Timer>,
}

impl<T: HttpTransport> WithTimer<T> {
    /// Gives the transport this clock.
    #[must_use]
    pub fn new(transport: T, timer: impl Timer + 'static) -> Self {
        Self { transport, timer: Arc::new(timer) }
    }

    /// The transport inside.
    #[must_use]
    pub fn transport(&self) -> &T {
        &self.transport
    }
}

impl<T: HttpTransport> HttpTransport for WithTimer<T> {
    // Desugared, so that the future is not boxed twice.
    fn send<'a, 'f>(&'a self, request: Request, context: CallContext) -> BoxFuture<'f, Result<Response, TransportError>>
    where
        'a: 'f,
        Self: 'f,
    {
        // In this order, so that the time between the two makes the deadline earlier and not later.
        let now = self.transport.timer().now();
        let deadline = Deadline::after(now, context.deadline().remaining(self.timer.now()));
        self.transport.send(request, context.with_deadline(deadline))
    }

    fn timer(&self) -> &dyn Timer {
        &*self.timer
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        self.transport.executor()
    }
}

impl<T: fmt::Debug> fmt::Debug for WithTimer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithTimer").field("transport", &self.transport).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CapturedRequest, CapturingTransport, hand_over::tests::context};
    use clerk_actor_tokens_core::SystemTimer;
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        sync::{
            atomic::{AtomicUsize, Ordering},
            mpsc,
        },
        task::Wake,
        thread,
    };

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn poll(sleep: &mut BoxFuture<'static, ()>, woken: &Arc<Woken>) -> bool {
        let waker = Waker::from(Arc::clone(woken));
        sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_sleep_is_woken_when_it_is_due_and_not_before() {
        let (timer, woken) = (ManualTimer::new(), Arc::new(Woken::default()));
        let mut sleep = timer.sleep(SECOND);
        assert_eq!(timer.sleepers(), 0, "no task awaits it yet");
        assert!(!poll(&mut sleep, &woken));
        assert!(!poll(&mut sleep, &woken));
        assert_eq!(timer.sleepers(), 1);
        timer.advance(SECOND - Duration::from_nanos(1));
        assert_eq!((woken.0.load(Ordering::SeqCst), timer.sleepers()), (0, 1));
        timer.advance(Duration::from_nanos(1));
        assert_eq!((woken.0.load(Ordering::SeqCst), timer.sleepers()), (1, 0));
        assert!(poll(&mut sleep, &woken));
    }

    #[test]
    fn each_sleep_has_its_own_end() {
        let (timer, woken) = (ManualTimer::new(), Arc::new(Woken::default()));
        let mut sleeps: Vec<_> = [3, 1, 2, 2].map(|seconds| timer.sleep(SECOND * seconds)).into();
        assert!(sleeps.iter_mut().all(|sleep| !poll(sleep, &woken)));
        for (at, left) in [(1, 3), (2, 1), (3, 0)] {
            timer.advance(SECOND);
            assert_eq!((timer.sleepers(), woken.0.load(Ordering::SeqCst)), (left, 4 - left), "at {at} s");
        }
    }

    #[test]
    fn a_dropped_sleep_is_no_sleeper() {
        let (timer, woken) = (ManualTimer::new(), Arc::new(Woken::default()));
        let mut sleep = timer.sleep(SECOND);
        assert!(!poll(&mut sleep, &woken));
        drop(sleep);
        assert_eq!(timer.sleepers(), 0);
    }

    #[test]
    fn a_sleep_of_nothing_is_over_at_once() {
        assert!(poll(&mut ManualTimer::new().sleep(Duration::ZERO), &Arc::default()));
    }

    #[test]
    fn a_sleep_on_another_thread_is_woken() {
        let timer = ManualTimer::new();
        let sleep = timer.sleep(SECOND);
        let (done, is_done) = mpsc::channel();
        thread::spawn(move || {
            pollster::block_on(sleep);
            done.send(())
        });
        while timer.sleepers() == 0 {
            thread::yield_now();
        }
        timer.advance(SECOND);
        is_done.recv_timeout(Duration::from_secs(60)).expect("the sleeper was not woken");
    }

    #[test]
    fn both_clocks_move() {
        let timer = ManualTimer::new();
        let (now, wall) = (timer.now(), timer.system_time());
        timer.advance(SECOND);
        assert_eq!((timer.now().saturating_duration_since(now), timer.system_time()), (SECOND, wall + SECOND));
    }

    #[test]
    fn clones_are_one_clock() {
        let timer = ManualTimer::new();
        timer.clone().advance(SECOND);
        assert_eq!(timer.elapsed(), SECOND);
    }

    #[test]
    fn an_auto_advancing_clock_wakes_the_others_it_jumps_over() {
        let (timer, woken) = (ManualTimer::auto_advancing(), Arc::new(Woken::default()));
        let mut forever = timer.sleep(Duration::MAX);
        assert!(!poll(&mut forever, &woken), "a sleep that no clock can hold does not end");
        let mut jumped_over = ManualTimer { auto_advance: false, ..timer.clone() }.sleep(SECOND * 2);
        assert!(!poll(&mut jumped_over, &woken));
        assert!(poll(&mut timer.sleep(SECOND), &woken));
        assert_eq!((timer.elapsed(), timer.sleepers(), woken.0.load(Ordering::SeqCst)), (SECOND, 2, 0));
        assert!(poll(&mut timer.sleep(SECOND), &woken));
        assert_eq!((timer.elapsed(), timer.sleepers(), woken.0.load(Ordering::SeqCst)), (SECOND * 2, 1, 1));
    }

    /// A task that is its own waker, as small executors have them: the waker owns what the task sleeps on.
    struct Task {
        clock: ManualTimer,
        #[allow(dead_code, reason = "to be dropped is its use")]
        sleep: Mutex<BoxFuture<'static, ()>>,
    }

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            let _ = self.clock.elapsed();
        }
    }

    #[test]
    fn a_waker_may_own_another_sleep_of_the_same_clock() {
        type LetGo = fn(&ManualTimer, &mut Option<BoxFuture<'static, ()>>);
        fn poll_idle(sleep: &mut Option<BoxFuture<'static, ()>>) -> bool {
            sleep.as_mut().unwrap().as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
        }
        // In how many ways the clock lets go of a waker, and with it of the sleep inside.
        let table: [(&str, LetGo); 5] = [
            ("the sleep is dropped", |_, outer| drop(outer.take())),
            ("the sleep is polled with another waker", |_, outer| assert!(!poll_idle(outer))),
            ("the clock is advanced", |timer, _| timer.advance(SECOND)),
            ("the clock was advanced and the sleep is polled", |timer, outer| {
                locked(&timer.clock).elapsed = SECOND;
                assert!(poll_idle(outer));
            }),
            ("another sleep jumps", |timer, _| {
                pollster::block_on(ManualTimer { auto_advance: true, ..timer.clone() }.sleep(SECOND));
            }),
        ];
        for (case, let_go) in table {
            let (done, is_done) = mpsc::channel();
            thread::spawn(move || {
                let timer = ManualTimer::new();
                let mut inner = timer.sleep(SECOND * 5);
                assert!(!poll(&mut inner, &Arc::default()));
                let mut outer = timer.sleep(SECOND);
                let task = Task { clock: timer.clone(), sleep: Mutex::new(inner) };
                let waker = Waker::from(Arc::new(task));
                assert!(outer.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                drop(waker);
                assert_eq!(timer.sleepers(), 2);
                let mut outer = Some(outer);
                let_go(&timer, &mut outer);
                drop(outer);
                done.send(timer.sleepers())
            });
            let left = is_done.recv_timeout(Duration::from_secs(20));
            assert_eq!(left, Ok(0), "{case}");
        }
    }

    #[test]
    fn the_transport_inside_has_as_much_time_left_and_knows_the_rest_of_the_call() {
        let (outer, inner) = (ManualTimer::new(), ManualTimer::new());
        outer.advance(SECOND * 1000);
        inner.advance(SECOND * 7);
        let seen = CapturingTransport::echoing();
        let transport = WithTimer::new(WithTimer::new(seen.clone(), inner.clone()), outer.clone());
        let context = context().with_attempt(2).with_deadline(Deadline::after(outer.now(), SECOND * 30));
        // What passes on this clock before it sends is gone on the other too.
        outer.advance(SECOND * 10);
        pollster::block_on(transport.transport().send(Request::default(), context.clone())).unwrap();
        pollster::block_on(transport.send(Request::default(), context.clone())).unwrap();
        let [mixed, converted] = seen.requests().try_into().unwrap();
        let left = |request: &CapturedRequest| request.context().unwrap().deadline().remaining(SystemTimer.now());
        assert!(left(&mixed) > SECOND * 1000, "two clocks that are mixed give it more time");
        assert!(left(&converted) <= SECOND * 20 && left(&converted) > SECOND * 10, "{:?}", left(&converted));
        assert_eq!(converted.attempt(), Some(2));
        assert!(!context.send_state().is_held(), "the send state is the same one");
    }

    #[test]
    fn it_never_says_that_it_keeps_deadlines() {
        struct Keeps;
        impl HttpTransport for Keeps {
            fn send<'a, 'f>(&'a self, _: Request, _: CallContext) -> BoxFuture<'f, Result<Response, TransportError>>
            where
                'a: 'f,
                Self: 'f,
            {
                Box::pin(async { Ok(Response::default()) })
            }
            fn timer(&self) -> &dyn Timer {
                &SystemTimer
            }
            fn executor(&self) -> Option<Arc<dyn Executor>> {
                None
            }
            fn keeps_deadlines(&self) -> bool {
                true
            }
        }
        assert!(CapturingTransport::new(Keeps).keeps_deadlines());
        assert!(!WithTimer::new(Keeps, ManualTimer::new()).keeps_deadlines());
    }

    #[test]
    fn an_impossible_moment_fails_the_test_and_moves_nothing() {
        let timer = ManualTimer::new();
        let panic = catch_unwind(AssertUnwindSafe(|| timer.advance(Duration::MAX))).unwrap_err();
        assert!(panic.downcast_ref::<String>().unwrap().contains("no clock reaches"));
        assert_eq!(timer.elapsed(), Duration::ZERO);
        timer.advance(SECOND);
        assert_eq!(timer.elapsed(), SECOND);
    }
}
