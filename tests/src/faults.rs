//! The faults of the emulator, each at every time at which it can happen.

use std::time::Duration;

use clerk_actor_tokens::testing::emulator::{NextAttempt, fault};

/// Queues a fault for the next attempt.
pub type Queue = fn(NextAttempt<'_>);

/// Each with its name.
pub const FAULTS: [(&str, Queue); 26] = [
    ("before_send refused", |next| next.before_send(fault::refused())),
    ("before_send tls", |next| next.before_send(fault::tls())),
    ("before_send proxy", |next| next.before_send(fault::proxy())),
    ("before_send proxy_auth", |next| next.before_send(fault::proxy_auth())),
    ("before_send canceled", |next| next.before_send(fault::canceled())),
    ("before_send reset", |next| next.before_send(fault::reset())),
    ("before_send close", |next| next.before_send(fault::close())),
    ("before_send stall", |next| next.before_send(fault::stall())),
    ("before_send delay", |next| next.before_send(fault::delay(Duration::from_secs(60)))),
    ("before_commit refused_stream", |next| next.before_commit(fault::refused_stream())),
    ("before_commit reset", |next| next.before_commit(fault::reset())),
    ("before_commit close", |next| next.before_commit(fault::close())),
    ("before_commit stall", |next| next.before_commit(fault::stall())),
    ("before_commit 402", |next| next.before_commit(fault::status(402))),
    ("before_commit 307", |next| next.before_commit(fault::status(307))),
    ("before_commit 429", |next| next.before_commit(fault::status(429).retry_after(Duration::from_secs(86_400)))),
    ("before_commit 500", |next| next.before_commit(fault::status(500))),
    ("before_commit 520", |next| next.before_commit(fault::status(520))),
    ("after_commit reset", |next| next.after_commit(fault::reset())),
    ("after_commit close", |next| next.after_commit(fault::close())),
    ("after_commit stall", |next| next.after_commit(fault::stall())),
    ("after_commit stall_at", |next| next.after_commit(fault::stall_at(500))),
    ("after_commit delay", |next| next.after_commit(fault::delay(Duration::from_secs(60)))),
    ("after_commit 204", |next| next.after_commit(fault::status(204))),
    ("after_commit 502", |next| next.after_commit(fault::status(502))),
    ("after_commit cut_at", |next| next.after_commit(fault::cut_at(500))),
];
