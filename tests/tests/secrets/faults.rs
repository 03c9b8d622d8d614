//! Every fault of the emulator, at every time at which it can happen, in process.

use clerk_actor_tokens::{Actor, RetryPolicy, SecretKey, testing::emulator::Emulator};
use clerk_actor_tokens_tests::faults::FAULTS;

use crate::{KEY, shown::Sanitized};

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
