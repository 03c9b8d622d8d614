//! The face of `tls.rs` where no crypto provider was chosen: there is no TLS, and whoever asks for it is told how to
//! have it.

use std::error::Error as StdError;

use http::Uri;
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use tokio::net::TcpStream;

use crate::{BoxError, BuildError, classify::Unavailable};

pub(crate) type Stream = TokioIo<TcpStream>;

pub(crate) fn plain(tcp: TokioIo<TcpStream>) -> Stream {
    tcp
}

/// Cannot be made.
#[derive(Clone)]
pub(crate) enum Https {}

impl Https {
    pub(crate) fn new(_: HttpConnector) -> Result<Result<Self, Unavailable>, BuildError> {
        Err(BuildError::new(
            "https needs the feature `aws-lc-rs` or `ring` of clerk-actor-tokens-hyper; \
             `http_only()` builds a transport without it",
        ))
    }

    pub(crate) async fn connect(self, _: Uri) -> Result<Stream, BoxError> {
        match self {}
    }
}

pub(crate) fn is_refusal(_: &(dyn StdError + 'static)) -> bool {
    false
}
