//! ureq's own connections, with a gate before the first byte of a request, and within reach of the caller that ends an exchange.
//!
//! ureq's API for this is not versioned: the crate is pinned to a minor version.

use std::{
    cell::Cell,
    fmt, io,
    sync::{Arc, Weak},
};

use clerk_actor_tokens_transport_kit::Withdrawn;
use ureq::{
    Error,
    unversioned::transport::{
        Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, ShutdownHandle, Transport,
    },
};

use crate::exchange::{Exchange, Socket};

thread_local! {
    /// How many connections are being opened on this thread: a proxy's is opened within the server's.
    static OPENING: Cell<u32> = const { Cell::new(0) };
}

/// Opens connections as ureq does.
#[derive(Debug, Default)]
pub(crate) struct Gate(DefaultConnector);

impl Connector for Gate {
    type Out = Gated;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<()>) -> Result<Option<Gated>, Error> {
        let (exchange, socket) = (Exchange::current(), Arc::new(Socket::default()));
        if let Some(exchange) = &exchange {
            // Known before it has a socket, so that none is missed.
            allowed(exchange.uses(&socket))?;
        }
        let register = Arc::clone(&details.register_shutdown);
        let watched = Arc::clone(&socket);
        let register_shutdown = Arc::new(move |handle: Weak<dyn ShutdownHandle>| {
            register(Weak::clone(&handle))?;
            watched.add(handle);
            // It may have been ended before it was known.
            allowed(exchange.as_ref().is_none_or(|exchange| exchange.uses(&watched)))
        });
        let details = ConnectionDetails {
            uri: details.uri,
            addrs: details.addrs.clone(),
            config: details.config,
            request_level: details.request_level,
            resolver: details.resolver,
            now: details.now,
            timeout: details.timeout,
            current_time: Arc::clone(&details.current_time),
            run_connector: Arc::clone(&details.run_connector),
            register_shutdown,
        };
        let opened = opening(|| self.0.connect(&details, chained))?;
        Ok(opened.map(|connection| Gated { connection, socket }))
    }
}

/// Bytes of a handshake, or to a proxy, are no bytes of a request.
fn opening<T>(open: impl FnOnce() -> T) -> T {
    struct Ends;
    impl Drop for Ends {
        fn drop(&mut self) {
            OPENING.set(OPENING.get().saturating_sub(1));
        }
    }
    OPENING.set(OPENING.get().saturating_add(1));
    let _ends = Ends;
    open()
}

fn allowed(is_allowed: bool) -> Result<(), Error> {
    match is_allowed {
        true => Ok(()),
        false => Err(Error::Io(io::Error::other(Withdrawn))),
    }
}

/// A connection that asks before it sends.
pub(crate) struct Gated {
    connection: Box<dyn Transport>,
    socket: Arc<Socket>,
}

impl Transport for Gated {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.connection.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if OPENING.get() == 0 {
            if let Some(exchange) = Exchange::current() {
                allowed(exchange.uses(&self.socket) && exchange.begin())?;
            }
        }
        self.connection.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.connection.await_input(timeout)
    }

    /// The pool asks on the thread of the exchange that takes the connection. From then on no other may shut it.
    fn is_open(&mut self) -> bool {
        let is_allowed = Exchange::current().is_none_or(|exchange| exchange.uses(&self.socket));
        is_allowed && self.connection.is_open()
    }

    fn is_tls(&self) -> bool {
        self.connection.is_tls()
    }
}

impl fmt::Debug for Gated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gated").finish_non_exhaustive()
    }
}
