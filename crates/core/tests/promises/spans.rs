//! The spans and events of every row of the table of failures, against a listing that is kept beside this file.

use std::{
    fmt::{self, Write as _},
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use clerk_actor_tokens_core::{
    Actor, Client, ClientBuilder, CredentialError, RetryPolicy, TransportError, TransportErrorKind, credentials_fn,
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

use crate::common::{
    AGENT, ID, Op, Play, Scripted, USER, api_error, builder, cannot_be_revoked, hedge_after, ok, poll_and_drop,
    response, run, tasks::Tasks, timeout_after, token_json, with, with_header,
};

/// Writes down each span and event, one line each.
#[derive(Clone, Default)]
struct Lines {
    lines: Arc<Mutex<Vec<String>>>,
    spans: Arc<AtomicU64>,
}

impl Lines {
    fn push(&self, line: String) {
        self.lines.lock().unwrap().push(line);
    }

    fn take(&self) -> String {
        let lines = std::mem::take(&mut *self.lines.lock().unwrap());
        self.spans.store(0, Ordering::SeqCst);
        lines.iter().fold(String::new(), |text, line| text + "  " + line + "\n")
    }
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "clerk_actor_tokens"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let number = self.spans.fetch_add(1, Ordering::SeqCst) + 1;
        let mut fields = Fields(String::new());
        span.record(&mut fields);
        let metadata = span.metadata();
        self.push(format!("{number} {} {}{}", metadata.level(), metadata.name(), fields.0));
        Id::from_u64(number)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut fields = Fields(String::new());
        values.record(&mut fields);
        self.push(format!("{} ={}", span.into_u64(), fields.0));
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        self.push(format!("{} follows from {}", span.into_u64(), follows.into_u64()));
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        self.push(format!("{}{}", event.metadata().level(), fields.0));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// A server that quotes the key, in all that is shown of its response, and a ticket.
fn quoting() -> Play {
    let quoted = "sk_test_key https://x.test/?ticket=eyJhbGciOiJSUzI1NiJ9.e30.c2ln";
    let mut error = api_error(404, quoted, quoted, quoted);
    let body = String::from_utf8(error.body().to_vec()).unwrap();
    *error.body_mut() = body.replace("0123456789abcdef0123456789abcdef", "sk_test_key").into();
    with_header(error, "cf-ray", "sk_test_key").into()
}

type MakeBuilder = Box<dyn Fn() -> ClientBuilder<Scripted>>;

fn always(play: impl Fn() -> Play + Send + Sync + Clone + 'static) -> MakeBuilder {
    Box::new(move || {
        let play = play.clone();
        builder(move |_| play())
    })
}

fn of_kind(kind: TransportErrorKind) -> MakeBuilder {
    always(move || kind.into())
}

fn of_status(status: u16) -> MakeBuilder {
    always(move || response(status, "").into())
}

/// The rows of the table in the book that have a failure, and what makes each happen.
fn rows() -> Vec<(&'static str, MakeBuilder)> {
    use TransportErrorKind as K;
    let pending = || Play::from(ok(&token_json("pending")));
    let cut = || {
        let whole = ok(&token_json("pending"));
        let (head, body) = whole.into_parts();
        let partial = clerk_actor_tokens_core::Response::from_parts(head, body.slice(..120));
        Play::Fail(TransportError::new(K::Interrupted).with_partial(partial))
    };
    vec![
        ("2", of_kind(K::Connect)),
        ("3", of_kind(K::Tls)),
        ("4", of_kind(K::ProxyRefused)),
        ("4a", of_kind(K::Proxy)),
        ("5", of_kind(K::Canceled)),
        ("6", of_kind(K::Refused)),
        ("6a", of_kind(K::RefusedOnNewConnection)),
        ("7", of_kind(K::Interrupted)),
        ("8", of_kind(K::Timeout)),
        ("8a", of_kind(K::TimeoutBeforeSend)),
        ("8b", Box::new(move || builder(|_| K::Connect.into()).middleware(timeout_after(2)))),
        ("8c", Box::new(move || builder(move |_| pending()).middleware(timeout_after(2)))),
        ("9", Box::new(|| builder(|_| K::Connect.into()).timeout(Duration::from_millis(1)))),
        ("10", of_status(429)),
        ("11", always(|| with_header(response(429, ""), "retry-after", "3600").into())),
        ("12", of_status(421)),
        ("13", of_status(408)),
        ("14", of_status(404)),
        ("15", always(|| api_error(422, "form_param_invalid", "no", "No.").into())),
        ("16", of_status(503)),
        ("17", of_status(308)),
        ("17a", of_status(302)),
        ("18", always(cut)),
        ("18a", always(|| response(200, "{\"object\":\"actor_token\"").into())),
        ("19", always(|| response(200, "<html>").into())),
        (
            "19a",
            always(|| {
                ok(&with(with(token_json("revoked"), "user_id", "user_other".into()), "id", "act_other".into())).into()
            }),
        ),
        ("20, 14", always(|| cannot_be_revoked("revoked").into())),
        ("21", always(|| cannot_be_revoked("accepted").into())),
        ("24", of_status(501)),
        ("14, with a key and a ticket in what is quoted", always(quoting)),
        (
            "26",
            Box::new(|| {
                let credentials = credentials_fn(|| async { Err(CredentialError::from("the vault is sealed")) });
                Client::builder(Scripted::new(|_| K::Connect.into()), credentials)
            }),
        ),
        ("26a", of_kind(K::Blocked)),
        (
            "success",
            Box::new(move || {
                builder(|number| match number {
                    0 => K::Connect.into(),
                    _ => ok(&token_json("revoked")).into(),
                })
            }),
        ),
    ]
}

/// What happens beside an attempt loop: leaving, holding, hedging.
fn lives(lines: &Lines) -> String {
    let mut text = String::new();
    let script = |number| match number {
        0 => Play::from(ok(&token_json("pending"))),
        _ => Play::from(ok(&token_json("revoked"))),
    };
    let create = |client: &Client<Scripted>| client.actor_tokens().create(USER, Actor::new(AGENT));
    let client = |tasks: &Tasks| builder(script).executor(tasks.clone());

    let tasks = Tasks::default();
    let left = client(&tasks).build().unwrap();
    assert!(pollster::block_on(poll_and_drop(create(&left).send(), 2)).is_none());
    tasks.run();
    text += &format!("a caller that leaves\n{}", lines.take());

    let held = client(&tasks).build().unwrap();
    drop(pollster::block_on(create(&held).hold()).unwrap());
    tasks.run();
    text += &format!("a token that is held and dropped\n{}", lines.take());

    let kept = client(&tasks).build().unwrap();
    pollster::block_on(async { create(&kept).hold().await.unwrap().keep().await }).unwrap();
    text += &format!("a token that is held and kept\n{}", lines.take());

    let refused = builder(script).build().unwrap();
    assert!(pollster::block_on(create(&refused).hold()).is_err());
    text += &format!("a hold without an executor\n{}", lines.take());

    let hedged = client(&tasks).middleware(hedge_after(2)).build().unwrap();
    let call = create(&hedged).send();
    let _ = tasks.run_beside(call);
    text += &format!("a middleware that drops its exchange and sends again\n{}", lines.take());
    text
}

fn listing() -> String {
    let lines = Lines::default();
    let mut text =
        String::from("Written by `SPANS=write cargo test -p clerk-actor-tokens-core --features tracing spans`.\n");
    tracing::subscriber::with_default(lines.clone(), || {
        for (row, make) in rows() {
            for op in Op::BOTH {
                let retry = RetryPolicy::default();
                let _ = run(&make().retry(retry).build().unwrap(), op);
                text += &format!("row {row}, {op:?}\n{}", lines.take());
            }
        }
        text += &lives(&lines);
    });
    assert!(!text.contains("sk_test_key") && !text.contains("eyJhbGci"), "a secret is in a span");
    assert!(text.contains(ID));
    text
}

#[test]
fn the_spans_and_events_of_every_row_are_those_of_the_listing() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/promises/spans.txt");
    let listing = listing();
    if std::env::var_os("SPANS").is_some_and(|value| value == "write") {
        fs::write(&path, &listing).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    for (number, (new, old)) in listing.lines().zip(kept.lines()).enumerate() {
        assert_eq!(new, old, "line {}", number + 1);
    }
    assert_eq!(listing.lines().count(), kept.lines().count());
}

/// Panics in one of its methods.
struct Panics(&'static str);

impl Panics {
    fn may(&self, at: &str) {
        assert!(self.0 != at, "a subscriber that panics at {at}");
    }
}

impl Subscriber for Panics {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "clerk_actor_tokens"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        self.may("new_span");
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {
        self.may("record");
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {
        self.may("follows");
    }

    fn event(&self, _: &Event<'_>) {
        self.may("event");
    }

    fn enter(&self, _: &Id) {
        self.may("enter");
    }

    fn exit(&self, _: &Id) {
        self.may("exit");
    }
}

/// It is the user's, and most of what it is given is said where a panic would lose a token.
#[test]
fn a_panic_of_a_subscriber_loses_no_token() {
    for at in ["new_span", "record", "follows", "event", "enter", "exit"] {
        tracing::subscriber::with_default(Panics(at), || {
            let tasks = Tasks::default();
            let client = builder(|number| match number % 2 {
                0 => Play::from(ok(&token_json("pending"))),
                _ => Play::from(ok(&token_json("revoked"))),
            })
            .executor(tasks.clone())
            .build()
            .unwrap();
            let create = || client.actor_tokens().create(USER, Actor::new(AGENT));
            assert!(pollster::block_on(poll_and_drop(create().send(), 2)).is_none(), "{at}");
            tasks.run();
            drop(pollster::block_on(create().hold()).unwrap());
            tasks.run();
            assert_eq!(client.transport().sends(), 4, "{at}: two were made, and both are revoked");
            assert!(pollster::block_on(client.close(Duration::ZERO)).is_clean(), "{at}");
        });
    }
}
