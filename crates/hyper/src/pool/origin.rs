//! The connections to one origin on one runtime, and the calls that wait for one.
//!
//! A call is served by whichever connection is free first. HTTP/1.1: one attempt to connect for each waiting call. HTTP/2, or
//! where the protocol is not known yet: one attempt, and then all share the connection.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use clerk_actor_tokens_core::{SystemTimer, Timer as _};
use http::{Uri, uri::Scheme};
use tokio::{runtime::Handle, sync::oneshot};

use super::{
    alone::fresh,
    lease::{Lease, OpenFailed},
    state::{Attempt, State, split_off},
};
use crate::{
    connecting::BoxError,
    connection::{
        events::Events,
        http1::Http1,
        http2::Http2,
        open::{Open, Opened},
    },
    settings::{Settings, Versions},
};

/// The pool of one origin on one runtime.
pub(crate) struct OriginPool {
    origin: Uri,
    open: Open,
    settings: Arc<Settings>,
    runtime: Handle,
    state: Mutex<State>,
    /// Itself, for the tasks that open connections: they must not keep it alive.
    this: Weak<OriginPool>,
    events: Arc<dyn Events>,
}

impl OriginPool {
    pub(crate) fn new(origin: Uri, open: Open, settings: Arc<Settings>, runtime: Handle) -> Arc<Self> {
        Arc::new_cyclic(|this: &Weak<Self>| {
            let is_plain = origin.scheme() == Some(&Scheme::HTTP);
            let speaks_http1 = match settings.versions {
                Versions::Http1 => true,
                Versions::Negotiated => is_plain,
                Versions::Http2 => false,
            };
            let state = Mutex::new(State::new(speaks_http1));
            Self { origin, open, settings, runtime, state, this: this.clone(), events: Arc::new(OfPool(this.clone())) }
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a connection for one exchange alone, which carried nothing before.
    pub(crate) async fn fresh(&self) -> Result<Lease, OpenFailed> {
        fresh(&self.open, self.origin.clone()).await
    }

    /// Waits for a connection: one that is idle, one that becomes free, or a new one. Dropped, the call waits no longer.
    pub(crate) async fn connection(&self) -> Result<Lease, OpenFailed> {
        let mut has_waited = false;
        loop {
            while let Some(mut idle) = self.take_idle() {
                if idle.is_usable(self.settings.idle_timeout).await {
                    return Ok(Lease::Http1(idle));
                }
            }
            if let Some(shared) = self.shared() {
                match shared.is_usable(self.settings.idle_timeout).await {
                    true => {
                        if let Some(stream) = shared.stream(&self.events) {
                            return Ok(Lease::Http2(stream));
                        }
                    }
                    false => self.give_up(&shared),
                }
            }
            let (number, given) = self.wait(std::mem::replace(&mut has_waited, true));
            let left = Left { pool: self, number };
            let given = given.await;
            drop(left);
            match given {
                // Another exchange has come to its end on it: it may be closing.
                Ok(Ok(Lease::Http1(mut connection))) => {
                    if connection.is_usable(self.settings.idle_timeout).await {
                        return Ok(Lease::Http1(connection));
                    }
                }
                // Another exchange on it was given up meanwhile.
                Ok(Ok(Lease::Http2(stream))) if stream.connection().is_over() => {}
                Ok(given) => return given,
                Err(_) => return Err(OpenFailed::new("the pool of this runtime has ended".into())),
            }
        }
    }

    fn take_idle(&self) -> Option<Http1> {
        self.state().idle.pop()
    }

    fn shared(&self) -> Option<Arc<Http2>> {
        self.state().shared()
    }

    /// It takes no more requests.
    pub(crate) fn give_up(&self, connection: &Arc<Http2>) {
        connection.give_up();
        let mut state = self.state();
        let over = split_off(&mut state.shared, |it| it.is_over());
        drop(state);
        drop(over);
    }

    /// Puts a connection back that has come to the end of an exchange, or gives it to the call that waits longest.
    pub(crate) fn put_back(&self, mut connection: Http1) {
        connection.rest();
        match connection.is_spent() {
            true => drop(connection),
            false => self.serve_with(connection),
        }
        self.attempt();
    }

    fn serve_with(&self, connection: Http1) {
        let mut lease = Lease::Http1(connection);
        loop {
            let Some(first) = self.state().waiting.pop_front() else { break };
            match first.give.send(Ok(lease)) {
                Ok(()) => return,
                // That call has left.
                Err(Ok(back)) => lease = back,
                Err(Err(_)) => return,
            }
        }
        let Lease::Http1(mut connection) = lease else { return };
        connection.rest();
        let mut state = self.state();
        if state.idle.len() >= self.settings.max_idle_per_host {
            drop(state);
            return drop(connection);
        }
        state.idle.push(connection);
        self.begin_sweep(&mut state);
    }

    /// Begins the task that closes what rests for too long, unless it runs.
    fn begin_sweep(&self, state: &mut State) {
        if !std::mem::replace(&mut state.is_swept, true) {
            drop(self.runtime.spawn(sweep(self.this.clone(), self.settings.idle_timeout)));
        }
    }

    /// Closes what has rested for too long. Whether anything is left to be closed later.
    fn close_idle(&self) -> bool {
        let mut state = self.state();
        let limit = self.settings.idle_timeout;
        let is_over = |idle: &Http1| idle.is_closed() || idle.idle_for() >= limit;
        let over = split_off(&mut state.idle, is_over);
        let is_idle = |it: &Arc<Http2>| it.is_over() || it.idle_for().is_some_and(|idle_for| idle_for >= limit);
        let ended = split_off(&mut state.shared, is_idle);
        state.is_swept = !state.idle.is_empty() || !state.shared.is_empty();
        let is_swept = state.is_swept;
        drop(state);
        drop((over, ended));
        is_swept
    }

    /// Gives streams to waiting calls, as far as there are any, and looks whether an attempt is needed.
    fn serve(&self) {
        self.forget_closed();
        loop {
            let mut state = self.state();
            let Some(shared) = state.shared() else { break };
            let Some(first) = state.waiting.pop_front() else { break };
            let Some(stream) = shared.stream(&self.events) else {
                state.waiting.push_front(first);
                break;
            };
            drop(state);
            // A call that has left gives the stream back by dropping it, which comes here again.
            let _ = first.give.send(Ok(Lease::Http2(stream)));
        }
        self.attempt();
    }

    fn forget_closed(&self) {
        let mut state = self.state();
        let closed = split_off(&mut state.idle, Http1::is_closed);
        drop(state);
        drop(closed);
    }

    /// One that has waited before waits in front.
    fn wait(&self, has_waited: bool) -> (u64, oneshot::Receiver<Result<Lease, OpenFailed>>) {
        let (give, given) = oneshot::channel();
        let number = self.state().wait(give, has_waited);
        // What came free meanwhile, and what has to be opened.
        self.serve();
        (number, given)
    }

    /// Begins as many attempts as waiting calls need.
    fn attempt(&self) {
        let mut state = self.state();
        let needed = match (state.speaks_http1, state.shared.is_empty()) {
            (true, _) => state.waiting.len(),
            (false, true) => state.waiting.len().min(1),
            // They wait for a stream.
            (false, false) => 0,
        };
        while state.attempts.len() < needed {
            let number = state.number();
            let (this, opening) = (self.this.clone(), (self.open)(self.origin.clone(), Arc::clone(&self.events)));
            let task = self.runtime.spawn(async move {
                let opened = opening.await;
                if let Some(pool) = this.upgrade() {
                    pool.arrived(number, opened);
                }
            });
            state.attempts.push(Attempt { number, task: Some(task.abort_handle()) });
        }
        // No call waits for these.
        let kept = needed.min(state.attempts.len());
        let given_up = state.attempts.split_off(kept);
        drop(state);
        drop(given_up);
    }

    /// An attempt has ended.
    fn arrived(&self, number: u64, opened: Result<Opened, BoxError>) {
        let mut state = self.state();
        let is_known = state.end_attempt(number);
        match opened {
            Ok(Opened::Http1(connection)) => {
                state.speaks_http1 = true;
                drop(state);
                self.serve_with(connection);
                self.attempt();
            }
            Ok(Opened::Http2(connection)) if connection.is_over() => {
                drop(state);
                // Not tried again at once: a server that takes leave of each connection would be asked without end.
                let cause = "the server ended the connection before it took a request";
                self.fail_waiting(OpenFailed::new(cause.into()), number);
                self.attempt();
            }
            Ok(Opened::Http2(connection)) => {
                state.speaks_http1 = false;
                state.shared.push(connection);
                self.begin_sweep(&mut state);
                drop(state);
                self.serve();
            }
            Err(cause) => {
                drop(state);
                // One that was given up meanwhile fails no call.
                if is_known {
                    self.fail_waiting(OpenFailed::new(cause), number);
                }
                self.attempt();
            }
        }
    }

    /// No connection came about by the attempt of this number.
    fn fail_waiting(&self, failed: OpenFailed, attempt: u64) {
        let failing = self.state().fail_waiting(attempt);
        for waiting in failing {
            // One that has left needs no error.
            let _ = waiting.give.send(Err(failed.clone()));
        }
    }
}

/// What happens to the connections of a pool.
struct OfPool(Weak<OriginPool>);

impl Events for OfPool {
    fn changed(&self) {
        if let Some(pool) = self.0.upgrade() {
            pool.serve();
        }
    }

    fn failed(&self, cause: BoxError) {
        if let Some(pool) = self.0.upgrade() {
            pool.fail_waiting(OpenFailed::new(cause), u64::MAX);
            pool.serve();
        }
    }
}

/// Closes what rests for too long, until nothing rests. On the system's clock: a paused clock of tokio's is not moved by it.
async fn sweep(pool: Weak<OriginPool>, limit: Duration) {
    loop {
        SystemTimer.sleep(limit).await;
        let Some(pool) = pool.upgrade() else { return };
        if !pool.close_idle() {
            return;
        }
    }
}

/// A call that waits: dropped, it waits no longer, and an attempt that only it needed is given up.
struct Left<'a> {
    pool: &'a OriginPool,
    number: u64,
}

impl Drop for Left<'_> {
    fn drop(&mut self) {
        let left = self.pool.state().leave(self.number);
        if left.is_some() {
            self.pool.attempt();
        }
    }
}
