//! A limit on how many requests leave in ten seconds, kept on this side.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;

use crate::{
    lock::Lock,
    middleware::{Middleware, Next},
    time::{BoxFuture, Deadline, Moment, Timer},
    transport::{Request, Response, TransportError},
};

/// The window that Clerk counts in.
const WINDOW: Duration = Duration::from_secs(10);

/// Lets so many requests pass in any ten seconds, and has the others wait in order.
///
/// Clerk counts the requests of an instance, and responds to those above its limit with 429
/// ([rate limits](https://clerk.com/docs/guides/how-clerk-works/system-limits)). A 429 proves that nothing was done, so the client sends
/// again by itself. This keeps the 429 from coming: for a batch, or for a share of the limit that the rest of the application needs.
///
/// Each attempt counts, at the moment in which it passes. Add it last, so that it passes right before it is sent. A call that would wait
/// beyond its deadline fails at once as [`RateLimited`](crate::ErrorKind::RateLimited), with the time to wait, and nothing is
/// sent. Those who wait pass in the order in which they came; one that leaves makes room for the next.
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

#[derive(Default)]
struct State {
    /// When those passed that count still.
    passed: VecDeque<Moment>,
    /// Who waits, in order.
    waiting: BTreeMap<u64, Option<Waker>>,
    next: u64,
}

impl State {
    /// Forgets what passed longer ago than the window.
    fn forget(&mut self, now: Moment) {
        while self.passed.front().is_some_and(|at| now >= at.saturating_add(WINDOW)) {
            self.passed.pop_front();
        }
    }

    fn first_waker(&self) -> Option<Waker> {
        self.waiting.first_key_value()?.1.clone()
    }
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

    /// A limit of one's own, such as a share of Clerk's. With 0, each call fails.
    #[must_use]
    pub fn per_10s(requests: u32) -> Self {
        Self { limit: usize::try_from(requests).unwrap_or(usize::MAX), state: Arc::default() }
    }

    /// Waits for its turn. An error with the time to wait, if that is beyond the deadline.
    async fn pass(&self, timer: &dyn Timer, deadline: Deadline) -> Result<(), Duration> {
        let ticket = self.queue(timer.now(), deadline)?;
        let mut sleep: Option<(Moment, BoxFuture<'static, ()>)> = None;
        poll_fn(|task| {
            loop {
                let now = timer.now();
                let until = match ticket.turn(now, task) {
                    Turn::Passes => return Poll::Ready(Ok(())),
                    _ if deadline.has_passed(now) => return Poll::Ready(Err(WINDOW)),
                    Turn::FreeAt(free) => free,
                    // Those before may be slow.
                    Turn::Waits => now.saturating_add(deadline.remaining(now)),
                };
                let is_armed = sleep.as_ref().is_some_and(|(armed, _)| *armed == until);
                if !is_armed {
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

    /// Takes a place in the queue, unless its turn comes after the deadline.
    fn queue(&self, now: Moment, deadline: Deadline) -> Result<Ticket<'_>, Duration> {
        self.state.with(|state| {
            state.forget(now);
            // Of those before it, a whole limit passes in each window; the rest passes as the slots of this one become free.
            let before = state.waiting.len();
            let (Some(rounds), Some(rest)) = (before.checked_div(self.limit), before.checked_rem(self.limit)) else {
                return Err(WINDOW);
            };
            let slot = state.passed.len().saturating_add(rest).checked_sub(self.limit);
            let free = slot.and_then(|slot| state.passed.get(slot)).map_or(now, |at| at.saturating_add(WINDOW));
            let rounds = WINDOW.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX));
            let wait = free.saturating_add(rounds).saturating_duration_since(now);
            if !wait.is_zero() && wait >= deadline.remaining(now) {
                return Err(wait);
            }
            let number = state.next;
            state.next = state.next.wrapping_add(1);
            state.waiting.insert(number, None);
            Ok(Ticket { limit: self, number })
        })
    }
}

/// Whose turn it is.
enum Turn {
    Passes,
    /// It is the first, and its slot becomes free at this moment.
    FreeAt(Moment),
    /// Others are before it.
    Waits,
}

/// A place in the queue. Dropped, passed or not, it makes room for the next.
struct Ticket<'a> {
    limit: &'a RateLimit,
    number: u64,
}

impl Ticket<'_> {
    fn turn(&self, now: Moment, task: &Context<'_>) -> Turn {
        self.limit.state.with(|state| {
            let is_first = state.waiting.first_key_value().is_some_and(|(first, _)| *first == self.number);
            if is_first {
                state.forget(now);
                if state.passed.len() < self.limit.limit {
                    state.passed.push_back(now);
                    return Turn::Passes;
                }
            }
            if let Some(waker) = state.waiting.get_mut(&self.number) {
                *waker = Some(task.waker().clone());
            }
            match state.passed.front() {
                Some(oldest) if is_first => Turn::FreeAt(oldest.saturating_add(WINDOW)),
                _ => Turn::Waits,
            }
        })
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let (own, next) = self.limit.state.with(|state| (state.waiting.remove(&self.number), state.first_waker()));
        // Unlocked: a waker is the user's.
        drop(own);
        if let Some(next) = next {
            next.wake();
        }
    }
}

#[async_trait]
impl Middleware for RateLimit {
    async fn handle(&self, request: Request, next: Next<'_>) -> Result<Response, TransportError> {
        self.pass(next.timer(), next.context().deadline()).await.map_err(TransportError::rate_limited)?;
        next.run(request).await
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit").field("per_10s", &self.limit).finish_non_exhaustive()
    }
}
