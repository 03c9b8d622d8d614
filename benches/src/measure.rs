//! What this process has used: CPU time and allocations.

use std::{alloc::System, time::Duration};

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

/// The CPU time that all threads of this process have used, in user mode and in the kernel.
///
/// # Errors
/// It is not known on this system.
#[cfg(unix)]
pub fn cpu() -> Result<Duration, Failure> {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Ok(Duration::try_from(used)?)
}

/// The CPU time that all threads of this process have used.
///
/// # Errors
/// It is read on Unix alone.
#[cfg(not(unix))]
pub fn cpu() -> Result<Duration, Failure> {
    Err("the CPU time of a process is read on Unix alone".into())
}
