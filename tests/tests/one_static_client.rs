//! One client in a `static`, and 24 tests that use it, each with a runtime of its own that ends with the test.
//!
//! So applications are written. Nothing that a test leaves in the client may harm the next one: no connection whose runtime
//! has ended, and no call that waits for another test's runtime. The server is on a runtime of its own.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::sync::LazyLock;

use clerk_actor_tokens::{Actor, Client, Revocation, hyper::HyperTransport};
use clerk_actor_tokens_tests::wire::{clerk::Clerk, protocol::Protocol};
use tokio::task::JoinSet;

type Hyper = Client<HyperTransport>;

async fn create(client: &Hyper) -> String {
    let created = client.actor_tokens().create("user_customer", Actor::new("user_engineer")).send().await;
    created.unwrap().id().as_str().to_owned()
}

async fn revoke(client: &Hyper, id: &str) {
    let revoked = client.actor_tokens().revoke(id).send().await.unwrap();
    assert!(matches!(revoked, Revocation::Revoked(_)), "{revoked:?}");
}

/// Creations in turn and at once, and a revocation.
async fn calls(client: &Hyper) {
    let first = create(client).await;
    let mut at_once = JoinSet::new();
    for _ in 0..4 {
        let client = client.clone();
        at_once.spawn(async move { create(&client).await });
    }
    revoke(client, &first).await;
    assert_eq!(at_once.join_all().await.len(), 4);
    create(client).await;
}

macro_rules! over {
    ($protocol:ident: $name:ident) => {
        mod $name {
            use super::*;

            static SERVER: LazyLock<Clerk> = LazyLock::new(|| Clerk::start(Protocol::$protocol, None).unwrap());
            static CLIENT: LazyLock<Hyper> = LazyLock::new(|| SERVER.client().unwrap());

            tests! { t01 t02 t03 t04 t05 t06 t07 t08 t09 t10 t11 t12 t13 t14 t15 t16 t17 t18 t19 t20 t21 t22 t23 t24 }
        }
    };
}

macro_rules! tests {
    ($($name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                calls(&CLIENT).await;
            }
        )*
    };
}

over! { Http1: http1 }
over! { Http1Tls: tls }
over! { Http2Tls: http2 }
