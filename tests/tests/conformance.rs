//! The conformance kit over what this workspace ships: the hyper transport, and the doubles that wrap a transport.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by a panic, and prints a figure")]

use clerk_actor_tokens::{
    HttpTransport, SystemTimer, TransportErrorKind,
    hyper::HyperTransport,
    mock::{
        CapturingTransport, FailingTransport, WithTimer,
        conformance::{Kit, Report, Verdict},
    },
};

/// Runs the kit over the hyper transport, on a runtime of so many threads.
fn hyper(threads: usize, make: impl Fn() -> HyperTransport + Send + Sync + 'static) -> Report {
    let runtime = match threads {
        1 => tokio::runtime::Builder::new_current_thread().enable_all().build(),
        _ => tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build(),
    };
    let runtime = runtime.unwrap();
    Kit::new(make).block_on(move |future| runtime.block_on(future)).require_proofs().run()
}

/// Whether nothing was left out.
fn assert_all_passed(report: &Report) {
    report.assert();
    assert!(report.cells().iter().all(|cell| *cell.verdict() == Verdict::Passed), "{report}");
}

#[test]
fn the_hyper_transport_conforms_on_one_thread() {
    let report = hyper(1, || HyperTransport::new().unwrap());
    println!("figure: hyper transport: {report}");
    assert_all_passed(&report);
}

#[test]
fn the_hyper_transport_conforms_on_two_threads_and_without_tls() {
    let report = hyper(2, || HyperTransport::builder().http_only().build().unwrap());
    assert_all_passed(&report);
}

#[test]
fn a_hyper_transport_that_keeps_no_connection_conforms_and_has_none_to_reuse() {
    let report = hyper(1, || HyperTransport::builder().http_only().max_idle_per_host(0).build().unwrap());
    report.assert();
    let not_applicable =
        |name: &str| name.ends_with(".reused") || name.starts_with("pool.") || name == "proof.idle_connection";
    for cell in report.cells() {
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
