//! The transports inside the ones that are tested, and the executor that they bring.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use clerk_actor_tokens_core::{
    BoxFuture, CallContext, Executor, HttpTransport, Moment, Request, Response, SystemTimer, Timer, TransportError,
    TransportErrorKind, async_trait,
};

/// Hands the request over, as a real transport does: what a failure proves depends on it.
fn begin(context: &CallContext) -> Result<(), TransportError> {
    context.send_state().hold();
    match context.send_state().begin() {
        true => Ok(()),
        false => Err(TransportError::blocked("the send was cancelled before the request was handed over")),
    }
}

/// What every wrapped transport of a cell ends with.
type Outcome = Arc<dyn Fn() -> Result<Response, TransportError> + Send + Sync>;

/// Ends each exchange in the same way, and counts them.
pub(super) struct Inside {
    pub(super) outcome: Outcome,
    pub(super) sends: Arc<AtomicUsize>,
    pub(super) executor: Option<Counting>,
    pub(super) timer: Arc<dyn Timer>,
}

impl Inside {
    pub(super) fn new(outcome: impl Fn() -> Result<Response, TransportError> + Send + Sync + 'static) -> Self {
        Self { outcome: Arc::new(outcome), sends: Arc::default(), executor: None, timer: Arc::new(SystemTimer) }
    }
}

#[async_trait]
impl HttpTransport for Inside {
    async fn send(&self, _: Request, context: CallContext) -> Result<Response, TransportError> {
        self.sends.fetch_add(1, Ordering::SeqCst);
        begin(&context)?;
        (self.outcome)()
    }

    fn timer(&self) -> &dyn Timer {
        &*self.timer
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

/// Answers nothing, and knows no deadline.
#[derive(Clone, Default)]
pub(super) struct Silent {
    pub(super) begun: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
}

impl Silent {
    /// How many exchanges were begun and not dropped.
    pub(super) fn in_flight(&self) -> usize {
        self.begun.load(Ordering::SeqCst).saturating_sub(self.ended.load(Ordering::SeqCst))
    }
}

/// Counts an exchange as ended when its future goes away.
struct InFlight(Arc<AtomicUsize>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl HttpTransport for Silent {
    async fn send(&self, _: Request, context: CallContext) -> Result<Response, TransportError> {
        begin(&context)?;
        let _in_flight = InFlight(Arc::clone(&self.ended));
        self.begun.fetch_add(1, Ordering::SeqCst);
        std::future::pending().await
    }

    fn timer(&self) -> &dyn Timer {
        &SystemTimer
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        None
    }
}

/// A clock that moves by hand, and whose calendar moves with it.
#[derive(Clone, Default)]
pub(super) struct HandClock(Arc<AtomicU64>);

impl HandClock {
    pub(super) fn advance_an_hour(&self) {
        self.0.fetch_add(3600, Ordering::SeqCst);
    }

    fn elapsed(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

impl Timer for HandClock {
    fn now(&self) -> Moment {
        Moment::from_origin(self.elapsed())
    }

    fn system_time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH.checked_add(self.elapsed()).unwrap_or(SystemTime::UNIX_EPOCH)
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
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
