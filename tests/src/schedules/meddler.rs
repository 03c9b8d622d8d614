//! Middlewares that do to an exchange what a user's may do: drop it, panic around it, send it twice, lie about it.
//!
//! Which of them a program has is data. Each acts on some exchanges and lets the others pass, also those in which the
//! client takes a token back.

use std::{
    fmt,
    future::poll_fn,
    panic::resume_unwind,
    pin::pin,
    sync::atomic::{AtomicU32, Ordering},
    task::Poll,
    time::Duration,
};

use clerk_actor_tokens::{
    async_trait,
    middleware::{Middleware, Next},
    transport::{Request, Response, TransportError, TransportErrorKind},
};

use super::executor::{Patience, StagedPanic, caught, waited_for};

type Exchanged = Result<Response, TransportError>;

/// What a middleware does to an exchange.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    /// It drops the exchange, and fails.
    TimesOut(Patience),
    PanicsBefore,
    /// While the exchange is in flight.
    PanicsAmid(Patience),
    PanicsAfter,
    /// It sends a second time beside the first. The first result wins, and the other is dropped; `needs_answer`: a
    /// failure does not win as long as there is another.
    Hedges {
        after: Duration,
        needs_answer: bool,
    },
    /// It drops the first, and sends a second time.
    Resends(Patience),
    /// It fails where what is inside panics.
    Catches,
    /// It discards the result, and says that there was no connection.
    Lies,
}

/// What a middleware does, and to which exchanges: every `every`th, from number `from` on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meddling {
    pub(super) act: Act,
    pub(super) every: u32,
    pub(super) from: u32,
}

/// A middleware.
pub(super) struct Meddler {
    meddling: Meddling,
    exchanges: AtomicU32,
}

impl Meddler {
    pub(super) fn new(meddling: Meddling) -> Self {
        Self { meddling, exchanges: AtomicU32::new(0) }
    }
}

impl fmt::Debug for Meddler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.meddling.fmt(f)
    }
}

#[async_trait]
impl Middleware for Meddler {
    async fn handle(&self, request: Request, next: Next<'_>) -> Exchanged {
        let number = self.exchanges.fetch_add(1, Ordering::Relaxed);
        let Meddling { act, every, from } = self.meddling;
        if number % every.max(1) != from {
            return next.run(request).await;
        }
        match act {
            Act::TimesOut(patience) => match waited_for(next.run(request), patience, next.timer()).await {
                Some(exchanged) => exchanged,
                None => Err(TransportErrorKind::Timeout.into()),
            },
            Act::PanicsBefore => panics(),
            Act::PanicsAmid(patience) => {
                // It is dropped by the unwinding.
                let mut exchange = pin!(next.run(request));
                match waited_for(exchange.as_mut(), patience, next.timer()).await {
                    Some(exchanged) => exchanged,
                    None => panics(),
                }
            }
            Act::PanicsAfter => {
                let _exchanged = next.run(request).await;
                panics()
            }
            Act::Hedges { after, needs_answer } => {
                let again = request.clone();
                let second = async move {
                    next.timer().sleep(after).await;
                    next.run(again).await
                };
                race(next.run(request), second, needs_answer).await
            }
            Act::Resends(patience) => match waited_for(next.run(request.clone()), patience, next.timer()).await {
                Some(exchanged) => exchanged,
                None => next.run(request).await,
            },
            Act::Catches => match caught(Box::pin(next.run(request))).await {
                Ok(exchanged) => exchanged,
                Err(panic) if panic.is::<StagedPanic>() => Err(TransportError::blocked("a middleware panicked")),
                Err(panic) => resume_unwind(panic),
            },
            Act::Lies => {
                let _exchanged = next.run(request).await;
                Err(TransportErrorKind::Connect.into())
            }
        }
    }
}

/// Unwinds as a panic does. No hook hears of it: there are very many.
fn panics() -> Exchanged {
    resume_unwind(Box::new(StagedPanic))
}

/// Polls both in turn, until one of them wins.
async fn race(
    first: impl Future<Output = Exchanged>,
    second: impl Future<Output = Exchanged>,
    needs_answer: bool,
) -> Exchanged {
    let (mut first, mut second) = (pin!(first), pin!(second));
    let mut has_failed = (false, false);
    poll_fn(|context| {
        if !has_failed.0 {
            match first.as_mut().poll(context) {
                Poll::Ready(Err(_)) if needs_answer && !has_failed.1 => has_failed.0 = true,
                Poll::Ready(exchanged) => return Poll::Ready(exchanged),
                Poll::Pending => {}
            }
        }
        if !has_failed.1 {
            match second.as_mut().poll(context) {
                Poll::Ready(Err(_)) if needs_answer && !has_failed.0 => has_failed.1 = true,
                Poll::Ready(exchanged) => return Poll::Ready(exchanged),
                Poll::Pending => {}
            }
        }
        Poll::Pending
    })
    .await
}
