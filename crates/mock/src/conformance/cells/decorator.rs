//! What wraps a transport hands everything through, and sends once.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use clerk_actor_tokens_core::{
    BoxFuture, CallContext, Deadline, DiscardConnection, Executor, FreshConnection, HttpTransport, Request, Response,
    SendState, Timer, TransportError, TransportErrorKind,
};
use http::{HeaderValue, Method, Uri};

use super::row::{CONTRACT, Row, Wrap};
use crate::{
    CapturingTransport, ManualTimer, NeverTransport, WithTimer,
    conformance::{
        race::within,
        stage::{Checked, INFO, Otherwise, SLACK, demand, fail},
    },
    lock::locked,
};

pub(super) static ROWS: [Row<Wrap>; 9] = [
    Row {
        name: "decorator.timer",
        demand: "Its timer is that of the transport inside",
        source: CONTRACT,
        check: |wrap| Box::pin(timer(wrap)),
    },
    Row {
        name: "decorator.executor",
        demand: "Its executor is that of the transport inside, and it has none where that has none",
        source: CONTRACT,
        check: |wrap| Box::pin(executor(wrap)),
    },
    Row {
        name: "decorator.request",
        demand: "Method, URL, headers and body of the request reach the transport inside (headers may be added)",
        source: CONTRACT,
        check: |wrap| Box::pin(request(wrap)),
    },
    Row {
        name: "decorator.request_extensions",
        demand: "`CallContext`, `SendState` and `FreshConnection` reach the transport inside",
        source: CONTRACT,
        check: |wrap| Box::pin(request_extensions(wrap)),
    },
    Row {
        name: "decorator.answer",
        demand: "Status, headers and body of an answer are handed on, whatever the status",
        source: CONTRACT,
        check: |wrap| Box::pin(answer(wrap)),
    },
    Row {
        name: "decorator.answer_extensions",
        demand: "`DiscardConnection` is handed on with the answer",
        source: CONTRACT,
        check: |wrap| Box::pin(answer_extensions(wrap)),
    },
    Row {
        name: "decorator.error",
        demand: "An error is handed on with its kind, its cause and the partial answer",
        source: CONTRACT,
        check: |wrap| Box::pin(error(wrap)),
    },
    Row {
        name: "decorator.sends_once",
        demand: "It sends once, however that ends",
        source: CONTRACT,
        check: |wrap| Box::pin(sends_once(wrap)),
    },
    Row {
        name: "decorator.dropped",
        demand: "A future that is dropped drops the exchange inside",
        source: CONTRACT,
        check: |wrap| Box::pin(dropped(wrap)),
    },
];

/// What every wrapped transport of a cell ends with.
type Outcome = Arc<dyn Fn() -> Result<Response, TransportError> + Send + Sync>;

/// Ends each exchange in the same way, and counts them.
struct Inside {
    outcome: Outcome,
    sends: Arc<AtomicUsize>,
    executor: Option<Counting>,
}

impl Inside {
    fn new(outcome: impl Fn() -> Result<Response, TransportError> + Send + Sync + 'static) -> Self {
        Self { outcome: Arc::new(outcome), sends: Arc::default(), executor: None }
    }
}

#[async_trait]
impl HttpTransport for Inside {
    async fn send(&self, _: Request) -> Result<Response, TransportError> {
        self.sends.fetch_add(1, Ordering::SeqCst);
        (self.outcome)()
    }

    fn executor(&self) -> Option<&dyn Executor> {
        self.executor.as_ref().map(|executor| executor as &dyn Executor)
    }
}

/// Counts the tasks that it is given, and runs none.
#[derive(Clone, Default)]
struct Counting(Arc<AtomicUsize>);

