//! Answers made to hurt: JSON ten million deep, bodies over the cap, bodies that are small as text and large as values,
//! headers of every bad kind. Each ends in a clear error, and what the client allocates for it is bounded by the cap.
//!
//! The allocator of this process counts. So there is one test: nothing else may allocate meanwhile.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a test fails by a panic, and this one shows its figure")]

use std::{
    fmt::{Debug, Display},
    sync::{Arc, Mutex},
};

use clerk_actor_tokens::{
    Actor, Client, Error, ErrorKind, RetryPolicy, SecretKey, async_trait,
    bytes::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    testing::mock::{ManualTimer, responses},
    transport::{
        CallContext, DEFAULT_RESPONSE_CAP, Executor, HttpTransport, Request, Response, Timer, TransportError,
        TransportErrorKind,
    },
};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const DEPTH: usize = 10_000_000;
/// So large that every body here is read.
const RAISED_CAP: usize = 64 * 1024 * 1024;
/// What a body of many small values may take, in caps: `{"":0}` is six bytes of text and some 650 in memory, so there has to be
/// a bound on how many are built.
const CAPS_FOR_MANY_VALUES: usize = 4;

/// Hands over the one answer that it was given, as it is: unlike a transport should, it keeps no cap.
struct Handing {
    answer: Arc<Mutex<Option<Result<Response, TransportError>>>>,
    timer: ManualTimer,
}

#[async_trait]
impl HttpTransport for Handing {
    async fn send(&self, _request: Request, _context: CallContext) -> Result<Response, TransportError> {
        self.answer.lock().unwrap().take().unwrap()
    }

