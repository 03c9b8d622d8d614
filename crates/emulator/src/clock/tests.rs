use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{Mutex, mpsc},
    task::{Context, Poll, Wake, Waker},
    thread,
};

use super::*;

const MS: Duration = Duration::from_millis(1);

/// Polls both until one is ready: 0 for the first, 1 for the second. The first is polled first.
async fn race(first: impl Future<Output = ()>, second: impl Future<Output = ()>) -> usize {
    let (mut first, mut second) = (pin!(first), pin!(second));
    poll_fn(|context| {
        if first.as_mut().poll(context).is_ready() {
            return Poll::Ready(0);
        }
        second.as_mut().poll(context).map(|()| 1)
    })
    .await
}

fn passed(clock: &Clock) -> Duration {
    clock.system_time().duration_since(UNIX_EPOCH + Duration::from_secs(START)).unwrap()
}

#[test]
fn a_sleep_takes_exactly_its_time() {
    let clock = Clock::new(ClockMode::Virtual);
    let before = clock.now();
    pollster::block_on(clock.sleep(MS * 1500));
    assert_eq!(clock.now().saturating_duration_since(before), MS * 1500);
    assert_eq!(clock.millis(), i64::try_from(START).unwrap() * 1000 + 1500);
}

#[test]
fn the_shorter_of_two_sleeps_wins_whichever_is_polled_first() {
    for (first, second, winner) in [(30_000, 50, 1), (50, 30_000, 0)] {
        let clock = Clock::new(ClockMode::Virtual);
        assert_eq!(pollster::block_on(race(clock.sleep(MS * first), clock.sleep(MS * second))), winner);
        assert_eq!(passed(&clock), MS * 50);
    }
}

