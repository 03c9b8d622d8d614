//! Bounds in bytes: what large requests leave behind, however few they are.

use bytes::Bytes;
use clerk_actor_tokens_core::Actor;
use clerk_actor_tokens_emulator::{CommitKind, Emulator, RecordedRequest};
use serde_json::json;

use crate::support::{create, exchange, post, send, with_header, without_header};

const MIB: usize = 1024 * 1024;

/// A body of one MiB.
fn large() -> Bytes {
    format!("\"{}\"", "a".repeat(MIB - 2)).into()
}

fn with_actor(claim: &serde_json::Value) -> clerk_actor_tokens_core::Request {
    create(json!({ "user_id": "user_1", "actor": { "sub": "user_agent", "claim": claim } }))
}

/// Also of requests that are refused.
#[test]
fn the_oldest_bodies_are_forgotten_and_their_lengths_stay() {
    let (clerk, free) = (Emulator::builder().keep_requests(100).build(), Emulator::new());
    for clerk in [&clerk, &free] {
        for number in 0..40 {
            send(clerk, without_header(post(&format!("/v1/number/{number}"), large()), "authorization"));
        }
    }
    let (kept, all) = (clerk.requests(), free.requests());
    let bodies = |requests: &[RecordedRequest]| requests.iter().map(|it| it.json().is_some()).collect::<Vec<_>>();
    // 16 MiB of 100 requests.
    assert_eq!(bodies(&kept), (0..40).map(|number| number >= 24).collect::<Vec<_>>());
    assert_eq!(bodies(&all), [true; 40]);
    assert!(kept.iter().chain(&all).all(|request| request.body_len() == large().len()));
    // They fill it. So for a small one the oldest goes, and for another one none.
    for _ in 0..2 {
        send(&clerk, post("/v1/small", "{}"));
    }
    assert_eq!(bodies(&clerk.requests()).iter().filter(|kept| **kept).count(), 15 + 2);
}

/// A request that is forgotten takes its body along, and so do all by a reset.
#[test]
fn what_is_forgotten_no_longer_counts() {
    let clerk = Emulator::builder().keep_requests(10).build();
    let first = clerk.snapshot();
    for _ in 0..3 {
        for _ in 0..30 {
            send(&clerk, post("/v1/large", large()));
        }
        assert!(clerk.requests().iter().all(|request| request.json().is_some()));
        clerk.restore(&first);
    }
    assert_eq!(clerk.requests().len(), 0);
}

/// The heads count for themselves: requests whose heads are large are forgotten whole.
#[test]
fn large_heads_have_a_bound_too() {
    let clerk = Emulator::builder().keep_requests(100).build();
    for number in 0..40 {
        send(&clerk, with_header(post(&format!("/v1/number/{number}"), ""), "x-large", &"a".repeat(MIB)));
    }
    let kept: Vec<_> = clerk.requests().iter().map(|request| request.path().to_owned()).collect();
    assert_eq!(kept, (25..40).map(|number| format!("/v1/number/{number}")).collect::<Vec<_>>());
}

/// The number is the user's own: so many ordinary requests and tokens are kept, however many.
#[test]
fn so_many_of_ordinary_size_are_kept() {
    let most = 5000;
    let clerk = Emulator::builder().single_threaded().keep_requests(most).keep_tokens(most).build();
    for _ in 0..most {
        send(&clerk, with_actor(&json!("a".repeat(3000))));
    }
    assert_eq!((clerk.requests().len(), clerk.live().len()), (most, most));
    assert!(clerk.requests()[0].json().is_some());
}

#[test]
fn large_actors_have_a_bound_and_the_oldest_are_forgotten() {
    let clerk = Emulator::builder().keep_tokens(100).build();
    for _ in 0..40 {
        // The answer is larger than a client reads, and the token is there.
        let _ = pollster::block_on(exchange(&clerk, with_actor(&json!("a".repeat(MIB - 2000)))));
    }
    // 16 MiB of 100 tokens.
    let live = clerk.live();
    assert_eq!(live.len(), 16);
    clerk.assert_creates(40);
    let creates: Vec<_> = clerk.ledger().iter().map(|entry| (entry.kind(), entry.id().clone())).collect();
    let kept: Vec<_> = live.iter().map(|token| (CommitKind::Create, token.id().clone())).collect();
    assert_eq!(creates, kept);
    // Sessions are bounded for themselves. The newest is kept, whatever it takes.
    for _ in 0..40 {
        clerk.sign_in_as("user_1", &Actor::new("a".repeat(MIB - 1000)));
    }
    assert_eq!(clerk.sessions().len(), 4, "each counts with the copies that commits would have");
    let huge = clerk.sign_in_as("user_1", &Actor::new("a".repeat(20 * MIB)));
    let sessions: Vec<_> = clerk.sessions().iter().map(|session| session.id().to_owned()).collect();
    assert_eq!(sessions, [huge.id()]);
    assert_eq!(clerk.live().len(), 16);
}

/// What is small as text may be large in memory.
#[test]
fn actors_count_as_they_are_in_memory() {
    let clerk = Emulator::builder().keep_tokens(100).build();
    for _ in 0..40 {
        send(&clerk, with_actor(&json!(vec![0; 50_000])));
    }
    let most = 16 * MIB / (50_000 * size_of::<serde_json::Value>());
    assert!((1..=most).contains(&clerk.live().len()), "{} of {most}", clerk.live().len());
}
