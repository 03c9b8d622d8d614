//! Virtual time under different executors: the same result everywhere.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use crate::support::{Call, call_within, exchange};
use clerk_actor_tokens_core::{HttpTransport as _, TransportErrorKind as Kind};
use clerk_actor_tokens_emulator::{Emulator, fault};

fn call(clerk: &Emulator, limit: Duration) -> Call {
    call_within(clerk, limit)
}

/// Which of two is ready first; the first is polled first.
async fn first_of<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> Result<A, B> {
    let (mut a, mut b) = (pin!(a), pin!(b));
    poll_fn(|context| match a.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Ok(value)),
        Poll::Pending => b.as_mut().poll(context).map(Err),
    })
    .await
}

/// A stall of 30 s against a wait of 50 ms, then the stall alone against a wait of 31 s.
async fn stall_against_waits() {
    let clerk = Emulator::new();
    clerk.next_create().after_commit(fault::stall());
    let began = clerk.timer().now();
    let mut exchange = exchange(&clerk, call(&clerk, Duration::from_secs(30)));
    assert!(first_of(&mut exchange, clerk.timer().sleep(Duration::from_millis(50))).await.is_err());
    assert_eq!(clerk.timer().now().saturating_duration_since(began), Duration::from_millis(50));
    let ended = first_of(exchange, clerk.timer().sleep(Duration::from_secs(31))).await.unwrap();
    assert_eq!(ended.unwrap_err().kind(), Kind::Timeout);
    assert_eq!(clerk.timer().now().saturating_duration_since(began), Duration::from_secs(30));
}

#[test]
fn a_thread_that_blocks_sees_each_wait_end_in_its_turn() {
    pollster::block_on(stall_against_waits());
}

fn one_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

fn four_threads() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap()
}

#[test]
fn tokio_sees_each_wait_end_in_its_turn() {
    for runtime in [one_thread(), four_threads()] {
        runtime.block_on(stall_against_waits());
        runtime.block_on(async { tokio::spawn(stall_against_waits()).await.unwrap() });
    }
}

#[test]
fn an_exchange_in_a_task_of_its_own_is_not_overtaken_by_the_one_who_waits_for_it() {
    one_thread().block_on(async {
        let clerk = Emulator::new();
        let request = call(&clerk, Duration::from_secs(30));
        let task = tokio::spawn({
            let clerk = clerk.clone();
            async move { exchange(&clerk, request).await.unwrap().status() }
        });
        let answered = first_of(task, clerk.timer().sleep(Duration::from_secs(30))).await;
        assert_eq!(answered.unwrap().unwrap(), 200);
        assert_eq!(clerk.creates()[0].at().as_millis(), 1_767_225_600_000);
    });
}

/// Twenty tasks, each with a stalled exchange; how long after its deadline each of them found itself.
async fn twenty_stalls() -> Vec<Duration> {
    let clerk = Emulator::new();
    let began = clerk.timer().now();
    let tasks: Vec<_> = (1..=20)
        .map(|second| {
            clerk.next_create().before_commit(fault::stall());
            let deadline = Duration::from_secs(second);
            let (clerk, request) = (clerk.clone(), call(&clerk, deadline));
            tokio::spawn(async move {
                assert_eq!(exchange(&clerk, request).await.unwrap_err().kind(), Kind::Timeout);
                clerk.timer().now().saturating_duration_since(began) - deadline
            })
        })
        .collect();
    let mut late = Vec::new();
    for task in tasks {
        late.push(task.await.unwrap());
    }
    clerk.assert_creates(0);
    late
}

#[test]
fn on_one_thread_twenty_stalled_tasks_end_each_at_its_own_deadline() {
    assert_eq!(one_thread().block_on(twenty_stalls()), [Duration::ZERO; 20]);
}

#[test]
fn on_many_threads_none_of_twenty_stalled_tasks_ends_before_its_deadline_and_all_end() {
    // That none is late cannot be promised here: the operating system may stop a thread between its exchange and its
    // look at the clock. (A subtraction that went below zero would panic.)
    assert_eq!(four_threads().block_on(twenty_stalls()).len(), 20);
}
