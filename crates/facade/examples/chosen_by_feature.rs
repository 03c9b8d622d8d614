//! One job over the transport that a feature chooses at compile time. `.ci/full` takes the size of the program over each:
//!
//! ```text
//! cargo run -p clerk-actor-tokens --example chosen_by_feature --no-default-features --features blocking -- user_customer user_engineer
//! ```
#![expect(clippy::print_stdout, reason = "it shows what happens")]

use std::error::Error;

use clerk_actor_tokens::{Actor, Client};

#[cfg_attr(
    not(any(feature = "hyper", feature = "hyper-ring", feature = "reqwest", feature = "blocking")),
    expect(dead_code, reason = "no transport")
)]
/// Makes a token for the first user, on behalf of the second, and takes it back.
async fn make_and_revoke(clerk: &Client) -> Result<(), Box<dyn Error>> {
    let mut users = std::env::args().skip(1);
    let (Some(customer), Some(engineer)) = (users.next(), users.next()) else {
        return Err("name the customer's user id and the engineer's".into());
    };
    let token = clerk.actor_tokens().create(customer, Actor::new(engineer)).send().await?;
    println!("made {}", token.id());
    clerk.actor_tokens().revoke(token.id()).send().await?;
    println!("revoked it");
    Ok(())
}

#[cfg(feature = "blocking")]
fn main() -> Result<(), Box<dyn Error>> {
    use clerk_actor_tokens::blocking::{self, Wait as _};

    make_and_revoke(&blocking::client_from_env()?).wait()
}

#[cfg(all(feature = "reqwest", not(feature = "blocking")))]
#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let transport = clerk_actor_tokens::reqwest::ReqwestTransport::from_builder(|reqwest| reqwest)?;
    make_and_revoke(&Client::from_env(transport)?.erase()).await
}

#[cfg(all(any(feature = "hyper", feature = "hyper-ring"), not(any(feature = "blocking", feature = "reqwest"))))]
#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    make_and_revoke(&clerk_actor_tokens::client_from_env()?).await
}

#[cfg(not(any(feature = "hyper", feature = "hyper-ring", feature = "reqwest", feature = "blocking")))]
fn main() -> Result<(), Box<dyn Error>> {
    Err("choose a transport: --features hyper, reqwest or blocking".into())
}
