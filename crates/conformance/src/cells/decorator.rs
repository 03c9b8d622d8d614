//! What wraps a transport hands everything through, and sends once.

mod inside;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use clerk_actor_tokens_core::bytes::Bytes;
use clerk_actor_tokens_core::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use clerk_actor_tokens_core::{
    CallContext, Deadline, DiscardConnection, HttpTransport, Request, Response, SystemTimer, Timer, TransportError,
    TransportErrorKind,
};

use self::inside::{Counting, HandClock, Inside, Punctual, Silent};
use super::row::{CONTRACT, Row, Wrap};
use crate::{
    lock::locked,
    race::{holds, race, within},
    stage::{Checked, INFO, LONG, Otherwise, Outgoing, SHORT, SLACK, demand, fail},
};

pub(super) static ROWS: [Row<Wrap>; 11] = [
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
        name: "decorator.keeps_deadlines",
        demand: "It says `keeps_deadlines` only where it ends by the deadline: not where the transport inside does not, or \
                 where it waits for something else",
        source: CONTRACT,
        check: |wrap| Box::pin(keeps_deadlines(wrap)),
    },
    Row {
        name: "decorator.request",
        demand: "Method, URL, headers and body of the request reach the transport inside (headers may be added)",
        source: CONTRACT,
        check: |wrap| Box::pin(request(wrap)),
    },
    Row {
        name: "decorator.context",
        demand: "The context reaches the transport inside with the same `SendState`, and with no later deadline",
        source: CONTRACT,
        check: |wrap| Box::pin(context(wrap)),
    },
    Row {
        name: "decorator.request_extensions",
        demand: "What a caller put into the extensions of the request reaches the transport inside",
        source: "`Call::extension`: a value for middleware and transports to read",
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

/// What a caller put into the extensions of a request.
#[derive(Debug, Clone, PartialEq)]
struct OfTheCaller(u32);

pub(super) fn sample() -> Outgoing {
    let mut request = Request::new(Bytes::from_static(b"{\"user_id\":\"user_1\"}"));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from_static("http://127.0.0.1:1/v1/actor_tokens?a=b");
    for value in ["one", "two"] {
        request.headers_mut().append("x-many", HeaderValue::from_static(value));
    }
    request.extensions_mut().insert(OfTheCaller(7));
    let context = CallContext::new(&INFO, due(Duration::from_secs(30)));
    Outgoing { request, context: context.with_attempt(3).with_response_cap(1234).with_fresh_connection() }
}

fn due(timeout: Duration) -> Deadline {
    Deadline::after(SystemTimer.now(), timeout)
}

async fn send(wrapped: &dyn HttpTransport, sent: Outgoing) -> Result<Result<Response, TransportError>, Otherwise> {
    match within(SLACK, wrapped.send(sent.request, sent.context)).await {
        Some(result) => Ok(result),
        None => fail(format!("it had not ended after {SLACK:?}, though the transport inside had")),
    }
}

async fn timer(wrap: &Wrap) -> Checked {
    let inside = HandClock::default();
    let timed = Inside { timer: Arc::new(inside.clone()), ..Inside::new(|| Ok(Response::default())) };
    let wrapped = wrap(Arc::new(timed));
    for _ in 0..2 {
        demand(wrapped.timer().now() == inside.now(), || "its clock is another".into())?;
        inside.advance_an_hour();
    }
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
    let sent = sample();
    let given = sent.request.clone();
    let got = reaching(wrap, sent).await?.request;
    demand(got.method() == given.method() && got.uri() == given.uri(), || "method or URL are others".into())?;
    demand(got.body() == given.body(), || "the body is another".into())?;
    let many = |headers: &HeaderMap| headers.get_all("x-many").iter().cloned().collect::<Vec<_>>();
    demand(many(got.headers()) == many(given.headers()), || "a header is another".into())
}

/// What reaches the transport inside.
async fn reaching(wrap: &Wrap, sent: Outgoing) -> Result<Outgoing, Otherwise> {
    let seen = Arc::new(std::sync::Mutex::new(None));
    let keep = Arc::clone(&seen);
    let inside = clerk_actor_tokens_core::transport_fn(move |request: Request, context: CallContext| {
        *locked(&keep) = Some(Outgoing { request, context });
        std::future::ready(Ok(Response::default()))
    });
    send(&*wrap(Arc::new(inside)), sent).await?.ok();
    match locked(&seen).take() {
        Some(got) => Ok(got),
        None => fail("nothing reached the transport inside"),
    }
}

async fn context(wrap: &Wrap) -> Checked {
    let sent = sample();
    let given = sent.context.clone();
    let got = reaching(wrap, sent).await?.context;
    demand(got.operation() == given.operation(), || "the operation is another".into())?;
    demand(got.attempt() == given.attempt(), || "the number of the attempt is another".into())?;
    demand(got.response_cap() == given.response_cap(), || "the cap is another".into())?;
    demand(got.wants_fresh_connection(), || "the wish for a fresh connection was lost".into())?;
    demand(got.deadline() <= given.deadline(), || "the deadline is later".into())?;
    // Nothing was said before: what is said inside is seen outside.
    demand(!given.send_state().is_held(), || "it held what it hands on".into())?;
    got.send_state().hold();
    demand(given.send_state().is_held(), || "the `SendState` is another".into())
}

async fn request_extensions(wrap: &Wrap) -> Checked {
    let got = reaching(wrap, sample()).await?;
    demand(got.request.extensions().get() == Some(&OfTheCaller(7)), || "they were lost".into())
}

async fn keeps_deadlines(wrap: &Wrap) -> Checked {
    let bounded = |timeout| {
        let Outgoing { request, context } = sample();
        Outgoing { request, context: context.with_deadline(due(timeout)) }
    };
    let [short, _] = SHORT;
    // Inside is one that answers nothing and knows no deadline.
    let hanging = wrap(Arc::new(Silent::default()));
    if hanging.keeps_deadlines() {
        let Outgoing { request, context } = bounded(short);
        let ended = within(short.saturating_add(SLACK), hanging.send(request, context)).await;
        demand(ended.is_some(), || "it says so, and hangs where the transport inside does".into())?;
    }
    // Inside is one that keeps them, also beside a long exchange.
    let inside = Punctual::default();
    let begun = Arc::clone(&inside.begun);
    let wrapped = wrap(Arc::new(inside));
    if !wrapped.keeps_deadlines() {
        return Ok(());
    }
    let other = bounded(LONG);
    let beside = async {
        let is_begun = holds(SLACK, || begun.load(Ordering::SeqCst) == 1).await;
        demand(is_begun, || "the exchange inside was not begun".into())?;
        let Outgoing { request, context } = bounded(short);
        let ended = within(short.saturating_add(SLACK), wrapped.send(request, context)).await;
        demand(ended.is_some(), || {
            "it says so, and waits beyond the deadline while another exchange is in flight".into()
        })
    };
    let going_on = async {
        wrapped.send(other.request, other.context).await.ok();
    };
    match race(beside, going_on).await {
        Some(checked) => checked,
        None => fail("an exchange ended before its deadline, without an answer"),
    }
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
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
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
    let inside = Silent::default();
    let wrapped = wrap(Arc::new(inside.clone()));
    let begun = holds(SLACK, || inside.in_flight() == 1);
    let begun = async {
        begun.await;
    };
    let Outgoing { request, context } = sample();
    let ended = race(wrapped.send(request, context), begun).await;
    demand(ended.is_none() && inside.begun.load(Ordering::SeqCst) == 1, || "the exchange inside was not begun".into())?;
    let gone = holds(SLACK, || inside.in_flight() == 0).await;
    demand(gone, || format!("the exchange inside went on for {SLACK:?}"))
}
