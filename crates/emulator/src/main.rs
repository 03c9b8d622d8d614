//! The emulator as a command: prints where it listens, serves until Ctrl-C.
#![allow(clippy::print_stderr, reason = "a command tells its user what is wrong")]

use std::{
    error::Error,
    future,
    io::{self, Write as _},
    pin::pin,
    process::ExitCode,
};

use clap::Parser;
use clerk_actor_tokens_core::{SecretKey, Shown};
use clerk_actor_tokens_emulator::Emulator;

/// Clerk's actor tokens in memory, on a loopback port, for clients in any language.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// The port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The secret key to accept (sk_test_... or sk_live_...)
    // Read by hand: clap would print a malformed one.
    #[arg(long, value_name = "KEY", default_value = "sk_test_emulator")]
    secret_key: String,
    /// Where ids come from
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// The exit code of a command that was called wrongly.
const USAGE: u8 = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Options { port, secret_key, seed } = match Options::try_parse() {
        Ok(options) => options,
        Err(error) => return explain(&error),
    };
    let key = match SecretKey::new(secret_key) {
        Ok(key) => key,
        Err(error) => {
            eprintln!("error: --secret-key: {error}");
            return ExitCode::from(USAGE);
        }
    };
    match run(port, key, seed).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints help and version as they are, and what is wrong with the arguments without the keys in them: clap quotes
/// what it does not know, and a misplaced key is among it.
fn explain(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        return if error.print().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    for line in error.render().to_string().lines() {
        eprintln!("{}", Shown(line));
    }
    ExitCode::from(USAGE)
}

async fn run(port: u16, key: SecretKey, seed: u64) -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::builder().real_time().secret_key(key).seed(seed).build();
    let server = emulator.server().port(port).start().await.map_err(|error| format!("port {port}: {error}"))?;
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    // Polled once before anything is printed: whoever has read the line may interrupt at once.
    tokio::select! {
        biased;
        interrupted = &mut interrupt => return Ok(interrupted?),
        () = future::ready(()) => {}
    }
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on {}", server.url())?;
    stdout.flush()?;
    interrupt.await?;
    server.shutdown().await;
    Ok(())
}
