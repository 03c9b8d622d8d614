//! `hold` over the emulator: in any test, without a runtime and without waiting.

use std::time::Duration;

use clerk_actor_tokens_core::{Actor, HttpTransport as _, OrphanReport};
use clerk_actor_tokens_emulator::{Emulator, fault};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn what_is_dropped_is_revoked_and_no_virtual_time_passes_before() {
    for _ in 0..50 {
        let clerk = Emulator::new();
        let client = clerk.client();
        let began = clerk.timer().now();
        pollster::block_on(async {
            let create = || client.actor_tokens().create("user_1", Actor::new("user_agent")).hold();
            let kept = create().await.unwrap().keep().await.unwrap();
            drop(create().await.unwrap());
            let closed = client.close(MINUTE).await;
            assert!(closed.is_clean() && closed.held().is_empty(), "{closed:?}");
            clerk.assert_creates(2);
            clerk.assert_revokes(1);
            assert_eq!(clerk.live().iter().map(|token| token.id().clone()).collect::<Vec<_>>(), [kept.id().clone()]);
        });
        assert_eq!(clerk.timer().now(), began);
    }
}

#[test]
fn a_call_dropped_in_the_middle_is_detached_without_a_runtime() {
    for _ in 0..20 {
        let clerk = Emulator::new();
        let client = clerk.client();
        clerk.next_create().after_commit(fault::delay(Duration::from_secs(2)));
        pollster::block_on(async {
            let mut call = Box::pin(client.actor_tokens().create("user_1", Actor::new("user_agent")).send());
            assert!(is_pending(&mut call).await);
            drop(call);
            let closed = client.close(MINUTE).await;
            assert!(closed.is_clean(), "{closed:?}");
        });
        clerk.assert_creates(1);
        clerk.assert_revokes(1);
    }
}

/// Whether it is pending after one poll.
async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|context| std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending()))
        .await
}

#[test]
fn what_cannot_be_revoked_is_an_orphan_of_the_client() {
    let clerk = Emulator::new();
    let client = clerk.client();
    pollster::block_on(async {
        let held = client.actor_tokens().create("user_1", Actor::new("user_agent")).hold().await.unwrap();
        clerk.accept(held.id()).unwrap();
        let id = held.id().clone();
        drop(held);
        let closed = client.close(MINUTE).await;
        let named: Vec<_> = closed.orphans().iter().map(OrphanReport::id).collect();
        assert_eq!(named, [Some(id.as_str())], "somebody has used its link");
    });
}
