//! The client of a program: over which transports, with which middlewares, and what becomes of its orphans.

use std::{
    future::ready,
    sync::{Arc, Mutex},
};

use clerk_actor_tokens::{
    Client, ConfigError, Execution, Orphan, testing::emulator::Emulator, transport::HttpTransport,
};
use clerk_actor_tokens_core::workspace::JitterSeed as _;

use super::{
    aftermath::{Seen, lock},
    executor::Spawned,
    failover::Failover,
    meddler::Meddler,
    program::{Handler, Program},
    scripted::Scripted,
};

/// The client of a program.
///
/// # Errors
/// It was refused.
pub(super) fn client(
    program: &Program,
    clerk: &Emulator,
    transport: Scripted,
    spawned: Option<Spawned>,
    has_reports: bool,
    seen: &Arc<Mutex<Seen>>,
) -> Result<Client, ConfigError> {
    let transport: Box<dyn HttpTransport> = match program.fails_over {
        true => Box::new(Failover(transport.clone(), transport)),
        false => Box::new(transport),
    };
    let mut builder = Client::builder(transport, clerk.secret_key())
        .jitter_seed(program.seed)
        .retry(program.policy.clone())
        .retry_budget(program.budget)
        .rate_limit_gate(program.gate);
    for meddling in &program.middlewares {
        builder = builder.middleware(Meddler::new(*meddling));
    }
    if let Some(spawned) = spawned {
        builder = builder.executor(spawned);
    }
    if !has_reports {
        builder = builder.on_orphan(|_| ready(()));
    } else if program.supervision.handler != Handler::Default {
        let (handler, seen) = (program.supervision.handler, Arc::clone(seen));
        builder = builder.on_orphan(move |orphan| taken_care_of(orphan, handler, Arc::clone(&seen)));
    }
    Ok(builder.build()?.erase())
}

/// An application's own way with orphans.
async fn taken_care_of(orphan: Orphan, handler: Handler, seen: Arc<Mutex<Seen>>) {
    let report = orphan.report().clone();
    // With an unsafe retry, what can be revoked need not be all that was made.
    let doubtful = report.attempts().iter().filter(|attempt| attempt.execution() != Execution::NotExecuted).count();
    if handler == Handler::Keeps || orphan.undo().await.is_err() || doubtful > 1 {
        lock(&seen).reports.push(report);
    }
}
