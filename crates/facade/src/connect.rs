//! The two ways to a client that most applications need: by a key, and by the environment.

use clerk_actor_tokens_core::{BaseUrl, Client, ConfigError, SecretKey};
use clerk_actor_tokens_hyper::HyperTransport;

/// Returns a client of Clerk's production API with this key, over the [hyper transport](crate::hyper::HyperTransport). Reads no environment
/// variable, but for those of proxies, which the transport reads.
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

/// Returns a client that the environment describes, over the [hyper transport](crate::hyper::HyperTransport).
///
/// | variable | value | unset |
/// | --- | --- | --- |
/// | `CLERK_SECRET_KEY` | the secret key | an error |
/// | `CLERK_API_URL` | the [base URL](BaseUrl) | Clerk's production API |
/// | `CLERK_DANGER_ALLOW_HTTP` | hosts to which plain `http` is allowed: names without a port, separated by commas | loopback addresses alone |
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let clerk = clerk_actor_tokens::client_from_env()?;
/// clerk.actor_tokens().revoke("act_2ABCdefGHIjklMNOpqrSTUvwxYZ").send().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ConfigError`] names the variable and what is wrong with its value, which it does not show. A live key with a base URL of
/// plain `http` is refused.
pub fn client_from_env() -> Result<Client, ConfigError> {
    let (key, base_url) = (SecretKey::from_env()?, BaseUrl::from_env()?);
    base_url.check_key(&key)?;
    Ok(Client::builder(HyperTransport::new()?, key).base_url(base_url).build()?.erase())
}
