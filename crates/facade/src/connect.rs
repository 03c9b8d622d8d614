//! The two ways to a client that most applications need: by a key, and by the environment.

use clerk_actor_tokens_core::{Client, ConfigError, SecretKey};
use clerk_actor_tokens_hyper::HyperTransport;

/// Returns a client of Clerk's production API with this key, over the
/// [hyper transport](crate::hyper::HyperTransport). Reads neither Clerk's environment variables nor those of proxies.
///
/// ```
/// use clerk_actor_tokens::{Client, SecretKey, client};
///
/// let clerk: Client = client(SecretKey::new("sk_test_abc")?)?;
/// assert!(clerk.detaches_on_drop());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ConfigError`] if TLS cannot be set up.
pub fn client(key: SecretKey) -> Result<Client, ConfigError> {
    Ok(Client::new(HyperTransport::new()?, key).erase())
}

/// Returns a client that the environment describes, over the [hyper transport](crate::hyper::HyperTransport):
/// [`Client::from_env`] has the variables.
///
/// ```
/// match clerk_actor_tokens::client_from_env() {
///     Ok(clerk) => assert!(clerk.detaches_on_drop()),
///     Err(error) => assert!(error.setting().starts_with("CLERK_"), "{error}"), // one of the variables
/// }
/// ```
///
/// # Errors
/// Those of [`Client::from_env`], and [`ConfigError`] if TLS cannot be set up.
pub fn client_from_env() -> Result<Client, ConfigError> {
    Ok(Client::from_env(HyperTransport::new()?)?.erase())
}
