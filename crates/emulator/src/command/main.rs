//! The emulator as a command: prints where it listens, serves until Ctrl-C.
//!
//! What can be set is in `options.rs`, how faults are written in `faults.rs`, what `--explain` prints in `explain.rs`.
#![allow(clippy::print_stderr, reason = "a command prints what is wrong")]

mod explain;
mod faults;
mod options;

use std::{
    error::Error,
    fs, future,
    io::{self, Write as _},
    pin::pin,
    process::ExitCode,
};

use clap::Parser as _;
use clerk_actor_tokens_core::Sanitized;
use clerk_actor_tokens_emulator::{Emulator, Served};

use self::options::Options;

/// The exit code of a command that was called wrongly.
const USAGE: u8 = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) => return refuse(&error),
    };
    if options.explain {
        return if explain::print(&mut io::stdout()).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let emulator = match options.emulator() {
        Ok(emulator) => emulator,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(USAGE);
        }
    };
    let ran = run(&options, &emulator).await;
    // Taken away: with a fault left the emulator would end as a test does, in a panic.
    let unused = emulator.take_unused_faults();
    if let Err(error) = ran {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    for fault in &unused {
        eprintln!("error: this fault did not happen: {}", Sanitized::new(fault));
    }
    if unused.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints help and version as they are, and what is wrong with the arguments without the keys in them: clap quotes
/// what it does not know, and a misplaced key is among it.
fn refuse(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        return if error.print().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    for line in error.render().to_string().lines() {
        eprintln!("{}", Sanitized::new(line));
    }
    ExitCode::from(USAGE)
}

async fn run(options: &Options, emulator: &Emulator) -> Result<(), Box<dyn Error>> {
    let (host, port) = (&options.host, options.port);
    let server = options.server(emulator).start().await;
    let server = server.map_err(|error| format!("{host}, port {port}: {error}"))?;
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    // Polled once before anything is printed: the reader of the line may interrupt at once.
    tokio::select! {
        biased;
        interrupted = &mut interrupt => return Ok(interrupted?),
        () = future::ready(()) => {}
    }
    tell(options, &server)?;
    interrupt.await?;
    server.shutdown().await;
    Ok(())
}

/// Where the server is, on the first line. Its reader finds the file of the certificate.
fn tell(options: &Options, server: &Served) -> Result<(), Box<dyn Error>> {
    let mut stdout = io::stdout();
    let pem = server.ca_pem();
    if let (Some(pem), Some(file)) = (pem, &options.ca_out) {
        fs::write(file, pem).map_err(|error| format!("--ca-out {}: {error}", file.display()))?;
    }
    writeln!(stdout, "listening on {}", server.url())?;
    match (pem, &options.ca_out) {
        (Some(_), Some(file)) => writeln!(stdout, "certificate authority in {}", file.display())?,
        (Some(pem), None) => write!(stdout, "{pem}")?,
        (None, _) => {}
    }
    stdout.flush()?;
    Ok(())
}
