//! The table of cells: what each demands, where that is from, and the check.

mod answers;
mod bounds;
mod cancel;
mod closed_port;
mod decorator;
mod law;
mod partial;
mod pool;
mod proofs;
mod requests;
mod secrets;
mod side_by_side;

use std::{borrow::Cow, sync::Arc};

use clerk_actor_tokens_core::{BoxFuture, HttpTransport};

use super::stage::{Checked, Stage};

/// Makes the transport of one cell.
pub(crate) type Make = Arc<dyn Fn() -> Arc<dyn HttpTransport> + Send + Sync>;
/// Puts the decorator around a transport.
pub(crate) type Wrap = Arc<dyn Fn(Arc<dyn HttpTransport>) -> Arc<dyn HttpTransport> + Send + Sync>;

/// A cell that is going to be run.
pub(crate) struct Planned {
    pub(crate) name: Cow<'static, str>,
    pub(crate) demand: &'static str,
    pub(crate) source: &'static str,
    pub(crate) check: Box<dyn Fn() -> BoxFuture<'static, Checked>>,
}

/// A row of a table of cells.
struct Row<Subject: 'static> {
    name: &'static str,
    demand: &'static str,
    source: &'static str,
    check: for<'a> fn(&'a Subject) -> BoxFuture<'a, Checked>,
}

/// Where a demand is written down.
const CONTRACT: &str = "the contract of `HttpTransport`";
const BOOK: &str = "the book's page on transports";

/// The cells of a transport.
pub(crate) fn of_transport(make: &Make) -> Vec<Planned> {
    let tables: [&'static [Row<Stage>]; 9] = [
        &answers::ROWS,
        &requests::ROWS,
        &bounds::ROWS,
        &partial::ROWS,
        &cancel::ROWS,
        &pool::ROWS,
        &side_by_side::ROWS,
        &secrets::ROWS,
        &law::ROWS,
    ];
    let plan = |row: &'static Row<Stage>| {
        let make = Arc::clone(make);
        Planned {
            name: row.name.into(),
            demand: row.demand,
            source: row.source,
            // The transport is made where its runtime is entered.
            check: Box::new(move || {
                let make = Arc::clone(&make);
                Box::pin(async move { (row.check)(&Stage::new(make())).await })
            }),
        }
    };
    let mut cells: Vec<Planned> = tables.into_iter().flatten().map(plan).collect();
    cells.extend(law::behaviours(make));
    cells.extend(proofs::ROWS.iter().map(plan));
    cells
}

/// The cells of a decorator.
pub(crate) fn of_decorator(wrap: &Wrap) -> Vec<Planned> {
    let plan = |row: &'static Row<Wrap>| {
        let wrap = Arc::clone(wrap);
        Planned {
            name: row.name.into(),
            demand: row.demand,
            source: row.source,
            check: Box::new(move || {
                let wrap = Arc::clone(&wrap);
                Box::pin(async move { (row.check)(&wrap).await })
            }),
        }
    };
    decorator::ROWS.iter().chain(&side_by_side::OF_DECORATORS).map(plan).collect()
}

/// An answer with a `Content-Length`. `head` is what stands behind the version.
fn whole(head: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// So many bytes, of every value.
fn bytes_of_every_value(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at ^ (at >> 8)).to_le_bytes().first().copied().unwrap_or_default()).collect()
}
