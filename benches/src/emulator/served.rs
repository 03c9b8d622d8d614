//! The command: how long it takes to start, how much memory it holds, and what it costs that somebody looks at it.

use std::{
    fs,
    path::Path,
    process::{self, Command},
    time::Instant,
};

use clerk_actor_tokens::hyper::HyperTransport;

use super::{
    EmulatorSize, Measured, PAGE, at_most,
    command::{self, Running},
};
use crate::{
    Failure,
    callgrind::{total, without_valgrind},
    load::runtime,
    page::Section,
    statistics::Spread,
    table::{Table, whole},
};

/// After so many creations the page and the journal are read: some ten times a second, where a page reads them once.
const LOOK_AFTER: u32 = 100;

/// No request is kept, and none is sent to the control plane.
const UNSEEN: [&str; 5] = ["--no-control", "--keep-requests", "0", "--keep-tokens", "10000"];
/// Everything is kept.
const UNBOUNDED: [&str; 4] = ["--keep-requests", "4294967295", "--keep-tokens", "4294967295"];
/// So few are kept that each creation that is counted forgets another.
const COUNTED_LOOKED_AT: [&str; 4] = ["--keep-requests", "200", "--keep-tokens", "200"];
const COUNTED_UNSEEN: [&str; 5] = ["--no-control", "--keep-requests", "0", "--keep-tokens", "4294967295"];

/// The most of what a creation takes that is looked at, times one that is not.
const MOST_TIMES: f64 = 1.1;
/// The most of what is resident at the end, times what was in the middle.
const MOST_GROWTH: f64 = 1.1;

/// Measures the command.
///
/// # Errors
/// The first creation that failed, or whatever kept the benchmark from running.
pub fn measure(size: &EmulatorSize) -> Result<Measured, Failure> {
    let command = command::path(size.command.as_deref())?;
    let mut measured = Measured { section: Section::new("served", String::new()), figures: vec![], broken: vec![] };
    let start = start(&command, size, &mut measured)?;
    let memory = memory(&command, size, &mut measured)?;
    let instructions = if size.no_instructions { String::new() } else { instructions(&command, size, &mut measured)? };
    measured.section = Section::new("served", [start, memory, instructions].join("\n")).on(PAGE);
    Ok(measured)
}

/// From the start of the process to its first answer.
fn start(command: &Path, size: &EmulatorSize, measured: &mut Measured) -> Result<String, Failure> {
    let runtime = runtime()?;
    let mut millis = Vec::new();
    for _ in 0..size.rounds {
        let transport = HyperTransport::new()?;
        let since = Instant::now();
        let running = Running::start(&mut Command::new(command))?;
        runtime.block_on(running.control(transport).health())?;
        millis.push(since.elapsed().as_secs_f64() * 1e3);
        running.end()?;
    }
    let millis = Spread::of(millis);
    measured.figures.push(format!("the command answers {:.1} ms after its start", millis.median));
    Ok(format!("The command has answered `GET /_emulator/health` {millis:.1} ms after its start. The aim is 50 ms.\n"))
}

/// How much is resident after so many creations, and how long each takes.
fn memory(command: &Path, size: &EmulatorSize, measured: &mut Measured) -> Result<String, Failure> {
    let runtime = runtime()?;
    let parts = [size.creations / 10, size.creations / 2, size.creations];
    let ways = [
        ("page and journal read", &[][..], Some(LOOK_AFTER)),
        ("no control plane, no journal", &UNSEEN[..], None),
        ("without bounds", &UNBOUNDED[..], None),
    ];
    let heads = parts.map(|part| format!("MB after {}", whole(f64::from(part))));
    let mut table = Table::new(["the command".to_owned()].into_iter().chain(heads).chain(["us a creation".to_owned()]));
    for (name, options, look_after) in ways {
        let running = Running::start(Command::new(command).args(options))?;
        let (since, mut made, mut resident) = (Instant::now(), 0, Vec::new());
        for part in parts {
            runtime.block_on(running.create(part - made, look_after))?;
            made = part;
            resident.push(running.resident()?);
        }
        let micros = since.elapsed().as_secs_f64() * 1e6 / f64::from(made);
        let cells = resident.iter().map(|bytes| format!("{:.1}", bytes / 1e6));
        table.row([name.to_owned()].into_iter().chain(cells).chain([whole(micros)]));
        running.end()?;
        if let (Some(middle), Some(end)) = (resident.get(1), resident.last()) {
            let creations = whole(f64::from(made));
            measured.figures.push(format!("{name}: {:.1} MB after {creations} creations", end / 1e6));
            if name != "without bounds" {
                measured.broken.extend(at_most(end / middle, MOST_GROWTH, format!("{name}: memory grows, times")));
            }
        }
    }
    Ok(format!("{} creations over one connection:\n\n{table}", whole(f64::from(size.creations))))
}

/// Instructions of the command for a creation.
fn instructions(command: &Path, size: &EmulatorSize, measured: &mut Measured) -> Result<String, Failure> {
    let unseen = count(command, &COUNTED_UNSEEN, None, size.counted)?;
    let seen = count(command, &COUNTED_LOOKED_AT, Some(LOOK_AFTER), size.counted)?;
    let times = seen / unseen;
    measured.figures.push(format!("instructions of a creation that is looked at, times one that is not: {times:.3}"));
    measured.broken.extend(at_most(times, MOST_TIMES, "instructions of a creation that is looked at, times"));
    let mut table = Table::new(["the command", "instructions a creation", "times"]);
    table.row(["no control plane, no journal", &whole(unseen), "1"]);
    table.row(["page and journal read after each 100 creations", &whole(seen), &format!("{times:.3}")]);
    Ok(table.to_string())
}

/// The difference between so many creations and twice as many: the start and the end are in both.
fn count(command: &Path, options: &[&str], look_after: Option<u32>, creations: u32) -> Result<f64, Failure> {
    let runtime = runtime()?;
    let file = std::env::temp_dir().join(format!("clerk-actor-tokens-emulator-{}", process::id()));
    let mut totals = [0; 2];
    for (times, counted) in [1, 2].into_iter().zip(&mut totals) {
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--quiet", "--tool=callgrind"]).arg(format!("--callgrind-out-file={}", file.display()));
        let started = Running::start(valgrind.arg(command).args(options));
        let running = started.map_err(|error| match error.downcast::<std::io::Error>() {
            Ok(error) => without_valgrind(*error),
            Err(error) => error,
        })?;
        runtime.block_on(running.create(creations.saturating_mul(times), look_after))?;
        running.end()?;
        *counted = total(&fs::read_to_string(&file)?).ok_or("callgrind's file has no total")?;
        fs::remove_file(&file)?;
    }
    let [one, two] = totals;
    Ok(two.saturating_sub(one) as f64 / f64::from(creations))
}
