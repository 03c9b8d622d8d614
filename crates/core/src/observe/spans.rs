//! Spans and events of the `tracing` crate, under OpenTelemetry's names for an HTTP client. Without the feature `tracing` all of
//! this does nothing, and its types have no size.

#[cfg(feature = "tracing")]
mod by_tracing;
#[cfg(not(feature = "tracing"))]
mod nothing;

#[cfg(feature = "tracing")]
pub(crate) use self::by_tracing::*;
#[cfg(not(feature = "tracing"))]
pub(crate) use self::nothing::*;
