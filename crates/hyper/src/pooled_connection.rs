//! The connection that a request was given to: what is known of it, and what becomes of it when the exchange ends.
//!
//! Not responsible for what errors prove (`classify.rs`).

use clerk_actor_tokens_core::SendState;
use hyper_util::client::legacy::connect::CaptureConnection;

use crate::connection_state::ConnectionState;

/// The connection that a request was given to, once there is one.
pub(crate) struct PooledConnection(CaptureConnection);

impl PooledConnection {
    pub(crate) fn new(captured: CaptureConnection) -> Self {
        Self(captured)
    }

    /// Whether the request was given to a connection, so that bytes of it may have been written. True also while the
    /// pool replaces a connection that gave the request back unwritten, which errs on the safe side.
    pub(crate) fn has_request(&self) -> bool {
        self.0.connection_metadata().is_some()
    }

    /// Whether it has ever answered. Of a connection of somebody else's client that is not known, and assumed.
    pub(crate) fn has_answered(&self) -> bool {
        let state = self.0.connection_metadata().as_ref().and_then(ConnectionState::of);
        state.is_none_or(|state| state.has_answered())
    }

    /// Keeps the connection from being used again. It may be back in the pool already, since the body was read to its
    /// end; that is no obstacle: hyper-util's pool asks `PoolClient::is_open`, which is false for a poisoned
    /// connection, when a connection is put in, taken out and swept.
    pub(crate) fn discard(&self) {
        if let Some(connected) = &*self.0.connection_metadata() {
            connected.poison();
            if let Some(state) = ConnectionState::of(connected) {
                state.give_up();
            }
        }
    }
}

/// An exchange before its answer: if it is dropped, what has not been sent of it never will be.
pub(crate) struct Waiting<'a> {
    send_state: &'a SendState,
    connection: &'a PooledConnection,
    is_over: bool,
}

impl<'a> Waiting<'a> {
    pub(crate) fn new(send_state: &'a SendState, connection: &'a PooledConnection) -> Self {
        Self { send_state, connection, is_over: false }
    }

    /// It has come to an end by itself.
    pub(crate) fn end(mut self) {
        self.is_over = true;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.send_state.cancel();
            // As at the deadline: the caller may have left because the connection is dead.
            self.connection.discard();
        }
    }
}
