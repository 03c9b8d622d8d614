//! What can be wrong with the configuration of a transport.

use std::{error::Error as StdError, fmt};

use crate::connecting::BoxError;

/// Why a [`HyperTransport`](crate::HyperTransport) could not be built.
///
/// It never holds a private key or a proxy's credentials.
///
/// ```
/// use clerk_actor_tokens_hyper::HyperTransport;
/// use std::time::Duration;
///
/// let error = HyperTransport::builder().connect_timeout(Duration::ZERO).build().unwrap_err();
/// assert_eq!(error.to_string(), "connect_timeout is zero: no connection could be opened");
/// ```
#[derive(Debug)]
pub struct BuildError {
    message: &'static str,
    source: Option<BoxError>,
}

impl BuildError {
    pub(crate) fn new(message: &'static str) -> Self {
        Self { message, source: None }
    }

    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl StdError for BuildError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
