//! A limit on how many requests leave in ten seconds, kept on this side.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    future::poll_fn,
    ops::RangeBounds,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::{Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;

use crate::{
    lock::Lock,
    middleware::{Middleware, Next},
    operation_info::Idempotency,
    time::{BoxFuture, Deadline, Moment, Timer},
    transport::{Request, Response, TransportError, TransportErrorKind},
};

/// The window that Clerk counts in.
const WINDOW: Duration = Duration::from_secs(10);

/// What a creation needs at least to be made, once it has passed. One that is sent right before its deadline ends with no one knowing
/// whether it made a token.
const EXCHANGE: Duration = Duration::from_secs(1);

/// Lets so many requests pass in any ten seconds, and has the others wait in order.
///
/// Clerk counts the requests of an instance, and responds to those above its limit with 429
/// ([rate limits](https://clerk.com/docs/guides/how-clerk-works/system-limits)). A 429 proves that nothing was done, so the client sends
/// again by itself. This keeps the 429 from coming: for a batch, or for a share of the limit that the rest of the application needs.
///
/// - Each attempt counts, at the moment in which it passes. Add this last, so that what passes is sent at once.
/// - Revocations, and all else that is idempotent, go first: a token that is to be revoked is not to wait behind a batch.
/// - Of each sort, no one passes at an earlier moment than one that came before it. One that leaves makes room for the next. One that
///   is not polled keeps its place until its deadline, and the others pass beside it, as far as there are places.
/// - A creation that would pass beyond its deadline, or within a second of it, fails at once as
///   [`RateLimited`](crate::ErrorKind::RateLimited), with the time to wait. Nothing is sent.
///
/// Clones share the limit: give one to each client of the same instance in a process. They need the same clock, as all real transports have.
///
/// ```
/// use clerk_actor_tokens_core::{Client, RateLimit, Response, SecretKey, transport_fn};
///
/// # let transport = transport_fn(|_request, _context| async { Ok(Response::default()) });
/// let clerk = Client::builder(transport, SecretKey::new("sk_test_abc")?)
///     .middleware(RateLimit::development())
///     .build()?;
/// # let _ = clerk;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RateLimit {
    limit: usize,
    state: Arc<Lock<State>>,
}

/// A place in the queue: by sort, then by arrival.
type Place = (Sort, u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    Idempotent,
    Creation,
}

#[derive(Default)]
struct State {
    /// When those passed that count still.
    passed: VecDeque<Moment>,
    waiting: BTreeMap<Place, Waiter>,
    next: u64,
}

struct Waiter {
    /// After that its place is another's.
    until: Moment,
    waker: Option<Waker>,
}

impl State {
    /// Forgets what passed longer ago than the window, and who is past its deadline at the head of the queue. Those behind move up.
    fn forget(&mut self, now: Moment, limit: usize) -> Left {
        while self.passed.front().is_some_and(|at| now >= at.saturating_add(WINDOW)) {
            self.passed.pop_front();
        }
        let mut late = Vec::new();
        while let Some(first) = self.waiting.first_entry() {
            if first.get().until > now {
                break;
            }
            late.push(first.remove());
        }
        let to_wake = if late.is_empty() { Vec::new() } else { self.wakers_of(.., limit) };
        Left { late, to_wake }
    }

    /// The wakers of the first ones of these places, as many as can pass at one moment.
    fn wakers_of(&mut self, places: impl RangeBounds<Place>, limit: usize) -> Vec<Waker> {
        self.waiting.range_mut(places).take(limit).filter_map(|(_, waiter)| waiter.waker.take()).collect()
    }
}

/// Who left the queue, and those who move up and have to look again. Wakers are the user's: they are woken and dropped unlocked, and
/// each for itself.
#[derive(Default)]
struct Left {
    late: Vec<Waiter>,
    to_wake: Vec<Waker>,
}

impl Drop for Left {
    fn drop(&mut self) {
        for waker in self.to_wake.drain(..) {
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
        for waiter in self.late.drain(..) {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(waiter)));
        }
    }
}

/// Whose turn it is.
enum Turn {
    Passes,
    /// Not before this moment, unless another leaves.
    NotBefore(Moment),
    /// Its deadline has passed.
    Late,
}

impl RateLimit {
    /// Clerk's limit for a production instance: 1,000 requests in 10 s.
    #[must_use]
    pub fn production() -> Self {
        Self::per_10s(1_000)
    }

    /// Clerk's limit for a development instance: 100 requests in 10 s.
    #[must_use]
    pub fn development() -> Self {
        Self::per_10s(100)
    }

    /// A limit of one's own, such as a share of Clerk's. At least one passes: 0 counts as 1.
    #[must_use]
    pub fn per_10s(requests: u32) -> Self {
        Self { limit: usize::try_from(requests.max(1)).unwrap_or(usize::MAX), state: Arc::default() }
    }

