//! One attempt to connect. It says how it ended in every case, so that no call waits for one that is gone.

use std::{sync::Arc, thread};

use http::Uri;

use crate::{
    connecting::BoxError,
    connection::{
        events::Events,
        open::{Open, Opened},
    },
};

/// Opens a connection, and says once how that ended, also where this is dropped or panics.
pub(super) async fn attempt<F>(open: Open, origin: Uri, events: Arc<dyn Events>, ended: F)
where
    F: FnOnce(Result<Opened, BoxError>),
{
    let mut ends = Ends(Some(ended));
    let opened = open(origin, events).await;
    ends.say(opened);
}

struct Ends<F: FnOnce(Result<Opened, BoxError>)>(Option<F>);

impl<F: FnOnce(Result<Opened, BoxError>)> Ends<F> {
    fn say(&mut self, opened: Result<Opened, BoxError>) {
        if let Some(ended) = self.0.take() {
            ended(opened);
        }
    }
}

impl<F: FnOnce(Result<Opened, BoxError>)> Drop for Ends<F> {
    fn drop(&mut self) {
        let cause = match thread::panicking() {
            true => "the connector panicked (the runtime may have no I/O: enable_all() gives it both I/O and time)",
            false => "the runtime ended while a connection was opened",
        };
        self.say(Err(cause.into()));
    }
}
