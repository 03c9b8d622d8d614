//! The typed client of the control plane, against the command.

use std::time::Duration;

use clerk_actor_tokens_core::{BaseUrl, CallContext, Request, Response, transport_fn};
use clerk_actor_tokens_emulator::control_client::{ControlClient, View};

use crate::running::{GOOD, Running, send_to, status};

/// As a test in Rust drives it from another process.
#[test]
fn the_typed_client_drives_it() {
    let server = Running::start(&["--seed", "7"]);
    let address = server.address.clone();
    let transport = transport_fn(move |request: Request, _: CallContext| {
        let (method, target) = (request.method().to_string(), request.uri().path_and_query().unwrap().to_string());
        let body = std::str::from_utf8(request.body()).unwrap();
        let answer = send_to(&address, &address, &method, &target, "", body);
        let mut response = Response::new(answer.split_once("\r\n\r\n").unwrap().1.to_owned().into());
        *response.status_mut() = status(&answer).try_into().unwrap();
        std::future::ready(Ok(response))
    });
    let emulator = ControlClient::new(transport, &BaseUrl::new(&server.url).unwrap());
    pollster::block_on(async {
        emulator.wait_until_ready(Duration::from_secs(20)).await.unwrap();
        emulator.add_faults(["create:before_commit:status(503)"]).await.unwrap();
        let create = || status(&server.post("/v1/actor_tokens", "sk_test_emulator", GOOD));
        assert_eq!((create(), create()), (503, 200));
        let state = emulator.state(View::default()).await.unwrap();
        assert_eq!((state.counts.creates, state.counts.orphans, state.tokens.len()), (1, 0, 1));
        let session = emulator.accept(state.tokens[0].stored.id()).await.unwrap();
        assert_eq!((session.user_id(), session.is_live()), ("user_1", true));
        assert!(emulator.reset().await.unwrap().is_empty());
        assert_eq!(emulator.state(View::default()).await.unwrap().counts.requests, 0);
    });
}
