#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

mod builder;
mod classify;
mod connect;
mod connecting;
mod connection;
mod exchange;
mod pool;
mod settings;
mod transport;

#[cfg_attr(not(any(feature = "aws-lc-rs", feature = "ring")), path = "no_tls.rs")]
mod tls;

use clerk_actor_tokens_core::{Client, ConfigError, SecretKey};

pub use clerk_actor_tokens_transport_kit::{TokioExecutor, TokioTimer};

pub use crate::{builder::HyperTransportBuilder, transport::HyperTransport};

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub use crate::tls::{Certificates, ClientIdentity};

/// Makes a client of Clerk's production API with this key, over a [`HyperTransport`] with its
/// defaults.
///
/// Its creations detach ([`Client::detaches_on_drop`]): if the future is dropped after the request
/// was handed to a connection, a tokio task finishes the exchange, and the client revokes the
/// token. [`Client::cancel_on_drop`] turns that off.
///
/// ```
/// use clerk_actor_tokens_core::SecretKey;
///
/// # #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let clerk = clerk_actor_tokens_hyper::client(SecretKey::new("sk_test_abc")?)?;
/// assert!(clerk.detaches_on_drop());
/// # Ok(())
/// # }
/// # #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
/// # fn main() {}
/// ```
///
/// # Errors
/// [`ConfigError`] if the crate was built with neither the feature `aws-lc-rs` nor `ring`.
pub fn client(key: SecretKey) -> Result<Client<HyperTransport>, ConfigError> {
    Ok(Client::new(HyperTransport::new()?, key))
}
