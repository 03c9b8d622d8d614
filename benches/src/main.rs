//! The benchmark as a command: prints the sections of the book's page, and writes them into it.
#![allow(clippy::print_stderr, clippy::print_stdout, reason = "a command prints what it measured, and what is wrong")]

use std::{
    env, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use clerk_actor_tokens_benches::{
    Failure,
    callgrind::{self, Callgrind},
    calls, cold,
    emulator::{self, EmulatorSize, Measured},
    instructions,
    load::runtime,
    measure::allow_many_files,
    memory, observed,
    page::Section,
    peer, plugged, requirements,
    size::Size,
};

/// What a call of clerk-actor-tokens costs, beside hand-written loops over hyper-util's pooled client and over reqwest.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// All of it
    All(Options),
    /// CPU time and allocations of a creation
    Calls(Options),
    /// Instructions of a creation
    Instructions(Options),
    /// What each requirement adds to a creation
    Requirements(Options),
    /// The transports that are plugged in, each beside its client by hand
    Plugged(Options),
    /// What it costs that calls are observed
    Observed(Options),
    /// A new client's first creation
    Cold(Options),
    /// Heap, and growth with calls and origins
    Memory(Options),
    /// What the emulator costs: in a test's process, and the command
    Emulator(EmulatorOptions),
    #[command(name = callgrind::ARGUMENT, hide = true)]
    Drive(callgrind::Drive),
    #[command(name = peer::ARGUMENT, hide = true)]
    Peer(peer::Serve),
}

#[derive(clap::Args)]
struct Options {
    #[command(flatten)]
    size: Size,
    /// Write what is measured into `price.md` in this folder, and the chart beside it
    #[arg(long, value_name = "FOLDER")]
    write: Option<PathBuf>,
}

#[derive(clap::Args)]
struct EmulatorOptions {
    #[command(flatten)]
    size: EmulatorSize,
    /// Write what is measured into `emulator-price.md` in this folder
    #[arg(long, value_name = "FOLDER")]
    write: Option<PathBuf>,
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

/// One section of the page.
type Measure = fn(&Path, &Size, Option<&Callgrind<'_>>) -> Result<Section, Failure>;

const CALLS: Measure = |program, size, _| calls::measure(program, size);
const INSTRUCTIONS: Measure = |_, size, callgrind| {
    let callgrind = callgrind.ok_or("instructions are not counted with --no-instructions")?;
    instructions::measure(callgrind, size)
};
const OBSERVED: Measure = |_, size, callgrind| {
    let callgrind = callgrind.ok_or("this counts instructions alone")?;
    observed::measure(callgrind, size)
};

fn run(command: Command) -> Result<(), Failure> {
    allow_many_files();
    match command {
        Command::All(options) if options.size.no_instructions => {
            measure(&options, &[CALLS, requirements::measure, plugged::measure, cold::measure, memory::measure])
        }
        Command::All(options) => measure(
            &options,
            &[CALLS, INSTRUCTIONS, requirements::measure, plugged::measure, cold::measure, memory::measure],
        ),
        Command::Calls(mut options) => {
            options.size.no_instructions = true;
            measure(&options, &[CALLS])
        }
        Command::Instructions(options) => measure(&options, &[INSTRUCTIONS]),
        Command::Requirements(options) => measure(&options, &[requirements::measure]),
        Command::Plugged(options) => measure(&options, &[plugged::measure]),
        Command::Observed(options) => measure(&options, &[OBSERVED]),
        Command::Cold(options) => measure(&options, &[cold::measure]),
        Command::Memory(options) => measure(&options, &[memory::measure]),
        Command::Emulator(options) => measure_emulator(&options),
        Command::Drive(drive) => callgrind::drive(&drive),
        Command::Peer(serve) => runtime()?.block_on(peer::serve(serve, &mut io::stdout())),
    }
}

fn measure_emulator(options: &EmulatorOptions) -> Result<(), Failure> {
    let EmulatorOptions { size, write } = options;
    let mut broken = Vec::new();
    for measure in
        [emulator::in_process::measure, emulator::served::measure].iter().take(if size.in_process { 1 } else { 2 })
    {
        let Measured { section, figures, broken: here } = measure(size)?;
        println!("{}", section.markdown);
        figures.iter().for_each(|figure| println!("figure: {figure}"));
        if let Some(folder) = write {
            section.write(folder)?;
        }
        broken.extend(here);
    }
    if broken.is_empty() { Ok(()) } else { Err(broken.join("; ").into()) }
}

fn measure(options: &Options, sections: &[Measure]) -> Result<(), Failure> {
    let Options { size, write } = options;
    let program = env::current_exe()?;
    let callgrind = match size.no_instructions {
        true => None,
        false => Some(Callgrind::new(&program, size.keep.as_deref())?),
    };
    for measure in sections {
        let section = measure(&program, size, callgrind.as_ref())?;
        println!("{}", section.markdown);
        if let Some(folder) = write {
            section.write(folder)?;
        }
    }
    Ok(())
}
