//! Attacks on time beside threads: a handler that blocks its thread, and time that nothing moves.

use std::{sync::mpsc, thread, time::Duration};

use clerk_actor_tokens_core::{Actor, Client, HttpTransport as _, Orphan};
use clerk_actor_tokens_emulator::{Emulator, fault};

const MINUTE: Duration = Duration::from_secs(60);

/// Runs this on a thread of its own: what hangs fails, and holds nothing up.
#[track_caller]
fn ends(run: impl FnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        run();
        let _ = done.send(());
    });
    is_done.recv_timeout(Duration::from_secs(30)).expect("it hangs, or has panicked");
}

#[test]
fn a_handler_that_blocks_its_thread_does_not_stop_time() {
    ends(|| {
        let clerk = Emulator::new();
        let timer = clerk.clone();
        let client = Client::builder(clerk.clone(), clerk.secret_key())
            .on_orphan(move |orphan: Orphan| {
                let timer = timer.clone();
                async move {
                    pollster::block_on(timer.timer().sleep(Duration::from_secs(1)));
                    pollster::block_on(orphan.undo()).unwrap();
                }
            })
            .build()
            .unwrap();
        clerk.next_create().after_commit(fault::delay(Duration::from_secs(2)));
        pollster::block_on(async {
            let mut call = Box::pin(client.actor_tokens().create("user_1", Actor::new("user_agent")).send());
            let polled = std::future::poll_fn(|context| std::task::Poll::Ready(call.as_mut().poll(context))).await;
            assert!(polled.is_pending());
            drop(call);
            assert!(client.close(MINUTE).await.is_clean());
        });
        clerk.assert_revokes(1);
    });
}

#[test]
fn with_a_manual_clock_a_close_needs_no_advance_for_what_was_dropped() {
    ends(|| {
        let clerk = Emulator::builder().manual_clock().build();
        let client = clerk.client();
        pollster::block_on(async {
            drop(client.actor_tokens().create("user_1", Actor::new("user_agent")).hold().await.unwrap());
            assert!(client.close(MINUTE).await.is_clean());
        });
        clerk.assert_revokes(1);
    });
}
