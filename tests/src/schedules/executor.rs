//! An executor for one thread: it polls everything in turn, so that a program with the same seed runs the same way.
//!
//! It is the executor of the clients under test too. Nothing wakes anything: every task is polled in every round, which is
//! also what moves the emulator's clock.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use clerk_actor_tokens::{BoxFuture, Executor, Timer};

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
    /// They came to a standstill.
    pub(super) fn run(&self, tasks: Vec<BoxFuture<'static, ()>>) -> Result<(), &'static str> {
        let mut context = Context::from_waker(Waker::noop());
        let mut tasks = tasks;
        // With the number of their polls.
        let mut spawned: Vec<(u32, BoxFuture<'static, ()>)> = Vec::new();
        for _ in 0..ROUNDS {
            tasks.retain_mut(|task| task.as_mut().poll(&mut context).is_pending());
            spawned.extend(self.take().into_iter().map(|task| (0, task)));
            spawned.retain_mut(|(polls, task)| {
                *polls = polls.saturating_add(1);
                task.as_mut().poll(&mut context).is_pending() && !self.is_over(*polls)
            });
            if tasks.is_empty() && spawned.is_empty() && self.is_idle() {
                return Ok(());
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

/// When a caller goes away.
#[derive(Debug, Clone, Copy)]
pub(super) enum Patience {
    /// Never.
    Endless,
    /// After so many polls of the call.
    Polls(u32),
    /// After so much time.
    Time(Duration),
}

/// Runs a call for as long as its caller has patience. `None` if it was dropped.
pub(super) async fn waited_for<T>(call: BoxFuture<'static, T>, patience: Patience, timer: &dyn Timer) -> Option<T> {
    let mut call = call;
    let mut polls = 0u32;
    let mut end = match patience {
        Patience::Time(duration) => Some(timer.sleep(duration)),
        _ => None,
    };
    poll_fn(move |context| {
        if let Poll::Ready(value) = call.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        polls = polls.saturating_add(1);
        let out_of_polls = matches!(patience, Patience::Polls(most) if polls >= most);
        let out_of_time = end.as_mut().is_some_and(|end| end.as_mut().poll(context).is_ready());
        if out_of_polls || out_of_time { Poll::Ready(None) } else { Poll::Pending }
    })
    .await
}
