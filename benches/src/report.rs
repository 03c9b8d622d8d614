//! Figures: a line for each, beginning with `figure:`.

use std::io::{self, Write};

use crate::{layer::Layer, peer::Protocol};

/// What one creation costs in one layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What was spoken.
    pub protocol: Protocol,
    /// The layer.
    pub layer: Layer,
    /// How many creations were in flight.
    pub in_flight: usize,
    /// Each cost.
    pub costs: Vec<Cost>,
}

/// One cost of one creation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// What is counted.
    pub unit: &'static str,
    /// How much of it.
    pub amount: f64,
    /// How many times as much as the floor's.
    pub times_floor: f64,
    /// How many decimals tell something.
    pub decimals: usize,
}

/// Prints a row.
///
/// # Errors
/// The output has no reader.
pub fn print(output: &mut impl Write, row: &Row) -> io::Result<()> {
    write!(output, "figure: {:<8}  {:>2} in flight  {:<12}", row.protocol.name(), row.in_flight, row.layer.name())?;
    for Cost { unit, amount, times_floor, decimals } in &row.costs {
        write!(output, "  {amount:>8.decimals$} {unit} ({times_floor:.2}x)")?;
    }
    writeln!(output)?;
    output.flush()
}

/// The middle one, of an even number the upper one. 0 if there is none.
#[must_use]
pub fn median(samples: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = samples.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
