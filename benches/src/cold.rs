//! A new client's first creation, and its first burst.

use std::path::Path;

use crate::{
    Failure,
    callgrind::Callgrind,
    layer::{FLOOR, Layer},
    page::Section,
    peer::Peer,
    protocol::Protocol,
    rounds::Rounds,
    size::Size,
    table::{Table, code, whole},
    work::{Work, alone},
};

/// How many creations a new client makes at once.
const BURSTS: [usize; 2] = [1, 16];
/// Of how many new clients the connections are counted.
const COUNTED: usize = 16;

/// Measures new clients over every protocol.
///
/// # Errors
/// The first creation that failed, or whatever kept the benchmark from running.
pub fn measure(program: &Path, size: &Size, callgrind: Option<&Callgrind<'_>>) -> Result<Section, Failure> {
    let mut table = Table::new([
        "protocol",
        "at once",
        "layer",
        "CPU time (us)",
        "times `floor`",
        "allocations",
        "bytes",
        "instructions",
        "connections",
    ]);
    for &protocol in &size.protocols {
        for burst in BURSTS {
            // As many creations in a burst as alone, or nearly.
            let clients = size.part(25).div_ceil(burst).max(2);
            let work = Work::cold(burst, clients);
            let rounds = Rounds::measure(program, protocol, &Layer::CLIENTS, work, size.rounds())?;
            for layer in Layer::CLIENTS {
                let instructions = callgrind.map(|it| it.count(protocol, 1, layer, work)).transpose()?;
                table.row([
                    protocol.name().to_owned(),
                    burst.to_string(),
                    code(layer.name),
                    whole(rounds.of(layer, |sample| sample.micros).median),
                    rounds.ratio(layer, FLOOR, |sample| sample.micros).to_string(),
                    whole(rounds.of(layer, |sample| sample.allocations).median),
                    whole(rounds.of(layer, |sample| sample.bytes).median),
                    instructions.map_or_else(|| "not counted".to_owned(), whole),
                    format!("{:.1}", connections(program, protocol, layer, burst)?),
                ]);
            }
        }
    }
    Ok(Section::new("cold", table.to_string()))
}

/// How many connections a new client opens, on average.
fn connections(program: &Path, protocol: Protocol, layer: Layer, burst: usize) -> Result<f64, Failure> {
    let peer = Peer::start(program, protocol, 1)?;
    // One more is made before.
    alone(layer, peer.target(), Work::cold(burst, COUNTED - 1))?;
    Ok(peer.finish()?.connections as f64 / COUNTED as f64)
}
