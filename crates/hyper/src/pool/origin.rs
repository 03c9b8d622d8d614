//! The connections to one origin on one runtime, and the calls that wait for one.
//!
//! What is decided, `state.rs` says. This holds its lock, and does what is left to do when the lock is free.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use clerk_actor_tokens_core::{SystemTimer, Timer as _};
use http::{Uri, uri::Scheme};
use tokio::{runtime::Handle, sync::oneshot, task::AbortHandle};

use super::{
    alone::fresh,
    attempt::attempt,
    lease::{Lease, OpenFailed},
    state::{Arrived, Exclusive, Left, Limits, Shared, State},
};
use crate::{
    connecting::BoxError,
    connection::{
        events::Events,
        http1::Http1,
        http2::{Http2, Stream},
        open::{Open, Opened},
    },
    settings::{Settings, Versions},
};

/// How many connections a call is given that take no request, before it fails.
const MOST_UNUSABLE: usize = 4;

/// How a call is given its connection.
type Give = oneshot::Sender<Result<Lease, OpenFailed>>;

/// What is left to do after a step of this pool.
type ToDo = Left<Http1, Arc<Http2>, Give, AbortHandle>;

/// The pool of one origin on one runtime.
pub(crate) struct OriginPool {
    origin: Uri,
    open: Open,
    settings: Arc<Settings>,
    runtime: Handle,
    state: Mutex<State<Http1, Arc<Http2>, Give, AbortHandle>>,
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
            let limits = Limits { idle: settings.max_idle_per_host, shared: settings.max_http2_connections };
            let state = Mutex::new(State::new(limits, speaks_http1));
            Self { origin, open, settings, runtime, state, this: this.clone(), events: Arc::new(OfPool(this.clone())) }
        })
    }

    fn state(&self) -> MutexGuard<'_, State<Http1, Arc<Http2>, Give, AbortHandle>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a connection for one exchange alone, which carried nothing before.
    pub(crate) async fn fresh(&self) -> Result<Lease, OpenFailed> {
        fresh(&self.open, self.origin.clone(), &self.runtime).await
    }

    /// Waits for a connection: one that is idle, one that becomes free, or a new one. Dropped, the call waits no longer.
    pub(crate) async fn connection(&self) -> Result<Lease, OpenFailed> {
        let mut has_waited = false;
        let mut unusable = 0;
        loop {
            let taken = self.state().take();
            let mut lease = match taken {
                Some(lease) => lease,
                None => self.wait(std::mem::replace(&mut has_waited, true)).await?,
            };
            // Where it was given, another exchange has come to its end on it: it may be closing.
            if lease.is_usable(self.settings.idle_timeout).await {
                return Ok(lease);
            }
            lease.give_up();
            // Those that rested are taken without waiting, and come to an end. One that was given may be new.
            unusable += usize::from(has_waited);
            if unusable > MOST_UNUSABLE {
                return Err(OpenFailed::new("the server ended each connection before it took a request".into()));
            }
        }
    }

    /// Waits until it is given a connection.
    async fn wait(&self, has_waited: bool) -> Result<Lease, OpenFailed> {
        let (give, given) = oneshot::channel();
        let (number, to_do) = self.state().wait(give, has_waited);
        let _leaves = Leaves { pool: self, number };
        self.act(to_do);
        given.await.unwrap_or_else(|_| Err(OpenFailed::new("the runtime of this connection pool has ended".into())))
    }

    /// Puts a connection back that has come to the end of an exchange, or gives it to the call that waits longest.
    pub(crate) fn put_back(&self, connection: Http1) {
        // One that is spent is dropped. Its end changes nothing for those that wait.
        if !connection.is_spent() {
            let to_do = self.state().put_back(connection);
            self.act(to_do);
        }
    }

    /// An attempt has ended.
    pub(super) fn attempted(&self, number: u64, opened: Result<Opened, BoxError>) {
        let (to_do, cause) = match opened {
            Ok(Opened::Http1(connection)) => (self.state().arrived(number, Arrived::Http1(connection)), None),
            Ok(Opened::Http2(connection)) => (self.state().arrived(number, Arrived::Http2(connection)), None),
            Err(cause) => (self.state().failed(number), Some(cause)),
        };
        self.fail(to_do, cause.unwrap_or_else(|| "the server ended the connection before it took a request".into()));
    }

    /// The runtime has ended.
    pub(super) fn end(&self) {
        let to_do = self.state().end();
        self.act(to_do);
    }

    /// Does what is left of a step in which calls fail, which have this cause.
    fn fail(&self, mut to_do: ToDo, cause: BoxError) {
        let failed = std::mem::take(&mut to_do.failed);
        if !failed.is_empty() {
            let error = OpenFailed::new(cause);
            for give in failed {
                // One that has left needs no error.
                let _ = give.send(Err(error.clone()));
            }
        }
        self.act(to_do);
    }

    /// Does what is left of a step. A call that fails here waited for a runtime that has ended.
    fn act(&self, to_do: ToDo) {
        let Left { given, failed, starts, given_up, closed, over, sweeps } = to_do;
        drop((failed, closed, over));
        for task in given_up {
            task.abort();
        }
        if sweeps {
            drop(self.runtime.spawn(sweep(self.this.clone(), self.settings.idle_timeout)));
        }
        for number in starts {
            self.start(number);
        }
        for (give, lease) in given {
            // That call has left. A stream says so itself where it is dropped.
            if let Err(Ok(Lease::Http1(connection))) = give.send(Ok(lease)) {
                self.put_back(connection);
            }
        }
    }

    fn start(&self, number: u64) {
        let this = self.this.clone();
        let ended = move |opened| {
            if let Some(pool) = this.upgrade() {
                pool.attempted(number, opened);
            }
        };
        let (open, events) = (Arc::clone(&self.open), Arc::clone(&self.events));
        let task = self.runtime.spawn(attempt(open, self.origin.clone(), events, ended));
        let unneeded = self.state().started(number, task.abort_handle());
        if let Some(task) = unneeded {
            task.abort();
        }
    }

    /// Closes what has rested for too long. Whether anything is left to be closed later.
    fn sweep(&self) -> bool {
        let limit = self.settings.idle_timeout;
        let has_been_idle = |shared: &Arc<Http2>| shared.rested().is_some_and(|rested| rested >= limit);
        let (to_do, goes_on) = self.state().sweep(|idle| idle.idle_for() >= limit, has_been_idle);
        self.act(to_do);
        goes_on
    }
}

