#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

mod body;
mod handed_down;
mod service;
mod transport;

pub use crate::{body::RequestBody, service::TransportService, transport::TowerTransport};
