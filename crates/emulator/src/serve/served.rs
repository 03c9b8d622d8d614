//! A server that runs: where it is, and how to stop it.

use std::{
    convert::Infallible,
    fmt,
    sync::{Arc, atomic::Ordering},
};

use clerk_actor_tokens_core::BaseUrl;
use tokio::sync::oneshot;

use super::state::ServerState;
use crate::emulator::Emulator;

/// A server in front of an [`Emulator`]. It stops when this is dropped, which does not wait until it has:
/// [`shutdown`](Self::shutdown) does.
pub struct Served {
    pub(super) emulator: Emulator,
    pub(super) state: Arc<ServerState>,
    pub(super) url: String,
    pub(super) base_url: BaseUrl,
    #[cfg(feature = "tls")]
    pub(super) authority: Option<super::tls::Authority>,
    /// The server stops when this is dropped.
    pub(super) stop: oneshot::Sender<Infallible>,
    /// Ends when the server has stopped, or its runtime has.
    pub(super) ended: oneshot::Receiver<Infallible>,
}

impl Served {
    /// Returns where it listens, as `http://127.0.0.1:PORT`, or `https` with TLS. If it listens on
    /// every address, that is the loopback address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns where it listens, for the builder of a client.
    #[must_use]
    pub fn base_url(&self) -> BaseUrl {
        self.base_url.clone()
    }

    /// Returns the emulator behind it.
    #[must_use]
    pub fn emulator(&self) -> &Emulator {
        &self.emulator
    }

    /// Returns how many connections it has accepted, with those that a fault ended before a request
    /// was read. A tunnel is a part of its connection.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.state.accepted.load(Ordering::Relaxed)
    }

    /// Returns the certificate of the authority that signed the server's, as PEM, or `None` without
    /// TLS.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.authority.as_ref().map(|authority| authority.pem.as_str())
    }

    /// Returns the same as [`ca_pem`](Self::ca_pem), as DER.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn ca_der(&self) -> Option<&[u8]> {
        self.authority.as_ref().map(|authority| authority.der.as_slice())
    }

    /// Stops the server: closes the port, and drops every connection, also with a request in
    /// flight. May be awaited in any runtime, and in none.
    ///
    /// ```
    /// use clerk_actor_tokens_emulator::Emulator;
    ///
    /// let server = Emulator::builder().real_time().build().serve_detached()?;
    /// pollster::block_on(server.shutdown());
    /// # std::io::Result::Ok(())
    /// ```
    pub async fn shutdown(self) {
        drop(self.stop);
        // Nothing is ever sent: that the other end is gone is what is waited for.
        let _ = self.ended.await;
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served").field("url", &self.url).finish_non_exhaustive()
    }
}
