//! What a call keeps to show itself.

use http::Method;

use crate::{lock::Lock, observe::spans::Link, time::Moment};

/// Of one call that is watched.
pub(crate) struct Watch {
    pub(crate) method: Method,
    /// When the call began.
    pub(crate) begun: Moment,
    /// When the attempt began that runs.
    pub(crate) attempt: Lock<Option<Moment>>,
    /// What later spans follow from.
    pub(crate) link: Link,
}
