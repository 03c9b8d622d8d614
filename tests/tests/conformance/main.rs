//! The conformance kit over what this workspace ships: the hyper transport, and the doubles that wrap a transport.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by a panic, and prints a figure")]

mod forward_proxy;
mod h2_peer;
mod reqwest;
mod tower;
mod ureq;
mod wrong_over_http2;

use std::thread;

use self::h2_peer::H2Peer;

use clerk_actor_tokens::{
    hyper::HyperTransport,
    testing::{
        conformance::{Cell, Kit, Verdict},
        mock::{CapturingTransport, FailingTransport, WithTimer},
    },
    transport::{HttpTransport, SystemTimer, TransportErrorKind},
};

/// How many parts of the kit are run at once: most of their time is waiting.
const PARTS: usize = 8;

/// Runs the kit over a transport, each part on a runtime of so many threads, or without one. Gives every cell.
fn conforms<T: HttpTransport>(
    test: &str,
    threads: usize,
    skipped: &[(&str, &str)],
    make: impl Fn() -> T + Clone + Send + Sync + 'static,
) -> Vec<Cell> {
    let names = Kit::new(make.clone()).names();
    thread::scope(|scope| {
        let parts: Vec<_> = (0..PARTS)
            .map(|part| {
                // Every eighth cell: those that wait for long stand side by side.
                let cells: Vec<_> = names.iter().skip(part).step_by(PARTS).collect();
                let make = make.clone();
                scope.spawn(move || {
                    let runtime = match threads {
                        0 | 1 => tokio::runtime::Builder::new_current_thread().enable_all().build(),
                        _ => tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build(),
                    };
                    let runtime = runtime.unwrap();
                    let kit = Kit::new(make).require_proofs();
                    let kit = match threads {
                        0 => kit.block_on(pollster::block_on),
                        _ => kit.block_on(move |future| runtime.block_on(future)),
                    };
                    let kit = skipped.iter().fold(kit, |kit, (cell, reason)| kit.skip(cell, reason));
                    let kit = kit.test_name(test);
                    let report = cells.into_iter().fold(kit, |kit, cell| kit.only(cell)).run();
                    report.assert();
                    report.cells().to_vec()
                })
            })
            .collect();
        let cells: Vec<_> = parts.into_iter().flat_map(|part| part.join().unwrap()).collect();
        assert_eq!(cells.len(), names.len(), "each cell is run once");
        cells
    })
}

fn assert_all_passed(cells: &[Cell]) {
    let others: Vec<_> = cells.iter().filter(|cell| *cell.verdict() != Verdict::Passed).collect();
    assert!(others.is_empty(), "{others:?}");
}

/// Every cell passed, or is one of these. Gives how many passed.
fn assert_passed_but(cells: &[Cell], skipped: &[(&str, &str)]) -> usize {
    let is_skipped = |cell: &&Cell| skipped.iter().any(|(name, _)| *name == cell.name());
    let (left_out, others): (Vec<_>, Vec<_>) = cells.iter().partition(is_skipped);
    assert_eq!(left_out.len(), skipped.len());
    let others: Vec<_> = others.into_iter().cloned().collect();
    assert_all_passed(&others);
    others.len()
}

#[test]
fn the_hyper_transport_conforms_on_one_thread() {
    let cells = conforms("the_hyper_transport_conforms_on_one_thread", 1, &[], || HyperTransport::new().unwrap());
    assert_all_passed(&cells);
    println!("figure: hyper transport: {} cells passed", cells.len());
}

#[test]
fn the_hyper_transport_conforms_on_two_threads_and_without_tls() {
    let test = "the_hyper_transport_conforms_on_two_threads_and_without_tls";
    assert_all_passed(&conforms(test, 2, &[], || HyperTransport::builder().http_only().build().unwrap()));
}

/// Runs the cells of the law over HTTP/2, on one thread and on two.
fn keeps_the_law_over_http2<T: HttpTransport>(make: impl Fn() -> T + Clone + Send + Sync + 'static) {
    for threads in [1, 2] {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        if threads == 1 {
            runtime = tokio::runtime::Builder::new_current_thread();
        }
        let runtime = runtime.enable_all().worker_threads(threads).build().unwrap();
        let kit = || Kit::new(make.clone()).peer(H2Peer).require_proofs();
        let cells: Vec<_> = kit().names().into_iter().filter(|name| name.starts_with("peer.")).collect();
        assert!(cells.len() >= 28, "{cells:?}");
        let kit = kit().block_on(move |future| runtime.block_on(future));
        let report = cells.iter().fold(kit, |kit, cell| kit.only(cell)).run();
        report.assert();
        assert_all_passed(report.cells());
    }
}

#[test]
fn the_hyper_transport_keeps_the_law_over_http2() {
    keeps_the_law_over_http2(|| HyperTransport::builder().http_only().http2_prior_knowledge().build().unwrap());
}

#[test]
fn a_hyper_transport_that_keeps_no_connection_conforms_and_has_none_to_reuse() {
    let test = "a_hyper_transport_that_keeps_no_connection_conforms_and_has_none_to_reuse";
    let cells = conforms(test, 1, &[], || HyperTransport::builder().http_only().max_idle_per_host(0).build().unwrap());
    let not_applicable = |name: &str| {
        let of_one = name == "pool.answer_before_the_body";
        name.ends_with(".reused") || (name.starts_with("pool.") && !of_one) || name == "proof.idle_connection"
    };
    for cell in &cells {
        let expected = not_applicable(cell.name());
        assert_eq!(matches!(cell.verdict(), Verdict::NotApplicable(_)), expected, "{}", cell.name());
    }
}

#[test]
fn doubles_that_wrap_a_transport_hand_everything_through() {
    Kit::of_decorator(CapturingTransport::new).run().assert();
    Kit::of_decorator(|inner| FailingTransport::new(0, TransportErrorKind::Connect, inner)).run().assert();
    Kit::of_decorator(|inner| Box::new(inner) as Box<dyn HttpTransport>).run().assert();
    // It is there to change the clock, and changes nothing else.
    let with_timer = Kit::of_decorator(|inner| WithTimer::new(inner, SystemTimer));
    with_timer.skip("decorator.timer", "it brings its own").run().assert();
}
