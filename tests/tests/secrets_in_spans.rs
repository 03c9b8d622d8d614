//! No credential in any span or event, at any level and of any crate, nor in what an observer or a log of requests is given.
//!
//! A program of its own: what subscribes to tracing here would take the records from the capture of the other tests.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by a panic, and shows its figure")]

use std::{
    fmt::{self, Write as _},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use clerk_actor_tokens::{
    Actor, ActorTokenId, Client, OrphanReport, SecretKey,
    http::HeaderName,
    middleware::RequestLog,
    observe::{AttemptEnded, CallEnded, Observer, OrphanEnd},
    testing::emulator::{CallKind, Emulator},
};
use clerk_actor_tokens_tests::{canary::Scanner, faults::FAULTS};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

/// Nothing of an actor is shown but its subject.
const STAMP: &str = "CANARYcanary0123456789";
const KEY: &str = "sk_test_CANARYcanary0123456789";

/// All that is said, in one text.
#[derive(Clone, Default)]
struct Said {
    text: Arc<Mutex<String>>,
    spans: Arc<AtomicU64>,
    fields: Arc<AtomicU64>,
}

impl Said {
    fn say(&self, what: fmt::Arguments<'_>) {
        writeln!(self.text.lock().unwrap(), "{what}").unwrap();
    }
}

struct Fields<'a>(&'a Said);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.fields.fetch_add(1, Ordering::Relaxed);
        self.0.say(format_args!("{}={value:?}", field.name()));
    }
}

impl Subscriber for Said {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Fields(self));
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Fields(self));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Fields(self));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Observer for Said {
    fn attempt_ended(&self, ended: &AttemptEnded<'_>) {
        self.say(format_args!("{ended} {ended:?} {:?} {:?}", ended.error_type(), ended.trace_id()));
        self.say(format_args!("{} {} {:?}", ended.url_template(), ended.server_address(), ended.attempt()));
    }

    fn call_ended(&self, ended: &CallEnded<'_>) {
        self.say(format_args!("{ended} {ended:?} {:?} {:?}", ended.error_type(), ended.error()));
    }

    fn orphan_ended(&self, report: &OrphanReport, end: OrphanEnd) {
        self.say(format_args!("{report} {report:?} {end:?}"));
    }
}

/// Its tickets and links, as they are searched for.
async fn live(client: &Client) -> Vec<String> {
    let create = || client.actor_tokens().create("user_1", Actor::new("user_2"));
    let mut secrets = Vec::new();
    if let Ok(token) = create().send().await {
        secrets.extend(token.token().map(|ticket| ticket.expose().to_owned()));
        let _ = client.actor_tokens().revoke(token.id()).send().await;
    }
    if let Ok(held) = create().hold().await {
        secrets.extend(held.token().map(|ticket| ticket.expose().to_owned()));
    }
    // Its caller leaves at once, and in the middle.
    for polls in 1..4 {
        let mut call = Box::pin(create().send());
        for _ in 0..polls {
            let poll = std::future::poll_fn(|task| std::task::Poll::Ready(call.as_mut().poll(task).is_ready()));
            if poll.await {
                break;
            }
        }
    }
    let _ = client.close(Duration::from_secs(600)).await;
    secrets
}

/// The calls about sessions, whose actors have a stamp that nothing may show, and the debug output of what they return.
async fn sessions(emulator: &Emulator, client: &Client, said: &Said) {
    let session = emulator.sign_in_as("user_1", &Actor::new("user_2").with("attempt", STAMP)).id().to_owned();
    said.say(format_args!("{:?}", client.sessions().list("user_1").send().await));
    said.say(format_args!("{:?}", client.sessions().get(&session).send().await));
    let end = client.impersonations().end("user_1").stamp("attempt", STAMP);
    said.say(format_args!("{end:?}"));
    match end.send().await {
        Ok(ended) => said.say(format_args!("{ended:?}")),
        Err(error) => said.say(format_args!("{error} {error:?} {}", error.advice())),
    }
    said.say(format_args!("{:?} {:?} {:?}", emulator.sessions(), emulator.ledger(), emulator.requests()));
}

#[test]
fn no_span_event_label_or_line_has_one() {
    let said = Said::default();
    let mut secrets = Vec::new();
    // Of the whole program: what a caller left is revoked in a thread of its own.
    tracing::subscriber::set_global_default(said.clone()).unwrap();
    for (name, queue) in FAULTS {
        let emulator = Emulator::builder().secret_key(SecretKey::new(KEY).unwrap()).build();
        queue(emulator.next_create());
        queue(emulator.next_revoke());
        let lines = said.clone();
        let log = RequestLog::new()
            .headers(["clerk-trace-id", "content-type", "user-agent"].map(HeaderName::from_static))
            .unwrap()
            .write_to(move |line| lines.say(format_args!("{line} {line:?}")));
        let client = Client::builder(emulator.clone(), emulator.secret_key())
            .observer(said.clone())
            .middleware(log)
            .build()
            .unwrap()
            .erase();
        said.say(format_args!("{name}"));
        for call in [CallKind::SessionList, CallKind::SessionGet, CallKind::SessionRevoke] {
            let emulator = Emulator::builder().secret_key(SecretKey::new(KEY).unwrap()).build();
            queue(emulator.next_attempt(call));
            let client =
                Client::builder(emulator.clone(), emulator.secret_key()).observer(said.clone()).build().unwrap();
            pollster::block_on(sessions(&emulator, &client.erase(), &said));
            drop(emulator.take_unused_faults());
        }
        secrets.extend(pollster::block_on(live(&client)));
        // A 429 may have held that client's revocations back from their own fault.
        let fresh = emulator.client();
        let token = ActorTokenId::new("act_37dGane81chHECHRqfvqCWGjyni").unwrap();
        let _ = pollster::block_on(fresh.actor_tokens().revoke(&token).send());
    }
    let text = said.text.lock().unwrap();
    let (spans, fields) = (said.spans.load(Ordering::Relaxed), said.fields.load(Ordering::Relaxed));
    assert!(
        spans > 100 && fields > 1_000 && secrets.len() > 20,
        "{spans} spans, {fields} fields, {} secrets",
        secrets.len()
    );
    let mut scanner = Scanner::new();
    scanner.name_secret(STAMP);
    let found = scanner.scan(&text);
    assert!(found.is_empty(), "{} canaries", found.len());
    let printed = secrets.iter().filter(|secret| text.contains(secret.as_str())).count();
    assert_eq!(printed, 0, "tickets in what was said");
    // Of those that no caller has seen, too: each begins with this.
    assert!(secrets.iter().all(|secret| secret.starts_with("eyJhbGci")) && !text.contains("eyJhbGci"));
    println!("figure: secrets in spans: {spans} spans, {fields} fields, {} secrets, 0 found", secrets.len());
}
