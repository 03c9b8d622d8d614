#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

mod body;
mod classify;
mod transport;

pub use crate::transport::ReqwestTransport;
/// The crate whose types are in this one's interface.
pub use reqwest;
