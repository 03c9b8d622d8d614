//! hyper-util's pooled client: how it is set up, and its face without the type of its connector.
//!
//! Not responsible for opening connections (`connect.rs`) or for one exchange (`transport.rs`).

use std::{sync::Arc, time::Duration};

use http::Request;
use hyper_util::{
    client::legacy::{Client, ResponseFuture, connect::Connect},
    rt::{TokioExecutor, TokioTimer},
};

use clerk_actor_tokens_transport_kit::GatedBody;

/// A client of any connector. One indirect call a request; none while bytes move.
pub(crate) type Pool = Arc<dyn Fn(Request<GatedBody>) -> ResponseFuture + Send + Sync>;

/// Any client as a [`Pool`].
pub(crate) fn pool<C>(client: Client<C, GatedBody>) -> Pool
where
    C: Connect + Clone + Send + Sync + 'static,
{
    Arc::new(move |request| client.request(request))
}

/// Which versions of HTTP are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Versions {
    /// Over TLS what ALPN gives (RFC 7301), over a plain connection HTTP/1.1.
    Negotiated,
    Http1,
    /// HTTP/2 over a plain connection too, by prior knowledge (RFC 9113 section 3.3).
    Http2,
}

/// What a peer may send on one HTTP/2 stream before the client reads it: RFC 9113's own default, which holds an
/// actor token sixty times over. A body beyond the cap of a response is thus never buffered.
const STREAM_WINDOW: u32 = 65_535;

/// The same for all streams of a connection together.
const CONNECTION_WINDOW: u32 = 16 * STREAM_WINDOW;

/// How the client is set up.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) versions: Versions,
    pub(crate) idle_timeout: Duration,
    pub(crate) max_idle_per_host: usize,
    pub(crate) max_head_size: u32,
}

impl Settings {
    /// Two clients over this connector: one that keeps connections, and one that makes a new one for each request.
    pub(crate) fn pools<C>(&self, connector: C) -> (Pool, Pool)
    where
        C: Connect + Clone + Send + Sync + 'static,
    {
        (pool(self.client(connector.clone(), self.max_idle_per_host)), pool(self.client(connector, 0)))
    }

    fn client<C>(&self, connector: C, max_idle: usize) -> Client<C, GatedBody>
    where
        C: Connect + Clone,
    {
        Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(self.idle_timeout)
            .pool_max_idle_per_host(max_idle)
            .http2_only(self.versions == Versions::Http2)
            .http1_max_buf_size(usize::try_from(self.max_head_size).unwrap_or(usize::MAX))
            .http2_max_header_list_size(self.max_head_size)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            // On by default, written out because it is relied on. It sends again only what hyper gives back from its
            // queue (`TrySendError::take_message`), of which no byte was written, and only if that connection was a
            // reused one: `send_request` in hyper-util's `client/legacy/client.rs`.
            .retry_canceled_requests(true)
            .build(connector)
    }
}
