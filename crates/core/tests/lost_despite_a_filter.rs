//! A lost token reaches the log although a subscriber filters it out. A logger belongs to a whole process, so that this is a
//! program of its own.
#![cfg(feature = "tracing")]
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::{
    future::{IntoFuture as _, pending},
    sync::Mutex,
    task::{Context, Waker},
};

use clerk_actor_tokens_core::{Actor, Client, SecretKey, transport_fn};
use log::{Level, LevelFilter, Log, Metadata, Record};
use tracing::span::{Attributes, Id};

/// The errors, as a logger gets them.
struct Errors(Mutex<Vec<String>>);

impl Log for Errors {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        if record.level() == Level::Error {
            self.0.lock().unwrap().push(record.args().to_string());
        }
    }

    fn flush(&self) {}
}

static ERRORS: Errors = Errors(Mutex::new(Vec::new()));

/// A subscriber that is there. It takes all, or nothing of this library's, as with `RUST_LOG=another_crate=info`.
struct Takes {
    all: bool,
}

impl tracing::Subscriber for Takes {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        self.all
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut words = |_: &tracing::field::Field, value: &dyn std::fmt::Debug| drop(format!("{value:?}"));
        event.record(&mut words);
    }

    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// A creation that was sent, and whose caller leaves without an executor.
fn lose_a_token(subscriber: Takes) -> Vec<String> {
    let never = transport_fn(|_, _| pending());
    let client = Client::new(never, SecretKey::new("sk_test_abc").unwrap());
    tracing::subscriber::with_default(subscriber, || {
        let call = client.actor_tokens().create("user_lost", Actor::new("user_2")).send().into_future();
        let mut call = Box::pin(call);
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(call);
    });
    std::mem::take(&mut *ERRORS.0.lock().unwrap())
}

#[test]
fn an_error_goes_to_the_log_where_the_subscriber_does_not_take_it() {
    log::set_logger(&ERRORS).unwrap();
    log::set_max_level(LevelFilter::Trace);
    let lines = lose_a_token(Takes { all: false });
    assert!(lines.len() == 1 && lines.iter().all(|line| line.contains("no executor ran")), "{lines:?}");
    // And to one of them alone.
    assert_eq!(lose_a_token(Takes { all: true }), [""; 0]);
}
