//! What an observer is given: each attempt, each call, and the end of each orphan.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use clerk_actor_tokens_core::{
    Actor, AttemptEnded, CallEnded, Client, Execution, Observer, OrphanEnd, OrphanReport, TransportError,
    TransportErrorKind,
};

use crate::common::{
    AGENT, ID, Op, Play, Scripted, USER, api_error, builder, ok, poll_and_drop, response, run, tasks::Tasks,
    token_json, with, with_header,
};

/// Writes down what it is given.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn note(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }
}

impl Observer for Notes {
    fn attempt_ended(&self, ended: &AttemptEnded<'_>) {
        self.note(format!("{ended}"));
    }

    fn call_ended(&self, ended: &CallEnded<'_>) {
        self.note(format!("{ended}"));
    }

    fn orphan_ended(&self, report: &OrphanReport, end: OrphanEnd) {
        self.note(format!("{} {:?} {}", report.operation().name(), report.id(), end.as_str()));
    }
}

fn observed(script: impl Fn(usize) -> Play + Send + Sync + 'static) -> (Client<Scripted>, Notes) {
    let notes = Notes::default();
    (builder(script).observer(notes.clone()).build().unwrap(), notes)
}

#[test]
fn each_attempt_and_each_call_is_one_line() {
    let (client, notes) = observed(|number| match number {
        0 => Play::from(with_header(response(429, ""), "retry-after", "2")).after(Duration::from_millis(40)),
        _ => Play::from(ok(&token_json("pending"))).after(Duration::from_millis(70)),
    });
    run(&client, Op::Create).unwrap();
    let at = "CreateActorToken: attempt";
    let expected = [
        format!("{at} 1: POST api.clerk.com/v1/actor_tokens: 429, RateLimited, not executed, 40 ms"),
        format!("{at} 2: POST api.clerk.com/v1/actor_tokens: 200, executed, 70 ms"),
        "CreateActorToken: executed, 2 attempts, the call took 2110 ms".to_owned(),
    ];
    assert_eq!(notes.take(), expected);
}

#[test]
fn a_failure_has_its_trace_id_and_its_error() {
    let (client, notes) = observed(|_| api_error(404, "resource_not_found", "not found", "No token.").into());
    let error = run(&client, Op::Revoke).unwrap_err();
    let lines = notes.take();
    assert_eq!(
        lines[0],
        "RevokeActorToken: attempt 1: POST api.clerk.com/v1/actor_tokens/{actor_token_id}/revoke: 404, Api, not executed, 0 \
         ms, trace id 0123456789abcdef0123456789abcdef"
    );
    assert_eq!(lines[1..], [format!("{error}; the call took 0 ms")]);
}

