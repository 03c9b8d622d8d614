//! Creates an actor token and prints it as one JSON object, with the sign-in link in the clear.
//!
//! ```text
//! CLERK_SECRET_KEY=sk_test_... cargo run --example create -- <user_id> <actor_sub> [--expires-in SECONDS]
//! ```

use std::{process::ExitCode, time::Duration};

use clap::Parser;
use clerk_actor_tokens::{Actor, client_from_env};
use clerk_actor_tokens_examples::{Failure, tell};
use serde_json::{Value, json};

/// Creates an actor token. Reads CLERK_SECRET_KEY and CLERK_API_URL.
#[derive(Parser)]
struct Arguments {
    /// The customer: the user to be impersonated.
    user_id: String,
    /// Who is really acting.
    actor_sub: String,
    /// How long the link works, in seconds (an hour if unset).
    #[arg(long, value_name = "SECONDS")]
    expires_in: Option<u64>,
}

async fn create(arguments: Arguments) -> Result<Value, Failure> {
    let clerk = client_from_env()?;
    let mut call = clerk.actor_tokens().create(arguments.user_id, Actor::new(arguments.actor_sub));
    if let Some(seconds) = arguments.expires_in {
        call = call.expires_in(Duration::from_secs(seconds));
    }
    let token = call.send().await.map_err(Failure::Call)?;
    Ok(json!({
        "id": token.id().as_str(),
        "status": token.status().as_str(),
        "user_id": token.user_id(),
        "url": token.url().map(|url| url.expose()),
        "expires_at": token.expires_at().map(|at| at.as_millis()),
    }))
}

#[tokio::main]
async fn main() -> ExitCode {
    tell(create(Arguments::parse()).await)
}
