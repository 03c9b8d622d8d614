//! A creation over an open connection: instructions of each layer.

use crate::{
    Failure,
    callgrind::Callgrind,
    layer::Layer,
    page::Section,
    protocol::Protocol,
    size::Size,
    table::{Table, code, whole},
    work::Work,
};

/// At how many creations in flight instructions are counted, unless fewer are asked for.
const MOST_IN_FLIGHT: usize = 64;

/// Counts every layer over each protocol in the clear.
///
/// # Errors
/// valgrind did not run to its end.
pub fn measure(callgrind: &Callgrind<'_>, size: &Size) -> Result<Section, Failure> {
    let in_flight: Vec<_> = size.in_flight.iter().copied().filter(|number| *number <= MOST_IN_FLIGHT).collect();
    let numbers = in_flight.iter().map(|number| format!("{number} in flight"));
    let mut table = Table::new(["protocol".to_owned(), "layer".to_owned()].into_iter().chain(numbers));
    for protocol in size.among(&Protocol::CLEAR) {
        // Of the floor and of reqwest, which are the first two.
        let mut bases: Vec<Vec<f64>> = Vec::new();
        for layer in Layer::COMPARED {
            let mut counts = Vec::new();
            for number in &in_flight {
                counts.push(callgrind.count(protocol, 1, layer, Work::warm(*number, size.counted()))?);
            }
            let cell = |(at, count): (usize, &f64)| {
                let times = |base: &Vec<f64>| base.get(at).map(|base| format!("{:.2}", count / base));
                let times: Vec<_> = bases.iter().take(2).filter_map(times).collect();
                match times.is_empty() {
                    true => whole(*count),
                    false => format!("{} ({})", whole(*count), times.join(", ")),
                }
            };
            let cells: Vec<_> = counts.iter().enumerate().map(cell).collect();
            table.row([protocol.name().to_owned(), code(layer.name)].into_iter().chain(cells));
            bases.push(counts);
        }
    }
    let title = "Instructions of one creation, and how many times those of `floor` and of `reqwest`";
    Ok(Section::new("instructions", format!("{title}:\n\n{table}")))
}
