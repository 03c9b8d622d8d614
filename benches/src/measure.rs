//! What this process has used: CPU time, allocations and heap.

use std::{
    alloc::System,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use crate::Failure;

/// Counts every allocation of every binary that this crate is linked into. It costs two atomic additions for each, in all
/// layers alike.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What was allocated up to some moment, or between two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Allocated {
    /// How often memory was asked for: allocations, and reallocations.
    pub count: usize,
    /// How many bytes were asked for; of a reallocation, those by which it grew.
    pub bytes: usize,
}

impl Allocated {
    /// What has been allocated up to now.
    #[must_use]
    pub fn now() -> Self {
        let stats = ALLOCATOR.stats();
        Self { count: stats.allocations.wrapping_add(stats.reallocations), bytes: stats.bytes_allocated }
    }

    /// What has been allocated since.
    #[must_use]
    pub fn since(self) -> Self {
        let now = Self::now();
        Self { count: now.count.wrapping_sub(self.count), bytes: now.bytes.wrapping_sub(self.bytes) }
    }
}

/// What something used.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sample {
    /// CPU time, in microseconds.
    pub micros: f64,
    /// How often memory was asked for.
    pub allocations: f64,
    /// How many bytes were asked for.
    pub bytes: f64,
}

impl Sample {
    /// Measures what this uses, divided by so many.
    ///
    /// # Errors
    /// What is measured failed, or the CPU time is not known.
    pub async fn of(work: impl Future<Output = Result<(), Failure>>, times: usize) -> Result<Self, Failure> {
        let (allocated, used) = (Allocated::now(), cpu()?);
        work.await?;
        let (used, allocated) = (cpu()?.saturating_sub(used), allocated.since());
        let times = times as f64;
        Ok(Self {
            micros: used.as_secs_f64() * 1e6 / times,
            allocations: allocated.count as f64 / times,
            bytes: allocated.bytes as f64 / times,
        })
    }
}

/// The most bytes that [`note_live`] has seen.
static MOST: AtomicUsize = AtomicUsize::new(0);

/// Returns the bytes of heap that are in use.
#[must_use]
pub fn live() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
}

/// Looks at the live heap, for [`take_most_live`].
pub(crate) fn note_live() {
    MOST.fetch_max(live(), Ordering::Relaxed);
}

/// Returns the most that was live where it was looked at, and forgets it.
pub fn take_most_live() -> usize {
    MOST.swap(0, Ordering::Relaxed)
}

/// The CPU time that all threads of this process have used, in user mode and in the kernel.
#[cfg(unix)]
fn cpu() -> Result<Duration, Failure> {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Ok(Duration::try_from(used)?)
}

#[cfg(not(unix))]
fn cpu() -> Result<Duration, Failure> {
    Err("the CPU time of a process is read on Unix alone".into())
}

/// Lets this process, and those that it starts, open as many files as the system allows it: a thousand connections of
/// each layer are open at once.
#[cfg(unix)]
pub fn allow_many_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where it is refused, the first connection too many says so.
    let _ = setrlimit(Resource::Nofile, limit);
}

/// Does nothing where there is no such limit.
#[cfg(not(unix))]
pub fn allow_many_files() {}
