//! A creation over an open connection: CPU time and allocations of each layer.

use std::path::Path;

use crate::{
    Failure,
    chart::{Chart, Group, Panel},
    layer::{FLOOR, LIBRARY, Layer, MIDDLEWARES, REQWEST, TRANSPORT},
    measure::Sample,
    page::Section,
    protocol::Protocol,
    rounds::Rounds,
    size::Size,
    table::{Table, code, whole},
    work::Work,
};

/// Those that are compared with reqwest.
const OURS: [Layer; 3] = [TRANSPORT, LIBRARY, MIDDLEWARES];
/// Those that are compared with the floor.
const BESIDE_FLOOR: [Layer; 4] = [REQWEST, TRANSPORT, LIBRARY, MIDDLEWARES];

/// The rounds of a protocol, by how many creations are in flight.
type Measured = Vec<(Protocol, Vec<(usize, Rounds)>)>;

/// Measures every layer over every protocol at every number in flight.
///
/// # Errors
/// The first creation that failed, or whatever kept the benchmark from running.
pub fn measure(program: &Path, size: &Size) -> Result<Section, Failure> {
    let mut measured = Vec::new();
    for &protocol in &size.protocols {
        let mut by_in_flight = Vec::new();
        for &in_flight in &size.in_flight {
            let work = Work::warm(in_flight, size.requests());
            by_in_flight.push((in_flight, Rounds::measure(program, protocol, &Layer::COMPARED, work, size.rounds())?));
        }
        measured.push((protocol, by_in_flight));
    }
    let micros = |sample: &Sample| sample.micros;
    let all = Layer::COMPARED;
    let tables = [
        grid("CPU time of one creation in microseconds", &measured, &all, |rounds, layer| {
            format!("{:.1}", rounds.of(layer, micros).median)
        }),
        grid(
            "CPU time, times that of `floor`. The aim for `library` is 1.10",
            &measured,
            &BESIDE_FLOOR,
            |rounds, layer| rounds.ratio(layer, FLOOR, micros).to_string(),
        ),
        grid("CPU time, times that of `reqwest`. The aim for `library` is 0.75", &measured, &OURS, |rounds, layer| {
            rounds.ratio(layer, REQWEST, micros).to_string()
        }),
        grid("Allocations of one creation", &measured, &all, |rounds, layer| {
            format!("{:.1}", rounds.of(layer, |sample| sample.allocations).median)
        }),
        grid("Bytes that one creation allocates", &measured, &all, |rounds, layer| {
            whole(rounds.of(layer, |sample| sample.bytes).median)
        }),
    ];
    let chart = chart(&measured).svg();
    Ok(Section { chart: Some(("price.svg", chart)), ..Section::new("calls", tables.join("\n")) })
}

/// A row for each layer of each protocol, a column for each number in flight.
fn grid(title: &str, measured: &Measured, layers: &[Layer], cell: impl Fn(&Rounds, Layer) -> String) -> String {
    let in_flight = measured.first().into_iter().flat_map(|(_, by_in_flight)| by_in_flight);
    let numbers = in_flight.map(|(number, _)| format!("{} in flight", whole(*number as f64)));
    let mut table = Table::new(["protocol".to_owned(), "layer".to_owned()].into_iter().chain(numbers));
    for (protocol, by_in_flight) in measured {
        for layer in layers {
            let cells = by_in_flight.iter().map(|(_, rounds)| cell(rounds, *layer));
            table.row([protocol.name().to_owned(), code(layer.name)].into_iter().chain(cells));
        }
    }
    format!("{title}:\n\n{table}")
}

fn chart(measured: &Measured) -> Chart {
    let group = |(number, rounds): &(usize, Rounds)| Group {
        name: whole(*number as f64),
        bars: BESIDE_FLOOR.iter().map(|layer| rounds.ratio(*layer, FLOOR, |sample| sample.micros)).collect(),
    };
    let panel = |(protocol, by_in_flight): &(Protocol, Vec<(usize, Rounds)>)| Panel {
        name: protocol.name().to_owned(),
        groups: by_in_flight.iter().map(group).collect(),
    };
    Chart {
        title: "CPU time of one creation, times that of the hand-written loop",
        description: "Four panels, one for each protocol. In each, a group of bars for each number of creations in \
                      flight, and in each group a bar for each layer. The whiskers are quartiles of the rounds.",
        axis: "creations in flight",
        series: BESIDE_FLOOR.map(|layer| layer.name).to_vec(),
        aim: 1.10,
        panels: measured.iter().map(panel).collect(),
    }
}