    /// Waits for its turn.
    async fn pass(&self, timer: &dyn Timer, deadline: Deadline, sort: Sort) -> Result<(), TransportError> {
        let ticket = self.queue(timer.now(), deadline, sort).map_err(TransportError::rate_limited)?;
        let mut sleep: Option<(Moment, BoxFuture<'static, ()>)> = None;
        poll_fn(|task| {
            loop {
                let now = timer.now();
                let free = match ticket.turn(now, task.waker().clone()) {
                    Turn::Passes => return Poll::Ready(Ok(())),
                    Turn::Late => return Poll::Ready(Err(TransportErrorKind::TimeoutBeforeSend.into())),
                    Turn::NotBefore(free) => free,
                };
                let until = free.min(now.saturating_add(deadline.remaining(now)));
                if sleep.as_ref().is_none_or(|(armed, _)| *armed != until) {
                    sleep = Some((until, timer.sleep(until.saturating_duration_since(now))));
                }
                let is_over = sleep.as_mut().is_none_or(|(_, sleeping)| sleeping.as_mut().poll(task).is_ready());
                if !is_over {
                    return Poll::Pending;
                }
                // It may have ended early: what counts is the time.
                sleep = None;
            }
        })
        .await
    }

    /// Takes a place in the queue. An error with the time to wait, if a creation's turn comes too late for it.
    fn queue(&self, now: Moment, deadline: Deadline, sort: Sort) -> Result<Ticket<'_>, Duration> {
        let (queued, _left) = self.state.with(|state| {
            let left_queue = state.forget(now, self.limit);
            // Of those before it, a whole limit passes in each window; the rest passes as the slots of this one become free.
            let before = state.waiting.len();
            let (rounds, rest) = (before / self.limit, before % self.limit);
            let slot = state.passed.len().saturating_add(rest).checked_sub(self.limit);
            let free = slot.and_then(|slot| state.passed.get(slot)).map_or(now, |at| at.saturating_add(WINDOW));
            let rounds = WINDOW.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX));
            let wait = free.saturating_add(rounds).saturating_duration_since(now);
            let left = deadline.remaining(now);
            if sort == Sort::Creation && !wait.is_zero() && wait.saturating_add(EXCHANGE) >= left {
                return (Err(wait), left_queue);
            }
            let place = (sort, state.next);
            state.next = state.next.wrapping_add(1);
            state.waiting.insert(place, Waiter { until: now.saturating_add(left), waker: None });
            (Ok(Ticket { limit: self, place }), left_queue)
        });
        queued
    }
}

/// A place in the queue, until it is dropped.
struct Ticket<'a> {
    limit: &'a RateLimit,
    place: Place,
}

impl Ticket<'_> {
    fn turn(&self, now: Moment, waker: Waker) -> Turn {
        let limit = self.limit.limit;
        // Wakers are the user's: they are dropped unlocked.
        let (turn, _old) = self.limit.state.with(|state| {
            let mut left = state.forget(now, limit);
            let Some(waiter) = state.waiting.get_mut(&self.place).filter(|waiter| waiter.until > now) else {
                return (Turn::Late, (left, Some(waker)));
            };
            let old = waiter.waker.replace(waker);
            let is_alive = |waiter: &Waiter| waiter.until > now;
            let before = state.waiting.range(..self.place).filter(|(_, waiter)| is_alive(waiter)).take(limit).count();
            let free = limit.saturating_sub(state.passed.len());
            if before < free {
                state.passed.push_back(now);
                left.late.extend(state.waiting.remove(&self.place));
                return (Turn::Passes, (left, old));
            }
            // The slot that is its own, if all before it pass. Further behind, it looks again when this window is over.
            let own = state.passed.get(before.saturating_sub(free)).or(state.passed.back());
            (Turn::NotBefore(own.copied().unwrap_or(now).saturating_add(WINDOW)), (left, old))
        });
        turn
    }
}

impl Drop for Ticket<'_> {
    /// One that leaves and has not passed: those behind move up, and look again.
    fn drop(&mut self) {
        let left = self.limit.state.with(|state| {
            let own = state.waiting.remove(&self.place)?;
            Some(Left { late: vec![own], to_wake: state.wakers_of(self.place.., self.limit.limit) })
        });
        drop(left);
    }
}

#[async_trait]
impl Middleware for RateLimit {
    async fn handle(&self, request: Request, next: Next<'_>) -> Result<Response, TransportError> {
        let sort = match next.context().operation().idempotency() {
            Idempotency::Idempotent => Sort::Idempotent,
            Idempotency::NonIdempotent => Sort::Creation,
        };
        self.pass(next.timer(), next.context().deadline(), sort).await?;
        next.run(request).await
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit").field("per_10s", &self.limit).finish_non_exhaustive()
    }
}
