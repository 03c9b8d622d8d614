//! The conformance kit: a transport that keeps the contract passes, and one that is wrong in one way fails the cells that
//! say so, and no others.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "test helpers and figures"
)]

mod decorators;
mod kit;
mod reference;
mod wrong;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use clerk_actor_tokens_conformance::{Kit, Verdict};

use crate::{
    reference::Reference,
    wrong::{WRONG, Wrong},
};

#[test]
fn a_transport_that_keeps_the_contract_passes_every_cell() {
    let test = "a_transport_that_keeps_the_contract_passes_every_cell";
    let report = Kit::new(Reference::new).require_proofs().test_name(test).run();
    report.assert();
    let others: Vec<_> = report.cells().iter().filter(|cell| *cell.verdict() != Verdict::Passed).collect();
    assert!(others.is_empty(), "{report}");
}

/// How many cells are run at once, each over a transport of its own: most of their time is waiting.
const AT_ONCE: usize = 48;

fn is_failed_by(wrong: &'static Wrong, cell: &str) -> bool {
    Kit::new(move || wrong.make()).require_proofs().only(cell).run().failed().next().is_some()
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end),
        None => pattern == name,
    }
}

#[test]
fn a_transport_that_is_wrong_in_one_way_fails_the_cells_that_say_so_and_no_others() {
    let names = Kit::new(Reference::new).names();
    let runs: Vec<_> = WRONG.iter().flat_map(|wrong| names.iter().map(move |cell| (wrong, cell))).collect();
    let (next, found) = (AtomicUsize::new(0), Mutex::new(BTreeMap::<_, BTreeSet<_>>::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((wrong, cell)) = runs.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let is_failed = is_failed_by(wrong, cell);
                    found.lock().unwrap().entry(wrong.name).or_default().extend(is_failed.then(|| cell.to_string()));
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    let mut differs = Vec::new();
    for wrong in WRONG {
        let failed = &found[wrong.name];
        let expected: BTreeSet<_> =
            names.iter().filter(|name| wrong.fails.iter().any(|pattern| fits(pattern, name))).cloned().collect();
        if *failed != expected {
            let more: Vec<_> = failed.difference(&expected).collect();
            let fewer: Vec<_> = expected.difference(failed).collect();
            differs.push(format!("what {}\n    fails also {more:?}\n    does not fail {fewer:?}", wrong.name));
        }
    }
    let failable: BTreeSet<_> = found.values().flatten().collect();
    // A child process of this test would be another transport's: `kit` has a test of its own for that cell.
    let in_a_child = "environment.proxy";
    let never: Vec<_> = names.iter().filter(|name| !failable.contains(name) && *name != in_a_child).collect();
    println!("figure: conformance kit: {} cells, {} wrong transports", names.len(), WRONG.len());
    assert!(differs.is_empty(), "{}", differs.join("\n"));
    assert!(never.is_empty(), "no wrong transport fails {never:?}");
}
