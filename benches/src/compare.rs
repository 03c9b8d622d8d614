//! CPU time and allocations of each layer, in one run.
//!
//! The layers take turns (A B C A B C ...), and each is compared with the floor of its own round: what else the machine
//! does meanwhile falls on all of them.

use std::{io::Write, path::Path};

use crate::{
    Failure,
    layer::{Layer, Subject},
    load::{IN_FLIGHT, Load, runtime},
    measure::{Allocated, cpu},
    peer::{Peer, Protocol},
    report::{Cost, Row, median, print},
};

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Args)]
pub struct Size {
    /// How many creations a layer makes in a round
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub requests: u32,
    /// How many rounds there are
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// What is spoken
    #[command(flatten)]
    pub protocol: Protocol,
}

/// What one creation used, on average over one round.
#[derive(Clone, Copy)]
struct Sample {
    micros: f64,
    allocations: f64,
    bytes: f64,
}

/// What is looked at of a sample, its unit, and how many decimals tell something.
type Column = (&'static str, usize, fn(&Sample) -> f64);

const COLUMNS: [Column; 3] = [
    ("us CPU", 2, |sample| sample.micros),
    ("allocations", 1, |sample| sample.allocations),
    ("bytes", 0, |sample| sample.bytes),
];

/// Measures every layer at every number in flight, and prints it.
///
/// # Errors
/// The first creation that failed, or whatever kept the benchmark from running.
pub fn run(program: &Path, size: Size, output: &mut impl Write) -> Result<(), Failure> {
    for in_flight in IN_FLIGHT {
        for row in rows(in_flight, size.protocol, &rounds(program, in_flight, size)?) {
            print(output, &row)?;
        }
    }
    Ok(())
}

/// One sample of each layer, for each round.
fn rounds(program: &Path, in_flight: usize, size: Size) -> Result<Vec<[Sample; Layer::ALL.len()]>, Failure> {
    let peer = Peer::start(program, size.protocol)?;
    let load = Load::new(in_flight, usize::try_from(size.requests)?);
    let mut subjects = Vec::new();
    for layer in Layer::ALL {
        subjects.push(Subject::new(layer, peer.target())?);
    }
    let runtime = runtime()?;
    let rounds = runtime.block_on(async {
        let mut rounds = Vec::new();
        for _ in 0..size.rounds {
            let mut round = [Sample { micros: 0.0, allocations: 0.0, bytes: 0.0 }; Layer::ALL.len()];
            for (subject, sample) in subjects.iter().zip(&mut round) {
                *sample = measured(subject, load, in_flight).await?;
            }
            rounds.push(round);
        }
        Ok::<_, Failure>(rounds)
    })?;
    peer.finish()?;
    Ok(rounds)
}

async fn measured(subject: &Subject, load: Load, in_flight: usize) -> Result<Sample, Failure> {
    subject.drive(Load::warm_up(in_flight)).await?;
    let (allocated, used) = (Allocated::now(), cpu()?);
    subject.drive(load).await?;
    let (used, allocated) = (cpu()?.saturating_sub(used), allocated.since());
    let requests = load.requests() as f64;
    Ok(Sample {
        micros: used.as_secs_f64() * 1e6 / requests,
        allocations: allocated.count as f64 / requests,
        bytes: allocated.bytes as f64 / requests,
    })
}

fn rows(in_flight: usize, protocol: Protocol, rounds: &[[Sample; Layer::ALL.len()]]) -> Vec<Row> {
    let row = |(at, layer)| {
        let cost = |(unit, decimals, look): Column| {
            // Each with the floor of its own round.
            let pairs = rounds.iter().filter_map(|round| Some((look(round.get(at)?), look(round.first()?))));
            Cost {
                unit,
                decimals,
                amount: median(pairs.clone().map(|(amount, _)| amount)),
                times_floor: median(pairs.map(|(amount, floor)| amount / floor)),
            }
        };
        Row { protocol, layer, in_flight, costs: COLUMNS.map(cost).into() }
    };
    Layer::ALL.into_iter().enumerate().map(row).collect()
}
