//! Counters and durations of calls, through the crate `metrics`.
//!
//! ```text
//! cargo run --example metrics
//! ```
#![expect(clippy::print_stdout, reason = "it shows what happens")]

use std::error::Error;

use clerk_actor_tokens::{
    Actor, Client, OrphanReport,
    observe::{AttemptEnded, CallEnded, Observer, OrphanEnd},
    operation::Idempotency,
    testing::emulator::{Emulator, fault},
};
use metrics::{counter, histogram};
use metrics_util::debugging::DebuggingRecorder;

struct Metrics;

impl Observer for Metrics {
    fn attempt_ended(&self, ended: &AttemptEnded<'_>) {
        let labels = [
            ("route", ended.url_template()),
            ("execution", ended.attempt().execution().as_str().to_owned()),
            ("error", ended.error_type().unwrap_or("none".into()).into_owned()),
        ];
        histogram!("clerk_request_seconds", &labels).record(ended.took());
    }

    /// A creation that may have left a token.
    fn call_ended(&self, ended: &CallEnded<'_>) {
        let makes_something = ended.operation().idempotency() == Idempotency::NonIdempotent;
        if makes_something && ended.error().is_some_and(clerk_actor_tokens::Error::is_ambiguous) {
            counter!("clerk_doubts_total").increment(1);
        }
    }

    fn orphan_ended(&self, _: &OrphanReport, end: OrphanEnd) {
        counter!("clerk_orphans_total", "end" => end.as_str()).increment(1);
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let recorder = DebuggingRecorder::new();
    let snapshots = recorder.snapshotter();
    recorder.install()?;

    let emulator = Emulator::new();
    emulator.next_create().before_send(fault::refused());
    let clerk = Client::builder(emulator.clone(), emulator.secret_key()).observer(Metrics).build()?;
    let token = clerk.actor_tokens().create("user_customer", Actor::new("user_engineer")).send().await?;
    clerk.actor_tokens().revoke(token.id()).send().await?;

    for (key, _, _, value) in snapshots.snapshot().into_vec() {
        println!("{key:?}: {value:?}");
    }
    Ok(())
}
