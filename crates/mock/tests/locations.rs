//! A double that fails a test does it at the test's own line. One test, because the panic hook belongs to the process.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

use std::{
    panic::{self, UnwindSafe},
    sync::Mutex,
    time::Duration,
};

use clerk_actor_tokens_mock::{
    Answer, CapturingTransport, ExpectedRequest, ManualTimer, ScriptedTransport, responses, revoke_request,
};

static LAST: Mutex<Option<(String, u32)>> = Mutex::new(None);

fn place_of(fails: impl FnOnce() + UnwindSafe) -> (String, u32) {
    panic::catch_unwind(fails).unwrap_err();
    LAST.lock().unwrap().take().unwrap()
}

#[test]
fn a_wrong_argument_and_a_failed_assertion_fail_at_the_line_of_the_test() {
    panic::set_hook(Box::new(|info| {
        *LAST.lock().unwrap() = info.location().map(|place| (place.file().to_owned(), place.line()));
    }));
    let assert_done = || {
        let transport = ScriptedTransport::new().expect(revoke_request("act_1"), Answer::echo());
        transport.assert_done();
    };
    let table: [(&str, fn(), u32); 12] = [
        ("assert_done", assert_done, line!() - 3),
        ("only_request", || drop(CapturingTransport::echoing().only_request()), line!()),
        ("clerk_error", || drop(responses::clerk_error(99, "x")), line!()),
        ("html", || drop(responses::html(1000)), line!()),
        ("http_status", || drop(responses::actor_token().http_status(1)), line!()),
        ("http_status of an error", || drop(responses::rate_limited(1).http_status(1)), line!()),
        ("header", || drop(responses::actor_token().header(" ", "")), line!()),
        ("header of an error", || drop(responses::rate_limited(1).header(" ", "")), line!()),
        ("an expected header", || drop(ExpectedRequest::get("/").header("x", "\n")), line!()),
        ("an expected header's name", || drop(ExpectedRequest::get("/").header_present("\n")), line!()),
        ("to_actor_token", || drop(responses::actor_token().without("id").to_actor_token()), line!()),
        ("advance", || ManualTimer::new().advance(Duration::MAX), line!()),
    ];
    let places: Vec<_> = table.iter().map(|(name, fails, line)| (*name, place_of(*fails), *line)).collect();
    drop(panic::take_hook());
    for (name, place, line) in places {
        assert_eq!(place, (file!().to_owned(), line), "{name}");
    }
}
