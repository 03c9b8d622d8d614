//! OpenTelemetry's metric of an HTTP client, `http.client.request.duration`, made by an observer.
//!
//! ```text
//! cargo run --example opentelemetry_metrics
//! ```
#![expect(clippy::print_stdout, reason = "it shows what happens")]

use std::error::Error;

use clerk_actor_tokens::{
    Actor, Client,
    observe::{AttemptEnded, Observer},
    testing::emulator::{Emulator, fault},
};
use opentelemetry::{
    KeyValue,
    metrics::{Histogram, Meter, MeterProvider as _},
};
use opentelemetry_sdk::metrics::{
    InMemoryMetricExporter, PeriodicReader, SdkMeterProvider,
    data::{AggregatedMetrics, MetricData},
};

/// The boundaries that OpenTelemetry advises for it. The SDK's own are for milliseconds.
const SECONDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

struct Durations(Histogram<f64>);

impl Durations {
    fn new(meter: &Meter) -> Self {
        let duration = meter.f64_histogram("http.client.request.duration").with_unit("s");
        Self(duration.with_boundaries(SECONDS.to_vec()).build())
    }
}

impl Observer for Durations {
    fn attempt_ended(&self, ended: &AttemptEnded<'_>) {
        let mut attributes = vec![
            KeyValue::new("http.request.method", ended.method().to_string()),
            KeyValue::new("url.template", ended.url_template()),
            KeyValue::new("server.address", ended.server_address().to_owned()),
            KeyValue::new("server.port", i64::from(ended.server_port())),
        ];
        let status = ended.attempt().status().map(|status| i64::from(status.as_u16()));
        attributes.extend(status.map(|status| KeyValue::new("http.response.status_code", status)));
        attributes.extend(ended.error_type().map(|error| KeyValue::new("error.type", error)));
        self.0.record(ended.took().as_secs_f64(), &attributes);
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder().with_reader(PeriodicReader::builder(exporter.clone()).build()).build();

    let emulator = Emulator::new();
    emulator.next_create().before_send(fault::refused());
    let clerk = Client::builder(emulator.clone(), emulator.secret_key())
        .observer(Durations::new(&provider.meter("desk")))
        .build()?;
    let token = clerk.actor_tokens().create("user_customer", Actor::new("user_engineer")).send().await?;
    clerk.actor_tokens().revoke(token.id()).send().await?;

    provider.force_flush()?;
    for exported in exporter.get_finished_metrics()? {
        for metric in exported.scope_metrics().flat_map(|scope| scope.metrics()) {
            let AggregatedMetrics::F64(MetricData::Histogram(histogram)) = metric.data() else { continue };
            for point in histogram.data_points() {
                let attributes: Vec<_> =
                    point.attributes().map(|pair| format!("{}={}", pair.key, pair.value)).collect();
                println!("{} {} of {}", metric.name(), point.count(), attributes.join(" "));
            }
        }
    }
    provider.shutdown()?;
    Ok(())
}
