//! The kit itself: what it reports, what it refuses, and how it treats what misbehaves.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use clerk_actor_tokens_conformance::{Kit, Report, Verdict};
use clerk_actor_tokens_core::{
    CallContext, DiscardConnection, HttpTransport, Request, Response, SendState, TransportError, TransportErrorKind,
    transport_fn,
};
use clerk_actor_tokens_mock::FailingTransport;

use crate::reference::{Flaw, Reference};

fn words_of(fails: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(fails)).unwrap_err();
    panic.downcast_ref::<String>().unwrap().clone()
}

fn only_verdict(report: &Report) -> Verdict {
    assert_eq!(report.cells().len(), 1, "{report}");
    report.cells()[0].verdict().clone()
}

fn refusing() -> Kit {
    Kit::new(|| FailingTransport::always(TransportErrorKind::Connect))
}

#[test]
fn a_failure_is_told_by_the_name_of_the_cell_with_its_demand_and_the_reason() {
    let report = refusing().only("answer.redirects").only("answer.body").run();
    let words = words_of(|| report.assert());
    for cell in report.cells() {
        assert!(
            words.contains(cell.name()) && words.contains(cell.demand()) && words.contains(cell.source()),
            "{words}"
        );
    }
    assert!(words.contains("no answer, but"), "{words}");
    assert!(words.contains("2 cells: 0 passed, 2 failed"), "{words}");
}

#[test]
fn what_is_skipped_is_reported_with_its_reason_and_is_no_failure() {
    let report = refusing().only("answer.body").skip("answer.body", "it has no answers").run();
    report.assert();
    assert_eq!(only_verdict(&report), Verdict::Skipped("it has no answers".into()));
    assert!(report.to_string().contains("it has no answers"));
}

#[test]
fn a_name_that_is_none_is_refused() {
    for refused in [words_of(|| drop(refusing().skip("law.nothing", "x"))), words_of(|| drop(refusing().only("law")))] {
        assert!(refused.contains("has no cell") && refused.contains("law.reset.reused"), "{refused}");
    }
}

#[test]
fn names_are_unique_and_every_cell_is_run_in_their_order() {
    let names = Kit::of_decorator(|inner| inner).names();
    let report = Kit::of_decorator(|inner| inner).run();
    assert!(report.cells().iter().map(|cell| cell.name()).eq(names.iter().map(String::as_str)));
    let mut all = refusing().names();
    all.extend(names);
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count);
}

#[test]
fn what_is_not_proved_is_reported_and_fails_only_where_proofs_are_required() {
    let kit =
        || Kit::new(|| FailingTransport::always(TransportErrorKind::Interrupted)).only("proof.refused_connection");
    let report = kit().run();
    report.assert();
    assert!(matches!(only_verdict(&report), Verdict::NotProved(_)), "{report}");
    assert!(matches!(only_verdict(&kit().require_proofs().run()), Verdict::Failed(_)));
}

#[test]
fn hygiene_is_reported_as_proofs_are() {
    let forgetting = || {
        let inner = Arc::new(Reference::new());
        transport_fn(move |request: Request, context: CallContext| {
            let inner = Arc::clone(&inner);
            async move {
                let mut response = (*inner).send(request, context).await?;
                response.extensions_mut().remove::<DiscardConnection>();
                Ok(response)
            }
        })
    };
    let kit = || Kit::new(forgetting).only("pool.discarded_connection");
    assert!(matches!(only_verdict(&kit().run()), Verdict::NotProved(_)));
    assert!(matches!(only_verdict(&kit().require_proofs().run()), Verdict::Failed(_)));
}

#[test]
fn a_transport_that_asks_the_environment_for_a_proxy_is_found() {
    let test = "kit::a_transport_that_asks_the_environment_for_a_proxy_is_found";
    let asking = || Reference::with(Flaw::ProxyFromEnvironment);
    let report = Kit::new(asking).test_name(test).only("environment.proxy").run();
    assert!(matches!(only_verdict(&report), Verdict::Failed(why) if why.contains("proxy")), "{report}");
}

