//! An executor that runs its tasks only when a test asks for it, so that the test says what happens in between.

use std::{
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use clerk_actor_tokens_core::{BoxFuture, Executor};

/// Keeps what is spawned. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Tasks(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    waiting: Vec<BoxFuture<'static, ()>>,
    spawned: usize,
}

impl Tasks {
    /// How many tasks there ever were.
    pub(crate) fn spawned(&self) -> usize {
        self.0.lock().unwrap().spawned
    }

    /// Polls each task once. Whether any is left.
    pub(crate) fn poll(&self, context: &mut Context<'_>) -> bool {
        // Taken out meanwhile: a task may spawn another.
        let mut tasks = std::mem::take(&mut self.0.lock().unwrap().waiting);
        tasks.retain_mut(|task| task.as_mut().poll(context).is_pending());
        let mut kept = self.0.lock().unwrap();
        tasks.append(&mut kept.waiting);
        kept.waiting = tasks;
        !kept.waiting.is_empty()
    }

    /// Runs all tasks to their ends.
    #[track_caller]
    pub(crate) fn run(&self) {
        let mut context = Context::from_waker(Waker::noop());
        let mut left = 100_000;
        while self.poll(&mut context) {
            left -= 1;
            assert!(left > 0, "a task never ends");
        }
    }

    /// Runs the tasks, in real time, until what `look` gives is `enough`.
    #[track_caller]
    pub(crate) fn run_for<T>(&self, look: impl Fn() -> T, enough: impl Fn(&T) -> bool) -> T {
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..100_000 {
            self.poll(&mut context);
            let seen = look();
            if enough(&seen) {
                return seen;
            }
        }
        panic!("it never ends");
    }

    /// Runs a future, and the tasks beside it.
    #[track_caller]
    pub(crate) fn run_beside<T>(&self, future: impl Future<Output = T>) -> T {
        let mut context = Context::from_waker(Waker::noop());
        let mut future = pin!(future);
        for _ in 0..100_000 {
            self.poll(&mut context);
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return value;
            }
        }
        panic!("it never ends");
    }

    /// Ends as a runtime does: whatever is not over is dropped.
    pub(crate) fn shut_down(&self) {
        drop(std::mem::take(&mut self.0.lock().unwrap().waiting));
    }
}

impl Executor for Tasks {
    fn execute(&self, task: BoxFuture<'static, ()>) {
        let mut kept = self.0.lock().unwrap();
        kept.waiting.push(task);
        kept.spawned += 1;
    }
}

/// Polls a future this many times, and gives its value if it was ready by then.
pub(crate) fn poll_times<T>(future: &mut BoxFuture<'_, T>, times: usize) -> Option<T> {
    let mut context = Context::from_waker(Waker::noop());
    (0..times).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    })
}
