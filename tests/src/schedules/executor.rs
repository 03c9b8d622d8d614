//! An executor for one thread: it polls everything in turn, so that a program with the same seed runs the same way.
//!
//! It is the executor of the clients under test too. A task that panics ends, as it does in a runtime. Nothing wakes anything: every task is polled in every round, which is
//! also what moves the emulator's clock.

use std::{
    any::Any,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use clerk_actor_tokens::transport::{BoxFuture, Executor, Timer};

/// More rounds than any program needs: one that takes more has come to a standstill.
const ROUNDS: u32 = 500_000;

/// What becomes of the tasks that are handed over to run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// They run to their end.
    Runs,
    /// They are dropped at once: a runtime that is no more.
    Refused,
    /// They are dropped after so many polls: a runtime that ends.
    EndsAfter(u32),
}

/// Takes tasks over.
#[derive(Clone)]
pub(super) struct Spawned {
    fate: Fate,
    new: Arc<Mutex<Vec<BoxFuture<'static, ()>>>>,
}

impl Spawned {
    pub(super) fn new(fate: Fate) -> Self {
        Self { fate, new: Arc::default() }
    }

    fn take(&self) -> Vec<BoxFuture<'static, ()>> {
        std::mem::take(&mut *self.new.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Polls these tasks and what they spawn, in turn, until all have ended.
    ///
    /// # Errors
    /// There was a standstill, or a panic that is no middleware's.
    pub(super) fn run(&self, tasks: Vec<BoxFuture<'static, ()>>) -> Result<(), &'static str> {
        let mut context = Context::from_waker(Waker::noop());
        let mut tasks = tasks;
        // With the number of their polls.
        let mut spawned: Vec<(u32, BoxFuture<'static, ()>)> = Vec::new();
        let mut has_panicked = false;
        let mut is_pending = |task: &mut BoxFuture<'static, ()>| match catch_unwind(AssertUnwindSafe(|| {
            task.as_mut().poll(&mut context)
        })) {
            Ok(polled) => polled.is_pending(),
            Err(panic) => {
                has_panicked |= !panic.is::<StagedPanic>();
                false
            }
        };
        let mut rounds = 0..ROUNDS;
        while rounds.next().is_some() {
            tasks.retain_mut(&mut is_pending);
            spawned.extend(self.take().into_iter().map(|task| (0, task)));
            spawned.retain_mut(|(polls, task)| {
                *polls = polls.saturating_add(1);
                is_pending(task) && !self.is_over(*polls)
            });
            if tasks.is_empty() && spawned.is_empty() && self.is_idle() {
                return if has_panicked { Err("a task panicked") } else { Ok(()) };
            }
        }
        Err("a standstill")
    }

    fn is_over(&self, polls: u32) -> bool {
        matches!(self.fate, Fate::EndsAfter(most) if polls >= most)
    }

    fn is_idle(&self) -> bool {
        self.new.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

impl Executor for Spawned {
    fn execute(&self, task: BoxFuture<'static, ()>) {
        if self.fate != Fate::Refused {
            self.new.lock().unwrap_or_else(PoisonError::into_inner).push(task);
        }
    }
}

/// How long somebody waits for a call, or a middleware for an exchange.
#[derive(Debug, Clone, Copy)]
pub(super) enum Patience {
    Endless,
    /// For so many polls.
    Polls(u32),
    /// For so much time.
    Time(Duration),
}

/// Runs a future for as long as there is patience. `None` if it was dropped.
pub(super) async fn waited_for<T>(future: impl Future<Output = T>, patience: Patience, timer: &dyn Timer) -> Option<T> {
    let mut future = pin!(future);
    let mut polls = 0u32;
    let mut end = match patience {
        Patience::Time(duration) => Some(timer.sleep(duration)),
        _ => None,
    };
    poll_fn(move |context| {
        if let Poll::Ready(value) = future.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        polls = polls.saturating_add(1);
        let out_of_polls = matches!(patience, Patience::Polls(most) if polls >= most);
        let out_of_time = end.as_mut().is_some_and(|end| end.as_mut().poll(context).is_ready());
        if out_of_polls || out_of_time { Poll::Ready(None) } else { Poll::Pending }
    })
    .await
}

/// What a middleware of a program panics with. Any other panic is a fault of what is tested.
pub(super) struct StagedPanic;

/// Runs a future until it has ended or panicked; then it is dropped.
pub(super) async fn caught<T>(future: BoxFuture<'_, T>) -> Result<T, Box<dyn Any + Send>> {
    let mut future = future;
    poll_fn(move |context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}