/// Pending once, and awake at once.
async fn yield_now() {
    let mut first = true;
    poll_fn(|context| {
        if std::mem::take(&mut first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}

#[test]
fn a_sleep_that_begins_a_poll_later_is_not_overtaken() {
    let clock = Clock::new(ClockMode::Virtual);
    let late = async {
        yield_now().await;
        clock.sleep(MS * 50).await;
    };
    assert_eq!(pollster::block_on(race(clock.sleep(MS * 30_000), late)), 1);
    assert_eq!(passed(&clock), MS * 50);
}

#[test]
fn whoever_does_something_now_and_then_is_not_overtaken() {
    let clock = Clock::new(ClockMode::Virtual);
    let busy = async {
        for _ in 0..20 {
            drop(clock.running());
            yield_now().await;
            yield_now().await;
        }
        clock.sleep(MS * 50).await;
    };
    assert_eq!(pollster::block_on(race(clock.sleep(MS * 30_000), busy)), 1);
    assert_eq!(passed(&clock), MS * 50);
}

/// Whatever is waited for in real time comes before a watchdog; a sleep does not wait for it.
#[test]
fn a_watchdog_lets_real_work_go_first_and_ends_all_the_same() {
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        // More rounds than a sleep would wait, and fewer than a watchdog does.
        let real_work = || async {
            for _ in 0..100 {
                yield_now().await;
            }
        };
        let clock = Clock::new(ClockMode::Virtual);
        assert_eq!(pollster::block_on(race(clock.watchdog(MS * 30_000), real_work())), 1);
        assert_eq!(passed(&clock), Duration::ZERO);
        assert_eq!(pollster::block_on(race(clock.watchdog(MS * 30_000), std::future::pending())), 0);
        assert_eq!(passed(&clock), MS * 30_000);
        // An earlier sleep decides, also beside a watchdog.
        assert_eq!(pollster::block_on(race(clock.watchdog(MS * 30_000), clock.sleep(MS * 50))), 1);
        assert_eq!(passed(&clock), MS * 30_050);
        done.send(()).unwrap();
    });
    is_done.recv_timeout(Duration::from_secs(60)).unwrap();
}

#[test]
fn time_stands_still_while_an_exchange_runs_and_nobody_is_woken_for_nothing() {
    let clock = Clock::new(ClockMode::Virtual);
    let count = Arc::new(Count(Mutex::new(0)));
    let waker = Waker::from(Arc::clone(&count));
    let mut context = Context::from_waker(&waker);
    let mut sleep = clock.sleep(MS * 7);
    let running = [clock.running(), clock.running()];
    for running in running {
        for _ in 0..200 {
            assert!(sleep.as_mut().poll(&mut context).is_pending());
        }
        assert_eq!(passed(&clock), Duration::ZERO);
        assert_eq!(*count.0.lock().unwrap(), 0);
        drop(running);
    }
    assert_eq!(*count.0.lock().unwrap(), 1);
    pollster::block_on(sleep);
    assert_eq!(passed(&clock), MS * 7);
}

#[test]
fn a_dropped_sleep_leaves_nothing_behind() {
    let clock = Clock::new(ClockMode::Virtual);
    assert_eq!(pollster::block_on(race(clock.sleep(MS * 10), clock.sleep(MS * 99))), 0);
    assert_eq!(clock.sleepers(), 0);
    assert_eq!(clock.0.lock().late, 0);
}

#[test]
fn a_woken_sleeper_that_nobody_polls_does_not_stop_time() {
    let clock = Clock::new(ClockMode::Virtual);
    let mut held = clock.sleep(MS * 10);
    pollster::block_on(async {
        // Polled once and then only held.
        poll_fn(|context| {
            assert!(held.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
        clock.sleep(MS * 20).await;
    });
    assert_eq!(passed(&clock), MS * 20);
}

struct Count(Mutex<u32>);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        *self.0.lock().unwrap() += 1;
    }
}

#[test]
fn a_manual_clock_wakes_nobody_until_it_is_advanced() {
    let clock = Clock::new(ClockMode::Manual);
    let count = Arc::new(Count(Mutex::new(0)));
    let waker = Waker::from(Arc::clone(&count));
    let mut context = Context::from_waker(&waker);
    let mut sleep = clock.sleep(MS * 10);

    assert!(sleep.as_mut().poll(&mut context).is_pending());
    clock.advance(MS * 9);
    assert!(sleep.as_mut().poll(&mut context).is_pending());
    assert_eq!(*count.0.lock().unwrap(), 0);

    clock.advance(MS);
    assert_eq!(*count.0.lock().unwrap(), 1);
    assert!(sleep.as_mut().poll(&mut context).is_ready());
    assert_eq!(clock.sleepers(), 0);
}

#[test]
fn no_duration_is_too_long() {
    let clock = Clock::new(ClockMode::Virtual);
    clock.advance(Duration::MAX);
    clock.advance(Duration::MAX);
    assert!(clock.now() > clock.0.origin);
    pollster::block_on(clock.sleep(Duration::MAX));
}

#[test]
fn with_real_time_an_advance_moves_the_calendar_alone() {
    let clock = Clock::new(ClockMode::Real);
    let (now, wall) = (clock.now(), clock.system_time());
    clock.advance(MS * 3_600_000);
    assert!(clock.system_time() >= wall + MS * 3_600_000);
    assert!(clock.now() < now.saturating_add(MS * 3_600_000));
    pollster::block_on(clock.sleep(MS));
    assert!(clock.now() >= now.saturating_add(MS));
}

/// A waker that owns a sleeper, as the waker of a task does that owns its future.
struct Owner(#[allow(dead_code, reason = "to be dropped is its use")] Mutex<BoxFuture<'static, ()>>);

impl Wake for Owner {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_waker_may_own_a_sleeper_of_the_same_clock() {
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        for drop_the_sleep in [false, true] {
            let clock = Clock::new(ClockMode::Manual);
            let mut idle = Context::from_waker(Waker::noop());
            let mut inner = clock.sleep(MS);
            assert!(inner.as_mut().poll(&mut idle).is_pending());
            let mut outer = clock.sleep(MS);
            let owner = Waker::from(Arc::new(Owner(Mutex::new(inner))));
            assert!(outer.as_mut().poll(&mut Context::from_waker(&owner)).is_pending());
            drop(owner);
            // Either way the clock lets go of the waker, and with it of the inner sleeper.
            if drop_the_sleep {
                drop(outer);
                assert_eq!(clock.sleepers(), 0);
            } else {
                assert!(outer.as_mut().poll(&mut idle).is_pending());
                assert_eq!(clock.sleepers(), 1);
            }
        }
        done.send(()).unwrap();
    });
    is_done.recv_timeout(Duration::from_secs(20)).unwrap();
}

/// The order in which sleeps end, and when, is the same; only the real time differs.
#[test]
fn on_one_thread_time_jumps_in_the_same_order_without_naps() {
    for mode in [ClockMode::Virtual, ClockMode::VirtualOnOneThread] {
        for (first, second, winner) in [(30_000, 50, 1), (50, 30_000, 0)] {
            let clock = Clock::new(mode);
            assert_eq!(pollster::block_on(race(clock.sleep(MS * first), clock.sleep(MS * second))), winner);
            assert_eq!(passed(&clock), MS * 50);
            // A sleep that begins where another has just ended is not overtaken by a later one.
            let chain = async {
                clock.sleep(MS * 10).await;
                clock.sleep(MS * 10).await;
            };
            assert_eq!(pollster::block_on(race(clock.watchdog(MS * 25), chain)), 1);
            assert_eq!(passed(&clock), MS * 70);
        }
    }
}

/// With naps each of these would take a tenth of a millisecond at the very least, and each watchdog a fifth of a second.
#[test]
fn on_one_thread_no_real_time_is_given_away() {
    let clock = Clock::new(ClockMode::VirtualOnOneThread);
    let state = || clock.0.lock().patience(ClockMode::VirtualOnOneThread).1;
    assert_eq!(state(), Duration::ZERO);
    let mut watchdog = pin!(clock.watchdog(MS));
    let polled = watchdog.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending() && clock.sleepers() == 1);
    assert_eq!(state(), Duration::ZERO);
    clock.0.lock().many_threads = true;
    assert_eq!(state(), Duration::ZERO);
    pollster::block_on(watchdog);
    assert_eq!(passed(&clock), MS);
}
