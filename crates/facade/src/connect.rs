//! The two ways to a client that most applications need: by a key, and by the environment.

use clerk_actor_tokens_core::{BaseUrl, Client, ConfigError, HttpTransport, SecretKey};
#[cfg(any(feature = "hyper", feature = "hyper-ring"))]
use clerk_actor_tokens_hyper::HyperTransport;

/// The variable that only a base URL of plain `http` can come from.
const API_URL: &str = "CLERK_API_URL";

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
#[cfg(any(feature = "hyper", feature = "hyper-ring"))]
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
/// ```
/// match clerk_actor_tokens::client_from_env() {
///     Ok(clerk) => assert!(clerk.detaches_on_drop()),
///     Err(error) => assert!(error.setting().starts_with("CLERK_"), "{error}"), // one of the variables
/// }
/// ```
///
/// # Errors
/// [`ConfigError`] names the variable and what is wrong with its value, which it does not show. A live key with a base URL of
/// plain `http` is refused.
#[cfg(any(feature = "hyper", feature = "hyper-ring"))]
pub fn client_from_env() -> Result<Client, ConfigError> {
    from_env(HyperTransport::new)
}

/// A client of the environment, over this transport.
pub(crate) fn from_env<T: HttpTransport>(
    transport: impl Fn() -> Result<T, ConfigError>,
) -> Result<Client, ConfigError> {
    let (key, base_url) = (SecretKey::from_env()?, BaseUrl::from_env()?);
    check_key(&base_url, &key)?;
    Ok(Client::builder(transport()?, key).base_url(base_url).build()?.erase())
}

/// Checks the key of the environment against its base URL, and names the variable.
fn check_key(base_url: &BaseUrl, key: &SecretKey) -> Result<(), ConfigError> {
    let of_variable =
        |refused: ConfigError| ConfigError::new(API_URL, refused.problem().to_owned(), refused.advice().to_owned());
    base_url.check_key(key).map_err(of_variable)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "to panic is how a test fails")]

    use super::*;

    #[test]
    fn a_live_key_over_plain_http_is_refused_under_the_name_of_the_variable() {
        let base_url = BaseUrl::new("http://127.0.0.1:4010").unwrap();
        let refused = check_key(&base_url, &SecretKey::new("sk_live_abc").unwrap()).unwrap_err();
        assert_eq!(refused.setting(), "CLERK_API_URL");
        assert!(refused.to_string().contains("plain http"), "{refused}");
        assert!(check_key(&base_url, &SecretKey::new("sk_test_abc").unwrap()).is_ok());
    }
}
