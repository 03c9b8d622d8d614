//! What the routes share: the emulator, and the snapshots that were taken.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{snapshot::Snapshot, state::Inner};

/// How many snapshots are kept, the latest.
pub(super) const MOST_SNAPSHOTS: usize = 16;

/// What the routes share.
#[derive(Clone)]
pub(super) struct Plane(Arc<Shared>);

struct Shared {
    inner: Arc<Inner>,
    snapshots: Mutex<Snapshots>,
}

/// The latest snapshots, and how many there were.
#[derive(Default)]
pub(super) struct Snapshots {
    pub(super) kept: VecDeque<(u64, Snapshot)>,
    pub(super) count: u64,
}

impl Plane {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        Self(Arc::new(Shared { inner, snapshots: Mutex::default() }))
    }

    pub(super) fn inner(&self) -> &Arc<Inner> {
        &self.0.inner
    }

    pub(super) fn snapshots(&self) -> MutexGuard<'_, Snapshots> {
        self.0.snapshots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
