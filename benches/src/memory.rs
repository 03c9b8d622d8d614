//! The heap, and how time and heap grow with calls and with origins.

use std::path::Path;

use crate::{
    Failure,
    callgrind::Callgrind,
    layer::Layer,
    load::{Load, Subject, runtime},
    measure::{Sample, live, take_most_live},
    page::Section,
    peer::{Peer, Target},
    protocol::Protocol,
    size::Size,
    statistics::Spread,
    table::{Table, code, whole},
    work::{Work, alone},
};

/// A client of this many origins is compared with one of ten times as many.
const FEW: usize = 10;
const MANY: usize = 100;
/// In how many rounds the most heap is measured, if there are so many. It varies little.
const PEAKS: usize = 5;

/// Measures the heap of clients.
///
/// # Errors
/// The first creation that failed, or whatever kept the benchmark from running.
pub fn measure(program: &Path, size: &Size, callgrind: Option<&Callgrind<'_>>) -> Result<Section, Failure> {
    let tables = [in_flight(program, size)?, calls(program, size)?, origins(program, size, callgrind)?];
    Ok(Section::new("memory", tables.join("\n")))
}

/// The most that is live while many creations are in flight.
fn in_flight(program: &Path, size: &Size) -> Result<String, Failure> {
    let number = size.most_in_flight();
    let mut table = Table::new(["protocol", "layer", "bytes", "times `floor`"]);
    for protocol in size.among(&[Protocol::Http1, Protocol::Http1Tls, Protocol::Http2]) {
        let mut rounds = Vec::new();
        for _ in 0..size.rounds().min(PEAKS) {
            let mut round = Vec::new();
            for layer in Layer::CLIENTS {
                round.push(most_live(program, protocol, layer, number)?);
            }
            rounds.push(round);
        }
        for (at, layer) in Layer::CLIENTS.into_iter().enumerate() {
            let pairs = rounds.iter().filter_map(|round| Some((*round.get(at)?, *round.first()?)));
            let bytes = Spread::of(pairs.clone().map(|(bytes, _)| bytes)).median;
            let times = Spread::of(pairs.map(|(bytes, floor)| bytes / floor));
            table.row([protocol.name().to_owned(), code(layer.name), whole(bytes), times.to_string()]);
        }
    }
    let number = whole(number as f64);
    Ok(format!("The most heap in use with {number} creations in flight. The aim for `library` is 1.10:\n\n{table}"))
}

/// The most that is live in one layer.
fn most_live(program: &Path, protocol: Protocol, layer: Layer, number: usize) -> Result<f64, Failure> {
    with(program, protocol, layer, async |client, before| {
        take_most_live();
        client.run(Load::new(number, number.saturating_mul(5)).watched()).await?;
        Ok(take_most_live().saturating_sub(before) as f64)
    })
}

/// What is live after some calls, and after ten times as many.
fn calls(program: &Path, size: &Size) -> Result<String, Failure> {
    let few = size.counted();
    let many = few.saturating_mul(10);
    let mut table = Table::new([
        "protocol".to_owned(),
        "layer".to_owned(),
        format!("after {} creations", whole(few as f64)),
        format!("after {} creations", whole(many as f64)),
    ]);
    for protocol in size.among(&Protocol::CLEAR) {
        for layer in Layer::CLIENTS {
            let (first, then) = with(program, protocol, layer, async |client, before| {
                client.clone().run(Load::new(16, few)).await?;
                let first = live().saturating_sub(before);
                client.run(Load::new(16, many.saturating_sub(few))).await?;
                Ok((first as f64, live().saturating_sub(before) as f64))
            })?;
            table.row([protocol.name().to_owned(), code(layer.name), whole(first), whole(then)]);
        }
    }
    Ok(format!("Heap in use, in bytes, by a client that makes 16 creations at once:\n\n{table}"))
}

/// Gives the work a new client, and what was live before it.
fn with<T>(
    program: &Path,
    protocol: Protocol,
    layer: Layer,
    work: impl AsyncFnOnce(Subject, usize) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let peer = Peer::start(program, protocol, 1)?;
    // What a process makes once is made before.
    alone(layer, peer.target(), Work::cold(1, 1))?;
    let runtime = runtime()?;
    let before = live();
    let done = runtime.block_on(async { work(layer.client(peer.target())?, before).await })?;
    peer.finish()?;
    Ok(done)
}

/// Time, heap and instructions of clients of some origins, and of ten times as many.
fn origins(program: &Path, size: &Size, callgrind: Option<&Callgrind<'_>>) -> Result<String, Failure> {
    let each = size.part(10);
    let mut table = Table::new([
        "layer".to_owned(),
        format!("CPU time of {MANY} origins, times that of {FEW}"),
        format!("heap in use with {FEW} origins, and with {MANY}"),
        format!("instructions of one creation with {FEW} origins, and with {MANY}"),
    ]);
    let start = |origins| Peer::start(program, Protocol::Http1, origins);
    let (few, many) = (start(FEW)?, start(MANY)?);
    for layer in Layer::CLIENTS {
        let mut grown = Vec::new();
        let mut heap = [0; 2];
        for _ in 0..size.rounds() {
            let (less, few_live) = of_origins(layer, few.target(), each)?;
            let (more, many_live) = of_origins(layer, many.target(), each)?;
            grown.push(more / less);
            heap = [few_live, many_live];
        }
        let work = Work::warm(1, MANY.saturating_mul(size.part(50)));
        let count = |origins| callgrind.map(|it| it.count(Protocol::Http1, origins, layer, work)).transpose();
        let counts = count(FEW)?.zip(count(MANY)?);
        table.row([
            code(layer.name),
            Spread::of(grown).to_string(),
            heap.map(|bytes| whole(bytes as f64)).join(", "),
            counts.map_or_else(|| "not counted".to_owned(), |(few, many)| format!("{}, {}", whole(few), whole(many))),
        ]);
    }
    few.finish()?;
    many.finish()?;
    let each = whole(each as f64);
    Ok(format!(
        "A client makes {each} creations at each origin over HTTP/1.1. The aim for the time is 10.5:\n\n{table}"
    ))
}

/// The CPU time of all that a client does at its origins, and the heap then.
fn of_origins(layer: Layer, peer: &Target, each: usize) -> Result<(f64, usize), Failure> {
    let runtime = runtime()?;
    let before = live();
    runtime.block_on(async {
        let client = layer.client(peer)?;
        let load = Load::by_origin(peer.addresses.len(), each);
        let sample = Sample::of(client.clone().run(load), 1).await?;
        Ok((sample.micros, live().saturating_sub(before)))
    })
}
