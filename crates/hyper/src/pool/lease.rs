//! A connection, given to one exchange, and the error where none came about.

use std::{
    error::Error as StdError,
    fmt,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use clerk_actor_tokens_core::DiscardConnection;

use crate::{
    connecting::BoxError,
    connection::{http1::Http1, http2::Stream},
};

/// A connection, for one exchange.
pub(crate) enum Lease<E = Http1, S = Stream> {
    Http1(E),
    Http2(S),
}

impl Lease {
    /// Whether a request may be moved to it: it has rested no longer than the limit, and its peer has neither closed it nor said
    /// anything unasked.
    pub(crate) async fn is_usable(&mut self, limit: Duration) -> bool {
        match self {
            Self::Http1(connection) => connection.is_usable(limit).await,
            Self::Http2(stream) => stream.is_usable(limit).await,
        }
    }

    /// No other request is moved to it.
    pub(crate) fn give_up(self) {
        match self {
            Self::Http1(connection) => drop(connection),
            Self::Http2(stream) => stream.connection().give_up(),
        }
    }

    /// It has answered.
    pub(crate) fn answered(&mut self) {
        match self {
            Self::Http1(connection) => connection.has_answered = true,
            Self::Http2(stream) => stream.answered(),
        }
    }

    pub(crate) fn has_answered(&self) -> bool {
        match self {
            Self::Http1(connection) => connection.has_answered,
            Self::Http2(stream) => stream.has_answered(),
        }
    }

    /// What keeps the connection from being used again.
    pub(crate) fn discard(&self) -> DiscardConnection {
        match self {
            Self::Http1(connection) => {
                let is_discarded = connection.discard_handle();
                DiscardConnection::new(move || is_discarded.store(true, Ordering::Release))
            }
            Self::Http2(stream) => {
                // A response that is kept must not keep the connection.
                let connection = Arc::downgrade(stream.connection());
                DiscardConnection::new(move || {
                    if let Some(connection) = connection.upgrade() {
                        connection.discard();
                    }
                })
            }
        }
    }
}

/// Why no connection came about. Several calls may have waited for it.
#[derive(Debug, Clone)]
pub(crate) struct OpenFailed(Arc<BoxError>);

impl fmt::Display for OpenFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no connection could be opened")
    }
}

impl StdError for OpenFailed {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.0.as_ref().as_ref())
    }
}

impl OpenFailed {
    pub(crate) fn new(cause: BoxError) -> Self {
        Self(Arc::new(cause))
    }
}
