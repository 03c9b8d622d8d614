//! The README's program, to the letter.
//!
//! ```text
//! CLERK_SECRET_KEY=sk_test_... cargo run -p clerk-actor-tokens-examples --example first_token
//! ```
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program prints its result")]

use clerk_actor_tokens::{Actor, Client, client_from_env};
use std::{error::Error, time::Duration};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let clerk = client_from_env()?; // reads CLERK_SECRET_KEY
    let done = sign_in(&clerk).await;
    eprintln!("{:?}", clerk.close(Duration::from_secs(30)).await); // before the runtime ends: it revokes what was dropped
    done
}

async fn sign_in(clerk: &Client) -> Result<(), Box<dyn Error>> {
    let held = clerk.actor_tokens().create("user_customer", Actor::new("user_engineer")).hold().await?;
    // Write `held.record()` into your database here. If that fails, the drop of `held` revokes the token.
    let token = held.keep().await?;
    println!("{}", token.url().map_or("", |url| url.expose())); // hand the link out: in a service, not to the log
    Ok(())
}
