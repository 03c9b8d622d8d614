//! What the server and its connections know together: which connections there were, and what was read over them.

use std::{
    net::{Shutdown, TcpStream},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use super::script::{Reads, Script, Seen};
use crate::lock::locked;

/// What the server and its connections share.
pub(super) struct Shared {
    pub(super) reads: Reads,
    pub(super) script: Script,
    pub(super) is_stopping: AtomicBool,
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) connections: Vec<Met>,
    pub(super) seen: Vec<Seen>,
}

/// What is known of one connection.
pub(super) struct Met {
    /// Another handle of it while it is served, to end it by.
    pub(super) stream: Option<TcpStream>,
    /// Whether it is silent, with all before that done.
    pub(super) is_held: bool,
    pub(super) is_closed_by_client: bool,
    /// What came over it unasked: bytes that were not read as a request.
    pub(super) raw: Vec<u8>,
}

impl Shared {
    pub(super) fn new(reads: Reads, script: Script) -> Self {
        Self { reads, script, is_stopping: AtomicBool::new(false), state: Mutex::default() }
    }

    pub(super) fn end_all(&self) {
        for stream in locked(&self.state).connections.iter().filter_map(|met| met.stream.as_ref()) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }

    /// Changes what is known of a connection.
    pub(super) fn note(&self, connection: usize, change: impl FnOnce(&mut Met)) {
        if let Some(met) = locked(&self.state).connections.get_mut(connection) {
            change(met);
        }
    }
}
