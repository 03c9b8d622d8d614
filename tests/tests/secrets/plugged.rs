//! Calls over the transports that are plugged in: a life against the emulator, and servers that give back what they were sent.

use std::time::Duration;

use clerk_actor_tokens::{
    Actor, Client, RetryPolicy, SecretKey,
    testing::emulator::{Emulator, fault},
};
use clerk_actor_tokens_tests::wire::{
    over::{Over, Reach},
    protocol::Protocol,
};

use crate::{
    KEY, LINK, TICKET,
    loopback::{SERVERS, answering},
    shown::Sanitized,
};

/// Who logs of it.
fn logging(over: Over) -> &'static [&'static str] {
    match over {
        Over::Hyper => &["hyper_util"],
        Over::Reqwest => &["reqwest", "hyper_util"],
        Over::Ureq => &["ureq"],
        Over::Tower => &["hyper_util"],
    }
}

/// What ureq would log, it is not given: a call is refused before anything is sent, and says what to set.
async fn ureq_is_refused_while_its_bytes_are_logged() {
    let mut shown = Sanitized::new();
    for secret in [KEY, TICKET, LINK] {
        shown.secret(secret);
    }
    let clerk = Emulator::builder().secret_key(SecretKey::new(KEY).unwrap()).real_time().build();
    let server = clerk.serve().await.unwrap();
    let transport = clerk_actor_tokens_ureq::UreqTransport::new();
    let client = Client::builder(transport, clerk.secret_key()).base_url(server.base_url()).build().unwrap();
    let error = client.actor_tokens().create("user_1", Actor::new("user_2")).send().await.unwrap_err();
    assert!(error.to_string().contains("at trace level") && error.advice().contains("RUST_LOG"), "{error}");
    assert!(clerk.requests().is_empty());
    shown.error("Error", &error);
    shown.debug("Client", &client);
    shown.debug("transport", client.transport());
    shown.debug("advice", &error.advice());
    shown.assert_clean("ureq with its bytes logged");
    crate::capture::UREQ_BELOW_TRACE.store(true, std::sync::atomic::Ordering::SeqCst);
}

#[tokio::test]
async fn no_transport_shows_a_credential() {
    ureq_is_refused_while_its_bytes_are_logged().await;
    a_life_over_each_transport().await;
    servers_that_send_it_back().await;
}

async fn a_life_over_each_transport() {
    for over in Over::ALL {
        let mut shown = Sanitized::new();
        let key = SecretKey::new(KEY).unwrap();
        shown.secret(key.expose());
        let clerk = Emulator::builder().secret_key(key.clone()).real_time().build();
        let server = clerk.serve().await.unwrap();
        let reach =
            Reach { protocol: Protocol::Http1, authority: None, proxy: None, connect_timeout: Duration::from_secs(5) };
        let transport = over.transport(reach).unwrap();
        let client = Client::builder(transport, key).base_url(server.base_url()).build().unwrap();
        let tokens = client.actor_tokens();
        let response = tokens.create("user_1", Actor::new("user_2")).send_with_response().await.unwrap();
        shown.debug("ApiResponse", &response);
        let token = response.into_value();
        shown.secret(token.token().unwrap().expose());
        shown.secret(token.url().unwrap().expose());
        shown.debug("Revocation", &tokens.revoke(token.id()).send().await.unwrap());
        let script: [(&dyn Fn(), Duration); 5] = [
            (&|| clerk.next_create().after_commit(fault::reset()), Duration::from_secs(30)),
            (&|| clerk.next_create().after_commit(fault::cut_at(400)), Duration::from_secs(30)),
            (&|| clerk.next_create().after_commit(fault::stall_at(700)), Duration::from_secs(1)),
            (&|| clerk.next_create().before_commit(fault::status(500)), Duration::from_secs(30)),
            (&|| clerk.next_create().before_commit(fault::stall()), Duration::from_secs(1)),
        ];
        for (fault, timeout) in script {
            fault();
            let error = tokens.create("user_1", Actor::new("user_2")).timeout(timeout).send().await.unwrap_err();
            shown.error("Error", &error);
        }
        shown.debug("Client", &client);
        for name in logging(over) {
            assert!(shown.records_of(name) > 3, "{over}: {name} logged {}", shown.records_of(name));
        }
        shown.assert_clean(&format!("a life over {over}"));
    }
}

async fn servers_that_send_it_back() {
    for over in Over::ALL {
        let mut shown = Sanitized::new();
        for secret in [KEY, TICKET, LINK] {
            shown.secret(secret);
        }
        for (place, answer) in SERVERS {
            let reach = Reach {
                protocol: Protocol::Http1,
                authority: None,
                proxy: None,
                connect_timeout: Duration::from_secs(5),
            };
            let (url, serving) = answering(answer).await;
            let builder = Client::builder(over.transport(reach).unwrap(), SecretKey::new(KEY).unwrap()).base_url(url);
            let clerk = builder.retry(RetryPolicy::none()).timeout(Duration::from_secs(20)).build().unwrap();
            let create = clerk.actor_tokens().create("user_1", Actor::new("user_2")).send().await;
            let revoke = clerk.actor_tokens().revoke("act_1").send().await;
            for error in [create.unwrap_err(), revoke.unwrap_err()] {
                shown.error(place, &error);
                shown.debug(place, &error.api_errors());
            }
            serving.abort();
        }
        shown.assert_clean(&format!("servers that send it back, over {over}"));
    }
}
