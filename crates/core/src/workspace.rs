//! What the tests of this workspace need and no application does. Not part of the API: it may change in any version.

use crate::{builder::ClientBuilder, transport::HttpTransport};

#[cfg(flipped_rules)]
pub use crate::retry::flip;
pub use crate::retry::page::failure_rules;

/// Makes the backoff of a client reproducible.
pub trait JitterSeed {
    /// Draws the jitter from this seed.
    #[must_use]
    fn jitter_seed(self, seed: u64) -> Self;
}

impl<T: HttpTransport> JitterSeed for ClientBuilder<T> {
    fn jitter_seed(self, seed: u64) -> Self {
        self.with_jitter_seed(seed)
    }
}
