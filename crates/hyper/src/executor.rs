//! Tokio as core's [`Executor`].

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use clerk_actor_tokens_core::{BoxFuture, Executor};
use tokio::runtime::Handle;

/// Runs tasks on the tokio runtime that is entered, or else on the one that was remembered last: at [`new`](Self::new), or by
/// the transport when it last sent something.
///
/// Whichever it is has to live, and to be driven, until the task is over: one of a single thread runs nothing outside
/// `block_on`. A future that is dropped inside a short-lived other runtime goes on
/// there.
///
/// A [`HyperTransport`](crate::HyperTransport) brings one. Hand one to
/// [`ClientBuilder::executor`](clerk_actor_tokens_core::ClientBuilder::executor) for detached exchanges over another transport.
///
/// ```
/// use clerk_actor_tokens_core::{transport_fn, Client, Response, SecretKey};
/// use clerk_actor_tokens_hyper::TokioExecutor;
///
/// let transport = transport_fn(|_request| async { Ok(Response::default()) });
/// let clerk = Client::builder(transport, SecretKey::new("sk_test_abc")?).executor(TokioExecutor::new()).build()?;
/// assert!(clerk.detaches_on_drop());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct TokioExecutor {
    /// A future can be dropped where no runtime is entered, and its exchange has to go on all the same.
    last: Arc<Mutex<Option<Handle>>>,
}

impl TokioExecutor {
    /// Remembers the runtime that is entered, if there is one.
    #[must_use]
    pub fn new() -> Self {
        let executor = Self::default();
        executor.remember();
        executor
    }

    /// Remembers this runtime.
    #[must_use]
    pub fn on(handle: Handle) -> Self {
        Self { last: Arc::new(Mutex::new(Some(handle))) }
    }

    /// Remembers the runtime that is entered, for tasks that are spawned where none is.
    pub(crate) fn remember(&self) {
        let Ok(handle) = Handle::try_current() else { return };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref().is_none_or(|last| last.id() != handle.id()) {
            *last = Some(handle);
        }
    }
}

impl Executor for TokioExecutor {
    fn execute(&self, task: BoxFuture<'static, ()>) {
        let last = || self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Without any runtime the task is dropped here, and says what is lost by it.
        if let Some(handle) = Handle::try_current().ok().or_else(last) {
            drop(handle.spawn(task));
        }
    }
}

impl fmt::Debug for TokioExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokioExecutor").finish_non_exhaustive()
    }
}
