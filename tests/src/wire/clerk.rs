//! The emulator behind a socket, on a runtime of its own: a server that outlives the runtimes of its clients.

use std::{thread, time::Duration};

use clerk_actor_tokens::{
    Client, ConfigError,
    hyper::{Certificates, HyperTransport},
    testing::emulator::{Emulator, Served},
};
use tokio::runtime::{Builder, Runtime};

use super::{BoxError, protocol::Protocol};

/// The server. It must be dropped outside of any runtime.
#[derive(Debug)]
pub struct Clerk {
    emulator: Emulator,
    protocol: Protocol,
    served: Served,
    _serving: Runtime,
}

impl Clerk {
    /// Starts a server that speaks this, and that closes connections which are idle for so long.
    ///
    /// # Errors
    /// The machine gave no socket or no thread.
    pub fn start(protocol: Protocol, idle_limit: Option<Duration>) -> Result<Self, BoxError> {
        let serving = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let emulator = Emulator::builder().real_time().build();
        let mut server = emulator.server();
        if protocol.has_tls() {
            server = server.tls();
        }
        if !protocol.is_http2() {
            server = server.http1_only();
        }
        if let Some(limit) = idle_limit {
            server = server.idle_timeout(limit);
        }
        // On a thread of its own, since the caller may be in a runtime already.
        let started = thread::scope(|scope| scope.spawn(|| serving.block_on(server.start())).join());
        let served = started.map_err(|_| "the thread that starts the server has panicked")??;
        Ok(Self { emulator, protocol, served, _serving: serving })
    }

    /// Returns the emulator.
    #[must_use]
    pub fn emulator(&self) -> &Emulator {
        &self.emulator
    }

    /// Returns its address.
    #[must_use]
    pub fn url(&self) -> &str {
        self.served.url()
    }

    /// Returns the authority to trust, as PEM.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        self.served.ca_pem()
    }

    /// Returns how many connections it has accepted.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.served.connections()
    }

    /// Returns a client with a pool of its own.
    ///
    /// # Errors
    /// The machine has no source of TLS.
    pub fn client(&self) -> Result<Client<HyperTransport>, BoxError> {
        let transport = negotiating(self.protocol, self.authority())?;
        let builder = Client::builder(transport, self.emulator.secret_key()).base_url(self.served.base_url());
        Ok(builder.build()?)
    }
}

/// A transport as users configure it: over TLS, it negotiates the protocol.
pub(super) fn negotiating(protocol: Protocol, authority: Option<&str>) -> Result<HyperTransport, ConfigError> {
    let builder = HyperTransport::builder();
    let builder = if protocol == Protocol::Http2 { builder.http2_prior_knowledge() } else { builder };
    match authority {
        Some(pem) => builder.only_roots(Certificates::from_pem(pem.as_bytes())?).build(),
        None => builder.http_only().build(),
    }
}
