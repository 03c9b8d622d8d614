//! The benchmark as a command: prints its figures.
#![allow(clippy::print_stderr, reason = "a command prints what is wrong")]

use std::{env, io, process::ExitCode};

use clap::{Parser, Subcommand};
use clerk_actor_tokens_benches::{Failure, compare, instructions, load::runtime, peer};

/// What a call of clerk-actor-tokens costs, beside a hand-written loop over hyper-util's pooled client.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// CPU time and allocations of a creation
    Compare(compare::Size),
    /// Instructions of a creation (needs valgrind)
    Instructions(instructions::Size),
    #[command(name = instructions::ARGUMENT, hide = true)]
    Drive(instructions::Drive),
    #[command(name = peer::ARGUMENT, hide = true)]
    Peer(peer::Protocol),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    let mut output = io::stdout();
    let program = env::current_exe()?;
    match command {
        Command::Compare(size) => compare::run(&program, size, &mut output),
        Command::Instructions(size) => instructions::run(&program, &size, &mut output),
        Command::Drive(drive) => instructions::drive(drive),
        Command::Peer(protocol) => runtime()?.block_on(peer::serve(protocol, &mut output)),
    }
}
