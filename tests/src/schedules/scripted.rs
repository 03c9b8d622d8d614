//! The emulator as a transport whose faults are scripted call by call: calls that run side by side each meet their own.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use clerk_actor_tokens::{
    async_trait,
    testing::emulator::{
        Emulator,
        fault::{AnyFault, Phase},
    },
    transport::{CallContext, Executor, HttpTransport, Request, Response, Timer, TransportError},
};

/// A fault, and when in the exchange it happens.
pub(super) type Planned = (AnyFault, Phase);

/// As it is queued: `after_commit(stall())`.
pub(super) fn shown(plan: &[Planned]) -> String {
    let steps: Vec<_> = plan.iter().map(|(fault, phase)| format!("{phase}({fault})")).collect();
    steps.join(", ")
}

/// What the attempts of one call meet, in turn. It travels in the extensions of the call's requests.
#[derive(Clone, Default)]
pub(super) struct Script(Arc<Mutex<Met>>);

#[derive(Default)]
struct Met {
    to_come: VecDeque<Planned>,
    met: Vec<Planned>,
    sends: usize,
}

impl Script {
    pub(super) fn new(plan: &[Planned]) -> Self {
        let to_come = plan.iter().cloned().collect();
        Self(Arc::new(Mutex::new(Met { to_come, ..Met::default() })))
    }

    /// How many requests of the call were handed to the transport.
    pub(super) fn sends(&self) -> usize {
        self.lock().sends
    }

    /// What its attempts have met.
    pub(super) fn met(&self) -> Vec<Planned> {
        self.lock().met.clone()
    }

    fn next(&self) -> Option<Planned> {
        let mut state = self.lock();
        state.sends = state.sends.saturating_add(1);
        let next = state.to_come.pop_front();
        state.met.extend(next.clone());
        next
    }

    fn lock(&self) -> MutexGuard<'_, Met> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The emulator behind the scripts of its calls. What brings no script (taking an orphan back) meets the faults that are
/// left for it.
#[derive(Clone)]
pub(super) struct Scripted {
    clerk: Emulator,
    of_others: Script,
    alive: Arc<()>,
}

impl Scripted {
    pub(super) fn new(clerk: Emulator, of_others: Script) -> Self {
        Self { clerk, of_others, alive: Arc::default() }
    }

    /// What is gone once the transport is: the state of each call holds it.
    pub(super) fn alive(&self) -> Weak<()> {
        Arc::downgrade(&self.alive)
    }
}

#[async_trait]
impl HttpTransport for Scripted {
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        if context.deadline().has_passed(self.clerk.timer().now()) {
            // The emulator refuses it, and takes no fault.
            return self.clerk.send(request, context).await;
        }
        let script = request.extensions().get::<Script>().unwrap_or(&self.of_others);
        if let Some((fault, phase)) = script.next() {
            let is_revoke = request.uri().path().ends_with("/revoke");
            let attempt = if is_revoke { self.clerk.next_revoke() } else { self.clerk.next_create() };
            fault.queue(attempt, phase);
        }
        // The emulator takes the fault before it waits for anything.
        self.clerk.send(request, context).await
    }

    fn timer(&self) -> &dyn Timer {
        self.clerk.timer()
    }

    /// Returns `None`: a program says itself which executor there is, and whether.
    fn executor(&self) -> Option<Arc<dyn Executor>> {
        None
    }

    fn keeps_deadlines(&self) -> bool {
        self.clerk.keeps_deadlines()
    }
}

/// Drops what holds an emulator whose faults need not all have happened: a call was cancelled before its fault's time,
/// or had nothing to commit.
///
/// An emulator complains of such a fault when it goes, unless its thread unwinds: so it goes in an unwinding that ends
/// here, and that no panic hook hears of.
pub(crate) fn let_go<T>(held: T) {
    let unwound = catch_unwind(AssertUnwindSafe(move || {
        let _goes = held;
        resume_unwind(Box::new(()));
    }));
    // It always is.
    drop(unwound);
}