/// OpenTelemetry's words, for the labels of metrics.
#[test]
fn labels_are_few_words() {
    type Label = (String, String, u16, Option<String>, &'static str);
    #[derive(Default)]
    struct Labels(Mutex<Vec<Label>>);
    impl Observer for Labels {
        fn attempt_ended(&self, ended: &AttemptEnded<'_>) {
            self.0.lock().unwrap().push((
                format!("{} {}", ended.method(), ended.url_template()),
                ended.server_address().to_owned(),
                ended.server_port(),
                ended.error_type().map(Into::into),
                ended.attempt().execution().as_str(),
            ));
        }
    }
    let labels = Arc::<Labels>::default();
    let plays: [fn() -> Play; 4] = [
        || TransportErrorKind::Interrupted.into(),
        || response(503, "").into(),
        || response(302, "").into(),
        || ok(&token_json("pending")).into(),
    ];
    for play in plays {
        let client = builder(move |_| play())
            .base_url("http://[::1]:4010/clerk".parse().unwrap())
            .observer(Arc::clone(&labels))
            .build()
            .unwrap();
        let _ = run(&client, Op::Create);
    }
    let seen = labels.0.lock().unwrap().clone();
    let expected = [
        (Some("Interrupted"), "unknown"),
        (Some("503"), "unknown"),
        (Some("UnexpectedRedirect"), "unknown"),
        (None, "executed"),
    ]
    .map(|(error_type, execution)| {
        let route = "POST /clerk/v1/actor_tokens".to_owned();
        (route, "::1".to_owned(), 4010, error_type.map(str::to_owned), execution)
    });
    assert_eq!(seen, expected);
}

/// A creation whose caller leaves, and all that follows.
fn leave(client: &Client<Scripted>, tasks: &Tasks) {
    let create = client.actor_tokens().create(USER, Actor::new(AGENT)).send();
    assert!(pollster::block_on(poll_and_drop(create, 2)).is_none());
    tasks.run();
}

#[test]
fn the_end_of_an_orphan_is_observed_once() {
    // What is lost is printed in a program without a log: not with an id that looks like a ticket, which is searched for.
    let script = |revocation: fn() -> Play| {
        move |number| match number {
            0 => Play::from(ok(&with(token_json("pending"), "id", "act_1".into()))),
            _ => revocation(),
        }
    };
    let revoked = || Play::from(ok(&with(token_json("revoked"), "id", "act_1".into())));
    let refused = || Play::from(response(403, ""));
    for (revocation, has_handler, end) in
        [(revoked as fn() -> Play, false, "revoked"), (refused, false, "lost"), (revoked, true, "handled")]
    {
        let (notes, tasks) = (Notes::default(), Tasks::default());
        let mut builder = builder(script(revocation)).observer(notes.clone()).executor(tasks.clone());
        if has_handler {
            builder = builder.on_orphan(|orphan| async move { drop(orphan) });
        }
        leave(&builder.build().unwrap(), &tasks);
        let ends: Vec<_> = notes.take().into_iter().filter(|line| !line.contains(": ")).collect();
        assert_eq!(ends, [format!("CreateActorToken Some(\"act_1\") {end}")]);
    }
}

/// It is code of the user's in the middle of a call, of a detached exchange, and of a report.
#[test]
fn a_panic_of_an_observer_ends_there() {
    #[derive(Clone)]
    struct Panics(Notes);
    impl Observer for Panics {
        fn attempt_ended(&self, ended: &AttemptEnded<'_>) {
            self.0.attempt_ended(ended);
            panic!("at the end of an attempt");
        }

        fn call_ended(&self, ended: &CallEnded<'_>) {
            self.0.call_ended(ended);
            panic!("at the end of a call");
        }

        fn orphan_ended(&self, report: &OrphanReport, end: OrphanEnd) {
            self.0.orphan_ended(report, end);
            panic!("at the end of an orphan");
        }
    }
    let (notes, tasks) = (Notes::default(), Tasks::default());
    let client = builder(|number| match number {
        0 | 1 => Play::from(ok(&token_json("pending"))),
        _ => Play::from(ok(&token_json("revoked"))),
    })
    .observer(Panics(notes.clone()))
    .executor(tasks.clone())
    .build()
    .unwrap();
    run(&client, Op::Create).unwrap();
    assert_eq!(notes.take().len(), 2);
    leave(&client, &tasks);
    assert!(pollster::block_on(client.close(Duration::ZERO)).is_clean());
    let lines = notes.take();
    // The exchange that had lost its caller, its revocation, and the end of the orphan.
    assert_eq!(lines.len(), 4, "{lines:#?}");
    assert!(lines[0].starts_with("CreateActorToken: attempt 1: ") && lines[0].contains("200, executed"), "{lines:#?}");
    assert_eq!(lines[3], format!("CreateActorToken Some({ID:?}) revoked"));
}

#[test]
fn what_a_server_quotes_is_masked() {
    let (client, notes) = observed(|_| {
        let quotes = "sk_test_key and https://x.test/?ticket=eyJhbGciOiJSUzI1NiJ9.e30.c2ln";
        let mut error = api_error(422, "form_param_invalid", quotes, quotes);
        let body = String::from_utf8(error.body().to_vec()).unwrap();
        *error.body_mut() = body.replace("0123456789abcdef0123456789abcdef", "sk_test_key").into();
        error.into()
    });
    run(&client, Op::Create).unwrap_err();
    let (client, more) = observed(|_| {
        let cause = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln";
        Play::Fail(TransportError::new(TransportErrorKind::Interrupted).with_source(cause))
    });
    run(&client, Op::Create).unwrap_err();
    let lines = [notes.take(), more.take()].concat();
    assert_eq!(lines.len(), 4);
    for line in lines {
        assert!(!line.contains("sk_test_key") && !line.contains("eyJ"), "{line}");
    }
}

#[test]
fn a_call_without_an_attempt_that_was_sent_ends_too() {
    let (client, notes) = observed(|_| TransportErrorKind::Connect.into());
    let error = run(&client, Op::Create).unwrap_err();
    assert_eq!((error.execution(), error.attempts().len()), (Execution::NotExecuted, 3));
    assert_eq!(notes.take().len(), 4);
}
