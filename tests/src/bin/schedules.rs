//! Runs the schedules: `schedules [--exhaustive] [--random PROGRAMS] [--seed FIRST] [--without-reports]`.
//!
//! Exits with 1 if a promise was broken. `--random 1 --seed N` replays one program and prints it. `--without-reports` throws
//! the reports of orphans away, so that promises are broken.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command prints what it found")]

use std::{env, num::NonZero, panic::resume_unwind, process::ExitCode, thread, time::Instant};

use clerk_actor_tokens::testing::emulator::CommitKind;
use clerk_actor_tokens_tests::schedules::{
    Figures,
    exhaustive::{Tally, Tree},
    random::Random,
};

const USAGE: &str = "usage: schedules [--exhaustive] [--random PROGRAMS] [--seed FIRST] [--without-reports]";

/// The longest schedule of faults.
const DEPTH: usize = 3;

struct Wanted {
    exhaustive: bool,
    random: u64,
    seed: u64,
    without_reports: bool,
}

fn main() -> ExitCode {
    let Some(wanted) = wanted() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let mut broken = 0;
    if wanted.exhaustive {
        broken += [CommitKind::Create, CommitKind::Revoke].map(exhaustive).iter().sum::<u64>();
    }
    if wanted.random > 0 {
        broken += random(&wanted);
    }
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn wanted() -> Option<Wanted> {
    let mut wanted = Wanted { exhaustive: false, random: 0, seed: 0, without_reports: false };
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--exhaustive" => wanted.exhaustive = true,
            "--without-reports" => wanted.without_reports = true,
            "--random" => wanted.random = arguments.next()?.parse().ok()?,
            "--seed" => wanted.seed = arguments.next()?.parse().ok()?,
            _ => return None,
        }
    }
    (wanted.exhaustive || wanted.random > 0).then_some(wanted)
}

/// Does a part of the work on each processor, and gives the results.
fn spread<T: Send>(work: impl Fn(usize, usize) -> T + Sync) -> Vec<T> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = (0..threads).map(|part| scope.spawn(move || work(part, threads))).collect();
        running.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

fn exhaustive(kind: CommitKind) -> u64 {
    let began = Instant::now();
    let tree = Tree::of_all(kind, DEPTH);
    let mut tally = Tally::default();
    for part in spread(|part, of| tree.run_part(part, of)) {
        tally.add(part);
    }
    println!("{kind}, {} faults at their times, up to {DEPTH}: {tally}", tree.width());
    println!("  said to be executed and was not, as the answer was forged: {:?}", tally.forged);
    println!("figure: schedules exhaustive {kind}: {} in {:.1} s", tally.total(), began.elapsed().as_secs_f64());
    for violation in tally.violations.iter().take(20) {
        println!("VIOLATION {violation}");
    }
    tally.violations.len() as u64
}

fn random(wanted: &Wanted) -> u64 {
    let Wanted { random: programs, seed, without_reports, .. } = *wanted;
    let began = Instant::now();
    let random = if without_reports { Random::new().without_reports() } else { Random::new() };
    let seeds = seed..seed.saturating_add(programs);
    if programs == 1 {
        println!("{}", random.described(seed));
    }
    let mut figures = Figures::default();
    for part in spread(|part, of| random.run_part(seeds.clone(), part, of)) {
        figures.add(part);
    }
    print!("{figures}");
    println!("figure: schedules random: {} in {:.1} s", figures.programs(), began.elapsed().as_secs_f64());
    for violation in figures.violations() {
        println!("VIOLATION {violation}");
    }
    if !figures.violations().is_empty() {
        println!("replay: cargo run --release -p clerk-actor-tokens-tests --bin schedules -- --random 1 --seed N");
    }
    figures.broken_promises()
}
