//! Many exchanges at once over one transport: none gets what belongs to another.
//!
//! Nothing is demanded of how they are carried: a transport that sends one after the other is right too, and has the time.

use std::{sync::Arc, time::Duration};

use clerk_actor_tokens_core::bytes::Bytes;
use clerk_actor_tokens_core::{
    BoxFuture, CallContext, HttpTransport, Request, Response, SystemTimer, Timer as _, TransportError, transport_fn,
};

use super::{
    decorator::sample,
    row::{Row, Wrap, whole},
};
use crate::{
    peer::EXCHANGE,
    race::{all, within},
    server::{Act, Reads, Seen, Server},
    stage::{Checked, LONG, Outgoing, Stage, demand, exchange_of, fail},
};

/// Where it is written down that there may be many.
const SHARED: &str = "`HttpTransport` is `Sync`: one transport carries many calls at once";

pub(super) static ROWS: [Row<Stage>; 2] = [
    Row {
        name: "answer.side_by_side",
        demand: "Of 16 exchanges at once, each sends its own request and is given its own answer",
        source: SHARED,
        check: |stage| Box::pin(at_once(stage, |_| End::Answered)),
    },
    Row {
        name: "law.side_by_side",
        demand: "Of 16 exchanges at once half break off: those are unknown, and the others are given their own answers",
        source: "the one law: never `NotExecuted` when the server has the request",
        check: |stage| Box::pin(at_once(stage, every_other_breaks)),
    },
];

pub(super) static OF_DECORATORS: [Row<Wrap>; 1] = [Row {
    name: "decorator.side_by_side",
    demand: "Of 16 exchanges at once, each hands its own request in and its own answer out",
    source: SHARED,
    check: |wrap| Box::pin(wrapped_at_once(wrap)),
}];

/// How many exchanges there are at once.
const AT_ONCE: u32 = 16;
/// The second time there are connections to use again, where a transport does that.
const TIMES: usize = 2;
/// How long after the other one exchange ends.
const STEP: Duration = Duration::from_millis(4);

/// How long an exchange is kept waiting: who asks first is answered last.
fn pause(exchange: u32) -> Duration {
    STEP.saturating_mul(AT_ONCE.saturating_sub(exchange % AT_ONCE))
}

/// How the server ends an exchange.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Answered,
    Closed,
    Reset,
}

fn every_other_breaks(exchange: u32) -> End {
    match exchange % 4 {
        1 => End::Closed,
        3 => End::Reset,
        _ => End::Answered,
    }
}

async fn at_once(stage: &Stage, end: fn(u32) -> End) -> Checked {
    let server = Server::start(Reads::Request, move |seen| script(seen, end))?;
    for _ in 0..TIMES {
        let requests: Vec<_> = (0..AT_ONCE).map(|_| stage.post(&server)).collect::<Result<_, _>>()?;
        let exchange = |request| -> BoxFuture<'_, _> { Box::pin(one_of_many(stage, &server, request, end)) };
        all(requests.into_iter().map(exchange).collect()).await?;
    }
    Ok(())
}

/// Answers with what was read, so that the answer says whose it is.
fn script(seen: &Seen, end: fn(u32) -> End) -> Vec<Act> {
    let number = seen.request.header(EXCHANGE).map(String::from_utf8_lossy).unwrap_or_default().into_owned();
    let exchange = number.parse().unwrap_or(0);
    let last = match end(exchange) {
        End::Answered => Act::Write(whole(&format!("200 OK\r\n{EXCHANGE}: {number}"), &seen.request.body).into()),
        End::Closed => Act::Close,
        End::Reset => Act::Reset,
    };
    vec![Act::Pause(pause(exchange)), last]
}

async fn one_of_many(stage: &Stage, server: &Server, mut sent: Outgoing, end: fn(u32) -> End) -> Checked {
    let exchange = exchange_of(&sent.request);
    // One that no other has.
    let body = Bytes::from(format!(r#"{{"user_id":"user_{exchange}"}}"#));
    *sent.request.body_mut() = body.clone();
    // The law, and that each is sent once, are looked at there.
    let ended = stage.send(server, sent).await.map_err(|otherwise| otherwise.about(&name(exchange)))?;
    match end(exchange) {
        End::Answered => {
            let answer = ended.answer().map_err(|otherwise| otherwise.about(&name(exchange)))?;
            is_own(exchange, &body, &answer)
        }
        End::Closed | End::Reset => {
            ended.error().map_err(|otherwise| otherwise.about(&name(exchange)))?;
            let was_read = !server.seen_of(exchange).is_empty();
            demand(was_read, || format!("{}: the server never read the request", name(exchange)))
        }
    }
}

fn name(exchange: u32) -> String {
    format!("exchange {exchange} of many at once")
}

/// Whether an answer is to this exchange, and to the request that it sent.
fn is_own(exchange: u32, body: &Bytes, answer: &Response) -> Checked {
    let of = answer.headers().get(EXCHANGE).and_then(|value| value.to_str().ok()).unwrap_or("none");
    demand(of == exchange.to_string(), || format!("{}: the answer is that of exchange {of}", name(exchange)))?;
    demand(answer.body() == body, || {
        format!("{}: the body that was sent, or that of the answer, is another's", name(exchange))
    })
}

async fn wrapped_at_once(wrap: &Wrap) -> Checked {
    let wrapped = wrap(Arc::new(transport_fn(told)));
    let exchanges = (0..AT_ONCE).map(|exchange| -> BoxFuture<'_, _> { Box::pin(one_wrapped(&*wrapped, exchange)) });
    all(exchanges.collect()).await.map(drop)
}

/// Answers with the number of the exchange.
async fn told(request: Request, _: CallContext) -> Result<Response, TransportError> {
    let exchange = exchange_of(&request);
    SystemTimer.sleep(pause(exchange)).await;
    Ok(Response::new(exchange.to_string().into()))
}

async fn one_wrapped(wrapped: &dyn HttpTransport, exchange: u32) -> Checked {
    let Outgoing { mut request, context } = sample();
    request.headers_mut().insert(EXCHANGE, exchange.into());
    match within(LONG, wrapped.send(request, context)).await {
        Some(Ok(answer)) => demand(answer.body() == exchange.to_string().as_bytes(), || {
            format!("{}: its request, or its answer, became another's", name(exchange))
        }),
        Some(Err(error)) => fail(format!("{}: no answer, but {error:?}", name(exchange))),
        None => fail(format!("{}: it had not ended after {LONG:?}", name(exchange))),
    }
}
