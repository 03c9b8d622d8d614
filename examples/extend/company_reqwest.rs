//! The `reqwest::Client` that an application has already, with the company's root certificate and headers.
//!
//! ```text
//! cargo run --example company_reqwest
//! ```
#![expect(clippy::print_stdout, reason = "it shows what happens")]

use std::{error::Error, time::Duration};

use clerk_actor_tokens::{
    Actor, Client,
    http::{HeaderMap, HeaderName, HeaderValue},
    reqwest::{
        ReqwestTransport,
        reqwest::{self, Certificate, redirect::Policy},
    },
    testing::emulator::Emulator,
};

/// The one client of the application. The last three lines are for this library: "Choosing a transport" has the reasons.
fn company_client(root: &str) -> reqwest::Result<reqwest::Client> {
    let cost_centre = (HeaderName::from_static("x-cost-centre"), HeaderValue::from_static("support"));
    reqwest::Client::builder()
        .tls_certs_merge([Certificate::from_pem(root.as_bytes())?])
        .default_headers(HeaderMap::from_iter([cost_centre]))
        .connect_timeout(Duration::from_secs(5))
        .pool_idle_timeout(Duration::from_secs(4))
        .redirect(Policy::none())
        .build()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::builder().real_time().build();
    let server = emulator.server().tls().start().await?;
    let root = server.ca_pem().ok_or("the server has TLS")?;

    let http = company_client(root)?;
    let clerk = Client::builder(ReqwestTransport::from_client(http.clone()), emulator.secret_key())
        .base_url(server.base_url())
        .build()?;
    let token = clerk.actor_tokens().create("user_customer", Actor::new("user_engineer")).send().await?;
    println!("made {}", token.id());

    for request in emulator.requests() {
        println!("{} came with {:?}", request.path(), request.headers().get("x-cost-centre"));
    }
    emulator.assert_creates(1);
    server.shutdown().await;
    Ok(())
}
