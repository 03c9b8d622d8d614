//! The shortest middleware: a header on each request, as a function and as a type, with its test.
//!
//! ```text
//! cargo run --example header_middleware
//! cargo test --example header_middleware
//! ```
#![expect(clippy::print_stdout, reason = "it shows what happens")]

use clerk_actor_tokens::{
    Actor, Client, async_trait,
    http::HeaderValue,
    middleware::{Middleware, Next, middleware_fn},
    testing::emulator::Emulator,
    transport::{Request, Response, TransportError},
};

// begin: type
struct Team(&'static str);
#[async_trait]
impl Middleware for Team {
    async fn handle(&self, mut request: Request, next: Next<'_>) -> Result<Response, TransportError> {
        request.headers_mut().insert("x-team", HeaderValue::from_static(self.0));
        next.run(request).await
    }
}
// end

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    #[rustfmt::skip] // begin: function
    let desk = middleware_fn(|mut request, next| Box::pin(async move {
        request.headers_mut().insert("x-desk", HeaderValue::from_static("berlin"));
        next.run(request).await
    }));
    // end
    let emulator = Emulator::new();
    let clerk = Client::builder(emulator.clone(), emulator.secret_key())
        .middleware(desk)
        .middleware(Team("support"))
        .build()?;
    clerk.actor_tokens().create("user_customer", Actor::new("user_engineer")).send().await?;
    for request in emulator.requests() {
        for name in ["x-desk", "x-team"] {
            println!("{name}: {:?}", request.headers().get(name).ok_or("each request has it")?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clerk_actor_tokens::{SecretKey, testing::mock::CapturingTransport};

    // begin: test
    #[tokio::test]
    async fn each_request_names_the_team() -> Result<(), Box<dyn std::error::Error>> {
        let transport = CapturingTransport::echoing();
        let key = SecretKey::new("sk_test_abc")?;
        let clerk = Client::builder(transport.clone(), key).middleware(Team("support")).build()?;
        clerk.actor_tokens().create("user_customer", Actor::new("user_engineer")).send().await?;
        assert_eq!(transport.only_request().header("x-team"), Some("support"));
        Ok(())
    }
    // end
}
