//! A client that the environment describes.

use crate::{
    auth::SecretKey, client::Client, config_error::ConfigError, environment, transport::HttpTransport, url::BaseUrl,
};

impl<T: HttpTransport> Client<T> {
    /// Makes a client that the environment describes, over this transport.
    ///
    /// | variable | value | unset |
    /// | --- | --- | --- |
    /// | `CLERK_SECRET_KEY` | the secret key | an error |
    /// | `CLERK_API_URL` | the [base URL](BaseUrl) | Clerk's production API |
    /// | `CLERK_DANGER_ALLOW_HTTP` | hosts to which plain `http` is allowed: names without a port, separated by commas | loopback addresses alone |
    ///
    /// ```
    /// use clerk_actor_tokens_core::{Client, Response, transport_fn};
    ///
    /// let transport = transport_fn(|_request, _context| async { Ok(Response::default()) });
    /// match Client::from_env(transport) {
    ///     Ok(clerk) => assert!(!clerk.detaches_on_drop()), // this transport has no executor
    ///     Err(error) => assert!(error.setting().starts_with("CLERK_"), "{error}"), // one of the variables
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ConfigError`] names the variable and what is wrong with its value, which it does not show. A live key with a base URL of
    /// plain `http` is refused.
    pub fn from_env(transport: T) -> Result<Self, ConfigError> {
        let (key, base_url) = (SecretKey::from_env()?, BaseUrl::from_env()?);
        check_key(&base_url, &key)?;
        Client::builder(transport, key).base_url(base_url).build()
    }
}

/// Checks the key of the environment against its base URL, and names the variable.
fn check_key(base_url: &BaseUrl, key: &SecretKey) -> Result<(), ConfigError> {
    let of_variable = |refused: ConfigError| {
        ConfigError::new(environment::API_URL, refused.problem().to_owned(), refused.advice().to_owned())
    };
    base_url.check_key(key).map_err(of_variable)
}

#[cfg(test)]
mod tests {
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
