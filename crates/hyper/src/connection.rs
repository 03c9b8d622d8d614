//! A connection of one's own: what a request is moved to, and what becomes of it afterwards.

pub(crate) mod events;
pub(crate) mod http1;
pub(crate) mod http2;
pub(crate) mod open;
pub(crate) mod socket;
pub(crate) mod stream;
