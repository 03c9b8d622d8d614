//! The table of cells: what each demands, where that is from, and the check.

mod answers;
mod bounds;
mod cancel;
mod closed_port;
mod decorator;
pub(crate) mod environment;
mod law;
mod partial;
mod peer;
mod pool;
mod proofs;
mod redirects;
mod requests;
mod row;
mod secrets;
mod side_by_side;

use std::sync::Arc;

use self::row::Row;
pub(crate) use self::{
    redirects::Redirects,
    row::{Make, Planned, Wrap},
};
use crate::{peer::Peer, stage::Stage};

/// The cells of a transport.
pub(crate) fn of_transport(
    make: &Make,
    redirects: Redirects,
    peer: Option<&Arc<dyn Peer>>,
    test: Option<&str>,
) -> Vec<Planned> {
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
    cells.extend(redirects::cells(make, redirects));
    cells.extend(law::behaviours(make));
    cells.extend(proofs::ROWS.iter().map(plan));
    cells.push(environment::cell(test));
    cells.extend(peer.into_iter().flat_map(|peer| peer::cells(make, peer)));
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
