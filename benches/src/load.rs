//! How many creations, and how many at once.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::Failure;

/// The numbers of creations in flight that are measured.
pub const IN_FLIGHT: [usize; 3] = [1, 16, 64];

/// One way to create a token.
pub trait Create: Send + Sync + 'static {
    /// Creates one, and checks what came back.
    fn create(&self) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// So many workers, each of which makes one creation after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    in_flight: usize,
    each: usize,
}

impl Load {
    /// So many creations in flight, and this many in all, rounded up to the same number for each worker.
    #[must_use]
    pub const fn new(in_flight: usize, requests: usize) -> Self {
        let in_flight = if in_flight == 0 { 1 } else { in_flight };
        Self { in_flight, each: requests.div_ceil(in_flight) }
    }

    /// What opens the connections, and lets every buffer grow to its size.
    #[must_use]
    pub const fn warm_up(in_flight: usize) -> Self {
        Self::new(in_flight, in_flight.saturating_mul(4))
    }

    /// How many creations it is in all.
    #[must_use]
    pub const fn requests(self) -> usize {
        self.in_flight.saturating_mul(self.each)
    }
}

/// A runtime of one thread: what runs in it does not depend on how threads take turns.
///
/// # Errors
/// The system refused.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// Makes this many creations.
///
/// # Errors
/// The first creation that failed.
pub async fn drive<C: Create>(subject: &Arc<C>, load: Load) -> Result<(), Failure> {
    let mut workers = JoinSet::new();
    for _ in 0..load.in_flight {
        let subject = Arc::clone(subject);
        workers.spawn(async move {
            for _ in 0..load.each {
                subject.create().await?;
            }
            Ok::<(), Failure>(())
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    Ok(())
}
