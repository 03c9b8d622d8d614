//! Running a future to its end after its caller has left.

use std::{fmt, sync::Arc, thread};

use crate::time::BoxFuture;

/// Runs futures to their end. A detached exchange needs nothing else of a runtime.
///
/// A transport with a runtime brings an executor
/// ([`HttpTransport::executor`](crate::HttpTransport::executor)). For others, pass one to
/// [`ClientBuilder::executor`](crate::ClientBuilder::executor).
///
/// An executor that cannot run a task drops it. The client then reports what is lost. A task holds
/// the client's settings, and with them an executor that was passed to the builder. So run or clear
/// an executor that keeps its tasks in itself.
///
/// ```
/// use clerk_actor_tokens_core::{BoxFuture, Executor};
///
/// /// A thread for each task.
/// struct Threads;
///
/// impl Executor for Threads {
///     fn execute(&self, task: BoxFuture<'static, ()>) {
///         std::thread::spawn(move || pollster::block_on(task));
///     }
/// }
/// ```
pub trait Executor: Send + Sync + 'static {
    /// Starts to run the task. It may be called from a destructor, and must not block or panic.
    fn execute(&self, task: BoxFuture<'static, ()>);

    /// Returns the executor of the runtime that is entered here, if this one is bound to none. A call asks
    /// where it begins, because its tasks may be started where no runtime is entered: in the
    /// destructor of something that was moved to another thread.
    fn bound(&self) -> Option<Arc<dyn Executor>> {
        None
    }
}

/// Runs each task on a thread of its own.
///
/// Use it for a transport without a runtime, such as a blocking HTTP client or a test double. If
/// the operating system starts no thread, the task is dropped, and the client reports what is lost.
///
/// ```
/// use clerk_actor_tokens_core::{Client, Response, SecretKey, ThreadExecutor, transport_fn};
///
/// let transport = transport_fn(|_request, _context| async { Ok(Response::default()) });
/// let clerk = Client::builder(transport, SecretKey::new("sk_test_abc")?).executor(ThreadExecutor).build()?;
/// assert!(clerk.detaches_on_drop());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct ThreadExecutor;

impl Executor for ThreadExecutor {
    fn execute(&self, task: BoxFuture<'static, ()>) {
        // What is not run is dropped.
        let _ = thread::Builder::new().name("clerk-actor-tokens".to_owned()).spawn(move || pollster::block_on(task));
    }
}

/// Makes an executor of a function.
///
/// ```
/// use clerk_actor_tokens_core::{executor_fn, BoxFuture};
///
/// let threads = executor_fn(|task: BoxFuture<'static, ()>| {
///     std::thread::spawn(move || pollster::block_on(task));
/// });
/// # let _ = threads;
/// ```
pub fn executor_fn<F>(spawn: F) -> impl Executor + fmt::Debug
where
    F: Fn(BoxFuture<'static, ()>) + Send + Sync + 'static,
{
    ExecutorFn(spawn)
}

/// A function as an executor.
struct ExecutorFn<F>(F);

impl<F> fmt::Debug for ExecutorFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExecutorFn")
    }
}

impl<F> Executor for ExecutorFn<F>
where
    F: Fn(BoxFuture<'static, ()>) + Send + Sync + 'static,
{
    fn execute(&self, task: BoxFuture<'static, ()>) {
        (self.0)(task);
    }
}
