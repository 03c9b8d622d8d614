//! What the examples share: how the command-line examples print a result, and a client that they plug in.

use std::process::ExitCode;

use clerk_actor_tokens::{EndError, Error, tower::RequestBody};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

/// hyper-util's client, which is a service of tower's. It speaks plain HTTP; give it a connector of your own for TLS.
#[must_use]
pub fn hyper_util() -> Client<HttpConnector, RequestBody> {
    Client::builder(TokioExecutor::new()).build_http()
}

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// The environment does not have what is needed; nothing was sent.
    Setup(Box<dyn std::error::Error>),
    /// The call failed.
    Call(Error),
    /// Not all was ended.
    End(EndError),
}

impl<E: std::error::Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Setup(Box::new(error))
    }
}

/// Prints one JSON object on standard output; or one line on standard error, with an exit code that says what
/// happened at Clerk:
///
/// - 1: nothing was done (a rejected call, or a bad setting);
/// - 3: ambiguous. Something may have been done that is not known of here, or something is left.
///
/// (2 is for arguments that cannot be read.)
#[must_use]
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "it is the command's interface")]
pub fn tell(result: Result<serde_json::Value, Failure>) -> ExitCode {
    match result {
        Ok(value) => {
            println!("{value}");
            ExitCode::SUCCESS
        }
        Err(Failure::Call(error)) if error.is_ambiguous() => {
            eprintln!("ambiguous: {error}");
            ExitCode::from(3)
        }
        Err(Failure::Call(error)) => {
            eprintln!("rejected: {error}");
            ExitCode::from(1)
        }
        Err(Failure::End(error)) => {
            let is_refused = error.live().is_empty() && error.ended().sessions().is_empty();
            let is_refused = is_refused && error.error().is_some_and(|error| !error.is_ambiguous());
            let ids = |ids: Vec<&str>| if ids.is_empty() { "none".to_owned() } else { ids.join(" ") };
            let ended = ids(error.ended().sessions().iter().map(|session| session.id().as_str()).collect());
            let live = ids(error.live().iter().map(|id| id.as_str()).collect());
            eprintln!("not all was ended: {error}. Ended: {ended}. Live: {live}.");
            ExitCode::from(if is_refused { 1 } else { 3 })
        }
        Err(Failure::Setup(error)) => {
            eprintln!("cannot start: {error}");
            ExitCode::from(1)
        }
    }
}
