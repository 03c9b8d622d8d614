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
use clerk_actor_tokens_core::SecretKey;
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

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let key = SecretKey::new(options.secret_key)?;
    let emulator = Emulator::builder().real_time().secret_key(key).seed(options.seed).build();
    let server = emulator.serve_on(options.port).await.map_err(|error| format!("port {}: {error}", options.port))?;
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
