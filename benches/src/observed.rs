//! What it costs that a call can be observed.

use crate::{
    Failure,
    callgrind::Callgrind,
    layer::{self, LIBRARY},
    page::Section,
    protocol::Protocol,
    size::Size,
    table::{Table, code, whole},
    work::Work,
};

/// Counts the library over HTTP/1.1 with 1 in flight: as it comes, and with each that observes it. Each has a process of its own,
/// because a subscriber is that of a process.
///
/// # Errors
/// valgrind did not run to its end.
pub fn measure(callgrind: &Callgrind<'_>, size: &Size) -> Result<Section, Failure> {
    let count = |layer| callgrind.count(Protocol::Http1, 1, layer, Work::warm(1, size.counted()));
    let base = count(LIBRARY)?;
    let mut table = Table::new(["layer", "instructions", "times `library`"]);
    table.row([code(LIBRARY.name), whole(base), "1".to_owned()]);
    for layer in layer::observed() {
        let counted = count(layer)?;
        table.row([code(layer.name), whole(counted), format!("{:.3}", counted / base)]);
    }
    let feature = if cfg!(feature = "tracing") { "with" } else { "without" };
    let title = format!("One creation over HTTP/1.1 with 1 in flight, {feature} the feature `tracing`");
    Ok(Section::new("observed", format!("{title}:\n\n{table}")))
}
