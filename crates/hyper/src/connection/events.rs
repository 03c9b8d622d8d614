//! What a connection says to the pool that it is in.

use crate::connecting::BoxError;

/// What becomes of a connection, for the pool that it is in.
pub(crate) trait Events: Send + Sync {
    /// An HTTP/2 peer takes more streams than before, or one is free again, or a connection has ended.
    fn changed(&self);

    /// An HTTP/2 connection ended before its peer took a single request.
    fn failed(&self, cause: BoxError);
}
