//! The transport itself: one request to a reqwest client, one whole response back.
//!
//! Not responsible for: what errors prove (`classify.rs`), reading the body and the deadline (the transport kit).

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use clerk_actor_tokens_core::{
    CallContext, ConfigError, Executor, HttpTransport, Request, Response, Timer, TransportError, TransportErrorKind,
    http,
};
use clerk_actor_tokens_transport_kit::{
    GatedBody, Tls, TokioExecutors, TokioTimer, check_request, read_response, require_tokio, until_deadline,
};
use reqwest::{Client, ClientBuilder, Url, redirect, retry};

use crate::{body::Once, classify};

/// Core's [`HttpTransport`] over reqwest.
///
/// It needs a tokio runtime with time and I/O enabled (`tokio::main` and `enable_all` do). Clones share the clients.
#[derive(Clone)]
pub struct ReqwestTransport {
    client: Client,
    /// Without a pool.
    fresh: Option<Client>,
    executors: TokioExecutors,
}

/// How long connecting may take: the next attempt may reach another address.
const CONNECT: Duration = Duration::from_secs(5);

/// How long an idle connection is used again: shorter than servers keep one, such as Node's 5 s.
const IDLE: Duration = Duration::from_secs(4);

impl ReqwestTransport {
    /// Makes a transport over clients of its own, which `configure` sets up: roots, proxies, resolver, time limits.
    ///
    /// It is called twice: the second client has no pool, for calls that need a new connection. Redirects, retries, `Referer`,
    /// decoding and verbose records are off, whatever it sets: with them a call would be sent twice, or a key be written to a log.
    /// Proxies of the environment are not used; one that `configure` sets is. Unless it sets others, connecting has 5 s, and an idle
    /// connection is used again for 4 s.
    ///
    /// ```
    /// use clerk_actor_tokens_core::{Client, SecretKey};
    /// use clerk_actor_tokens_reqwest::ReqwestTransport;
    /// use std::time::Duration;
    ///
    /// let transport = ReqwestTransport::from_builder(|reqwest| reqwest.connect_timeout(Duration::from_secs(2)))?;
    /// let clerk = Client::new(transport, SecretKey::new("sk_test_abc")?);
    /// # let _ = clerk;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ConfigError`] if reqwest refuses the settings.
    pub fn from_builder(configure: impl Fn(ClientBuilder) -> ClientBuilder) -> Result<Self, ConfigError> {
        let build = |finish: fn(ClientBuilder) -> ClientBuilder| {
            let configured = configure(Client::builder().no_proxy().connect_timeout(CONNECT).pool_idle_timeout(IDLE));
            let builder = finish(as_a_transport_has_to_be(configured));
            // It panics where rustls has no crypto provider, and says beforehand in no other way.
            match catch_unwind(AssertUnwindSafe(|| builder.build())) {
                Ok(Ok(client)) => Ok(client),
                Ok(Err(error)) => {
                    Err(ConfigError::new("reqwest", "cannot be set up as it is configured", "see the cause")
                        .with_source(error.without_url()))
                }
                Err(_) => Err(ConfigError::new(
                    "reqwest",
                    "has no crypto provider for rustls",
                    "turn on a TLS feature of reqwest, or install a provider before this",
                )),
            }
        };
        Ok(Self {
            client: build(|builder| builder)?,
            fresh: Some(build(|builder| builder.pool_max_idle_per_host(0))?),
            executors: TokioExecutors::default(),
        })
    }

    /// Makes a transport over a client that somebody else configured. The body of each request is given away once, so that no setting
    /// of the client sends a call twice.
    ///
    /// Some settings still break what a transport promises: see [this crate's page](crate#over-a-client-that-you-have-already). A
    /// redirect that the client follows is an error, and its end at Clerk is unknown.
    ///
    /// ```
    /// use clerk_actor_tokens_core::{Client, SecretKey};
    /// use clerk_actor_tokens_reqwest::{ReqwestTransport, reqwest};
    ///
    /// let http = reqwest::Client::new(); // the application's own
    /// let clerk = Client::new(ReqwestTransport::from_client(http), SecretKey::new("sk_test_abc")?);
    /// # let _ = clerk;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn from_client(client: Client) -> Self {
        Self { client, fresh: None, executors: TokioExecutors::default() }
    }

    fn client(&self, context: &CallContext) -> &Client {
        match &self.fresh {
            Some(fresh) if context.wants_fresh_connection() => fresh,
            _ => &self.client,
        }
    }
}

/// What no setting of the user's may change.
fn as_a_transport_has_to_be(builder: ClientBuilder) -> ClientBuilder {
    builder
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .connection_verbose(false)
}

#[async_trait]
impl HttpTransport for ReqwestTransport {
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        let send_state = context.send_state();
        // First, so that a refusal below is proved.
        send_state.hold();
        require_tokio("the reqwest transport")?;
        check_request(&request, Tls::Available)?;
        let has_body = !request.body().is_empty();
        let (request, url) = of_reqwest(request, &context)?;
        let sent = until_deadline(&context, &TokioTimer, self.client(&context).execute(request)).await?;
        let response =
            sent.map_err(|error| classify::without_head(error, has_body, send_state, self.fresh.is_some()))?;
        if *response.url() != url {
            return Err(TransportError::new(TransportErrorKind::Interrupted).with_source(
                "the reqwest client followed a redirect, so that this is the response to another request",
            ));
        }
        let response = http::Response::from(response).map(classify::ShownBody);
        read_response(response, &context, &TokioTimer).await
    }

    fn timer(&self) -> &dyn Timer {
        &TokioTimer
    }

    /// Returns the executor of the runtime that is entered here.
    fn executor(&self) -> Option<Arc<dyn Executor>> {
        Some(self.executors.entered())
    }

    /// Returns `true`: each part of an exchange ends at the deadline.
    fn keeps_deadlines(&self) -> bool {
        true
    }
}

/// Returns reqwest's request, and its URL.
fn of_reqwest(request: Request, context: &CallContext) -> Result<(reqwest::Request, Url), TransportError> {
    let (head, body) = request.into_parts();
    let url = Url::parse(&head.uri.to_string())
        .map_err(|error| TransportError::blocked("reqwest cannot read the request's URL").with_source(error))?;
    if (url.path(), url.query()) != (head.uri.path(), head.uri.query()) {
        return Err(TransportError::blocked(
            "reqwest would change the request's path or query, as it resolves dot segments",
        ));
    }
    let mut request = reqwest::Request::new(head.method, url.clone());
    *request.headers_mut() = head.headers;
    let gated = GatedBody::new(body, context.send_state().clone());
    *request.body_mut() = Some(reqwest::Body::wrap(Once::new(gated)));
    Ok((request, url))
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // reqwest shows the headers and proxies of a client.
        f.debug_struct("ReqwestTransport").finish_non_exhaustive()
    }
}
