#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

mod classify;
mod connector;
mod exchange;
mod transport;

pub use crate::transport::UreqTransport;
/// The crate whose types are in this one's interface.
pub use ureq;
