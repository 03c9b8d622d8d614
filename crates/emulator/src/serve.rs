//! The emulator behind a socket: HTTP/1.1, HTTP/2 and TLS, for any client in any language.
//!
//! What Clerk answers is decided elsewhere. Here it becomes bytes, and so do faults: what a reset, a cut or a silence
//! looks like on the wire. The table in `fault.rs` says it for every fault.
//!
//! Data flows downhill: `server.rs` (settings) starts `accept.rs` (connections), which asks `connecting.rs` how a client
//! begins, and hands the connection to `http1.rs` or `http2.rs`; both let `serve_exchange.rs` do one exchange. Below them `connection.rs`
//! is the connection itself.
//!
//! Over HTTP/1.1 a client may shut down its side once it has sent its request (RFC 9293 section 3.6), and is answered.
//! Only while a fault makes it wait does that count as going away: nothing else distinguishes it from a client that has closed.

mod accept;
mod connecting;
mod connection;
mod frames;
mod http1;
mod http2;
mod peek_stream;
mod pieces;
mod reply;
mod serve_exchange;
mod served;
mod server;
mod state;
#[cfg(feature = "tls")]
mod tls;

use std::io;

pub use self::{served::Served, server::Server};
use crate::emulator::Emulator;

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

    /// Serves this emulator as [`serve`](Self::serve) does, on a thread and a runtime of its own: from any place, and for
    /// longer than the runtime of one test. It is short for [`Server::start_detached`] with nothing set.
    ///
    /// ```
    /// use clerk_actor_tokens_emulator::{Emulator, Served};
    /// use std::sync::LazyLock;
    ///
    /// static CLERK: LazyLock<Served> =
    ///     LazyLock::new(|| Emulator::builder().real_time().build().serve_detached().expect("a free port"));
    ///
    /// assert_eq!(CLERK.connections(), 0);
    /// CLERK.emulator().assert_faults_used(); // a static is never dropped, so nothing else checks it
    /// ```
    ///
    /// # Errors
    /// As [`Server::start_detached`].
    pub fn serve_detached(&self) -> io::Result<Served> {
        self.server().start_detached()
    }

    /// Sets a server for this emulator up.
    pub fn server(&self) -> Server {
        Server::new(self.clone())
    }
}