    fn timer(&self) -> &dyn Timer {
        &self.timer
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        None
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    Create,
    Revoke,
}

/// What one answer came to: the error, and the most that the call had allocated at once, beside the answer itself.
struct Outcome {
    error: Option<Error>,
    peak: usize,
}

fn meet(call: Call, cap: usize, answer: Result<Response, TransportError>) -> Outcome {
    let slot = Arc::new(Mutex::new(Some(answer)));
    let transport = Handing { answer: slot, timer: ManualTimer::auto_advancing() };
    let builder = Client::builder(transport, SecretKey::new("sk_test_key").unwrap());
    let clerk = builder.response_cap(cap).retry(RetryPolicy::none()).build().unwrap();
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let tokens = clerk.actor_tokens();
    let error = match call {
        Call::Create => pollster::block_on(tokens.create(USER, Actor::new(AGENT)).send()).err(),
        Call::Revoke => pollster::block_on(tokens.revoke("act_1").send()).err(),
    };
    Outcome { error, peak: ALLOCATOR.peak_usage().saturating_sub(before) }
}

const USER: &str = "user_sample";
const AGENT: &str = "user_agent";

fn response(status: u16, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// The largest of what was measured, and the bound that it keeps.
struct Figure {
    name: &'static str,
    answers: usize,
    most: usize,
}

impl Figure {
    fn new(name: &'static str) -> Self {
        Self { name, answers: 0, most: 0 }
    }

    #[track_caller]
    fn saw(&mut self, what: &dyn Display, peak: usize, bound: usize) {
        assert!(peak <= bound, "{what}: {peak} bytes were allocated, and {bound} is the bound");
        self.answers += 1;
        self.most = self.most.max(peak);
    }

    fn show(&self, bound: &str) {
        let Self { name, answers, most } = self;
        println!("figure: hostile answers, {name}: {answers} answers, at most {most} bytes allocated; bound: {bound}");
    }
}

/// One line of bounded length.
#[track_caller]
fn assert_clear(error: &Error, what: &dyn Display) {
    let text = error.to_string();
    assert!(text.len() < 4096 && !text.contains(char::is_control), "{what}: {} bytes: {text:.300}", text.len());
    assert!(text.starts_with(error.operation().name()), "{what}: {text:.300}");
    let debug: &dyn Debug = error;
    assert!(format!("{debug:?}").len() < 64 * 1024, "{what}: a Debug of great length");
}

struct Deep {
    place: &'static str,
    head: &'static str,
    open: &'static str,
    close: &'static str,
    tail: &'static str,
    /// Where a creation's answer is read whole.
    kind: Option<ErrorKind>,
    salvaged: Option<&'static str>,
}

const UNUSABLE: Option<ErrorKind> = Some(ErrorKind::ResponseInvalid);
const DEEP: [Deep; 5] = [
    Deep { place: "arrays", head: "", open: "[", close: "]", tail: "", kind: UNUSABLE, salvaged: None },
    Deep { place: "objects", head: "", open: "{\"\":", close: "}", tail: "", kind: UNUSABLE, salvaged: None },
    Deep {
        place: "the actor",
        head: r#"{"object":"actor_token","id":"act_1","user_id":"user_sample","actor":"#,
        open: "[",
        close: "]",
        tail: "}",
        kind: UNUSABLE,
        salvaged: Some("act_1"),
    },
    Deep {
        place: "an unknown member of a good token",
        head: r#"{"object":"actor_token","id":"act_1","status":"pending","user_id":"user_sample","created_at":0,"updated_at":0,"new":"#,
        open: "[",
        close: "]",
        tail: "}",
        kind: None,
        salvaged: Some("act_1"),
    },
    Deep {
        place: "an error's meta",
        head: r#"{"errors":[{"code":"form_param_missing","meta":"#,
        open: "[",
        close: "]",
        tail: "}]}",
        kind: UNUSABLE,
        salvaged: None,
    },
];

/// The depth is read, counted or refused, never descended into: no stack, and no more memory than the cap.
fn json_ten_million_deep() {
    let mut figure = Figure::new("JSON 10,000,000 deep");
    for deep in DEEP {
        let Deep { place, head, open, close, tail, .. } = deep;
        let body = Bytes::from([head, &open.repeat(DEPTH), "0", &close.repeat(DEPTH), tail].concat());
        for cap in [DEFAULT_RESPONSE_CAP, RAISED_CAP] {
            let over = body.len() > cap;
            for (call, status) in [(Call::Create, 200), (Call::Create, 422), (Call::Revoke, 200), (Call::Revoke, 400)] {
                if deep.kind.is_some() && !over && (call, status) == (Call::Revoke, 200) {
                    continue; // read as a creation's answer is, which is tried already
                }
                let what = format!("{place}, {status}, cap {cap}");
                let Outcome { error, peak } = meet(call, cap, Ok(response(status, body.clone())));
                figure.saw(&what, peak, cap);
                let expected = match (status, call) {
                    (422 | 400, _) => Some(ErrorKind::Api),
                    // The token in the answer is not revoked.
                    (_, Call::Revoke) if deep.kind.is_none() && !over => Some(ErrorKind::ResponseMismatch),
                    _ => deep.kind.or(UNUSABLE.filter(|_| over)),
                };
                assert_eq!(error.as_ref().map(Error::kind), expected, "{what}: {error:?}");
                let Some(error) = error else { continue };
                assert_clear(&error, &what);
                if (call, status) == (Call::Create, 200) {
                    // Of an actor that was cut, it is unknown whose it is.
                    let (certain, doubtful) = match over && place == "the actor" {
                        true => (None, deep.salvaged),
                        false => (deep.salvaged, None),
                    };
                    assert_eq!((error.salvaged_id(), error.unconfirmed_id()), (certain, doubtful), "{what}: {error}");
                }
            }
        }
    }
    figure.show("the cap (256 KiB, and 64 MiB where all of it is read)");
}

/// A body over the cap: handed over whole by a transport that keeps no cap, or cut by one that does.
fn a_body_over_the_cap() {
    let mut figure = Figure::new("a body over the cap");
    let cap = DEFAULT_RESPONSE_CAP;
    let token = r#"{"object":"actor_token","id":"act_1","user_id":"user_sample","pad":""#.to_owned()
        + &"x".repeat(20_000_000)
        + "\"}";
    let error = r#"{"errors":[{"code":"form_param_missing","message":""#.to_owned() + &"x".repeat(20_000_000) + "\"}]}";
    let html = "<html>".to_owned() + &"<br>".repeat(5_000_000);
    for (name, body) in [("a token", token), ("an error", error), ("a page", html)] {
        let body = Bytes::from(body);
        for status in [200, 400, 404, 422, 500] {
            for call in [Call::Create, Call::Revoke] {
                let what = format!("{name}, {status}");
                let whole = meet(call, cap, Ok(response(status, body.clone())));
                let partial = response(status, body.slice(..cap));
                let cut = TransportError::new(TransportErrorKind::BodyTooLarge).with_partial(partial);
                for Outcome { error, peak } in [whole, meet(call, cap, Err(cut))] {
                    figure.saw(&what, peak, 2 * cap);
                    let error = error.unwrap();
                    assert_clear(&error, &what);
                    let kind = if status == 200 { ErrorKind::ResponseInvalid } else { ErrorKind::Api };
                    assert_eq!(error.kind(), kind, "{what}: {error}");
                    assert_eq!(error.status().unwrap().as_u16(), status);
                    assert!(error.expose_body().unwrap().len() <= cap, "{what}: the error keeps more than the cap");
                    let is_token = (call, status, name) == (Call::Create, 200, "a token");
                    assert_eq!(error.salvaged_id().is_some(), is_token, "{what}: {error}");
                }
            }
        }
    }
    figure.show("2 caps of 256 KiB");
}

/// Very many small values: what is small as text and large in memory.
fn many_small_values() {
    let mut figure = Figure::new("many small values");
    let cap = DEFAULT_RESPONSE_CAP;
    let items = ["0", "{}", "{\"\":0}", "{\"meta\":{\"\":0}}", "{\"\":{\"\":{\"\":{\"\":0}}}}"];
    let frames = [
        ("", ""),
        (r#"{"errors":"#, "}"),
        (r#"{"meta":"#, "}"),
        (r#"{"errors":[{"meta":"#, "}]}"),
        (r#"{"id":"act_1","actor":{"x":"#, "}}"),
        (r#"{"id":"act_1","token":"#, "}"),
    ];
    for (head, tail) in frames {
        for item in items {
            // From few to far more than the cap holds: the most is taken somewhere between.
            for room in (10..=19).map(|bits| 1 << bits) {
                let mut list = format!("{item},").repeat((room - head.len() - tail.len()) / (item.len() + 1));
                list.pop();
                let body = Bytes::from(format!("{head}[{list}]{tail}"));
                for (call, status) in [(Call::Create, 200), (Call::Create, 422), (Call::Revoke, 400)] {
                    let what = format!("{head}[{item},...]{tail} of {} bytes, {status}", body.len());
                    let Outcome { error, peak } = meet(call, cap, Ok(response(status, body.clone())));
                    figure.saw(&what, peak, CAPS_FOR_MANY_VALUES * cap);
                    assert_clear(&error.unwrap(), &what);
                }
            }
        }
    }
    figure.show(&format!("{CAPS_FOR_MANY_VALUES} caps of 256 KiB"));
}

/// The headers that the client looks at.
const READ: [HeaderName; 8] = [
    header::RETRY_AFTER,
    header::DATE,
    header::LOCATION,
    header::CONTENT_ENCODING,
    header::CONTENT_TYPE,
    HeaderName::from_static("x-clerk-trace-id"),
    HeaderName::from_static("clerk-trace-id"),
    HeaderName::from_static("cf-ray"),
];

fn each(value: &[u8]) -> HeaderMap {
    READ.into_iter().map(|name| (name, HeaderValue::from_bytes(value).unwrap())).collect()
}

fn repeated(value: impl Fn(usize) -> String) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for number in 0..20_000 {
        let value = HeaderValue::from_str(&value(number)).unwrap();
        headers.append(READ.get(number % READ.len()).unwrap(), value);
    }
    headers
}

fn headers() -> Vec<(&'static str, HeaderMap)> {
    let one = |name, value: &str| HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())]);
    let many = (0..20_000).map(|number| {
        (HeaderName::from_bytes(format!("x-{number}").as_bytes()).unwrap(), HeaderValue::from_static("x"))
    });
    let long = "x".repeat(1024 * 1024);
    vec![
        ("no text", each(b"\xff\xfe\x80")),
        ("empty", each(b"")),
        ("spaces and tabs", each(b" \t \t")),
        ("invisible characters", each("\u{202e}\u{200b}\u{feff}".as_bytes())),
        ("a credential", each(b"https://user:pw@x.test/v1/tickets/accept?ticket=eyJhbGciOi.eyJlaXMi.c2ln")),
        ("a MiB each", each(long.as_bytes())),
        ("a MiB of no text", each(&[0xff; 1024 * 1024])),
        ("a MiB of digits", each("9".repeat(1024 * 1024).as_bytes())),
        ("one of 16 MiB", one(HeaderName::from_static("x-huge"), &long.repeat(16))),
        ("20,000 names", many.collect()),
        ("20,000 values", repeated(|number| number.to_string())),
        ("a negative time", each(b"-1")),
        ("a time past all", each(b"18446744073709551616")),
        ("an invalid date", each(b"Sun, 99 Foo 9999 99:99:99 GMT")),
        ("a location of many colons", one(header::LOCATION, &("https://[".to_owned() + &"::".repeat(10_000)))),
        ("two encodings", one(header::CONTENT_ENCODING, "identity, gzip")),
    ]
}

fn hostile_headers() {
    let mut figure = Figure::new("headers");
    let cap = DEFAULT_RESPONSE_CAP;
    let token = responses::actor_token().user_id(USER).actor_sub(AGENT).build().into_body();
    let error = responses::clerk_error(422, "form_param_missing").build().into_body();
    for (name, headers) in headers() {
        // The largest of the three trace ids is copied; everything else is moved.
        let trace_id = READ.iter().filter_map(|name| headers.get(name)).map(HeaderValue::len).max().unwrap_or(0);
        let table = [
            (200, &token, None), // whatever the headers say of it
            (307, &error, Some(ErrorKind::UnexpectedRedirect)),
            (422, &error, Some(ErrorKind::Api)),
            (429, &error, Some(ErrorKind::RateLimited)),
            (503, &error, Some(ErrorKind::Api)),
        ];
        for (status, body, kind) in table {
            let mut answer = response(status, body.clone());
            *answer.headers_mut() = headers.clone();
            let what = format!("{name}, {status}");
            let Outcome { error, peak } = meet(Call::Create, cap, Ok(answer));
            figure.saw(&what, peak, cap + trace_id);
            assert_eq!(error.as_ref().map(Error::kind), kind, "{what}: {error:?}");
            let Some(error) = error else { continue };
            assert_clear(&error, &what);
            assert!(!format!("{error} {error:?}").contains("eyJhbG"), "{what}: a credential is shown");
        }
    }
    figure.show("a cap of 256 KiB, and a copy of the trace id");
}

/// Texts that hold JSON behind the private keys by which serde_json knows its own types: it reads such a text anew, with a
/// fresh limit on depth.
fn keys_that_serde_json_keeps_for_itself() {
    let mut figure = Figure::new("serde_json's private keys");
    let cap = DEFAULT_RESPONSE_CAP;
    for key in ["$serde_json::private::RawValue", "$serde_json::private::Number"] {
        let mut nested = "0".to_owned();
        for _ in 0..12 {
            let text = nested.replace('\\', "\\\\").replace('"', "\\\"");
            let next = format!("{}{{\"{key}\":\"{text}\"}}{}", "[".repeat(123), "]".repeat(123));
            if next.len() > cap / 2 {
                break;
            }
            nested = next;
        }
        let frames = [
            (422, r#"{"errors":[],"meta":"#, "}", Some(ErrorKind::Api)),
            (422, r#"{"errors":[{"meta":"#, "}]}", Some(ErrorKind::Api)),
            (
                200,
                r#"{"object":"actor_token","id":"act_1","user_id":"user_sample","status":"pending","actor":{"x":"#,
                "}}",
                None,
            ),
        ];
        for (status, head, tail, kind) in frames {
            let body = format!("{head}{nested}{tail}");
            let what = format!("{key}, {head}, {} bytes", body.len());
            let Outcome { error, peak } = meet(Call::Create, cap, Ok(response(status, body)));
            figure.saw(&what, peak, cap);
            assert_eq!(error.as_ref().map(Error::kind), kind, "{what}");
        }
    }
    figure.show("a cap of 256 KiB");
}

#[test]
fn no_answer_overflows_the_stack_or_takes_more_memory_than_the_cap_allows() {
    keys_that_serde_json_keeps_for_itself();
    hostile_headers();
    a_body_over_the_cap();
    many_small_values();
    json_ten_million_deep();
}
