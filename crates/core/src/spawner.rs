//! Running a future to its end, whoever has stopped waiting for it.

use std::fmt;

use crate::time::BoxFuture;

/// Runs futures to their end: the one thing that supervision needs of a runtime.
///
/// A transport that has a runtime brings one ([`HttpTransport::spawner`](crate::HttpTransport::spawner)); for others,
/// hand one to [`ClientBuilder::spawner`](crate::ClientBuilder::spawner). A spawner that cannot run a task drops it; the
/// client sees that and reports what is lost by it.
///
/// ```
/// use clerk_actor_tokens_core::{BoxFuture, Spawner};
///
/// /// A thread for each task.
/// struct Threads;
///
/// impl Spawner for Threads {
///     fn spawn(&self, task: BoxFuture<'static, ()>) {
///         std::thread::spawn(move || pollster::block_on(task));
///     }
/// }
/// ```
pub trait Spawner: Send + Sync + 'static {
    /// Starts to run the task. It may be called from a destructor, and must not block or panic.
    fn spawn(&self, task: BoxFuture<'static, ()>);
}

/// Makes a spawner of a function.
///
/// ```
/// use clerk_actor_tokens_core::{spawner_fn, BoxFuture};
///
/// let threads = spawner_fn(|task: BoxFuture<'static, ()>| {
///     std::thread::spawn(move || pollster::block_on(task));
/// });
/// # let _ = threads;
/// ```
pub fn spawner_fn<F>(spawn: F) -> SpawnerFn<F>
where
    F: Fn(BoxFuture<'static, ()>) + Send + Sync + 'static,
{
    SpawnerFn(spawn)
}

/// A function as a spawner: what [`spawner_fn`] gives.
#[derive(Clone, Copy)]
pub struct SpawnerFn<F>(F);

impl<F> fmt::Debug for SpawnerFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpawnerFn")
    }
}

impl<F> Spawner for SpawnerFn<F>
where
    F: Fn(BoxFuture<'static, ()>) + Send + Sync + 'static,
{
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        (self.0)(task);
    }
}
