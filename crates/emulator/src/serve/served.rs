//! A server that runs: where it is, and how to stop it.

use std::{
    convert::Infallible,
    fmt,
    sync::{Arc, atomic::Ordering},
};

use clerk_actor_tokens_core::BaseUrl;
use tokio::{sync::oneshot, task::JoinHandle};

use super::state::ServerState;
use crate::emulator::Emulator;

/// A server in front of an [`Emulator`]. It stops when this is dropped.
pub struct Served {
    pub(super) emulator: Emulator,
    pub(super) state: Arc<ServerState>,
    pub(super) url: String,
    pub(super) base_url: BaseUrl,
    #[cfg(feature = "tls")]
    pub(super) authority: Option<super::tls::Authority>,
    pub(super) stop: Option<oneshot::Sender<Infallible>>,
    pub(super) task: Option<JoinHandle<()>>,
}

impl Served {
    /// Where it listens, as `http://127.0.0.1:PORT`; `https` with TLS. Where it listens on every address, that is the
    /// loopback address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens, for the builder of a client.
    #[must_use]
    pub fn base_url(&self) -> BaseUrl {
        self.base_url.clone()
    }

    /// The emulator behind it.
    #[must_use]
    pub fn emulator(&self) -> &Emulator {
        &self.emulator
    }

    /// How many connections it has accepted, those included that a fault ended before a request could be read. A tunnel
    /// is a part of its connection.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.state.accepted.load(Ordering::Relaxed)
    }

    /// The certificate of the authority that signed the server's, as PEM. `None` without TLS.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.authority.as_ref().map(|authority| authority.pem.as_str())
    }

    /// The same as [`ca_pem`](Self::ca_pem), as DER.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn ca_der(&self) -> Option<&[u8]> {
        self.authority.as_ref().map(|authority| authority.der.as_slice())
    }

    /// Stops: closes the port and drops every connection, whatever it is doing.
    pub async fn shutdown(mut self) {
        self.stop = None;
        if let Some(task) = self.task.take() {
            // Its one way to fail is that the runtime ended it first.
            let _ = task.await;
        }
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served").field("url", &self.url).finish_non_exhaustive()
    }
}
