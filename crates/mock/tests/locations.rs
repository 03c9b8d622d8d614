//! A double that fails a test names the line of the test. Where the test itself calls the double, that line is the
//! place of the panic. An unexpected request panics inside `send`, which the code under test calls: there the line is
//! in the message, in its first line. One test, because the panic hook belongs to the process.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

use std::{
    panic::{self, AssertUnwindSafe, UnwindSafe},
    sync::Mutex,
    time::Duration,
};

use clerk_actor_tokens_core::{CallContext, CreateActorToken, Deadline, HttpTransport, SystemTimer, Timer};
use clerk_actor_tokens_mock::{
    Answer, CapturingTransport, ExpectedRequest, ManualTimer, ScriptedTransport, responses, revoke_request,
};
use pollster::block_on;

static LAST: Mutex<Option<(String, u32)>> = Mutex::new(None);

fn place_of(fails: impl FnOnce() + UnwindSafe) -> (String, u32) {
    panic::catch_unwind(fails).unwrap_err();
    LAST.lock().unwrap().take().unwrap()
}

/// `file:line:column` of a call in a line of this file.
fn place(line: u32, call: &str) -> String {
    let text = include_str!("locations.rs").lines().nth(line as usize - 1).unwrap();
    format!("{}:{line}:{}", file!(), text.find(call).unwrap() + 1)
}

fn context() -> CallContext {
    CallContext::new(&CreateActorToken::INFO, Deadline::after(SystemTimer.now(), Duration::from_secs(30)))
}

/// The first line of what the last of these requests fails with, when the failures before it are swallowed.
fn first_line(transport: &ScriptedTransport, ids: &[&str]) -> String {
    let fails = |id: &&str| {
        let request = http::Request::post(format!("https://api.clerk.com/v1/actor_tokens/{id}/revoke"));
        let request = request.body("".into()).unwrap();
        panic::catch_unwind(AssertUnwindSafe(|| drop(block_on(transport.send(request, context()))))).err()
    };
    let failure = ids.iter().map(fails).collect::<Vec<_>>().pop().unwrap().unwrap();
    // The test knows of it: so the drop need not fail.
    panic::catch_unwind(AssertUnwindSafe(|| transport.assert_done())).unwrap_err();
    failure.downcast_ref::<String>().unwrap().lines().next().unwrap().to_owned()
}

#[test]
fn a_call_of_the_test_fails_at_its_line_and_an_unexpected_request_names_the_line_in_the_message() {
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

    let empty = ScriptedTransport::new();
    let at_new = place(line!() - 1, "ScriptedTransport::new()");
    let one = || ScriptedTransport::new().expect(revoke_request("act_1"), Answer::echo());
    let at_one = place(line!() - 1, "expect(");
    let two = || one().expect(revoke_request("act_2"), Answer::echo());
    let at_two = place(line!() - 1, "expect(");
    let table: [(&str, ScriptedTransport, &[&str], &str); 5] = [
        ("a wrong first request", two(), &["act_9"], &at_one),
        ("a wrong second request", two(), &["act_1", "act_9"], &at_two),
        ("a request beyond the script", two(), &["act_1", "act_2", "act_3"], &at_two),
        ("a request where none is expected", empty, &["act_1"], &at_new),
        ("a request after a failure", two(), &["act_9", "act_1"], &at_one),
    ];
    let lines: Vec<_> = table.iter().map(|(name, script, ids, at)| (*name, first_line(script, ids), *at)).collect();
    drop(panic::take_hook());
    for (name, place, line) in places {
        assert_eq!(place, (file!().to_owned(), line), "{name}");
    }
    for (name, line, place) in lines {
        assert!(line.ends_with(place), "{name}: {place} is not at the end of {line:?}");
    }
}
