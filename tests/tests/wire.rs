//! What only real sockets show, at a size for every day. At full size it is for the release build:
//! `cargo run --release -p clerk-actor-tokens-tests --bin wire -- all`.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a test fails by a panic, and the figures are shown")]

use std::{path::Path, time::Duration};

use clerk_actor_tokens_tests::{
    schedules::sockets::Runs,
    wire::{
        close::{Care, Closing},
        dropped::Dropped,
        idle::{self, Idle},
        over::Over,
        protocol::Protocol,
        redirects,
        stalls::Stalls,
        stopped::Stopped,
        streams::Streams,
        truthful::Truthful,
    },
};
use tokio::task::JoinSet;

const MS: Duration = Duration::from_millis(1);

#[track_caller]
fn assert_kept(figures: &impl std::fmt::Display, broken: &[String]) {
    println!("{figures}");
    assert!(broken.is_empty(), "{} broken promises:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn no_schedule_of_faults_over_sockets_makes_a_second_token_or_loses_one_in_silence() {
    const RUNS: usize = 400;
    let figures = Runs::over(Over::Hyper).run(RUNS, 32).unwrap();
    assert_kept(&figures, &figures.broken);
    assert!(figures.runs() == RUNS && figures.has_all(), "{figures}");
}

#[test]
fn the_same_holds_over_each_transport_that_is_plugged_in() {
    const RUNS: usize = 200;
    for over in Over::ALL.into_iter().filter(|over| *over != Over::Hyper) {
        let figures = Runs::over(over).run(RUNS, 32).unwrap();
        assert_kept(&figures, &figures.broken);
        assert!(figures.runs() == RUNS && figures.has_all(), "{figures}");
    }
}

#[test]
fn calls_that_are_dropped_over_each_transport_lose_no_token_in_silence() {
    for over in Over::ALL.into_iter().filter(|over| *over != Over::Hyper) {
        let dropped = Dropped { creations: 100, at_once: 25, dropped_at_once: 75, seed: 7, over };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let figures = runtime.block_on(dropped.run()).unwrap();
        assert_kept(&figures, &figures.broken);
        assert!(figures.dropped() > 0, "{figures}");
    }
}

/// Every token that was made while the client was closed is held, named, revoked or reported, and no caller waits for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_close_returns_somebody_knows_of_every_token() {
    let mut closings = JoinSet::new();
    for protocol in Protocol::CLEAR {
        for care in [Care::Client, Care::Handler] {
            let closing = Closing { calls: 100, protocol, care, late: MS * 1500, timeout: MS * 4000, seed: 7 };
            closings.spawn(closing.run());
        }
    }
    while let Some(figures) = closings.join_next().await {
        let figures = figures.unwrap().unwrap();
        assert_kept(&figures, &figures.broken);
        assert_eq!((figures.orphans, figures.hangs), (0, 0), "{figures}");
        assert!(figures.in_flight() > 0 && figures.of_callers_gone() > 0, "{figures}");
    }
}

async fn over(idle: Idle) -> idle::Figures {
    let figures = idle.run().await.unwrap();
    assert_kept(&figures, &figures.broken);
    figures
}

/// A request comes when the server is about to close too: then over another connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_that_forgets_connections_before_the_server_does_never_leaves_a_request_in_doubt() {
    for protocol in Protocol::CLEAR {
        let (pool, server) = (MS * 50, MS * 2000);
        let idle = Idle { requests: 400, connections: 50, protocol, pool, server, pause: pool, acts: false };
        let figures = over(idle).await;
        assert_eq!((figures.ambiguous, figures.unsent), (0, 0), "{figures}");
    }
}

/// How often the two meet is the machine's affair: it is in the figure.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_meets_the_server_closing_is_reported_and_never_made_twice() {
    for protocol in Protocol::CLEAR {
        let (pool, server) = (MS * 10_000, MS * 10);
        let idle = Idle { requests: 800, connections: 40, protocol, pool, server, pause: server, acts: true };
        let figures = over(idle).await;
        assert_eq!((figures.duplicates, figures.lost), (0, 0), "{figures}");
        assert!(figures.ambiguous > 0, "{figures}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_stalls_anywhere_ends_at_its_deadline_and_says_what_had_arrived() {
    let stalls = Stalls { deadline: MS * 500, each: 1, at_once: 64, every: 5 };
    let figures = stalls.run().await.unwrap();
    assert_kept(&figures, &figures.broken);
    assert!(figures.calls() > 200 && figures.salvaged() > 20, "{figures}");
    assert!(figures.most() < Duration::from_secs(2), "{figures}");
}

#[tokio::test]
async fn no_redirect_is_followed_and_of_its_target_no_more_is_told_than_the_origin() {
    let figures = redirects::run().await.unwrap();
    assert_kept(&figures, &figures.broken);
    assert_eq!((figures.calls, figures.followed), (5 * 12 * 4 * 2, 0));
}

/// At most a hundred streams are taken, so that with more calls than that some always wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_body_begins_without_a_stream_or_after_its_caller_has_left_or_its_deadline_has_passed() {
    const CALLS: usize = 130;
    let streams = Streams { calls: CALLS, deadline: MS * 500 };
    let figures = streams.run().await.unwrap();
    assert_kept(&figures, &figures.broken);
    assert_eq!((figures.bursts(), figures.ok()), (8 * 4, 8 * CALLS), "{figures}");
    assert_eq!(figures.most(), 100, "{figures}");
}

/// The server never lies: of what it refuses or never had whole, it commits nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_truthful_server_that_goes_away_at_any_moment_is_never_misreported() {
    let mut not_executed = 0;
    for (protocol, creations) in [(Protocol::Http2, 900), (Protocol::Http1, 500), (Protocol::Http1Tls, 300)] {
        let figures = Truthful { creations, protocol, seed: 7 }.run().await.unwrap();
        assert_kept(&figures, &figures.broken);
        assert_eq!(figures.calls(), creations);
        assert!(figures.has_all(), "{figures}");
        not_executed += figures.not_executed();
    }
    assert!(not_executed > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_dropped_harms_no_creation_beside_it() {
    let dropped = Dropped { creations: 600, at_once: 50, dropped_at_once: 10, seed: 7, over: Over::Hyper };
    let figures = dropped.run().await.unwrap();
    assert_kept(&figures, &figures.broken);
    assert!(figures.harmed == 0 && figures.dropped() > 0 && figures.connections() > 1, "{figures}");
}

/// The processes are the command's own, so that nothing else of this one is stopped.
#[cfg(unix)]
#[test]
fn a_process_that_was_stopped_past_the_idle_limit_does_not_use_the_connection_that_was_closed() {
    const TRIALS: usize = 4;
    let figures = Stopped { trials: TRIALS }.run(Path::new(env!("CARGO_BIN_EXE_wire"))).unwrap();
    assert_kept(&figures, &figures.broken);
    assert_eq!((figures.trials(), figures.unknown()), (3 * 4 * TRIALS, 0), "{figures}");
}