impl Executor for Counting {
    fn execute(&self, _: BoxFuture<'static, ()>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

pub(super) fn sample() -> Request {
    let mut request = Request::new(Bytes::from_static(b"{\"user_id\":\"user_1\"}"));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from_static("http://127.0.0.1:1/v1/actor_tokens?a=b");
    for value in ["one", "two"] {
        request.headers_mut().append("x-many", HeaderValue::from_static(value));
    }
    let deadline = Deadline::after(std::time::Instant::now(), Duration::from_secs(30));
    let extensions = request.extensions_mut();
    extensions.insert(CallContext::new(&INFO, deadline).with_attempt(3).with_response_cap(1234));
    extensions.insert(SendState::default());
    extensions.insert(FreshConnection);
    request
}

async fn send(wrapped: &dyn HttpTransport, request: Request) -> Result<Result<Response, TransportError>, Otherwise> {
    match within(SLACK, wrapped.send(request)).await {
        Some(result) => Ok(result),
        None => fail(format!("it had not ended after {SLACK:?}, though the transport inside had")),
    }
}

async fn timer(wrap: &Wrap) -> Checked {
    let inside = ManualTimer::new();
    let wrapped = wrap(Arc::new(WithTimer::new(Inside::new(|| Ok(Response::default())), inside.clone())));
    let before = wrapped.timer().now();
    inside.advance(Duration::from_secs(3600));
    let moved = wrapped.timer().now().saturating_duration_since(before);
    demand(moved == Duration::from_secs(3600), || "its clock is another".into())?;
    demand(wrapped.timer().system_time() == inside.system_time(), || "its calendar is another".into())
}

async fn executor(wrap: &Wrap) -> Checked {
    let executor = Counting::default();
    let with = Inside { executor: Some(executor.clone()), ..Inside::new(|| Ok(Response::default())) };
    let wrapped = wrap(Arc::new(with));
    match wrapped.executor() {
        Some(outside) => outside.execute(Box::pin(async {})),
        None => return fail("the transport inside has one, and it has none"),
    }
    demand(executor.0.load(Ordering::SeqCst) == 1, || "a task did not reach the executor inside".into())?;
    let without = wrap(Arc::new(Inside::new(|| Ok(Response::default()))));
    demand(without.executor().is_none(), || "the transport inside has none, and it has one".into())
}

async fn request(wrap: &Wrap) -> Checked {
    let inside = CapturingTransport::new(Inside::new(|| Ok(Response::default())));
    let wrapped = wrap(Arc::new(inside.clone()));
    let given = sample();
    send(&*wrapped, given.clone()).await?.ok();
    let requests = inside.requests();
    let Some(got) = requests.first() else { return fail("nothing reached the transport inside") };
    demand(got.method() == given.method() && got.uri() == given.uri(), || "method or URL are others".into())?;
    demand(got.body() == given.body(), || "the body is another".into())?;
    let many = |headers: &http::HeaderMap| headers.get_all("x-many").iter().cloned().collect::<Vec<_>>();
    demand(many(got.headers()) == many(given.headers()), || "a header is another".into())
}

async fn request_extensions(wrap: &Wrap) -> Checked {
    let seen = Arc::new(std::sync::Mutex::new(None));
    let keep = Arc::clone(&seen);
    let inside = clerk_actor_tokens_core::transport_fn(move |request: Request| {
        *locked(&keep) = Some(request);
        std::future::ready(Ok(Response::default()))
    });
    let given = sample();
    let send_state = SendState::of(&given).cloned().unwrap_or_default();
    send(&*wrap(Arc::new(inside)), given).await?.ok();
    let Some(got) = locked(&seen).take() else { return fail("nothing reached the transport inside") };
    let context = CallContext::of(&got).map(|context| (context.attempt(), context.response_cap()));
    demand(context == Some((3, 1234)), || "the `CallContext` is another, or none".into())?;
    demand(got.extensions().get::<FreshConnection>().is_some(), || "`FreshConnection` was lost".into())?;
    let Some(inner) = SendState::of(&got) else { return fail("the `SendState` was lost") };
    inner.hold();
    demand(format!("{send_state:?}") == format!("{inner:?}"), || "the `SendState` is another".into())
}

async fn answer(wrap: &Wrap) -> Checked {
    for status in [200, 307, 422, 429, 500, 503] {
        let wrapped = wrap(Arc::new(Inside::new(move || Ok(response(status)))));
        let Ok(got) = send(&*wrapped, sample()).await? else { return fail(format!("status {status} became an error")) };
        demand(is_response(&got, status), || format!("an answer with status {status} was changed"))?;
    }
    Ok(())
}

fn response(status: u16) -> Response {
    let mut response = Response::new(Bytes::from_static(b"\x00the body\xff"));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    for value in ["one", "two"] {
        response.headers_mut().append("x-many", HeaderValue::from_static(value));
    }
    response
}

fn is_response(got: &Response, status: u16) -> bool {
    let expected = response(status);
    got.status() == expected.status()
        && got.body() == expected.body()
        && got.headers().get_all("x-many").iter().eq(expected.headers().get_all("x-many").iter())
}

async fn answer_extensions(wrap: &Wrap) -> Checked {
    let discarded = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&discarded);
    let wrapped = wrap(Arc::new(Inside::new(move || {
        let (mut response, count) = (response(200), Arc::clone(&count));
        response.extensions_mut().insert(DiscardConnection::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
        }));
        Ok(response)
    })));
    let Ok(got) = send(&*wrapped, sample()).await? else { return fail("an answer became an error") };
    match got.extensions().get::<DiscardConnection>() {
        Some(handle) => handle.discard(),
        None => return fail("it was lost"),
    }
    demand(discarded.load(Ordering::SeqCst) == 1, || "it discards another connection".into())
}

