//! The spans of calls in OpenTelemetry's SDK, and the trace handed on to the server by a middleware.
//!
//! ```text
//! cargo run --example spans
//! ```
#![expect(clippy::print_stdout, reason = "it shows what happens")]

use std::error::Error;

use clerk_actor_tokens::{
    Actor, Client,
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware::{Middleware, middleware_fn},
    testing::emulator::{Emulator, fault},
};
use opentelemetry::{
    propagation::{Injector, TextMapPropagator as _},
    trace::TracerProvider as _,
};
use opentelemetry_sdk::{
    propagation::TraceContextPropagator,
    trace::{InMemorySpanExporter, SdkTracerProvider},
};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;

/// Headers, as OpenTelemetry writes into them.
struct Into<'a>(&'a mut HeaderMap);

impl Injector for Into<'_> {
    fn set(&mut self, name: &str, value: String) {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

/// Sends the header `traceparent` of the span that is entered: that of the call.
fn trace_context() -> impl Middleware {
    middleware_fn(|mut request, next| {
        let context = tracing::Span::current().context();
        TraceContextPropagator::new().inject_context(&context, &mut Into(request.headers_mut()));
        Box::pin(async move { next.run(request).await })
    })
}

async fn desk(clerk: &Client) -> Result<(), Box<dyn Error>> {
    let token = clerk.actor_tokens().create("user_customer", Actor::new("user_engineer")).send().await?;
    clerk.actor_tokens().revoke(token.id()).send().await?;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("desk"));
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))?;

    let emulator = Emulator::new();
    emulator.next_create().before_send(fault::refused());
    let clerk = Client::builder(emulator.clone(), emulator.secret_key()).middleware(trace_context()).build()?.erase();
    desk(&clerk).await?;

    let spans = exporter.get_finished_spans()?;
    for span in &spans {
        println!("{}", span.name);
        for event in span.events.iter().filter(|event| event.name == "an attempt ended") {
            let shown =
                |name: &str| event.attributes.iter().find(|pair| pair.key.as_str() == name).map(|pair| &pair.value);
            println!("  {}: {:?} {:?}", event.name, shown("clerk.execution"), shown("error.type"));
        }
    }
    let sent = emulator.requests();
    for (request, span) in sent.iter().rev().zip(spans.iter().rev()) {
        let parent = request.headers().get("traceparent").and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert!(parent.contains(&span.span_context.span_id().to_string()), "{parent}");
    }
    Ok(())
}