#[test]
fn without_the_name_of_its_test_or_with_a_wrong_one_no_environment_is_asked() {
    let kit = || Kit::new(Reference::new).only("environment.proxy");
    assert!(matches!(only_verdict(&kit().run()), Verdict::NotApplicable(why) if why.contains("test_name")));
}

#[test]
fn what_failed_stands_first() {
    // One that opens no connection: nothing is reused, and nothing arrives.
    let report = refusing().only("answer.body").only("deadline.kept_alone").only("cap.as_large").run();
    let shown = report.to_string();
    let places = ["failed: answer.body", "failed: cap.as_large", "not applicable: deadline.kept_alone", "3 cells:"];
    let places = places.map(|line| shown.find(line).unwrap_or_else(|| panic!("no {line} in {shown}")));
    assert!(places.is_sorted() && places[0] == 0, "{shown}");
}

/// What a transport says of a send, and how it fails.
type Says = fn(&SendState) -> TransportErrorKind;

#[test]
fn a_claim_that_nothing_was_sent_is_proved_by_the_send_state_or_made_by_the_peer() {
    use TransportErrorKind::{Connect, Interrupted, Refused};
    let table: [(&str, bool, Says); 8] = [
        ("silent", false, |_| Connect),
        ("held", true, |state| {
            state.hold();
            Connect
        }),
        ("begun", false, |state| {
            assert!(state.begin());
            Connect
        }),
        ("given back", true, |state| {
            assert!(state.begin());
            state.give_back();
            Connect
        }),
        ("cancelled", true, |state| {
            state.hold();
            assert!(state.cancel());
            Connect
        }),
        ("silent, refused by the peer", true, |_| Refused),
        ("begun, refused by the peer", true, |state| {
            assert!(state.begin());
            Refused
        }),
        ("begun, and no claim", true, |state| {
            assert!(state.begin());
            Interrupted
        }),
    ];
    for (what, passes, says) in table {
        let failing = move || {
            transport_fn(move |_, context: CallContext| std::future::ready(Err(says(context.send_state()).into())))
        };
        let verdict = only_verdict(&Kit::new(failing).only("law.claims").run());
        assert_eq!(verdict == Verdict::Passed, passes, "{what}: {verdict:?}");
    }
}

#[test]
fn a_panic_of_the_transport_fails_its_cell_and_shows_no_key() {
    let panics = || {
        transport_fn(|request: Request, _| async move {
            let key = request.headers()["authorization"].to_str().unwrap().to_owned();
            // Without the hook, which would print it.
            std::panic::resume_unwind(Box::new([&key, " is no key"].concat()));
            #[allow(unreachable_code, reason = "it gives the closure its type")]
            Ok::<Response, TransportError>(Response::default())
        })
    };
    let verdict = only_verdict(&Kit::new(panics).only("answer.body").run());
    let Verdict::Failed(why) = verdict else { panic!("{verdict:?}") };
    assert!(why.starts_with("it panicked: ") && !why.contains("KEYof"), "{why}");
}

#[test]
fn a_block_on_that_does_not_finish_is_told() {
    let report = Kit::new(Reference::new).block_on(drop).only("answer.body").run();
    let Verdict::Failed(why) = only_verdict(&report) else { panic!("{report}") };
    assert!(why.contains("block_on"), "{why}");
}

#[test]
fn a_transport_without_a_pool_has_no_reused_cells_to_fail() {
    let fresh = || {
        let inner = Arc::new(Reference::new());
        transport_fn(move |request: Request, context: CallContext| {
            let inner = Arc::clone(&inner);
            async move {
                let sent = (*inner).send(request, context.with_fresh_connection()).await?;
                // Not to be reused.
                sent.extensions().get::<DiscardConnection>().unwrap().discard();
                Ok(sent)
            }
        })
    };
    for cell in ["law.close.reused", "pool.fresh_connection", "proof.idle_connection"] {
        let report = Kit::new(fresh).only(cell).run();
        assert!(matches!(only_verdict(&report), Verdict::NotApplicable(_)), "{report}");
    }
}
