//! What a program with a logger sees of its calls. A logger belongs to a whole process, so that this is a program of its own.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::sync::Mutex;

use clerk_actor_tokens_core::{
    Actor, CallContext, Client, Request, Response, SecretKey, TransportError, bytes::Bytes, transport_fn,
};
use log::{Level, LevelFilter, Log, Metadata, Record};

struct Logger(Mutex<Vec<(Level, String)>>);

impl Log for Logger {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = record.args().to_string();
        // With its feature `log`, tracing writes its spans too.
        if record.target() == "clerk_actor_tokens" && !line.starts_with("clerk_") {
            self.0.lock().unwrap().push((record.level(), line));
        }
    }

    fn flush(&self) {}
}

static LOGGER: Logger = Logger(Mutex::new(Vec::new()));

fn lines() -> Vec<(Level, String)> {
    let lines = std::mem::take(&mut *LOGGER.0.lock().unwrap());
    // How long it took is the machine's affair.
    lines
        .into_iter()
        .map(|(level, line)| (level, line.rsplit_once(", ").map_or("", |(line, _)| line).to_owned()))
        .collect()
}

/// Clerk, as far as this needs it: the first creation of all is one too many.
async fn clerk(request: Request, context: CallContext) -> Result<Response, TransportError> {
    let state = if request.uri().path().ends_with("/revoke") { "revoked" } else { "pending" };
    let body = format!(
        r#"{{"object":"actor_token","id":"act_1","status":"{state}","user_id":"user_1","actor":{{"sub":"user_2"}},
        "created_at":1,"updated_at":1}}"#
    );
    let mut response = Response::new(Bytes::from(body));
    if state == "pending" && context.attempt() == 1 {
        *response.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
    }
    Ok(response)
}

#[test]
fn a_creation_its_retry_and_a_revocation_are_in_the_log() {
    log::set_logger(&LOGGER).unwrap();
    let client = Client::new(transport_fn(clerk), SecretKey::new("sk_test_abc").unwrap());
    let life = || {
        pollster::block_on(async {
            let tokens = client.actor_tokens();
            let token = tokens.create("user_1", Actor::new("user_2")).send().await.unwrap();
            tokens.revoke(token.id()).send().await.unwrap();
        });
    };
    log::set_max_level(LevelFilter::Info);
    life();
    assert_eq!(lines(), []);
    log::set_max_level(LevelFilter::Trace);
    life();
    let create = "CreateActorToken: attempt";
    let expected = [
        format!("{create} 1: POST api.clerk.com/v1/actor_tokens: 429, RateLimited, not executed"),
        format!("{create} 2: POST api.clerk.com/v1/actor_tokens: 200, executed"),
        "CreateActorToken: executed, 2 attempts".to_owned(),
        "RevokeActorToken: attempt 1: POST api.clerk.com/v1/actor_tokens/{actor_token_id}/revoke: 200, executed"
            .to_owned(),
        "RevokeActorToken: executed, 1 attempt".to_owned(),
    ];
    assert_eq!(lines(), expected.map(|line| (Level::Debug, line)));
}
