//! The creations of a client that are in flight, what callers hold, and the orphans that were not
//! revoked. `close` waits for them, revokes them and returns them.
//!
//! Counts and keeps; decides nothing. Each call holds an [`InFlightGuard`] and drops it at its end. On the way of a call
//! that succeeds no lock is taken: the count is atomic.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use crate::{
    call::{
        orphan::OrphanReport,
        waiting::{Waiting, wake},
    },
    error::Error,
    lock::Lock,
};

/// So many reports are kept; of more, the number alone.
const KEPT: usize = 1_000;

/// The lowest bit says that the client is closed; the rest is the count, twice.
const CLOSED: usize = 1;
const ONE: usize = 2;

/// What all clones of a client share.
#[derive(Default)]
pub(crate) struct InFlight {
    count: AtomicUsize,
    state: Lock<State>,
}

#[derive(Default)]
struct State {
    /// In an `Arc` each: a report is cloned and dropped unlocked, because the application's extensions are in it.
    lost: Vec<Arc<OrphanReport>>,
    more_lost: usize,
    waiting: Waiting,
    held: BTreeMap<u64, Arc<dyn Revocable>>,
    next_held: u64,
    /// `close` has revoked what was held: nothing is held from here on.
    is_over: bool,
    /// What `close` has revoked.
    revoked: Vec<Arc<OrphanReport>>,
}

/// Something that a caller holds: kept or revoked, whichever comes first.
pub(crate) trait Revocable: Send + Sync {
    /// Decides what becomes of it. `false` if that was decided before.
    fn decide(&self) -> bool;

    /// Its caller keeps it.
    fn kept(&self);

    /// Returns the error of a caller that comes too late to keep it.
    fn not_kept(&self) -> Error;

    /// Begins to revoke it, and returns what is known of it. To be called by who has decided that.
    fn revoke(&self) -> Vec<OrphanReport>;
}

impl InFlight {
    /// Begins a call. `None` if the client is closed.
    pub(crate) fn begin(self: &Arc<Self>) -> Option<InFlightGuard> {
        let count = |count: usize| (count & CLOSED == 0).then(|| count.saturating_add(ONE));
        self.count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count).ok()?;
        Some(InFlightGuard(Arc::clone(self)))
    }

    /// Begins what is left of a call that had begun before: also of a client that was closed meanwhile.
    pub(crate) fn begin_detached(self: &Arc<Self>) -> InFlightGuard {
        self.count.fetch_add(ONE, Ordering::SeqCst);
        InFlightGuard(Arc::clone(self))
    }

    /// Lets no call begin from here on.
    pub(crate) fn close(&self) {
        self.count.fetch_or(CLOSED, Ordering::SeqCst);
    }

    /// Waits until none is in flight.
    pub(crate) fn ended(&self) -> Ended<'_> {
        Ended { in_flight: self, also_held: false, place: None }
    }

    /// Waits until none is in flight and nothing is held.
    pub(crate) fn settled(&self) -> Ended<'_> {
        Ended { in_flight: self, also_held: true, place: None }
    }

    /// Holds something until its place is dropped. `None` if `close` has revoked what was held: nothing would revoke this.
    pub(crate) fn hold(self: &Arc<Self>, held: Arc<dyn Revocable>) -> Option<HoldPlace> {
        let number = self.state.with(|state| {
            if state.is_over {
                return None;
            }
            let number = state.next_held;
            state.next_held = number.wrapping_add(1);
            state.held.insert(number, Arc::clone(&held));
            Some(number)
        })?;
        Some(HoldPlace { in_flight: Arc::clone(self), number, held })
    }

    /// Revokes what is held. From here on, nothing is.
    pub(crate) fn revoke_held(self: &Arc<Self>) {
        // Decided and counted under the lock: another `close`, or a drop, sees each held, in flight or over.
        let (held, is_decided, _in_flight) = self.state.with(|state| {
            state.is_over = true;
            let held: Vec<_> = std::mem::take(&mut state.held).into_values().collect();
            let is_decided: Vec<bool> = held.iter().map(|held| held.decide()).collect();
            let in_flight = is_decided.contains(&true).then(|| self.begin_detached());
            (held, is_decided, in_flight)
        });
        // A revocation runs code of the user's: not under the lock.
        let decided = held.iter().zip(is_decided).filter(|(_, is_decided)| *is_decided);
        let reports: Vec<_> = decided.flat_map(|(held, _)| held.revoke()).map(Arc::new).collect();
        self.state.with(|state| state.revoked.extend(reports));
    }

    /// Returns what `close` has revoked.
    pub(crate) fn revoked(&self) -> Vec<OrphanReport> {
        unlocked(&self.state.with(|state| state.revoked.clone()))
    }

    /// Keeps the report of something that was not revoked.
    pub(crate) fn keep(&self, report: OrphanReport) {
        let report = Arc::new(report);
        self.state.with(|state| {
            if state.lost.len() < KEPT {
                state.lost.push(Arc::clone(&report));
            } else {
                state.more_lost = state.more_lost.saturating_add(1);
            }
        });
    }

    /// Returns how many are in flight, the reports, and how many more there are than are kept.
    pub(crate) fn left(&self) -> (usize, Vec<OrphanReport>, usize) {
        let (lost, more_lost) = self.state.with(|state| (state.lost.clone(), state.more_lost));
        (self.running(), unlocked(&lost), more_lost)
    }

    fn running(&self) -> usize {
        self.count.load(Ordering::SeqCst) / ONE
    }

    fn is_settled(&self, also_held: bool) -> bool {
        self.running() == 0 && !(also_held && self.state.with(|state| !state.held.is_empty()))
    }
}

