//! Decorators that are wrong on purpose, and the cell that each fails: that and no other.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use clerk_actor_tokens_conformance::Kit;
use clerk_actor_tokens_core::async_trait;
use clerk_actor_tokens_core::{
    BoxFuture, CallContext, Deadline, DiscardConnection, Executor, HttpTransport, Moment, Request, Response,
    SystemTimer, Timer, TransportError, TransportErrorKind,
};
use clerk_actor_tokens_mock::{ManualTimer, WithTimer};

type Sent = Result<Response, TransportError>;

/// Hands everything through, but for what is set.
struct Wrapped {
    inner: Arc<dyn HttpTransport>,
    how: How,
    timer: Ahead,
    /// What was asked for last.
    last: Mutex<Request>,
    /// Whether an exchange is in flight.
    is_busy: Mutex<bool>,
}

impl Wrapped {
    fn new(inner: Arc<dyn HttpTransport>, how: How) -> Self {
        Self { timer: Ahead(Arc::clone(&inner)), inner, how, last: Mutex::default(), is_busy: Mutex::default() }
    }
}

#[derive(Clone, Copy)]
enum How {
    Right,
    OwnTimer,
    TimerAhead,
    NoExecutor,
    OwnExecutor,
    SaysItKeeps,
    WaitsInTurn,
    Knowing(fn(CallContext) -> CallContext),
    Before(fn(&mut Request)),
    After(fn(Sent) -> Sent),
    Again(fn(&Sent) -> bool),
    Detached,
    OnePlace,
}

#[async_trait]
impl HttpTransport for Wrapped {
    async fn send(&self, mut request: Request, context: CallContext) -> Sent {
        match self.how {
            How::Knowing(change) => self.inner.send(request, change(context)).await,
            How::Before(change) => {
                change(&mut request);
                self.inner.send(request, context).await
            }
            How::After(change) => change(self.inner.send(request, context).await),
            How::Again(when) => match self.inner.send(request.clone(), context.clone()).await {
                sent if when(&sent) => self.inner.send(request, context).await,
                sent => sent,
            },
            How::WaitsInTurn => {
                while std::mem::replace(&mut *self.is_busy.lock().unwrap(), true) {
                    SystemTimer.sleep(Duration::from_millis(1)).await;
                }
                let _turn = Turn(&self.is_busy);
                self.inner.send(request, context).await
            }
            How::Detached => {
                let inner = Arc::clone(&self.inner);
                let sent = Arc::new(Mutex::new(None));
                let filled = Arc::clone(&sent);
                std::thread::spawn(move || {
                    let sent = pollster::block_on(inner.send(request, context));
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
                self.inner.send(last, context).await
            }
            How::Right | How::OwnTimer | How::TimerAhead | How::NoExecutor | How::OwnExecutor | How::SaysItKeeps => {
                self.inner.send(request, context).await
            }
        }
    }

    fn timer(&self) -> &dyn Timer {
        match self.how {
            How::OwnTimer => &SystemTimer,
            How::TimerAhead => &self.timer,
            _ => self.inner.timer(),
        }
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        match self.how {
            How::NoExecutor => None,
            How::OwnExecutor => self.inner.executor().or(Some(Arc::new(Nowhere))),
            _ => self.inner.executor(),
        }
    }

    fn keeps_deadlines(&self) -> bool {
        matches!(self.how, How::SaysItKeeps) || self.inner.keeps_deadlines()
    }
}

/// Gives the turn to the next one.
struct Turn<'a>(&'a Mutex<bool>);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.lock().unwrap() = false;
    }
}

/// The clock of the transport inside, a little ahead.
struct Ahead(Arc<dyn HttpTransport>);

impl Timer for Ahead {
    fn now(&self) -> Moment {
        self.0.timer().now().saturating_add(Duration::from_millis(1))
    }

    fn system_time(&self) -> std::time::SystemTime {
        self.0.timer().system_time()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.timer().sleep(duration)
    }
}

/// The context made anew, but for what is set again.
fn anew(context: &CallContext) -> CallContext {
    CallContext::new(context.operation(), context.deadline())
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
    ("brings a clock that is ahead", How::TimerAhead, "decorator.timer"),
    ("says that it keeps deadlines around what keeps none", How::SaysItKeeps, "decorator.keeps_deadlines"),
    ("says that it keeps deadlines, and waits for its turn", How::WaitsInTurn, "decorator.keeps_deadlines"),
    ("hides the executor", How::NoExecutor, "decorator.executor"),
    ("makes an executor up", How::OwnExecutor, "decorator.executor"),
    (
        "changes the method",
        How::Before(|request| *request.method_mut() = clerk_actor_tokens_core::http::Method::PUT),
        "decorator.request",
    ),
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
    ("makes the context anew", How::Knowing(|context| anew(&context)), "decorator.context"),
    ("drops the number of the attempt", How::Knowing(|context| context.with_attempt(1)), "decorator.context"),
    ("raises the cap", How::Knowing(|context| context.with_response_cap(1 << 20)), "decorator.context"),
    (
        "drops the wish for a fresh connection",
        How::Knowing(|context| {
            anew(&context).with_attempt(context.attempt()).with_response_cap(context.response_cap())
        }),
        "decorator.context",
    ),
    (
        "has a SendState of its own",
        How::Knowing(|context| {
            let anew = anew(&context).with_attempt(context.attempt()).with_response_cap(context.response_cap());
            anew.with_fresh_connection()
        }),
        "decorator.context",
    ),
    (
        "gives more time",
        How::Knowing(|context| {
            let later = context.deadline().moment().saturating_add(Duration::from_secs(1));
            context.with_deadline(Deadline::at(later))
        }),
        "decorator.context",
    ),
    (
        "holds what it hands on",
        How::Knowing(|context| {
            context.send_state().hold();
            context
        }),
        "decorator.context",
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
    ("continues when it is dropped", How::Detached, "decorator.dropped"),
    ("keeps one place for all requests", How::OnePlace, "decorator.side_by_side"),
];

#[test]
fn a_decorator_that_hands_everything_through_passes() {
    Kit::of_decorator(|inner| Wrapped::new(inner, How::Right)).run().assert();
}

/// Its clock is another than that of the transport inside: that is what it is for, and no decorator that an application
/// would build passes with it.
#[test]
fn a_decorator_with_another_clock_fails() {
    let report = Kit::of_decorator(|inner| WithTimer::new(inner, ManualTimer::new())).only("decorator.timer").run();
    assert_eq!(report.failed().count(), 1, "{report}");
}

#[test]
fn a_decorator_that_gives_less_time_passes() {
    let early = How::Knowing(|context| {
        let left = context.deadline().remaining(SystemTimer.now()) / 2;
        context.with_deadline(Deadline::after(SystemTimer.now(), left))
    });
    assert_eq!(failed_by(early), [""; 0]);
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
