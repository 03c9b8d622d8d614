//! Ends the sessions in which an engineer is signed in as a customer, and prints them as one JSON object.
//!
//! ```text
//! CLERK_SECRET_KEY=sk_test_... cargo run --example end -- <user_id> <actor_sub> [--token <actor_token_id>]
//! ```

use std::process::ExitCode;

use clap::Parser;
use clerk_actor_tokens::{client_from_env, response::SessionEnd};
use clerk_actor_tokens_examples::{Failure, tell};
use serde_json::{Value, json};

/// Ends impersonations. Reads CLERK_SECRET_KEY and CLERK_API_URL.
#[derive(Parser)]
struct Arguments {
    /// The customer.
    user_id: String,
    /// Who is signed in as the customer.
    actor_sub: String,
    /// The actor token to revoke first.
    #[arg(long)]
    token: Option<String>,
}

async fn end(arguments: Arguments) -> Result<Value, Failure> {
    let clerk = client_from_env()?;
    let mut end = clerk.impersonations().end(&arguments.user_id).by(&arguments.actor_sub);
    if let Some(token) = &arguments.token {
        end = end.token(token);
    }
    let ended = end.send().await.map_err(Failure::End)?;
    let by_us = |end: &SessionEnd| matches!(end, SessionEnd::Revoked);
    let sessions = ended.sessions().iter();
    let sessions: Vec<_> =
        sessions.map(|session| json!({ "id": session.id(), "ended_by_this": by_us(session.end()) })).collect();
    Ok(json!({ "user_id": arguments.user_id, "sessions": sessions }))
}

#[tokio::main]
async fn main() -> ExitCode {
    tell(end(Arguments::parse()).await)
}
