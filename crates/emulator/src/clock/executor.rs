//! Running a task beside the code under test: on a thread, without virtual time passing before it has begun.

use std::future::poll_fn;

use clerk_actor_tokens_core::{BoxFuture, Executor, ThreadExecutor};

use super::Clock;

impl Executor for Clock {
    fn execute(&self, mut task: BoxFuture<'static, ()>) {
        // A busy machine may start the thread late. What the task then waits for, it waits for by this clock.
        let mut running = Some(self.running());
        let task = poll_fn(move |context| {
            let polled = task.as_mut().poll(context);
            // After the poll, and not before: what the poll began is seen by then.
            drop(running.take());
            polled
        });
        ThreadExecutor.execute(Box::pin(task));
    }
}
