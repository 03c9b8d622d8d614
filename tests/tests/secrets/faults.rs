//! Every fault of the emulator, at every time at which it can happen, in process.

use std::time::Duration;

use clerk_actor_tokens::{
    Actor, RetryPolicy, SecretKey,
    testing::emulator::{Emulator, NextAttempt, fault},
};

use crate::{KEY, shown::Sanitized};

type Queue = fn(NextAttempt<'_>);

const FAULTS: [(&str, Queue); 26] = [
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

#[test]
fn no_fault_makes_a_call_show_one() {
    let mut shown = Sanitized::new();
    shown.secret(KEY);
    for (name, queue) in FAULTS {
        let clerk = Emulator::builder().secret_key(SecretKey::new(KEY).unwrap()).build();
        // Two clients: the gate that a 429 shuts is not to keep the revoke from its own fault.
        let (creating, revoking) = (clerk.client(), clerk.client());
        let tokens = creating.actor_tokens();
        let token = pollster::block_on(tokens.create("user_1", Actor::new("user_2")).send()).unwrap();
        shown.secret(token.token().unwrap().expose());
        shown.secret(token.url().unwrap().expose());
        queue(clerk.next_create());
        queue(clerk.next_revoke());
        let create = tokens.create("user_1", Actor::new("user_2")).retry(RetryPolicy::none());
        let create = pollster::block_on(create.send_with_response());
        let revoke = pollster::block_on(revoking.actor_tokens().revoke(token.id()).send_with_response());
        for lost in clerk.live() {
            let lost = clerk.token(lost.id()).unwrap();
            shown.debug(name, &lost);
        }
        shown.debug(name, &create);
        shown.debug(name, &revoke);
        for error in [create.err(), revoke.err()].into_iter().flatten() {
            shown.error(name, &error);
            shown.display(name, &error.advice());
            shown.debug(name, &error.attempts());
        }
        shown.debug(name, &clerk);
        shown.debug(name, &(clerk.ledger(), clerk.requests(), clerk.live(), clerk.orphans()));
        shown.panic(name, || clerk.assert_creates(99));
        shown.panic(name, || clerk.assert_live(99));
    }
    shown.assert_clean("every fault, in process");
}