/// Kinds that a decorator might be tempted to change or to act on.
const KINDS: [TransportErrorKind; 6] = [
    TransportErrorKind::Connect,
    TransportErrorKind::Refused,
    TransportErrorKind::TimeoutBeforeSend,
    TransportErrorKind::Timeout,
    TransportErrorKind::Interrupted,
    TransportErrorKind::BodyTooLarge,
];

fn failing(kind: TransportErrorKind) -> Inside {
    Inside::new(move || {
        let cause = io::Error::new(io::ErrorKind::ConnectionReset, "the cause");
        Err(TransportError::new(kind).with_source(cause).with_partial(response(422)))
    })
}

async fn error(wrap: &Wrap) -> Checked {
    for kind in KINDS {
        let wrapped = wrap(Arc::new(failing(kind)));
        let Err(got) = send(&*wrapped, sample()).await? else { return fail(format!("{kind:?} became an answer")) };
        demand(got.kind() == kind, || format!("{kind:?} became {:?}", got.kind()))?;
        let has_cause = std::error::Error::source(&got).is_some_and(|cause| cause.is::<io::Error>());
        demand(has_cause, || format!("the cause of {kind:?} was lost"))?;
        let has_partial = got.partial().is_some_and(|partial| is_response(partial, 422));
        demand(has_partial, || format!("the partial answer of {kind:?} was lost or changed"))?;
    }
    Ok(())
}

async fn sends_once(wrap: &Wrap) -> Checked {
    let refused = [429, 500, 503].map(|status| (format!("status {status}"), Inside::new(move || Ok(response(status)))));
    let failed = KINDS.map(|kind| (format!("{kind:?}"), failing(kind)));
    for (what, inside) in refused.into_iter().chain(failed) {
        let sends = Arc::clone(&inside.sends);
        send(&*wrap(Arc::new(inside)), sample()).await?.ok();
        let sends = sends.load(Ordering::SeqCst);
        demand(sends == 1, || format!("on {what} it sent {sends} times"))?;
    }
    Ok(())
}

async fn dropped(wrap: &Wrap) -> Checked {
    let inside = NeverTransport::new();
    let wrapped = wrap(Arc::new(inside.clone()));
    let begun = crate::conformance::race::holds(SLACK, || inside.in_flight() == 1);
    let begun = async {
        begun.await;
    };
    let ended = crate::conformance::race::race(wrapped.send(sample()), begun).await;
    demand(ended.is_none() && inside.started() == 1, || "the exchange inside was not begun".into())?;
    let gone = crate::conformance::race::holds(SLACK, || inside.in_flight() == 0).await;
    demand(gone, || format!("the exchange inside went on for {SLACK:?}"))
}
