//! The README's program, to the letter.
//!
//! ```text
//! CLERK_SECRET_KEY=sk_test_... cargo run -p clerk-actor-tokens-examples --example first_token
//! ```
#![expect(clippy::print_stdout, reason = "a program prints its result")]

use clerk_actor_tokens::{Actor, client_from_env};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let clerk = client_from_env()?; // reads CLERK_SECRET_KEY; `client(key)` reads no variable
    let held = clerk.actor_tokens().create("user_customer", Actor::new("user_agent")).hold().await?;
    // Write `held.record()` into your database here. If that fails, the drop of `held` revokes the token.
    let token = held.keep().await?;
    println!("{}", token.url().map_or("", |url| url.expose()));
    clerk.actor_tokens().revoke(token.id()).send().await?; // from here on the link is dead
    Ok(())
}
