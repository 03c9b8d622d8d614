//! An emulator in a test's process: how long it takes to make one, and to create a token with it.

use std::time::Instant;

use clerk_actor_tokens::{
    Actor, CreateActorToken, SecretKey,
    operation::Operation as _,
    testing::emulator::Emulator,
    transport::{CallContext, Deadline, HttpTransport as _},
};

use super::{EmulatorSize, Measured, PAGE};
use crate::{
    Failure,
    load::runtime,
    measure::{Sample, live},
    page::Section,
    statistics::Spread,
    table::{Table, whole},
};

/// How often something is done in a round.
const TIMES: usize = 200;
/// How many emulators there are at once.
const MANY: usize = 1_000;

/// Measures emulators in this process.
///
/// # Errors
/// The first creation that failed, or whatever kept the benchmark from running.
pub fn measure(size: &EmulatorSize) -> Result<Measured, Failure> {
    let runtime = runtime()?;
    let mut table = Table::new(["what", "CPU time (us)", "allocations", "aim (us)"]);
    let mut figures = Vec::new();
    let mut row = |what: &str, aim: &str, samples: &[Sample]| {
        let micros = Spread::of(samples.iter().map(|sample| sample.micros));
        let allocations = Spread::of(samples.iter().map(|sample| sample.allocations)).median;
        table.row([what.to_owned(), format!("{micros:.1}"), whole(allocations), aim.to_owned()]);
        figures.push(format!("{what}: {:.1} us", micros.median));
    };
    let rounds = 0..size.rounds;
    let made: Result<Vec<_>, Failure> = rounds.clone().map(|_| runtime.block_on(Sample::of(make(), TIMES))).collect();
    row("`Emulator::new()`, and its end", "20", &made?);
    let sent: Result<Vec<_>, Failure> = rounds.clone().map(|_| runtime.block_on(Sample::of(send(), TIMES))).collect();
    row("a creation, as a transport", "10", &sent?);
    let called: Result<Vec<_>, Failure> = rounds.map(|_| runtime.block_on(Sample::of(call(), TIMES))).collect();
    row("a creation, by a client", "", &called?);

    let (micros, bytes) = runtime.block_on(many())?;
    let seconds = micros / 1e6;
    figures.push(format!("{MANY} emulators in one process: {:.1} ms, {:.1} MB", micros / 1e3, bytes / 1e6));
    let many = format!(
        "{} emulators in one process, and a creation in each: {:.0} ms and {:.1} MB of heap.",
        whole(MANY as f64),
        seconds * 1e3,
        bytes / 1e6
    );
    let section = Section::new("emulator", format!("{table}\n{many}")).on(PAGE);
    Ok(Measured { section, figures, broken: Vec::new() })
}

async fn make() -> Result<(), Failure> {
    for _ in 0..TIMES {
        drop(std::hint::black_box(Emulator::new()));
    }
    Ok(())
}

/// Creations without a client: the emulator's part alone.
async fn send() -> Result<(), Failure> {
    let clerk = Emulator::new();
    let base = clerk_actor_tokens::BaseUrl::default();
    let mut request = CreateActorToken::new("user_1", Actor::new("user_agent")).request(&base)?;
    let key = format!("Bearer {}", KEY).parse()?;
    request.headers_mut().insert(http::header::AUTHORIZATION, key);
    let deadline = Deadline::after(clerk.timer().now(), std::time::Duration::from_secs(30));
    for _ in 0..TIMES {
        let context = CallContext::new(&CreateActorToken::INFO, deadline);
        let response = clerk.send(request.clone(), context).await?;
        if !response.status().is_success() {
            return Err(format!("a creation was answered with {}", response.status()).into());
        }
    }
    Ok(())
}

/// The key that an emulator takes.
const KEY: &str = "sk_test_emulator";

async fn call() -> Result<(), Failure> {
    let clerk = Emulator::builder().secret_key(SecretKey::new(KEY)?).build();
    let client = clerk.client();
    for _ in 0..TIMES {
        client.actor_tokens().create("user_1", Actor::new("user_agent")).send().await?;
    }
    Ok(())
}

/// How long many take, in microseconds, and how much heap they hold.
async fn many() -> Result<(f64, f64), Failure> {
    let (before, since) = (live(), Instant::now());
    let mut emulators = Vec::with_capacity(MANY);
    for seed in 0..MANY {
        let clerk = Emulator::builder().seed(u64::try_from(seed)?).build();
        clerk.client().actor_tokens().create("user_1", Actor::new("user_agent")).send().await?;
        clerk.assert_creates(1);
        emulators.push(clerk);
    }
    let micros = since.elapsed().as_secs_f64() * 1e6;
    Ok((micros, live().saturating_sub(before) as f64))
}
