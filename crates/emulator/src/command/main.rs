//! The emulator as a command: prints where it listens, serves until Ctrl-C or SIGTERM.
//!
//! What can be set is in `options.rs`, where it is set besides the command line in `sources.rs`, the line of a request in `request_log.rs`, the signals in `signals.rs`, what `--explain` prints in `explain.rs`.
#![allow(clippy::print_stderr, reason = "a command prints what is wrong")]

mod explain;
mod options;
mod request_log;
mod signals;
mod sources;

use std::{
    env,
    error::Error,
    fs,
    io::{self, Write as _},
    process::ExitCode,
};

use clerk_actor_tokens_core::Sanitized;
use clerk_actor_tokens_emulator::{Emulator, Served};

use self::{
    options::Options,
    signals::{Asked, Signals},
    sources::Refused,
};

/// The exit code of a command that was called wrongly.
const USAGE: u8 = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = match sources::read(env::args_os()) {
        Ok(options) => options,
        Err(refused) => return refuse(&refused),
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
fn refuse(refused: &Refused) -> ExitCode {
    if let Refused::Arguments(error) = refused {
        if !error.use_stderr() {
            return if error.print().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
    }
    for line in refused.to_string().lines() {
        eprintln!("{}", Sanitized::new(line));
    }
    ExitCode::from(USAGE)
}

async fn run(options: &Options, emulator: &Emulator) -> Result<(), Box<dyn Error>> {
    let (host, port) = (&options.host, options.port);
    // Before anything is printed: the reader of the line may send a signal at once.
    let mut signals = Signals::listen()?;
    let server = options.server(emulator).start().await;
    let server = server.map_err(|error| format!("{host}, port {port}: {error}"))?;
    tell(options, &server)?;
    while let Asked::Reload = signals.next().await {
        reload(emulator);
    }
    server.shutdown().await;
    Ok(())
}

/// Reads the settings again, and takes the users and the faults from them. What is wrong with them changes nothing.
fn reload(emulator: &Emulator) {
    match sources::read(env::args_os()) {
        Ok(options) => {
            for fault in emulator.take_unused_faults() {
                eprintln!("reloaded: this fault had not happened, and is replaced: {}", Sanitized::new(&fault));
            }
            options.reload(emulator);
            eprintln!("reloaded: users and faults are those of the settings");
        }
        Err(refused) => {
            for line in refused.to_string().lines() {
                eprintln!("{}", Sanitized::new(line));
            }
        }
    }
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
