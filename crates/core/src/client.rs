//! The client: a transport, a credential and the settings that calls share.

mod attempts;
mod builder;
mod call;
mod exchange;
mod guard;
mod options;
mod pipeline;

use std::{fmt, sync::Arc};

pub use self::{builder::ClientBuilder, call::Call};
use crate::{auth::CredentialProvider, client::builder::Settings, operation::Operation, transport::HttpTransport};

/// A client of Clerk's API over some transport.
///
/// `Client<HyperTransport>` knows its transport at compile time; plain `Client`, what [`erase`](Self::erase) gives, is
/// the type that an application stores. Cloning is cheap, and clones share everything.
///
/// ```
/// use clerk_actor_tokens_core::{transport_fn, Client, Response, SecretKey};
///
/// let transport = transport_fn(|_request| async { Ok(Response::default()) });
/// let clerk: Client = Client::new(transport, SecretKey::new("sk_test_abc")?).erase();
/// # let _ = clerk;
/// # Ok::<(), clerk_actor_tokens_core::InvalidKey>(())
/// ```
pub struct Client<T: ?Sized = dyn HttpTransport> {
    settings: Arc<Settings>,
    transport: Arc<T>,
}

impl<T: HttpTransport> Client<T> {
    /// A client with the default settings, against Clerk's production API.
    pub fn new(transport: T, credentials: impl CredentialProvider) -> Self {
        Self { settings: Arc::new(Settings::new(Arc::new(credentials))), transport: Arc::new(transport) }
    }

    /// Starts a client with other settings.
    pub fn builder(transport: T, credentials: impl CredentialProvider) -> ClientBuilder<T> {
        ClientBuilder::new(transport, credentials)
    }

    /// Forgets which transport this is.
    #[must_use]
    pub fn erase(self) -> Client {
        Client { settings: self.settings, transport: self.transport }
    }
}

impl<T: HttpTransport + ?Sized> Client<T> {
    /// Any call: the operation, then options, then [`send`](Call::send).
    pub fn execute<O: Operation>(&self, operation: O) -> Call<O, T> {
        Call::new(self.clone(), operation)
    }

    /// The transport.
    #[must_use]
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// The same client with another secret key: for a process that serves several Clerk instances.
    #[must_use]
    pub fn with_credentials(&self, credentials: impl CredentialProvider) -> Self {
        let settings = Settings { credentials: Arc::new(credentials), ..Settings::clone(&self.settings) };
        Self { settings: Arc::new(settings), transport: Arc::clone(&self.transport) }
    }
}

impl<T: ?Sized> Clone for Client<T> {
    // By hand: the derived one would ask for `T: Clone`.
    fn clone(&self) -> Self {
        Self { settings: Arc::clone(&self.settings), transport: Arc::clone(&self.transport) }
    }
}

impl<T: HttpTransport> From<Client<T>> for Client {
    fn from(client: Client<T>) -> Self {
        client.erase()
    }
}

impl<T: ?Sized> fmt::Debug for Client<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.settings.base_url).finish_non_exhaustive()
    }
}