/// Clones reports, which runs code of the application's: not under the lock.
fn unlocked(reports: &[Arc<OrphanReport>]) -> Vec<OrphanReport> {
    reports.iter().map(|report| OrphanReport::clone(report)).collect()
}

/// The place of something that is held. Dropped, it is revoked, unless it was kept.
pub(crate) struct HoldPlace {
    in_flight: Arc<InFlight>,
    number: u64,
    held: Arc<dyn Revocable>,
}

impl HoldPlace {
    /// Lets the caller keep it. An error if `close` has revoked it.
    pub(crate) fn keep(&self) -> Option<Error> {
        if !self.held.decide() {
            return Some(self.held.not_kept());
        }
        self.held.kept();
        None
    }
}

impl Drop for HoldPlace {
    fn drop(&mut self) {
        // Decided and counted under the lock, as `close` does it.
        let (held, in_flight, waiting) = self.in_flight.state.with(|state| {
            let in_flight = self.held.decide().then(|| self.in_flight.begin_detached());
            (state.held.remove(&self.number), in_flight, state.waiting.take())
        });
        if in_flight.is_some() {
            drop(self.held.revoke());
        }
        wake(waiting);
        drop(held);
    }
}

/// One that is in flight, until it is dropped.
pub(crate) struct InFlightGuard(Arc<InFlight>);

impl InFlightGuard {
    pub(crate) fn in_flight(&self) -> &InFlight {
        &self.0
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        // It is the count before: the last one of a closed client, for which alone anybody waits.
        if self.0.count.fetch_sub(ONE, Ordering::SeqCst) != ONE | CLOSED {
            return;
        }
        wake(self.0.state.with(|state| state.waiting.take()));
    }
}

/// Ready when none is in flight, and when nothing is held where that is waited for too.
pub(crate) struct Ended<'a> {
    in_flight: &'a InFlight,
    also_held: bool,
    place: Option<u64>,
}

impl Future for Ended<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let also_held = self.also_held;
        if self.in_flight.is_settled(also_held) {
            return Poll::Ready(());
        }
        let (in_flight, mut waker) = (self.in_flight, Some(context.waker().clone()));
        in_flight.state.with(|state| state.waiting.keep(&mut self.place, &mut waker));
        // The last one may have ended before the waker was there.
        if self.in_flight.is_settled(also_held) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        let waker = self.place.and_then(|place| self.in_flight.state.with(|state| state.waiting.leave(place)));
        drop(waker);
    }
}
