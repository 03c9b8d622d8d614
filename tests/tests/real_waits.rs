//! Code under test that waits for something real, a vault or a channel, while the emulator's time is virtual.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::{convert::Infallible, time::Duration};

use clerk_actor_tokens::{
    Actor, Client, ErrorKind, Execution, SecretKey,
    middleware::middleware_fn,
    settings::credentials_fn,
    testing::emulator::{Emulator, fault},
};

/// Gives way this often: what waiting for another thread looks like from here, without its time.
async fn wait(rounds: u32) {
    for _ in 0..rounds {
        let mut first = true;
        std::future::poll_fn(|context| {
            if std::mem::take(&mut first) {
                context.waker().wake_by_ref();
                return std::task::Poll::Pending;
            }
            std::task::Poll::Ready(())
        })
        .await;
    }
}

#[test]
fn a_slow_vault_does_not_time_out_in_virtual_time() {
    let clerk = Emulator::new();
    clerk.next_create().before_send(fault::refused());
    let vault = credentials_fn(|| async {
        wait(100).await;
        Ok::<_, Infallible>(SecretKey::new("sk_test_emulator").unwrap())
    });
    let slow = middleware_fn(|request, next| {
        Box::pin(async move {
            wait(100).await;
            next.run(request).await
        })
    });
    let client = Client::builder(clerk.clone(), vault).middleware(slow).build().unwrap();
    pollster::block_on(client.actor_tokens().create("user_1", Actor::new("user_2")).send()).unwrap();
    clerk.assert_creates(1);
}

#[test]
fn a_vault_that_never_answers_ends_with_the_deadline() {
    let clerk = Emulator::new();
    let vault = credentials_fn(std::future::pending::<Result<SecretKey, Infallible>>);
    let client = Client::builder(clerk.clone(), vault).timeout(Duration::from_secs(5)).build().unwrap();
    let error = pollster::block_on(client.actor_tokens().create("user_1", Actor::new("user_2")).send()).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::Timeout, Execution::NotExecuted));
    clerk.assert_creates(0);
}
