//! A decorator that sends to a second transport.

use std::sync::Arc;

use async_trait::async_trait;
use clerk_actor_tokens_core::{
    CallContext, Execution, Executor, HttpTransport, Request, Response, Timer, TransportError,
};

/// A decorator with a second transport, for what the first never handed over.
pub(crate) struct Failover<A, B>(pub(crate) A, pub(crate) B);

#[async_trait]
impl<A: HttpTransport, B: HttpTransport> HttpTransport for Failover<A, B> {
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        match self.0.send(request.clone(), context.clone()).await {
            Err(error) if error.execution() == Execution::NotExecuted && context.send_state().is_unsent() => {
                self.1.send(request, context).await
            }
            ended => ended,
        }
    }

    fn timer(&self) -> &dyn Timer {
        self.0.timer()
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        self.0.executor()
    }
}
