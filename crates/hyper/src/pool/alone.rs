//! A connection that only one exchange uses: it is in no pool.

use std::sync::{Arc, Mutex, PoisonError};

use http::Uri;
use tokio::{runtime::Handle, sync::oneshot, task::AbortHandle};

use super::{
    attempt::attempt,
    lease::{Lease, OpenFailed},
};
use crate::{
    connecting::BoxError,
    connection::{
        events::Events,
        open::{Open, Opened},
    },
};

/// Opens a connection and waits until it takes a request. It is opened in a task, as those of a pool: a call may outlive the
/// runtime in which it began.
pub(super) async fn fresh(open: &Open, origin: Uri, runtime: &Handle) -> Result<Lease, OpenFailed> {
    let of_one = Arc::new(OfOne::default());
    let events: Arc<dyn Events> = Arc::clone(&of_one) as Arc<dyn Events>;
    let (give, given) = oneshot::channel();
    let ended = move |opened| drop(give.send(opened));
    let task = runtime.spawn(attempt(Arc::clone(open), origin, events, ended));
    let _aborts = Aborts(task.abort_handle());
    let opened = given.await.unwrap_or_else(|_| Err("the runtime of this connection has ended".into()));
    match opened.map_err(OpenFailed::new)? {
        Opened::Http1(connection) => Ok(Lease::Http1(connection)),
        Opened::Http2(connection) => loop {
            let mut changed = std::pin::pin!(of_one.changed.notified());
            changed.as_mut().enable();
            if let Some(cause) = of_one.failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Err(OpenFailed::new(cause));
            }
            if let Some(stream) = connection.stream() {
                // Nothing else is moved to it.
                return Ok(Lease::Http2(stream));
            }
            if connection.is_over() {
                return Err(OpenFailed::new("the connection ended before it took a request".into()));
            }
            changed.await;
        },
    }
}

/// Dropped, it gives the attempt up.
struct Aborts(AbortHandle);

impl Drop for Aborts {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What happens to a connection of one exchange alone.
#[derive(Default)]
struct OfOne {
    changed: tokio::sync::Notify,
    failed: Mutex<Option<BoxError>>,
}

impl Events for OfOne {
    fn changed(&self) {
        self.changed.notify_waiters();
    }

    fn failed(&self, cause: BoxError) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(cause);
        self.changed.notify_waiters();
    }
}
