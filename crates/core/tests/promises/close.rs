//! `Client::close`: it accepts no creations, waits for those in flight, and returns what remains.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use clerk_actor_tokens_core::{
    Actor, BoxFuture, Client, Error, ErrorKind, Execution, HttpTransport, Orphan, Request, Timer, executor_fn,
    transport_fn,
};

use crate::common::{
    AGENT, ID, USER,
    clerk::{Answer, Clerk},
    join, ok, pause, poll_and_drop,
    tasks::{Tasks, poll_times},
    test_key, token_json,
};

const SECOND: Duration = Duration::from_secs(1);
/// Far longer than anything here takes: a bound, never a measure.
const LONG: Duration = Duration::from_secs(60);

fn detaching(answer: Answer) -> (Clerk, Tasks, Client<Clerk>) {
    let (clerk, tasks) = (Clerk::new(&[answer]), Tasks::default());
    let client = Client::builder(clerk.clone(), test_key()).executor(tasks.clone()).build().unwrap();
    (clerk, tasks, client)
}

fn create<T: HttpTransport + ?Sized>(client: &Client<T>) -> BoxFuture<'static, Result<(), Error>> {
    let call = client.actor_tokens().create(USER, Actor::new(AGENT));
    Box::pin(async move { call.send().await.map(drop) })
}

/// A creation that was sent.
fn begin<T: HttpTransport + ?Sized>(client: &Client<T>) -> BoxFuture<'static, Result<(), Error>> {
    let mut call = create(client);
    assert!(poll_times(&mut call, 2).is_none());
    call
}

#[track_caller]
fn assert_refused(result: Result<(), Error>) {
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::Blocked, Execution::NotExecuted));
    assert!(error.attempts().is_empty() && !error.is_ambiguous());
}

#[test]
fn nothing_is_made_any_more_by_any_clone_and_revocations_pass() {
    let (clerk, tasks, client) = detaching(Answer::Success);
    let (clone, erased, waiting) = (client.clone(), client.clone().erase(), create(&client));
    let closed = pollster::block_on(client.clone().close(LONG));
    assert!(closed.is_clean());
    assert_eq!(clerk.clock.elapsed(), Duration::ZERO, "there was nothing to wait for");
    for refused in [create(&client), create(&clone), create(&erased), create(&client.cancel_on_drop()), waiting] {
        assert_refused(pollster::block_on(refused));
    }
    assert_eq!(clerk.books().creates, 0);
    pollster::block_on(clone.actor_tokens().revoke(ID).send()).unwrap();
    assert_eq!((clerk.books().revoked.len(), tasks.spawned()), (1, 0));
    assert!(pollster::block_on(client.close(LONG)).is_clean());
}

/// A waker that does nothing, and is counted.
struct Counted;

