//! One client in the user's world: many runtimes, runtimes that are not driven, or end, bursts from cold.
//!
//! The sizes are for daily use; the environment variables make them those of the book's page on proofs.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by a panic, and prints a figure")]

use std::{env, thread, time::Duration};

use clerk_actor_tokens::{Actor, ActorToken, Client, Error, hyper::HyperTransport};
use clerk_actor_tokens_tests::wire::{clerk::Clerk, protocol::Protocol};
use tokio::runtime::{Builder, Runtime};

/// How large something is: as the variable says, or this.
fn size(variable: &str, default: usize) -> usize {
    env::var(variable).ok().map_or(default, |text| text.parse().unwrap())
}

async fn create(client: &Client<HyperTransport>) -> Result<ActorToken, Error> {
    client.actor_tokens().create("user_customer", Actor::new("user_engineer")).send().await
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

const PROTOCOLS: [Protocol; 3] = [Protocol::Http1, Protocol::Http1Tls, Protocol::Http2Tls];

#[test]
fn threads_with_a_runtime_each_share_one_client() {
    let (threads, calls, rounds) = (40, 5, size("RUNTIME_ROUNDS", 1));
    for protocol in PROTOCOLS {
        let clerk = Clerk::start(protocol, None).unwrap();
        let client = clerk.client().unwrap();
        for _ in 0..rounds {
            thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| {
                        let runtime = current_thread();
                        for _ in 0..calls {
                            runtime.block_on(create(&client)).unwrap();
                        }
                    });
                }
            });
        }
        let made = threads * calls * rounds;
        clerk.emulator().assert_creates(made);
        clerk.emulator().assert_orphans(0);
        println!("figure: {protocol}: {made} creations, {threads} threads with a runtime each: 0 failed, 0 lost");
    }
}

#[test]
fn two_runtimes_in_turn_and_one_that_is_not_driven_do_not_wait_for_each_other() {
    let switches = size("RUNTIME_SWITCHES", 20);
    for protocol in PROTOCOLS {
        let clerk = Clerk::start(protocol, None).unwrap();
        let client = clerk.client().unwrap();
        let runtimes = [current_thread(), current_thread()];
        for switch in 0..switches {
            runtimes[switch % 2].block_on(create(&client)).unwrap();
        }
        // One is not driven, with a connection and a request of its own on it; then it ends.
        let [still, other] = runtimes;
        let sending = client.clone();
        let task = still.spawn(async move { create(&sending).await });
        for _ in 0..3 {
            other.block_on(create(&client)).unwrap();
        }
        drop(task);
        drop(still);
        other.block_on(create(&client)).unwrap();
        clerk.emulator().assert_orphans(0);
        println!("figure: {protocol}: {switches} switches between two runtimes: 0 waited for the other");
    }
}

/// The I/O driver does not run while its thread sleeps: what the server closed meanwhile lies in the socket.
#[test]
fn a_connection_that_was_closed_while_its_runtime_was_not_driven_is_not_used() {
    let trials = size("IDLE_TRIALS", 3);
    // Most of it is waiting, so all are tried side by side.
    thread::scope(|scope| {
        for protocol in PROTOCOLS {
            for workers in [0, 1, 2, 8] {
                scope.spawn(move || idle_past_the_limit(protocol, workers, trials));
            }
        }
    });
}

/// What a server waits for a request on an idle connection: far longer than a request takes to come, also on a slow machine.
const IDLE_LIMIT: Duration = Duration::from_millis(500);

fn idle_past_the_limit(protocol: Protocol, workers: usize, trials: usize) {
    let clerk = Clerk::start(protocol, Some(IDLE_LIMIT)).unwrap();
    let client = clerk.client().unwrap();
    let runtime = match workers {
        0 => current_thread(),
        workers => Builder::new_multi_thread().worker_threads(workers).enable_all().build().unwrap(),
    };
    for trial in 0..trials {
        runtime.block_on(async {
            create(&client).await.unwrap();
            thread::sleep(IDLE_LIMIT + IDLE_LIMIT / 2);
            let created = create(&client).await;
            assert!(created.is_ok(), "{protocol}, {workers} workers, trial {trial}: {created:?}");
        });
    }
    println!("figure: {protocol}, {workers} workers: {trials} idle past the server's limit: 0 unknown");
}

#[test]
fn a_burst_from_cold_opens_what_it_needs() {
    for (protocol, most) in [(Protocol::Http1, None), (Protocol::Http1Tls, None), (Protocol::Http2Tls, Some(1))] {
        for calls in [16, 64] {
            // On a busy machine hyper may come to rest too late, and a call opens one more.
            let opened = (0..3).map(|_| burst(protocol, calls)).min().unwrap();
            assert!(opened <= most.unwrap_or(calls), "{protocol}: {calls} calls, {opened} connections");
            println!("figure: {protocol}: {calls} calls at once from cold: {opened} connections");
        }
    }
}

/// Makes so many calls at once, over a client without a connection. Gives how many it opens.
fn burst(protocol: Protocol, calls: usize) -> usize {
    let clerk = Clerk::start(protocol, None).unwrap();
    let client = clerk.client().unwrap();
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let calls: Vec<_> = (0..calls)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { create(&client).await.map(drop) })
            })
            .collect();
        for call in calls {
            call.await.unwrap().unwrap();
        }
    });
    clerk.connections()
}
