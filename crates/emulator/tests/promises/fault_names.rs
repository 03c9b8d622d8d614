//! Faults by name: what a fault is called is enough to make it again.

use std::{collections::BTreeSet, time::Duration};

use clerk_actor_tokens_emulator::fault::{self, AnyFault};
use proptest::prelude::*;

#[test]
fn every_name_of_the_catalogue_makes_the_fault_that_it_names() {
    for fault in fault::catalogue() {
        let read: AnyFault = fault.name().parse().unwrap();
        assert_eq!(read, fault);
        // And when it can happen, which equality looks at too, is what the types say.
        assert_eq!(read.name(), fault.name());
    }
}

/// By hand: a list that both sides read could not be wrong.
#[test]
fn a_name_may_be_written_short() {
    let table = [
        ("stall", AnyFault::from(fault::stall())),
        (" stall() ", fault::stall().into()),
        ("without(id)", fault::without("id").into()),
        ("without( \"id\" )", fault::without("id").into()),
        ("delay(150ms)", fault::delay(Duration::from_millis(150)).into()),
        ("delay(0.5s)", fault::delay(Duration::from_millis(500)).into()),
        ("content_type(text/html; charset=utf-8)", fault::content_type("text/html; charset=utf-8").into()),
        ("redirect(302, https://x.test/a)", fault::redirect(302, "https://x.test/a").into()),
        ("redirect(302,\"https://x.test/a?b=(1,2)\")", fault::redirect(302, "https://x.test/a?b=(1,2)").into()),
        ("html(503).retry_after_text(soon).dated", fault::html(503).retry_after_text("soon").dated().into()),
    ];
    for (text, fault) in table {
        assert_eq!(text.parse::<AnyFault>().as_ref(), Ok(&fault), "{text}");
    }
}

#[test]
fn what_names_no_fault_is_an_error_that_says_what_would() {
    let table = [
        ("", "cut_at(120)"),
        ("statsu(503)", "there is no fault statsu; there are:\n  pass, delay, "),
        ("stall(1)", "stall takes no argument"),
        ("status", "status takes a status of 200 to 999"),
        ("status(199)", "200 to 999"),
        ("status(1000)", "200 to 999"),
        ("status(503, 1)", "200 to 999"),
        ("redirect(299, x)", "300 to 399"),
        ("redirect(302)", "300 to 399"),
        ("redirect(302, \"a\\nb\")", "300 to 399"),
        ("rst_stream(7)", "refused_stream()"),
        ("rst_stream(-1)", "error code"),
        ("cut_at(x)", "number of bytes"),
        ("padded_to(99999999999)", "at most"),
        ("delay(5)", "2s or 150ms"),
        ("content_type(\"a\\nb\")", "header"),
        ("stall().retry_after(1s)", "only for faults that are answers"),
        ("status(429).retry(1s)", "there is no addition retry; there are:\n  retry_after, "),
        ("status(429).retry_after(soon)", "2s or 150ms"),
        ("status(429).dated(1s)", "dated takes no argument"),
        ("status(429).retry_after_text(\"a\\nb\")", "header"),
        ("status(429", "cut_at(120)"),
    ];
    for (text, part) in table {
        let error = text.parse::<AnyFault>().unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
    let error = "sk_live_CANARY".parse::<AnyFault>().unwrap_err();
    assert!(!format!("{error} {error:?}").contains("CANARY"));
}

/// One of each kind in the catalogue, by the name before the parenthesis.
#[test]
fn every_fault_there_is_can_be_named() {
    let error = "?".parse::<AnyFault>().unwrap_err().to_string();
    assert!(error.contains("cut_at(120)"));
    let error = "nothing".parse::<AnyFault>().unwrap_err().to_string();
    let (_, listed) = error.split_once("there are:\n").unwrap();
    let listed: BTreeSet<_> = listed.split(',').map(|name| name.trim().to_owned()).collect();
    let catalogue = fault::catalogue();
    let kinds = catalogue.iter().map(|fault| fault.name().split('(').next().unwrap().to_owned());
    assert_eq!(listed, kinds.collect::<BTreeSet<_>>());
}

proptest! {
    #[test]
    fn a_fault_of_any_value_is_made_again_by_its_name(
        status in 200u16..1000, bytes in any::<usize>(), seconds in any::<u64>(), nanos in 0u32..1_000_000_000,
        text in any::<String>(), header in "[ -~\t]{0,20}", code in 8u32..,
    ) {
        let time = Duration::new(seconds, nanos);
        let faults: [AnyFault; 12] = [
            fault::status(status).retry_after(time).clock_behind(time).into(),
            fault::html(status).retry_after_date(time).clock_ahead(time).into(),
            fault::empty(status).retry_after_text(&header).dated().into(),
            fault::cut_at(bytes).into(),
            fault::stall_at(bytes).into(),
            fault::padded_to(bytes % 1_000_000).into(),
            fault::slow_body(time).into(),
            fault::delay(time).into(),
            fault::without(text.clone()).into(),
            fault::token_status(text).into(),
            fault::content_type(&header).into(),
            fault::rst_stream(code).into(),
        ];
        for fault in faults {
            prop_assert_eq!(fault.name().parse::<AnyFault>(), Ok(fault));
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>(), near in r#"(status|redirect|nested|delay|cut_at)[(),."a-z0-9]{0,12}"#) {
        let _ = (text.parse::<AnyFault>(), near.parse::<AnyFault>());
    }
}
