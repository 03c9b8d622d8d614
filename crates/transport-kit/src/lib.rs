#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

mod causes;
mod check_request;
mod gated_body;
#[cfg(feature = "h2")]
mod http2;
mod prove;
mod read;
#[cfg(feature = "tokio")]
mod tokio;
mod until_deadline;

#[cfg(feature = "h2")]
pub use crate::http2::{Http2Refusal, http2_refusal, without_goaway_text};
#[cfg(feature = "tokio")]
pub use crate::tokio::{
    executor::{TokioExecutor, TokioExecutors},
    runtime::{require_tokio, tokio_sleep},
    timer::TokioTimer,
};
pub use crate::{
    causes::causes,
    check_request::{Tls, check_request},
    gated_body::{GatedBody, Withdrawn},
    prove::prove,
    read::{Bounds, BoxError, Truncated, read_body, read_response},
    until_deadline::{no_connection, no_head, until_asleep, until_deadline},
};
