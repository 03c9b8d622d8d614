//! A stack of tower's layers around a transport: at most two requests at once, and a header for a gateway.
//!
//! ```text
//! cargo run --example tower_stack
//! ```
#![expect(clippy::print_stdout, reason = "it shows what happens")]

use std::{error::Error, time::Duration};

use clerk_actor_tokens::{
    Actor, Client,
    http::{HeaderValue, Request},
    hyper::HyperTransport,
    testing::emulator::{Emulator, fault},
    tower::{RequestBody, TowerTransport},
};
use tokio::task::JoinSet;
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::builder().real_time().build();
    emulator.next_create().before_commit(fault::status(429));
    let server = emulator.serve().await?;

    // The first layer is the outermost. Each attempt goes through all of them; the client's own retries stay outside.
    let layers = ServiceBuilder::new().concurrency_limit(2).map_request(|mut request: Request<RequestBody>| {
        request.headers_mut().insert("x-gateway-route", HeaderValue::from_static("clerk"));
        request
    });
    let transport = TowerTransport::around(HyperTransport::new()?, |hyper| layers.service(hyper));
    let clerk = Client::builder(transport, emulator.secret_key())
        .base_url(server.base_url())
        // Not a layer's: that would lose what it interrupts.
        .timeout(Duration::from_secs(20))
        .build()?;

    let mut desks = JoinSet::new();
    for desk in 1..=6 {
        let clerk = clerk.clone();
        desks.spawn(async move {
            clerk.actor_tokens().create(format!("user_{desk}"), Actor::new("user_engineer")).send().await
        });
    }
    for token in desks.join_all().await {
        println!("made {}", token?.id());
    }
    emulator.assert_creates(6);
    emulator.assert_faults_used();
    for request in emulator.requests() {
        assert!(request.headers().get("x-gateway-route").is_some_and(|route| route == "clerk"));
    }
    println!("each of {} requests went through the gateway's header", emulator.requests().len());
    server.shutdown().await;
    Ok(())
}
