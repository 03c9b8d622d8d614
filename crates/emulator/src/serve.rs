//! The emulator behind a socket: HTTP/1.1, HTTP/2 and TLS, for any client in any language.
//!
//! What Clerk answers is decided elsewhere. Here it becomes bytes, and so do faults: what a reset, a cut or a silence
//! looks like on the wire. The table in `fault.rs` says it for every fault.
//!
//! Data flows downhill: `server.rs` (settings) starts `accept.rs` (connections), which asks `connecting.rs` how a client
//! begins, and hands the connection to `http1.rs` or `http2.rs`; both let `visit.rs` do one exchange. Below them `line.rs`
//! is the connection itself.
//!
//! Over HTTP/1.1 a client may shut down its side once it has sent its request (RFC 9293 section 3.6), and is answered.
//! Only while a fault makes it wait does that count as going away: nothing else tells it from a client that has closed.

mod accept;
mod ahead;
mod connecting;
mod frames;
mod http1;
mod http2;
mod line;
mod pieces;
mod reply;
mod server;
#[cfg(feature = "tls")]
mod tls;
mod visit;

use std::{
    convert::Infallible,
    fmt, io,
    sync::{Arc, atomic::Ordering},
};

use clerk_actor_tokens_core::BaseUrl;
use tokio::{sync::oneshot, task::JoinHandle};

use self::accept::Site;
pub use self::server::Server;
use crate::emulator::Emulator;

/// A server in front of an [`Emulator`]. It stops when this is dropped.
pub struct Served {
    emulator: Emulator,
    site: Arc<Site>,
    url: String,
    base_url: BaseUrl,
    #[cfg(feature = "tls")]
    authority: Option<tls::Authority>,
    stop: Option<oneshot::Sender<Infallible>>,
    task: Option<JoinHandle<()>>,
}

impl Emulator {
    /// Serves this emulator at a free port of 127.0.0.1, without TLS, in the background of the present tokio runtime. It
    /// accepts connections when this returns. It is short for [`server`](Self::server) with nothing set.
    ///
    /// ```
    /// use clerk_actor_tokens_emulator::Emulator;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap().block_on(async {
    /// let server = Emulator::builder().real_time().build().serve().await?;
    /// assert!(server.url().starts_with("http://127.0.0.1:"));
    /// server.emulator().assert_creates(0);
    /// # std::io::Result::Ok(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`Server::start`].
    pub async fn serve(&self) -> io::Result<Served> {
        self.server().start().await
    }

    /// Sets a server for this emulator up.
    pub fn server(&self) -> Server {
        Server::new(self.clone())
    }
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
        self.site.accepted.load(Ordering::Relaxed)
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
