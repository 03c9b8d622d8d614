//! Decorators that are wrong on purpose, and the cell that each fails: that and no other.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use clerk_actor_tokens_core::{
    BoxFuture, CallContext, DiscardConnection, Executor, FreshConnection, HttpTransport, Request, Response, SendState,
    SystemTimer, Timer, TransportError, TransportErrorKind,
};
use clerk_actor_tokens_mock::conformance::Kit;

type Sent = Result<Response, TransportError>;

/// Hands everything through, but for what is set.
struct Wrapped {
    inner: Arc<dyn HttpTransport>,
    how: How,
    /// What was asked for last.
    last: Mutex<Request>,
}

impl Wrapped {
    fn new(inner: Arc<dyn HttpTransport>, how: How) -> Self {
        Self { inner, how, last: Mutex::default() }
    }
}

#[derive(Clone, Copy)]
enum How {
    Right,
    OwnTimer,
    NoSpawner,
    OwnSpawner,
    Before(fn(&mut Request)),
    After(fn(Sent) -> Sent),
    Again(fn(&Sent) -> bool),
    Detached,
    OnePlace,
}

#[async_trait]
impl HttpTransport for Wrapped {
    async fn send(&self, mut request: Request) -> Sent {
        match self.how {
            How::Before(change) => {
                change(&mut request);
                self.inner.send(request).await
            }
            How::After(change) => change(self.inner.send(request).await),
            How::Again(when) => match self.inner.send(request.clone()).await {
                sent if when(&sent) => self.inner.send(request).await,
                sent => sent,
            },
            How::Detached => {
                let inner = Arc::clone(&self.inner);
                let sent = Arc::new(Mutex::new(None));
                let filled = Arc::clone(&sent);
                std::thread::spawn(move || {
                    let sent = pollster::block_on(inner.send(request));
                    *filled.lock().unwrap() = Some(sent);
                });
                loop {
                    if let Some(sent) = sent.lock().unwrap().take() {
                        return sent;
                    }
                    SystemTimer.sleep(Duration::from_millis(1)).await;
                }
            }
            How::OnePlace => {
                *self.last.lock().unwrap() = request;
                // As one that waits for its turn: others come meanwhile.
                SystemTimer.sleep(Duration::from_millis(1)).await;
                let last = self.last.lock().unwrap().clone();
                self.inner.send(last).await
            }
            How::Right | How::OwnTimer | How::NoSpawner | How::OwnSpawner => self.inner.send(request).await,
        }
    }

    fn timer(&self) -> &dyn Timer {
        match self.how {
            How::OwnTimer => &SystemTimer,
            _ => self.inner.timer(),
        }
    }

    fn executor(&self) -> Option<&dyn Executor> {
        match self.how {
            How::NoSpawner => None,
            How::OwnSpawner => self.inner.executor().or(Some(&Nowhere)),
            _ => self.inner.executor(),
        }
    }
}

struct Nowhere;

impl Executor for Nowhere {
    fn execute(&self, _: BoxFuture<'static, ()>) {}
}

fn failed_by(how: How) -> Vec<String> {
    let report = Kit::of_decorator(move |inner| Wrapped::new(inner, how)).run();
    report.failed().map(|cell| cell.name().to_owned()).collect()
}

const WRONG: &[(&str, How, &str)] = &[
    ("brings a clock of its own", How::OwnTimer, "decorator.timer"),
    ("hides the executor", How::NoSpawner, "decorator.executor"),
    ("makes an executor up", How::OwnSpawner, "decorator.executor"),
    ("changes the method", How::Before(|request| *request.method_mut() = http::Method::PUT), "decorator.request"),
    ("changes the URL", How::Before(|request| *request.uri_mut() = "http://x/".parse().unwrap()), "decorator.request"),
    ("drops the body", How::Before(|request| request.body_mut().clear()), "decorator.request"),
    (
        "keeps one value of a header",
        How::Before(|request| {
            let value = request.headers()["x-many"].clone();
            request.headers_mut().insert("x-many", value);
        }),
        "decorator.request",
    ),
    ("makes the request anew", How::Before(|request| request.extensions_mut().clear()), "decorator.request_extensions"),
    (
        "drops the context",
        How::Before(|request| {
            request.extensions_mut().remove::<CallContext>();
        }),
        "decorator.request_extensions",
    ),
    (
        "drops the wish for a fresh connection",
        How::Before(|request| {
            request.extensions_mut().remove::<FreshConnection>();
        }),
        "decorator.request_extensions",
    ),
    (
        "has a SendState of its own",
        How::Before(|request| {
            request.extensions_mut().insert(SendState::default());
        }),
        "decorator.request_extensions",
    ),
    (
        "takes 5xx for errors",
        How::After(|sent| match sent {
            Ok(response) if response.status().is_server_error() => Err(TransportErrorKind::Other.into()),
            sent => sent,
        }),
        "decorator.answer",
    ),
    (
        "drops the headers of answers",
        How::After(|sent| {
            sent.map(|response| {
                let mut response = response;
                response.headers_mut().clear();
                response
            })
        }),
        "decorator.answer",
    ),
    (
        "drops what comes with an answer",
        How::After(|sent| {
            sent.map(|mut response| {
                response.extensions_mut().remove::<DiscardConnection>();
                response
            })
        }),
        "decorator.answer_extensions",
    ),
    ("makes errors anew", How::After(|sent| sent.map_err(|error| error.kind().into())), "decorator.error"),
    (
        "calls every error an interruption",
        How::After(|sent| {
            sent.map_err(|error| {
                let partial = error.partial().cloned().unwrap_or_default();
                let cause = std::io::Error::other("the cause");
                TransportError::new(TransportErrorKind::Interrupted).with_source(cause).with_partial(partial)
            })
        }),
        "decorator.error",
    ),
    (
        "drops the cause",
        How::After(|sent| {
            sent.map_err(|error| {
                let partial = error.partial().cloned().unwrap_or_default();
                TransportError::new(error.kind()).with_partial(partial)
            })
        }),
        "decorator.error",
    ),
    (
        "sends again after a 503",
        How::Again(|sent| sent.as_ref().is_ok_and(|response| response.status() == 503)),
        "decorator.sends_once",
    ),
    (
        "sends again after a refused connection",
        How::Again(|sent| sent.as_ref().is_err_and(|error| error.kind() == TransportErrorKind::Connect)),
        "decorator.sends_once",
    ),
    ("goes on when it is dropped", How::Detached, "decorator.dropped"),
    ("keeps one place for all requests", How::OnePlace, "decorator.side_by_side"),
];

#[test]
fn a_decorator_that_hands_everything_through_passes() {
    Kit::of_decorator(|inner| Wrapped::new(inner, How::Right)).run().assert();
}

#[test]
fn a_decorator_that_is_wrong_in_one_way_fails_the_cell_that_says_so_and_no_other() {
    for (name, how, cell) in WRONG {
        assert_eq!(failed_by(*how), [*cell], "what {name}");
    }
    let names = Kit::of_decorator(|inner| inner).names();
    for name in &names {
        assert!(WRONG.iter().any(|(_, _, cell)| cell == name), "no wrong decorator fails {name}");
    }
    println!("figure: conformance kit: {} cells of decorators, {} wrong decorators", names.len(), WRONG.len());
}
