//! Servers that speak what the kit's own do not.

use std::io;

use clerk_actor_tokens_core::async_trait;

/// The header by which a server knows which exchange a request belongs to.
pub const EXCHANGE: &str = "x-conformance-exchange";
/// The header of a request that is answered plainly, whatever the server does with others.
pub const WARM_UP: &str = "x-conformance-warm-up";

/// Starts servers of another protocol than the kit's own, which speak HTTP/1.1. With one, the kit has the cells `peer.*`.
///
/// A peer over HTTP/2 is some hundred lines over the crate `h2`, whose server can do all of [`PeerAct`].
#[async_trait]
pub trait Peer: Send + Sync + 'static {
    /// Starts a server on loopback that does this with each request. It is called within the future that is given to
    /// [`Kit::block_on`](crate::Kit::block_on), and stops when it is dropped.
    ///
    /// A request with the header [`WARM_UP`] is answered with 200 and an empty body, whatever the act.
    ///
    /// # Errors
    /// The system has no port, or no memory: the cell fails, and says that it is not the transport's fault.
    async fn start(&self, act: PeerAct) -> io::Result<Box<dyn PeerServer>>;
}

/// A server that a [`Peer`] has started.
pub trait PeerServer: Send + Sync {
    /// Returns scheme and authority: `http://127.0.0.1:4010`.
    fn origin(&self) -> String;

    /// Returns the value of the header [`EXCHANGE`] of each request whose head was read, in order.
    fn exchanges(&self) -> Vec<String>;

    /// Returns how many connections were accepted.
    fn connections(&self) -> usize;
}

/// What a peer's server does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerAct {
    /// Reads it, and answers 200 with the body `hello`.
    Answer,
    /// Reads it, and closes the connection.
    Close,
    /// Reads it, and resets the connection (TCP RST).
    Reset,
    /// Reads it, and is silent.
    Silence,
    /// Reads it, and resets its stream with this code, which is not `REFUSED_STREAM` (RFC 9113 section 7).
    ResetStream(u32),
    /// Reads it, writes the head of an answer and half its body, and resets the stream.
    CutBody,
    /// Reads it, writes the head of an answer and half its body, and is silent.
    StallBody,
    /// Reads it, and says that it is going away, and that this request was the last that it may have processed (GOAWAY, RFC
    /// 9113 section 6.8). Then it closes.
    GoAwayBehind,
    /// Reads the head, and grants no room for the body: a flow-control window of 0.
    NoWindow,
    /// Refuses it unprocessed (`REFUSED_STREAM`, RFC 9113 section 8.7).
    Refuse,
    /// Says that it is going away, and that it did not process this request (GOAWAY). Then it closes.
    GoAwayBefore,
}
