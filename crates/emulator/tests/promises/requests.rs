//! The requests that are kept, and the listener that gets them.

use std::{
    future::Future as _,
    sync::{Arc, Mutex},
};

use crate::support::{create, exchange, post, send};
use clerk_actor_tokens_emulator::{CommitKind, Emulator, RecordedRequest, fault};
use serde_json::json;

fn good() -> clerk_actor_tokens_core::Request {
    create(json!({ "user_id": "user_1", "actor": { "sub": "user_agent" } }))
}

#[test]
fn the_latest_are_kept_and_all_are_counted() {
    for most in [0, 1, 3, 10, 11] {
        let clerk = Emulator::builder().keep_requests(most).build();
        for number in 0..10 {
            send(&clerk, post(&format!("/v1/number/{number}"), ""));
        }
        let kept: Vec<_> = clerk.requests().iter().map(|request| request.path().to_owned()).collect();
        let wanted: Vec<_> = (10 - most.min(10)..10).map(|number| format!("/v1/number/{number}")).collect();
        assert_eq!(kept, wanted);
        assert!(clerk.requests().iter().all(|request| request.status().unwrap().as_u16() == 501));
    }
}

/// Whatever fault it meets: the status is that of what the client got, and the fault is named.
#[test]
fn what_is_kept_of_a_request_is_what_its_client_saw() {
    let mut count = 0;
    for fault in fault::catalogue() {
        for &phase in fault.phases_of(CommitKind::Create) {
            let heard = Arc::new(Mutex::new(Vec::new()));
            let hears = Arc::clone(&heard);
            let listener = move |request: &RecordedRequest| hears.lock().unwrap().push(request.clone());
            let clerk = Emulator::builder().single_threaded().on_request(listener).build();
            fault.queue(clerk.next_create(), phase);
            let seen = match pollster::block_on(exchange(&clerk, good())) {
                Ok(response) => Some(response.status()),
                Err(error) => error.partial().map(http::Response::status),
            };
            let (requests, heard) = (clerk.requests(), heard.lock().unwrap());
            assert_eq!(requests.len(), heard.len(), "{phase}({fault})");
            // What was never sent is not kept.
            for request in requests.iter().chain(heard.iter()) {
                assert_eq!(request.status(), seen, "{phase}({fault})");
                let is_met = request.fault() == Some(format!("create:{phase}:{fault}").as_str());
                assert!(is_met || fault.to_string() == "pass()", "{phase}({fault}): {:?}", request.fault());
                count += 1;
            }
        }
    }
    assert!(count > 200, "{count}");
}

/// Also a request that is no longer kept when its exchange ends.
#[test]
fn the_listener_gets_every_request() {
    for most in [0, 1] {
        let heard = Arc::new(Mutex::new(0));
        let counts = Arc::clone(&heard);
        let builder = Emulator::builder().manual_clock().keep_requests(most);
        let clerk = builder.on_request(move |_| *counts.lock().unwrap() += 1).build();
        clerk.next_create().after_commit(fault::delay(std::time::Duration::from_secs(5)));
        let mut slow = std::pin::pin!(exchange(&clerk, good()));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(slow.as_mut().poll(&mut context).is_pending());
        send(&clerk, good());
        clerk.advance(std::time::Duration::from_secs(6));
        assert!(slow.as_mut().poll(&mut context).is_ready());
        assert_eq!(*heard.lock().unwrap(), 2, "{most}");
    }
}

#[test]
fn a_listener_that_panics_harms_no_exchange() {
    let clerk = Emulator::builder().on_request(|_| panic!("a listener")).build();
    assert_eq!(send(&clerk, good()).status(), 200);
    clerk.assert_creates(1);
    assert_eq!(clerk.requests()[0].status().unwrap(), 200);
}
