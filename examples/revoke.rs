//! Revokes an actor token and prints what became of it as one JSON object.
//!
//! ```text
//! CLERK_SECRET_KEY=sk_test_... cargo run --example revoke -- <actor_token_id>
//! ```

use std::process::ExitCode;

use clap::Parser;
use clerk_actor_tokens::{Revocation, client_from_env};
use clerk_actor_tokens_examples::{Failure, tell};
use serde_json::{Value, json};

/// Revokes an actor token. Reads CLERK_SECRET_KEY and CLERK_API_URL.
#[derive(Parser)]
struct Arguments {
    /// The id of the token, for example act_2ABC...
    actor_token_id: String,
}

async fn revoke(arguments: Arguments) -> Result<Value, Failure> {
    let clerk = client_from_env()?;
    let revocation = clerk.actor_tokens().revoke(&arguments.actor_token_id).send().await.map_err(Failure::Call)?;
    Ok(json!({
        "id": arguments.actor_token_id,
        "status": "revoked",
        "already_revoked": revocation == Revocation::AlreadyRevoked,
    }))
}

#[tokio::main]
async fn main() -> ExitCode {
    tell(revoke(Arguments::parse()).await)
}
