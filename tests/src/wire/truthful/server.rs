//! The server: it accepts connections, and gives each a source of chance of its own.

use std::{collections::BTreeMap, io, sync::Arc};

use fastrand::Rng;
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};

use super::{
    http1, http2,
    shared::{Shared, Socket},
};
use crate::wire::{BoxError, ledger::Commits, protocol::Protocol, raw::certified};

/// The server.
pub(super) struct Truthful {
    url: String,
    authority: Option<String>,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Truthful {
    pub(super) async fn start(protocol: Protocol, seed: u64) -> Result<Self, BoxError> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("{}://{}", protocol.scheme(), listener.local_addr()?);
        let (acceptor, authority) = match protocol.has_tls() {
            true => certified(protocol).map(|(acceptor, pem)| (Some(acceptor), Some(pem)))?,
            false => (None, None),
        };
        let shared = Arc::new(Shared::default());
        let sharing = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            let mut serving = JoinSet::new();
            for number in 1.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                while serving.try_join_next().is_some() {}
                sharing.accepted();
                // Frames that are written one by one would wait for each other's acknowledgements.
                let _ = stream.set_nodelay(true);
                let rng = Rng::with_seed(seed.wrapping_mul(1_000_003).wrapping_add(number));
                let (acceptor, shared) = (acceptor.clone(), Arc::clone(&sharing));
                serving.spawn(async move {
                    // An error is a client that goes away.
                    let _ = match acceptor {
                        None => serve(stream, protocol, rng, &shared).await,
                        Some(acceptor) => match acceptor.accept(stream).await {
                            Ok(stream) => serve(stream, protocol, rng, &shared).await,
                            Err(error) => Err(error),
                        },
                    };
                });
            }
        });
        Ok(Self { url, authority, shared, accepting })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    pub(super) fn connections(&self) -> usize {
        self.shared.connections()
    }

    pub(super) fn commits(&self) -> Commits {
        self.shared.ledger.commits()
    }

    pub(super) fn ways(&self) -> BTreeMap<&'static str, usize> {
        self.shared.ways()
    }
}

impl Drop for Truthful {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve<S: Socket>(stream: S, protocol: Protocol, rng: Rng, shared: &Shared) -> io::Result<()> {
    match protocol.is_http2() {
        true => http2::serve(stream, rng, shared).await,
        false => http1::serve(stream, rng, shared).await,
    }
}
