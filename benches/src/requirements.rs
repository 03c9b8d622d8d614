//! What each requirement adds, as far as a setting turns it off: differences between two layers.

use std::path::Path;

use crate::{
    Failure,
    callgrind::Callgrind,
    layer::{
        CANCEL_ON_DROP, FLOOR, HEADERS_100, LIBRARY, Layer, MIDDLEWARE, MIDDLEWARES, NO_DEADLINE, NO_RETRIES,
        OWN_CONNECTOR, TRANSPORT,
    },
    page::Section,
    protocol::Protocol,
    rounds::Rounds,
    size::Size,
    table::{Table, code, whole},
    work::Work,
};

/// What is added by the first layer to the second.
struct Requirement {
    what: &'static str,
    with: Layer,
    without: Layer,
    protocols: &'static [Protocol],
}

const fn adds(what: &'static str, with: Layer, without: Layer) -> Requirement {
    Requirement { what, with, without, protocols: &Protocol::CLEAR }
}

const REQUIREMENTS: [Requirement; 9] = [
    adds("a deadline, in a loop by hand", FLOOR, NO_DEADLINE),
    adds("connections of the transport's own", TRANSPORT, FLOOR),
    Requirement {
        what: "room for 256 header lines",
        with: TRANSPORT,
        without: HEADERS_100,
        protocols: &[Protocol::Http1],
    },
    adds("the look at the socket, instead of two yields", TRANSPORT, OWN_CONNECTOR),
    adds("the client: its send log, its errors, its reading of the response", CANCEL_ON_DROP, TRANSPORT),
    adds("retries that are not needed", LIBRARY, NO_RETRIES),
    adds("detaching", LIBRARY, CANCEL_ON_DROP),
    adds("the first middleware", MIDDLEWARE, LIBRARY),
    adds("the second middleware", MIDDLEWARES, MIDDLEWARE),
];

/// Measures each difference at 1 in flight.
///
/// # Errors
/// The first creation that failed, or whatever kept the benchmark from running.
pub fn measure(program: &Path, size: &Size, callgrind: Option<&Callgrind<'_>>) -> Result<Section, Failure> {
    let mut table =
        Table::new(["what", "with", "without", "protocol", "CPU time (us)", "allocations", "bytes", "instructions"]);
    let work = Work::warm(1, size.requests());
    for protocol in size.among(&Protocol::CLEAR) {
        let rounds = Rounds::measure(program, protocol, &Layer::OF_HYPER, work, size.rounds())?;
        let mut counted = Vec::new();
        if let Some(callgrind) = callgrind {
            for layer in Layer::OF_HYPER {
                counted.push((layer, callgrind.count(protocol, 1, layer, Work::warm(1, size.counted()))?));
            }
        }
        let instructions = |of: Layer| counted.iter().find(|(layer, _)| *layer == of).map(|(_, count)| *count);
        for Requirement { what, with, without, protocols } in REQUIREMENTS {
            if !protocols.contains(&protocol) {
                continue;
            }
            let more = instructions(with).zip(instructions(without)).map(|(with, without)| whole(with - without));
            table.row([
                what.to_owned(),
                code(with.name),
                code(without.name),
                protocol.name().to_owned(),
                format!("{:.1}", rounds.difference(with, without, |sample| sample.micros)),
                format!("{:.1}", rounds.difference(with, without, |sample| sample.allocations).median),
                whole(rounds.difference(with, without, |sample| sample.bytes).median),
                more.unwrap_or_else(|| "not counted".to_owned()),
            ]);
        }
    }
    Ok(Section::new("requirements", table.to_string()))
}
