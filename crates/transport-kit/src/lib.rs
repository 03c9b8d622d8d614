#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

mod check_request;
mod gated_body;
mod prove;
mod read;
#[cfg(feature = "tokio")]
mod tokio;

#[cfg(feature = "tokio")]
pub use crate::tokio::{
    executor::{TokioExecutor, TokioExecutors},
    timer::TokioTimer,
};
pub use crate::{
    check_request::{Tls, check_request},
    gated_body::{GatedBody, Withdrawn},
    prove::prove,
    read::{Bounds, BoxError, Truncated, read_body, read_response},
};
