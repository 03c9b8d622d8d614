//! A transport that sends over a second one where the first has no connection.

use std::sync::Arc;

use clerk_actor_tokens::{
    async_trait,
    transport::{CallContext, Executor, HttpTransport, Request, Response, Timer, TransportError, TransportErrorKind},
};

/// Sends over the first transport; where that cannot connect, over the second, under the same context.
pub(super) struct Failover<A, B>(pub(super) A, pub(super) B);

#[async_trait]
impl<A: HttpTransport, B: HttpTransport> HttpTransport for Failover<A, B> {
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        match self.0.send(request.clone(), context.clone()).await {
            Err(error) if error.kind() == TransportErrorKind::Connect => self.1.send(request, context).await,
            exchanged => exchanged,
        }
    }

    fn timer(&self) -> &dyn Timer {
        self.0.timer()
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        self.0.executor()
    }
}
