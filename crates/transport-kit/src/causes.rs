//! The causes of an error, also those that an I/O error hides.

use std::{error::Error as StdError, io, iter};

/// Returns the error and its causes, the outermost first. `io::Error::source` passes over the error that it wraps. Here it is
/// among them.
///
/// ```
/// use clerk_actor_tokens_transport_kit::causes;
/// use std::{fmt, io};
///
/// let wrapped = io::Error::other(io::Error::other(fmt::Error));
/// assert!(causes(&wrapped).any(|cause| cause.is::<fmt::Error>()));
/// ```
pub fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped as &(dyn StdError + 'static)),
        None => error.source(),
    })
}
