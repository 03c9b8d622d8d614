//! The library over the transports that are plugged in, each beside its client by hand.

use std::path::Path;

use crate::{
    Failure,
    callgrind::Callgrind,
    layer::{BY_UREQ, FLOOR, Layer, OVER_REQWEST, OVER_TOWER, OVER_UREQ, REQWEST},
    page::Section,
    protocol::Protocol,
    rounds::Rounds,
    size::Size,
    table::{Table, code},
    work::Work,
};

/// The library over a client, and that client by hand.
const PAIRS: [(Layer, Layer); 3] = [(OVER_REQWEST, REQWEST), (OVER_UREQ, BY_UREQ), (OVER_TOWER, FLOOR)];

/// Measures each pair over HTTP/1.1, which all speak, with 1 in flight.
///
/// # Errors
/// The first creation that failed, or whatever kept the benchmark from running.
pub fn measure(program: &Path, size: &Size, callgrind: Option<&Callgrind<'_>>) -> Result<Section, Failure> {
    let protocol = Protocol::Http1;
    let layers: Vec<Layer> = PAIRS.iter().flat_map(|(library, by_hand)| [*by_hand, *library]).collect();
    let rounds = Rounds::measure(program, protocol, &layers, Work::warm(1, size.requests()), size.rounds())?;
    let mut table = Table::new(["library over", "by hand", "allocations", "CPU time", "instructions"]);
    for (library, by_hand) in PAIRS {
        let allocations = rounds.ratio(library, by_hand, |sample| sample.allocations).median;
        let instructions = match callgrind {
            None => "not counted".to_owned(),
            Some(callgrind) => {
                let count = |layer| callgrind.count(protocol, 1, layer, Work::warm(1, size.counted()));
                format!("{:.2}", count(library)? / count(by_hand)?)
            }
        };
        table.row([
            code(library.name),
            code(by_hand.name),
            format!("{allocations:.2}"),
            rounds.ratio(library, by_hand, |sample| sample.micros).to_string(),
            instructions,
        ]);
    }
    let title = "The library, times its client by hand, over HTTP/1.1 with 1 in flight. The bar is 1.25 for allocations and instructions";
    Ok(Section::new("plugged", format!("{title}:\n\n{table}")))
}
