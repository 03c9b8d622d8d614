//! Runs what only real sockets show, at full size: `wire all`, or one of `schedules [RUNS]`, `close [CALLS]`,
//! `idle [REQUESTS]`, `stalls [EACH]`, `redirects`, `streams [CALLS]`, `truthful [CREATIONS [SEED]]`,
//! `dropped [CREATIONS [SEED]]`, `stopped [TRIALS]`,
//! `plugged [RUNS]`, `memory`.
//!
//! Exits with 1 if a promise was broken or a bar was missed. `flood KIND` is the server that `memory` asks, and `stoppable` the
//! client that `stopped` stops.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command prints what it found")]

use std::{
    env,
    fmt::Display,
    io,
    process::ExitCode,
    time::{Duration, Instant},
};

use clerk_actor_tokens_tests::{
    schedules::sockets::Runs,
    wire::{
        BoxError,
        close::{Care, Closing},
        dropped::Dropped,
        flood::{self, Flood},
        idle::Idle,
        memory,
        over::Over,
        protocol::Protocol,
        redirects,
        stalls::Stalls,
        stopped::{self, Stopped},
        streams::Streams,
        truthful::Truthful,
    },
};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const USAGE: &str = "usage: wire all | schedules [RUNS] | close [CALLS] | idle [REQUESTS] | stalls [EACH] | redirects | \
                     streams [CALLS] | truthful [CREATIONS [SEED]] | dropped [CREATIONS [SEED]] | stopped [TRIALS] | plugged [RUNS] | memory";

const ROOMS: [&str; 11] = [
    "schedules",
    "close",
    "idle",
    "stalls",
    "redirects",
    "streams",
    "truthful",
    "dropped",
    "stopped",
    "plugged",
    "memory",
];

/// How late the last of a hundred stalled calls may be, but for one.
const STALLS_BAR: Duration = Duration::from_millis(50);

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["all"] => ROOMS.into_iter().try_fold(true, |kept, room| Ok(run(room, None, 1)? && kept)),
        ["flood", kind] => kind.parse().map_err(Into::into).and_then(served),
        ["stoppable"] => stopped::serve(&mut io::stdin().lock(), &mut io::stdout().lock()).map(|()| true),
        [room] if ROOMS.contains(room) => run(room, None, 1),
        [room, size] if ROOMS.contains(room) => numbers(size, "1").and_then(|(size, seed)| run(room, Some(size), seed)),
        [room @ ("truthful" | "dropped"), size, seed] => {
            numbers(size, seed).and_then(|(size, seed)| run(room, Some(size), seed))
        }
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn served(flood: Flood) -> Result<bool, BoxError> {
    flood::serve(flood, &mut io::stdout().lock())?;
    Ok(true)
}

fn numbers(size: &str, seed: &str) -> Result<(usize, u64), BoxError> {
    Ok((size.parse().map_err(|_| USAGE)?, seed.parse().map_err(|_| USAGE)?))
}

/// Whether all promises were kept.
fn run(room: &str, size: Option<usize>, seed: u64) -> Result<bool, BoxError> {
    let began = Instant::now();
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let mut kept = true;
    match room {
        "schedules" => {
            let figures = Runs::over(Over::Hyper).run(size.unwrap_or(10_000), 64)?;
            kept &= shown(&figures, &figures.broken);
        }
        "close" => {
            for protocol in Protocol::CLEAR {
                for care in [Care::Client, Care::Handler] {
                    let (late, timeout) = (Duration::from_secs(4), Duration::from_secs(10));
                    let closing = Closing { calls: size.unwrap_or(1_000), protocol, care, late, timeout, seed: 1 };
                    let figures = runtime()?.block_on(closing.run())?;
                    kept &= shown(&figures, &figures.broken) && figures.hangs == 0;
                }
            }
        }
        "idle" => {
            let ms = Duration::from_millis;
            let requests = size.unwrap_or(4_000);
            for protocol in Protocol::CLEAR {
                let shorter = Idle {
                    requests,
                    connections: 40,
                    protocol,
                    pool: ms(50),
                    server: ms(500),
                    pause: ms(50),
                    acts: false,
                };
                let figures = runtime()?.block_on(shorter.run())?;
                kept &= shown(&figures, &figures.broken) && figures.ambiguous == 0;
                let longer = Idle { pool: ms(10_000), server: ms(10), pause: ms(10), acts: true, ..shorter };
                let figures = runtime()?.block_on(longer.run())?;
                kept &= shown(&figures, &figures.broken) && figures.duplicates == 0;
            }
        }
        "stalls" => {
            let deadline = Duration::from_millis(500);
            let stalls = Stalls { deadline, each: size.unwrap_or(10), at_once: 64, every: 1 };
            let figures = runtime()?.block_on(stalls.run())?;
            kept &= shown(&figures, &figures.broken) && figures.p99() <= STALLS_BAR;
        }
        "streams" => {
            let streams = Streams { calls: size.unwrap_or(300), deadline: Duration::from_secs(2) };
            let figures = runtime()?.block_on(streams.run())?;
            kept &= shown(&figures, &figures.broken);
        }
        "truthful" => {
            let creations = size.unwrap_or(10_000);
            // HTTP/2 can say the most.
            for (protocol, creations) in [
                (Protocol::Http2, creations.div_ceil(2)),
                (Protocol::Http1, creations.div_ceil(4)),
                (Protocol::Http1Tls, creations / 4),
            ] {
                let figures = runtime()?.block_on(Truthful { creations, protocol, seed }.run())?;
                kept &= shown(&figures, &figures.broken);
            }
        }
        "dropped" => {
            let dropped =
                Dropped { creations: size.unwrap_or(6_000), at_once: 50, dropped_at_once: 10, seed, over: Over::Hyper };
            let figures = runtime()?.block_on(dropped.run())?;
            kept &= shown(&figures, &figures.broken);
        }
        "stopped" => {
            let figures = Stopped { trials: size.unwrap_or(200) }.run(&env::current_exe()?)?;
            kept &= shown(&figures, &figures.broken);
        }
        // The schedules, and calls that are dropped, over each transport but hyper's.
        "plugged" => {
            let runs = size.unwrap_or(2_000);
            for over in Over::ALL.into_iter().filter(|over| *over != Over::Hyper) {
                let figures = Runs::over(over).run(runs, 64)?;
                kept &= shown(&figures, &figures.broken);
                let dropped = Dropped { creations: runs / 2, at_once: 25, dropped_at_once: 110, seed, over };
                let figures = runtime()?.block_on(dropped.run())?;
                kept &= shown(&figures, &figures.broken);
            }
        }
        "redirects" => {
            let figures = runtime()?.block_on(redirects::run())?;
            kept &= shown(&figures, &figures.broken);
        }
        _ => {
            let this = env::current_exe()?;
            for flood in Flood::ALL {
                let figures = memory::run(&this, flood, &ALLOCATOR)?;
                kept &= shown(&figures, &figures.broken);
            }
        }
    }
    println!("{room} took {:.1} s", began.elapsed().as_secs_f64());
    Ok(kept)
}

/// Whether nothing was broken.
fn shown(figures: &impl Display, broken: &[String]) -> bool {
    println!("{figures}");
    for broken in broken.iter().take(20) {
        println!("BROKEN {broken}");
    }
    broken.is_empty()
}