impl Exclusive for Http1 {
    fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    fn rest(&mut self) {
        Http1::rest(self);
    }
}

impl Shared for Arc<Http2> {
    type Stream = Stream;

    fn is_over(&self) -> bool {
        Http2::is_over(self)
    }

    fn stream(&self) -> Option<Stream> {
        Http2::stream(self)
    }
}

/// What happens to the connections of a pool.
struct OfPool(Weak<OriginPool>);

impl Events for OfPool {
    fn changed(&self) {
        if let Some(pool) = self.0.upgrade() {
            let to_do = pool.state().changed();
            pool.act(to_do);
        }
    }

    fn failed(&self, cause: BoxError) {
        if let Some(pool) = self.0.upgrade() {
            let to_do = pool.state().ended_unused();
            pool.fail(to_do, cause);
        }
    }
}

/// Closes what rests for too long, until nothing rests. On the system's clock: a paused clock of tokio's is not moved by it.
async fn sweep(pool: Weak<OriginPool>, limit: Duration) {
    loop {
        SystemTimer.sleep(limit).await;
        let Some(pool) = pool.upgrade() else { return };
        if !pool.sweep() {
            return;
        }
    }
}

/// A call that waits: dropped, it waits no longer, and an attempt that only it needed is given up.
struct Leaves<'a> {
    pool: &'a OriginPool,
    number: u64,
}

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        let to_do = self.pool.state().leave(self.number);
        self.pool.act(to_do);
    }
}
