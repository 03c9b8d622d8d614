//! Headers on every request of a client.

use std::fmt;

use async_trait::async_trait;
use http::HeaderMap;

use crate::{
    config_error::ConfigError,
    middleware::{Middleware, Next},
    reserved::is_reserved,
    transport::{Request, Response, TransportError},
};

/// Sets headers on each request of a client: for a gateway, or for its log. One call has
/// [`Call::header`](crate::Call::header).
///
/// ```
/// use clerk_actor_tokens_core::{Client, Headers, Response, SecretKey, transport_fn};
/// use http::{HeaderMap, HeaderValue};
///
/// # let transport = transport_fn(|_request, _context| async { Ok(Response::default()) });
/// let headers = HeaderMap::from_iter([(http::HeaderName::from_static("x-desk"), HeaderValue::from_static("berlin"))]);
/// let clerk = Client::builder(transport, SecretKey::new("sk_test_abc")?).middleware(Headers::new(headers)?).build()?;
/// # let _ = clerk;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Headers(HeaderMap);

impl Headers {
    /// Takes the headers. Each takes the place of one of the same name that the request has.
    ///
    /// # Errors
    /// [`ConfigError`] names a header that only the client or the transport may set, such as `Authorization` or `Host`.
    pub fn new(headers: HeaderMap) -> Result<Self, ConfigError> {
        match headers.keys().find(|name| is_reserved(name)) {
            None => Ok(Self(headers)),
            Some(name) => {
                let problem = format!("has `{name}`, which only the client or the transport may set");
                Err(ConfigError::new("headers", problem, "leave it out"))
            }
        }
    }
}

#[async_trait]
impl Middleware for Headers {
    async fn handle(&self, mut request: Request, next: Next<'_>) -> Result<Response, TransportError> {
        let headers = request.headers_mut();
        for name in self.0.keys() {
            headers.remove(name);
        }
        for (name, value) in &self.0 {
            headers.append(name, value.clone());
        }
        next.run(request).await
    }
}

/// Names alone: a value may be a credential of the gateway.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