impl Wake for Counted {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_close_that_is_dropped_keeps_nothing_of_the_task_that_waited() {
    let (_clerk, _tasks, client) = detaching(Answer::Success);
    let in_flight = begin(&client);
    let counted = Arc::new(Counted);
    {
        let waker = Waker::from(Arc::clone(&counted));
        let mut closing = Box::pin(client.close(LONG));
        assert!(closing.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert!(Arc::strong_count(&counted) > 2, "it waits by this waker");
    }
    assert_eq!(Arc::strong_count(&counted), 1);
    drop(in_flight);
}

#[test]
fn it_waits_for_calls_whose_callers_wait_and_they_complete() {
    let (clerk, tasks, client) = detaching(Answer::Success);
    let call = begin(&client);
    let (made, closed) = pollster::block_on(join(
        async {
            pause(3).await;
            (Some(call.await), None)
        },
        async { (None, Some(client.close(LONG).await)) },
    ));
    made.0.unwrap().unwrap();
    let closed = closed.1.unwrap();
    assert!(closed.is_clean(), "a call that completed is no orphan: {closed:?}");
    assert_eq!((clerk.clock.elapsed(), tasks.spawned()), (Duration::ZERO, 0));
    assert!(clerk.books().revoked.is_empty());
}

#[test]
fn it_waits_for_what_only_its_detached_exchange_holds_and_for_its_revocation() {
    let (clerk, tasks, client) = detaching(Answer::Success);
    drop(begin(&client));
    assert!(tasks.run_beside(client.close(LONG)).is_clean());
    assert_eq!((clerk.books().revoked.len(), clerk.clock.elapsed()), (1, Duration::ZERO));
}

#[test]
fn it_waits_for_handlers() {
    let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
    let handled = Arc::new(AtomicBool::new(false));
    let (is_handled, clock) = (handled.clone(), clerk.clock.clone());
    let client = Client::builder(clerk.clone(), test_key())
        .executor(tasks.clone())
        .on_orphan(move |_: Orphan| {
            let (is_handled, sleep) = (is_handled.clone(), clock.sleep(7 * SECOND));
            async move {
                sleep.await;
                is_handled.store(true, Ordering::SeqCst);
            }
        })
        .build()
        .unwrap();
    drop(begin(&client));
    let closed = tasks.run_beside(client.close(LONG));
    assert!(closed.is_clean() && handled.load(Ordering::SeqCst));
    assert_eq!(clerk.clock.elapsed(), 7 * SECOND);
}

#[test]
fn it_returns_exactly_at_its_deadline_and_says_what_is_in_flight() {
    for within in [Duration::ZERO, Duration::from_nanos(1), SECOND, 29 * SECOND] {
        let (clerk, tasks, client) = detaching(Answer::Stall);
        let call = begin(&client);
        drop(begin(&client));
        let closed = tasks.run_beside(client.close(within));
        assert_eq!((closed.in_flight(), closed.orphan_count(), closed.is_clean()), (2, 0, false));
        assert_eq!(clerk.clock.elapsed(), within);
        // What it did not wait for continues, and is reported later.
        drop(call);
        let closed = tasks.run_beside(client.close(LONG));
        assert_eq!((closed.in_flight(), closed.orphan_count()), (0, 2));
    }
}

#[test]
fn a_deadline_that_the_clock_cannot_hold_is_no_obstacle() {
    let (_, tasks, client) = detaching(Answer::Success);
    drop(begin(&client));
    assert!(tasks.run_beside(client.close(Duration::MAX)).is_clean());
}

#[test]
fn two_that_close_are_both_told_the_same() {
    let (clerk, tasks, client) = detaching(Answer::Lost);
    drop(begin(&client));
    let other = client.clone();
    let (one, two) = tasks.run_beside(join(client.close(LONG), other.close(LONG)));
    for closed in [one, two, tasks.run_beside(client.close(LONG))] {
        assert_eq!((closed.in_flight(), closed.orphan_count()), (0, 1));
    }
    assert_eq!(clerk.clock.elapsed(), Duration::ZERO);
}

#[test]
fn each_waits_for_its_own_deadline_alone() {
    let (clerk, tasks, client) = detaching(Answer::Stall);
    drop(begin(&client));
    let ends = Mutex::new(Vec::new());
    let close = |within: Duration| {
        let (client, clock, ends) = (client.clone(), clerk.clock.clone(), &ends);
        async move {
            let closed = client.close(within).await;
            ends.lock().unwrap().push((clock.elapsed(), closed.in_flight()));
        }
    };
    tasks.run_beside(join(close(9 * SECOND), close(4 * SECOND)));
    assert_eq!(*ends.lock().unwrap(), [(4 * SECOND, 1), (9 * SECOND, 1)]);
}

#[test]
fn a_close_that_is_dropped_closes_all_the_same() {
    let (_, tasks, client) = detaching(Answer::Stall);
    let call = begin(&client);
    assert!(pollster::block_on(poll_and_drop(client.close(LONG), 3)).is_none());
    assert_refused(pollster::block_on(create(&client)));
    drop(call);
    assert_eq!(tasks.run_beside(client.close(LONG)).orphan_count(), 1);
}

#[test]
fn a_close_that_was_never_polled_closes_nothing() {
    let (_, _, client) = detaching(Answer::Success);
    drop(client.close(LONG));
    pollster::block_on(create(&client)).unwrap();
}

#[test]
fn a_call_in_backoff_or_at_the_gate_is_waited_for_as_well() {
    let clerk = Clerk::new(&[Answer::Limited(7), Answer::Success]);
    let client = Client::builder(clerk.clone(), test_key()).build().unwrap();
    let call = create(&client);
    let (made, closed) = pollster::block_on(join(async { (Some(call.await), None) }, async {
        pause(12).await;
        (None, Some(client.close(LONG).await))
    }));
    made.0.unwrap().unwrap();
    assert!(closed.1.unwrap().is_clean());
    assert_eq!(clerk.clock.elapsed(), 7 * SECOND);
}

#[test]
fn a_call_that_failed_unsent_is_not_in_flight() {
    let (_, _, client) = detaching(Answer::Success);
    let refused = client.actor_tokens().create("", Actor::new(AGENT)).send();
    assert_eq!(pollster::block_on(refused).unwrap_err().kind(), ErrorKind::InvalidRequest);
    assert!(pollster::block_on(client.close(LONG)).is_clean());
}

#[test]
fn with_real_threads_the_last_one_to_land_wakes_it() {
    // Many rounds: a wake-up that is lost is lost now and then.
    for round in 0..200 {
        let (go, gate) = mpsc::channel::<()>();
        let gate = Arc::new(Mutex::new(gate));
        let revoked = Arc::new(AtomicUsize::new(0));
        let seen = revoked.clone();
        let transport = transport_fn(move |request: Request, _| {
            let (gate, seen) = (gate.clone(), seen.clone());
            async move {
                if request.uri().path().ends_with("/revoke") {
                    seen.fetch_add(1, Ordering::SeqCst);
                    return Ok(ok(&token_json("revoked")));
                }
                pause(1).await;
                // Ends when the sender is dropped.
                let _ = gate.lock().unwrap().recv();
                Ok(ok(&token_json("pending")))
            }
        });
        let executor = executor_fn(|task| drop(thread::spawn(|| pollster::block_on(task))));
        let client = Client::builder(transport, test_key()).executor(executor).build().unwrap();
        for _ in 0..3 {
            let mut call = create(&client);
            assert!(poll_times(&mut call, 1).is_none());
        }
        let begun = Instant::now();
        let closing: Vec<_> = (0..2)
            .map(|_| {
                let client = client.clone();
                thread::spawn(move || pollster::block_on(client.close(LONG)))
            })
            .collect();
        if round % 2 == 0 {
            thread::yield_now();
        }
        drop(go);
        for closed in closing {
            assert!(closed.join().unwrap().is_clean());
        }
        assert!(begun.elapsed() < LONG, "nothing woke it");
        assert_eq!(revoked.load(Ordering::SeqCst), 3);
    }
}
