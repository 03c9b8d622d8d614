//! The emulator as a command: prints where it listens, serves until Ctrl-C or SIGTERM.
//!
//! What can be set is in `options.rs`, how a value is read in `values.rs`, where it is set besides the command line in `sources.rs`, the line of a request in
//! `request_log.rs`, the signals in `signals.rs`, what `--explain` prints in `explain.rs`, what `--health` asks in `health.rs`, why
//! the command cannot listen in `listening.rs`, what is wrong with a file in `files.rs`. What goes wrong is said by `say.rs`.

#[macro_use]
mod say;

mod explain;
mod files;
mod health;
mod listening;
mod options;
mod request_log;
mod signals;
mod sources;
mod values;

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
    if options.health {
        return ask_health(&options).await;
    }
    let emulator = match options.emulator() {
        Ok(emulator) => emulator,
        Err(error) => {
            say!("error: {error}");
            return ExitCode::from(USAGE);
        }
    };
    let ran = run(&options, &emulator).await;
    // Taken away: with a fault left the emulator would end as a test does, in a panic.
    let unused = emulator.take_unused_faults();
    if let Err(error) = ran {
        say!("error: {error}");
        return ExitCode::FAILURE;
    }
    for fault in &unused {
        say!("error: this fault did not happen: {}", Sanitized::new(fault));
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
        say!("{}", Sanitized::new(line));
    }
    ExitCode::from(USAGE)
}

async fn ask_health(options: &Options) -> ExitCode {
    if options.port == 0 {
        say!("error: --health needs the port of the server: --port, or CLERK_EMULATOR_PORT");
        return ExitCode::from(USAGE);
    }
    match health::ask(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            say!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options, emulator: &Emulator) -> Result<(), Box<dyn Error>> {
    // Before anything is printed: the reader of the line may send a signal at once.
    let mut signals = Signals::listen()?;
    let server = options.server(emulator).start().await;
    let server = server.map_err(|error| listening::explain(&options.host, options.port, &error))?;
    write_authority(options, &server)?;
    tell(options, &server).map_err(|error| {
        format!("standard output: {error}; the line that says where the server listens could not be written")
    })?;
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
                say!("reloaded: this fault had not happened, and is replaced: {}", Sanitized::new(&fault));
            }
            options.reload(emulator);
            say!("reloaded: users and faults are those of the settings");
        }
        Err(refused) => {
            for line in refused.to_string().lines() {
                say!("{}", Sanitized::new(line));
            }
        }
    }
}

/// Before the first line: the reader of that line finds the file.
fn write_authority(options: &Options, server: &Served) -> Result<(), String> {
    let (Some(pem), Some(file)) = (server.ca_pem(), &options.ca_out) else { return Ok(()) };
    fs::write(file, pem).map_err(|error| files::unusable("ca-out", file, &error))
}

/// Where the server is, on the first line.
fn tell(options: &Options, server: &Served) -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on {}", server.url())?;
    match (server.ca_pem(), &options.ca_out) {
        (Some(_), Some(file)) => writeln!(stdout, "certificate authority in {}", file.display())?,
        (Some(pem), None) => write!(stdout, "{pem}")?,
        (None, _) => {}
    }
    stdout.flush()
}
