//! The innermost part of the pipeline: authentication, then the guard, then the transport.

use std::sync::Arc;

use http::header::AUTHORIZATION;

use crate::{
    auth::CredentialProvider,
    classify::Exchanged,
    client::{guard::Guard, options},
    context::CallContext,
    middleware::Endpoint,
    time::{BoxFuture, Timer},
    transport::{FreshConnection, HttpTransport, Request, TransportError, TransportErrorKind},
    url::BaseUrl,
};

/// One attempt behind the last middleware.
pub(crate) struct Exchange<'a, T: ?Sized> {
    pub(crate) base_url: &'a BaseUrl,
    pub(crate) credentials: &'a dyn CredentialProvider,
    pub(crate) guard: &'a Guard,
    pub(crate) context: CallContext,
    /// Whether this attempt needs a connection that carried nothing before.
    pub(crate) fresh: bool,
    pub(crate) transport: &'a Arc<T>,
}

impl<T: HttpTransport + ?Sized> Exchange<'_, T> {
    async fn send(&self, mut request: Request) -> Exchanged {
        if !self.base_url.is_origin_of(request.uri()) {
            return Err(TransportError::blocked(
                "a middleware sent the request to another scheme, host or port than the call's base URL: the secret \
                 key does not go there",
            ));
        }
        if let Some(name) = options::reserved(request.headers()) {
            return Err(TransportError::blocked(format!(
                "a middleware set the header `{name}`, which is the client's or the transport's to set"
            )));
        }
        let key = self
            .credentials
            .secret_key()
            .await
            .map_err(|error| TransportError::new(TransportErrorKind::Credential).with_source(error))?;
        if key.is_live() && self.base_url.is_plain_http() {
            return Err(TransportError::blocked("a live key (sk_live_...) is never sent over plain http"));
        }
        request.headers_mut().insert(AUTHORIZATION, key.authorization());
        // A middleware may have made a request of its own, or kept one of another call.
        request.extensions_mut().insert(self.context.clone());
        if self.fresh {
            request.extensions_mut().insert(FreshConnection);
        }
        self.guard.send(self.transport, &self.context, request).await
    }
}

impl<T: HttpTransport + ?Sized> Endpoint for Exchange<'_, T> {
    fn call(&self, request: Request) -> BoxFuture<'_, Exchanged> {
        Box::pin(self.send(request))
    }

    fn timer(&self) -> &dyn Timer {
        self.transport.timer()
    }
}
