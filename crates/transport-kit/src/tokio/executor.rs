//! Tokio as core's [`Executor`], and the executors that a transport has made: one for each runtime.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use clerk_actor_tokens_core::{BoxFuture, Executor};
use tokio::runtime::Handle;

/// Runs tasks on one tokio runtime: the one that was entered when the executor was made.
///
/// That runtime has to live, and to be driven, until the task is over. A task that is given to a runtime that has ended is
/// dropped. A runtime of a single thread runs nothing outside `block_on`.
///
/// The hyper transport brings an executor for each runtime that it is used in. Hand one to
/// [`ClientBuilder::executor`](clerk_actor_tokens_core::ClientBuilder::executor) for detached exchanges over another transport.
///
/// ```
/// use clerk_actor_tokens_core::{CallContext, Client, Request, Response, SecretKey, transport_fn};
/// use clerk_actor_tokens_transport_kit::TokioExecutor;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let transport = transport_fn(|_request: Request, _context: CallContext| async { Ok(Response::default()) });
/// let clerk = Client::builder(transport, SecretKey::new("sk_test_abc")?).executor(TokioExecutor::new()).build()?;
/// assert!(clerk.detaches_on_drop());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TokioExecutor {
    runtime: Option<Handle>,
}

impl TokioExecutor {
    /// Makes an executor of the runtime that is entered here.
    ///
    /// Where none is entered, the tasks of a call run on the runtime in which the call was first polled. Use
    /// [`on`](Self::on) to name one.
    #[must_use]
    pub fn new() -> Self {
        Self { runtime: Handle::try_current().ok() }
    }

    /// Makes an executor of this runtime.
    ///
    /// ```
    /// use clerk_actor_tokens_transport_kit::TokioExecutor;
    ///
    /// let runtime = tokio::runtime::Runtime::new()?;
    /// let executor = TokioExecutor::on(runtime.handle().clone());
    /// # let _ = executor;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn on(handle: Handle) -> Self {
        Self { runtime: Some(handle) }
    }

    fn runs_on(&self, handle: &Handle) -> bool {
        self.runtime.as_ref().is_some_and(|runtime| runtime.id() == handle.id())
    }
}

impl Default for TokioExecutor {
    fn default() -> Self {
        Self::new()
    }
}

impl Executor for TokioExecutor {
    fn execute(&self, task: BoxFuture<'static, ()>) {
        // A task that cannot run is dropped, and reports its loss by that.
        match &self.runtime {
            Some(runtime) => drop(runtime.spawn(task)),
            None => {
                if let Ok(entered) = Handle::try_current() {
                    drop(entered.spawn(task));
                }
            }
        }
    }

    fn bound(&self) -> Option<Arc<dyn Executor>> {
        match self.runtime {
            Some(_) => None,
            None => Handle::try_current().ok().map(|entered| Arc::new(Self::on(entered)) as Arc<dyn Executor>),
        }
    }
}

impl fmt::Debug for TokioExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokioExecutor").finish_non_exhaustive()
    }
}

/// How many runtimes are remembered. An application has one or two. A runtime that has ended keeps some memory and its
/// poll descriptor until it is forgotten.
const REMEMBERED: usize = 4;

/// The executors of the runtimes that a transport was used in lately, so that a call allocates none. Clones share them.
///
/// A transport returns [`entered`](Self::entered) from [`HttpTransport::executor`](clerk_actor_tokens_core::HttpTransport::executor).
#[derive(Clone, Default)]
pub struct TokioExecutors(Arc<Mutex<Vec<Arc<TokioExecutor>>>>);

impl fmt::Debug for TokioExecutors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokioExecutors").finish_non_exhaustive()
    }
}

impl TokioExecutors {
    /// Returns the executor of the runtime that is entered here, or one without a runtime where none is.
    #[must_use]
    pub fn entered(&self) -> Arc<TokioExecutor> {
        let Ok(entered) = Handle::try_current() else {
            return Arc::new(TokioExecutor { runtime: None });
        };
        let mut known = self.lock();
        if let Some(executor) = known.iter().find(|known| known.runs_on(&entered)) {
            return Arc::clone(executor);
        }
        if known.len() >= REMEMBERED {
            known.remove(0);
        }
        let executor = Arc::new(TokioExecutor::on(entered));
        known.push(Arc::clone(&executor));
        executor
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<TokioExecutor>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::{Builder, Runtime};

    use super::*;

    fn runtime() -> Runtime {
        Builder::new_current_thread().build().unwrap()
    }

    #[test]
    fn a_runtime_has_one_executor_and_only_a_few_runtimes_are_remembered() {
        let (executors, runtimes) = (TokioExecutors::default(), [(); 3 * REMEMBERED].map(|()| runtime()));
        for runtime in &runtimes {
            let [first, second] = [(); 2].map(|()| runtime.block_on(async { executors.entered() }));
            assert!(Arc::ptr_eq(&first, &second));
            assert!(first.runs_on(runtime.handle()));
            assert!(executors.lock().len() <= REMEMBERED);
        }
    }

    #[test]
    fn a_task_runs_on_the_runtime_that_its_executor_was_made_in_whichever_is_entered() {
        let (own, other) = (runtime(), runtime());
        let executor = own.block_on(async { TokioExecutor::new() });
        let (tell, told) = std::sync::mpsc::channel();
        other.block_on(async {
            executor.execute(Box::pin(async move { tell.send(Handle::current().id()).unwrap() }));
        });
        own.block_on(tokio::task::yield_now());
        assert_eq!(told.try_recv().unwrap(), own.handle().id());
    }

    #[test]
    fn made_without_a_runtime_it_is_bound_where_a_call_begins_and_not_again() {
        let (executor, first) = (TokioExecutor::new(), runtime());
        assert!(executor.bound().is_none(), "no runtime is entered");
        let bound = first.block_on(async { executor.bound() }).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        // Outside of any runtime.
        bound.execute(Box::pin(async move { tell.send(Handle::current().id()).unwrap() }));
        first.block_on(tokio::task::yield_now());
        assert_eq!(told.try_recv().unwrap(), first.handle().id());
        assert!(runtime().block_on(async { TokioExecutor::on(first.handle().clone()).bound() }).is_none());
    }

    #[test]
    fn made_without_a_runtime_it_uses_the_one_that_is_entered_later() {
        let (executor, later) = (TokioExecutor::new(), runtime());
        let (tell, told) = std::sync::mpsc::channel();
        let again = tell.clone();
        executor.execute(Box::pin(async move { tell.send("nowhere").unwrap() }));
        later.block_on(async {
            executor.execute(Box::pin(async move { again.send("later").unwrap() }));
            tokio::task::yield_now().await;
        });
        assert_eq!(told.try_iter().collect::<Vec<_>>(), ["later"]);
    }
}
