//! Creations whose caller has gone: what is logged and reported of the tokens that they leave.

use std::time::Duration;

use clerk_actor_tokens::{
    Actor, Client, SecretKey,
    hyper::HyperTransport,
    testing::emulator::{Emulator, fault},
};

use crate::{KEY, shown::Sanitized};

#[tokio::test]
async fn what_is_logged_of_an_orphan_shows_none() {
    let mut shown = Sanitized::new();
    shown.secret(KEY);
    shown.secret(&KEY.replace("CANARY", "OTHER"));
    let clerk = Emulator::builder().secret_key(SecretKey::new(KEY).unwrap()).real_time().build();
    let server = clerk.serve().await.unwrap();
    for detached in [true, false] {
        let builder = Client::builder(HyperTransport::new().unwrap(), SecretKey::new(KEY).unwrap());
        let builder = if detached { builder.require_executor() } else { builder };
        let client = builder.base_url(server.base_url()).build().unwrap();
        let before = (shown.records_of("clerk_actor_tokens_core"), clerk.creates().len());
        clerk.next_create().after_commit(fault::delay(Duration::from_secs(1)));
        let tokens = client.actor_tokens();
        let committed = async {
            while clerk.creates().len() == before.1 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            _ = tokens.create("user_1", Actor::new("user_2")).send() => panic!("it was to be dropped"),
            () = committed => {}
        }
        let report = client.close(Duration::from_secs(20)).await;
        shown.debug("what close says", &report);
        shown.debug("Client", &client);
        shown.debug("Emulator", &(&clerk, clerk.ledger(), clerk.orphans()));
        assert!(shown.records_of("clerk_actor_tokens_core") > before.0, "the orphan was not logged");
    }
    shown.assert_clean("orphans");
}
