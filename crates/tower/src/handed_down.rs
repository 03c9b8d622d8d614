//! Whether the transport below the layers has a request, and has not responded to it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// One request on its way down. Clones are of the same request.
#[derive(Debug, Clone, Default)]
pub(crate) struct HandedDown(Arc<AtomicBool>);

impl HandedDown {
    /// The transport below takes it.
    pub(crate) fn begin(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// The transport below has responded.
    pub(crate) fn answered(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    /// The transport below took it, and was dropped, failed or has not responded yet: a response is another's.
    pub(crate) fn is_unanswered(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
