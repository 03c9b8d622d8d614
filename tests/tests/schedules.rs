//! Schedules of faults against the emulator's ledger: no token made twice, none lost in silence.
//!
//! The whole tree of schedules and a million random programs are for the release build:
//! `cargo run --release -p clerk-actor-tokens-tests --bin schedules -- --exhaustive --random 1000000`.
#![allow(clippy::print_stdout, reason = "the figures are what this is run for")]

use std::{num::NonZero, thread, time::Instant};

use clerk_actor_tokens::testing::emulator::{
    CommitKind,
    fault::{AnyFault, catalogue},
};
use clerk_actor_tokens_tests::schedules::{
    Figures,
    exhaustive::{Tally, Tree},
    random::Random,
    violations,
};

/// For schedules of three faults: one or two of each kind of failure, with all that let a creation be sent again in another
/// way.
const TELLING: [&str; 24] = [
    "pass()",
    "delay(1s)",
    "stall()",
    "reset()",
    "connect_timeout()",
    "tls()",
    "proxy()",
    "canceled()",
    "refused_stream()",
    "goaway_above()",
    "status(408)",
    "status(421)",
    "status(422)",
    "status(429)",
    "status(429).retry_after(1s)",
    "status(429).retry_after(86400s)",
    "status(503)",
    "html(200)",
    "empty(200)",
    "cut_at(61)",
    "cut_at(62)",
    "stall_at(300)",
    "stale()",
    "malformed()",
];

fn telling() -> Vec<AnyFault> {
    let telling: Vec<_> = catalogue().into_iter().filter(|it| TELLING.contains(&it.name().as_str())).collect();
    assert_eq!(telling.len(), TELLING.len(), "the catalogue lacks one of these");
    telling
}

fn in_parts<T: Send>(run: impl Fn(usize, usize) -> T + Sync) -> Vec<T> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let run = &run;
        let parts: Vec<_> = (0..threads).map(|part| scope.spawn(move || run(part, threads))).collect();
        parts.into_iter().map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

/// Runs the trees, and gives the number of schedules of each length.
fn hold(kind: CommitKind, trees: &[Tree]) -> Vec<u64> {
    let mut all = Tally::default();
    for tree in trees {
        let began = Instant::now();
        let mut tally = Tally::default();
        in_parts(|part, of| tree.run_part(part, of)).into_iter().for_each(|part| tally.add(part));
        println!("{kind}, {} faults at their times: {tally}, in {:.1?}", tree.width(), began.elapsed());
        all.add(tally);
    }
    assert!(all.violations.is_empty(), "{} violations:\n{}", all.violations.len(), all.violations.join("\n"));
    // A success that was forged is the one thing that a client believes and that is not so; it errs on the safe side.
    let forged: Vec<_> = all.forged.iter().map(String::as_str).collect();
    assert_eq!(forged, ["before_commit(empty(200))", "before_commit(empty(204))"]);
    assert!(all.ok > 0 && all.not_executed > 0 && all.unknown > 0 && all.executed > 0, "{all}");
    all.schedules
}

#[test]
fn no_schedule_of_faults_makes_a_second_token_or_loses_one_in_silence() {
    let kind = CommitKind::Create;
    let lengths = hold(kind, &[Tree::of_all(kind, 2), Tree::of(kind, 3, &telling())]);
    assert!(lengths.iter().sum::<u64>() > 5_000 && lengths.get(2).is_some_and(|three| *three > 1_000), "{lengths:?}");
}

#[test]
fn no_schedule_of_faults_makes_a_revocation_say_what_is_not_so() {
    let kind = CommitKind::Revoke;
    let lengths = hold(kind, &[Tree::of_all(kind, 1), Tree::of(kind, 3, &telling())]);
    assert!(lengths.iter().sum::<u64>() > 5_000 && lengths.get(2).is_some_and(|three| *three > 1_000), "{lengths:?}");
}

#[test]
fn random_programs_keep_every_promise_while_links_are_opened_and_callers_go_away() {
    const PROGRAMS: u64 = 20_000;
    let (began, random) = (Instant::now(), Random::new());
    let mut figures = Figures::default();
    in_parts(|part, of| random.run_part(0..PROGRAMS, part, of)).into_iter().for_each(|part| figures.add(part));
    println!("{figures}in {:.1?}", began.elapsed());
    let violations = figures.violations().join("\n");
    assert_eq!(
        figures.broken_promises(),
        0,
        "{violations}\nreplay: cargo run --release -p clerk-actor-tokens-tests --bin schedules -- --random 1 --seed N"
    );
    assert_eq!(figures.programs(), PROGRAMS);
    assert!(figures.tokens() > PROGRAMS && figures.accepted() > PROGRAMS / 20, "{figures}");
    assert!(figures.with_middlewares() > PROGRAMS / 3 && figures.detached() > PROGRAMS / 100, "{figures}");
}

#[test]
fn a_client_whose_reports_of_orphans_are_thrown_away_is_found_by_a_thousand_programs() {
    let figures = Random::new().without_reports().run_part(0..1_000, 0, 1);
    let violations = figures.violations();
    println!("{} broken promises, such as {}", figures.broken_promises(), violations.first().map_or("", |it| it));
    assert!(violations.iter().any(|it| it.contains("lost in silence")), "{violations:?}");
}

#[test]
fn the_short_oracle_finds_nothing_to_complain_of() {
    let began = Instant::now();
    assert_eq!(violations(usize::MAX), Vec::<String>::new());
    println!("the short oracle took {:.1?}", began.elapsed());
}
