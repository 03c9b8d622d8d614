//! Two middleware: one as a function, one as a type with state.
//!
//! ```text
//! cargo run --example custom_middleware
//! ```
#![expect(clippy::print_stdout, reason = "it shows what happens")]

use std::{
    error::Error,
    sync::Arc,
    sync::atomic::{AtomicU32, Ordering},
};

use clerk_actor_tokens::{
    Actor, Client, async_trait,
    http::HeaderValue,
    middleware::{Middleware, Next, middleware_fn},
    testing::emulator::{Emulator, fault},
    transport::{Request, Response, TransportError},
};

/// Counts what is sent, retries included.
#[derive(Clone, Default)]
struct Count(Arc<AtomicU32>);

#[async_trait]
impl Middleware for Count {
    async fn handle(&self, request: Request, next: Next<'_>) -> Result<Response, TransportError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        next.run(request).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let clerk = Emulator::new();
    clerk.next_create().before_send(fault::refused());

    let count = Count::default();
    let tagged = middleware_fn(|mut request, next| {
        Box::pin(async move {
            request.headers_mut().insert("x-team", HeaderValue::from_static("support"));
            next.run(request).await
        })
    });
    // A log line names what is safe to name: operation, attempt, status, time. Never `{request:?}`: it holds the body.
    let logged = middleware_fn(|request, next| {
        Box::pin(async move {
            let (timer, context) = (next.timer(), next.context());
            let (name, attempt) = (context.operation().name(), context.attempt());
            let began = timer.now();
            let result = next.run(request).await;
            let outcome = result.as_ref().map(|response| response.status().as_u16()).map_err(TransportError::kind);
            println!("{name}, attempt {attempt}: {outcome:?} in {:?}", timer.now().saturating_duration_since(began));
            result
        })
    });

    let client = Client::builder(clerk.clone(), clerk.secret_key())
        .middleware(logged)
        .middleware(tagged)
        .middleware(count.clone())
        .build()?;
    let token = client.actor_tokens().create("user_customer", Actor::new("user_agent")).send().await?;

    println!("{} was made; {} attempts, {} token", token.id(), count.0.load(Ordering::Relaxed), clerk.creates().len());
    assert_eq!(count.0.load(Ordering::Relaxed), 2);
    assert_eq!(clerk.creates().len(), 1);
    Ok(())
}
