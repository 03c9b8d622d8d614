//! How many creations, and how many at once.

use std::{pin::Pin, sync::Arc};

use tokio::task::JoinSet;

use crate::{Failure, measure::note_live};

/// One way to create a token.
pub trait Create: Send + Sync + 'static {
    /// Creates the token of this number, and checks what came back.
    fn create(&self, number: usize) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// A client of some layer, with its pool. Which layer it is, is looked at once, outside of the loop.
pub type Subject = Arc<dyn Run>;

type Running = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// Makes creations.
pub trait Run: Send + Sync {
    /// Makes this many creations, and fails with the first that failed.
    fn run(self: Arc<Self>, load: Load) -> Running;
}

/// Returns the client of a layer.
pub(crate) fn subject<C: Create>(create: C) -> Subject {
    Arc::new(create)
}

/// So many workers, each of which makes one creation after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    in_flight: usize,
    each: usize,
    /// How many creations in a row have the same number.
    in_a_row: usize,
    /// Whether the live heap is looked at after each creation.
    is_watched: bool,
}

impl Load {
    /// So many creations in flight, and this many in all, rounded up to the same number for each worker.
    #[must_use]
    pub const fn new(in_flight: usize, requests: usize) -> Self {
        let in_flight = if in_flight == 0 { 1 } else { in_flight };
        Self { in_flight, each: requests.div_ceil(in_flight), in_a_row: 1, is_watched: false }
    }

    /// Returns what opens the connections, and lets every buffer grow to its size.
    #[must_use]
    pub const fn warm_up(in_flight: usize, origins: usize) -> Self {
        let requests = in_flight.saturating_mul(2);
        Self::new(in_flight, if requests < origins { origins } else { requests })
    }

    /// Returns one creation after the other, so many at each of the origins before the next has its turn.
    #[must_use]
    pub const fn by_origin(origins: usize, each: usize) -> Self {
        let requests = origins.saturating_mul(each);
        Self { in_flight: 1, each: requests, in_a_row: if each == 0 { 1 } else { each }, is_watched: false }
    }

    /// Looks at the live heap after each creation.
    #[must_use]
    pub const fn watched(mut self) -> Self {
        self.is_watched = true;
        self
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

impl<C: Create> Run for C {
    fn run(self: Arc<Self>, load: Load) -> Running {
        Box::pin(run(self, load))
    }
}

async fn run<C: Create>(subject: Arc<C>, load: Load) -> Result<(), Failure> {
    let mut workers = JoinSet::new();
    for worker in 0..load.in_flight {
        let subject = Arc::clone(&subject);
        workers.spawn(async move {
            let mut number = worker;
            for _ in 0..load.each {
                subject.create(number / load.in_a_row).await?;
                number = number.wrapping_add(load.in_flight);
                if load.is_watched {
                    note_live();
                }
            }
            Ok::<(), Failure>(())
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    Ok(())
}
