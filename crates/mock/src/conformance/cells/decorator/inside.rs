//! The transports inside the ones that are tested, and the executor that they bring.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use clerk_actor_tokens_core::{
    BoxFuture, CallContext, Executor, HttpTransport, Request, Response, SystemTimer, Timer, TransportError,
    TransportErrorKind,
};

use crate::hand_over::{begin, conclude};

/// What every wrapped transport of a cell ends with.
type Outcome = Arc<dyn Fn() -> Result<Response, TransportError> + Send + Sync>;

/// Ends each exchange in the same way, and counts them.
pub(super) struct Inside {
    pub(super) outcome: Outcome,
    pub(super) sends: Arc<AtomicUsize>,
    pub(super) executor: Option<Counting>,
}

impl Inside {
    pub(super) fn new(outcome: impl Fn() -> Result<Response, TransportError> + Send + Sync + 'static) -> Self {
        Self { outcome: Arc::new(outcome), sends: Arc::default(), executor: None }
    }
}

#[async_trait]
impl HttpTransport for Inside {
    async fn send(&self, _: Request, context: CallContext) -> Result<Response, TransportError> {
        self.sends.fetch_add(1, Ordering::SeqCst);
        conclude(&context, (self.outcome)())
    }

    fn timer(&self) -> &dyn Timer {
        &SystemTimer
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        self.executor.clone().map(|executor| Arc::new(executor) as Arc<dyn Executor>)
    }
}

/// Answers nothing, and ends each exchange by its deadline.
#[derive(Default)]
pub(super) struct Punctual {
    pub(super) begun: Arc<AtomicUsize>,
}

#[async_trait]
impl HttpTransport for Punctual {
    async fn send(&self, _: Request, context: CallContext) -> Result<Response, TransportError> {
        begin(&context)?;
        self.begun.fetch_add(1, Ordering::SeqCst);
        SystemTimer.sleep(context.deadline().remaining(SystemTimer.now())).await;
        Err(TransportErrorKind::Timeout.into())
    }

    fn timer(&self) -> &dyn Timer {
        &SystemTimer
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        None
    }

    fn keeps_deadlines(&self) -> bool {
        true
    }
}

/// Counts the tasks that it is given, and runs none.
#[derive(Clone, Default)]
pub(super) struct Counting(pub(super) Arc<AtomicUsize>);

impl Executor for Counting {
    fn execute(&self, _: BoxFuture<'static, ()>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
