//! What a run is: a call, the way that it takes, and the faults that it meets.

use std::fmt;

use clerk_actor_tokens::testing::emulator::CommitKind;

use super::super::scripted::Planned;
use crate::wire::{over::Over, protocol::Protocol};

/// The way to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) over: Over,
    pub(super) protocol: Protocol,
    pub(super) by_proxy: bool,
    /// The call is not the first on its connection.
    pub(super) reused: bool,
}

/// Only what is spoken over TLS goes through a proxy.
pub(super) fn ways(over: Over) -> Vec<Way> {
    let mut ways = Vec::new();
    for protocol in Protocol::ALL.into_iter().filter(|protocol| over.speaks(*protocol)) {
        for by_proxy in [false, true] {
            for reused in [false, true] {
                if protocol.has_tls() || !by_proxy {
                    ways.push(Way { over, protocol, by_proxy, reused });
                }
            }
        }
    }
    ways
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { over, protocol, by_proxy, reused } = self;
        let by = if *by_proxy { " through a proxy" } else { "" };
        write!(f, "{over}, {protocol}{by}, {}", if *reused { "reused" } else { "fresh" })
    }
}

/// One run.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) way: Way,
    pub(super) kind: CommitKind,
    pub(super) plan: Vec<Planned>,
    pub(super) retries_unsafely: bool,
}
