//! The face of `tls.rs` where no crypto provider was chosen: there is no TLS, and an error says how to
//! have it.

use std::{
    convert::Infallible,
    error::Error as StdError,
    task::{Context, Poll},
};

use clerk_actor_tokens_core::ConfigError;
use http::Uri;
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use tokio::net::TcpStream;

use crate::{
    connecting::{BoxError, Connecting, Unavailable},
    connection::socket::Socket,
    settings::Settings,
};

pub(crate) type Stream = TokioIo<TcpStream>;

pub(crate) fn plain(tcp: TokioIo<TcpStream>) -> Stream {
    tcp
}

pub(crate) fn socket(stream: &Stream) -> Option<Socket> {
    Socket::of(stream.inner())
}

/// There are none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {}

impl Options {
    pub(crate) fn is_default(&self) -> bool {
        true
    }
}

/// Cannot be made.
#[derive(Clone)]
pub(crate) struct Https(Infallible);

impl Https {
    pub(crate) fn new(_: HttpConnector, _: &Options, _: &Settings) -> Result<Result<Self, Unavailable>, ConfigError> {
        Err(ConfigError::new(
            "https",
            "needs TLS, which this crate was built without",
            "turn on the feature `hyper` or `hyper-ring` of clerk-actor-tokens (`aws-lc-rs` or `ring` of \
             clerk-actor-tokens-hyper), or call `http_only()`",
        ))
    }

    pub(crate) fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self.0 {}
    }

    pub(crate) fn call(&mut self, _: Uri) -> Connecting<Stream> {
        match self.0 {}
    }
}

pub(crate) fn is_refusal(_: &(dyn StdError + 'static)) -> bool {
    false
}

pub(crate) fn speaks_no_tls(_: &(dyn StdError + 'static)) -> bool {
    false
}
