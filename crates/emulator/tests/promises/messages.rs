//! What a failed assertion prints: the commit, its fault, its delivery, a hint, the seed, and no secret.

use std::time::Duration;

use crate::support::{Call, call_within, exchange};
use clerk_actor_tokens_emulator::{Emulator, fault};

const LIMIT: Duration = Duration::from_secs(10);

/// A good create with a deadline of [`LIMIT`].
fn call(clerk: &Emulator) -> Call {
    call_within(clerk, LIMIT)
}

fn message_of(panic: impl FnOnce()) -> String {
    let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(panic)).unwrap_err();
    payload.downcast_ref::<String>().cloned().unwrap()
}

#[test]
fn a_failed_assertion_names_the_commit_its_fault_its_delivery_a_hint_and_the_seed() {
    type Script = fn(&Emulator);
    // What is queued; what the message says of the commit's fault and of its answer.
    let table: [(Script, &str); 8] = [
        (
            |c| c.next_create().after_commit(fault::stall()),
            "met create:after_commit:stall(), answer not delivered: nothing of it came",
        ),
        (
            |c| c.next_create().after_commit(fault::cut_at(120)),
            "met create:after_commit:cut_at(120), answer not delivered: 120 bytes of it came",
        ),
        (
            |c| c.next_create().after_commit(fault::slow_body(LIMIT * 100_000)),
            "met create:after_commit:slow_body(1000000s), answer not delivered: 0 bytes of it came",
        ),
        (
            |c| c.next_create().after_commit(fault::html(502)),
            "met create:after_commit:html(502), answer not delivered: a 502 came in its place",
        ),
        (
            |c| c.next_create().after_commit(fault::another_user()),
            "met create:after_commit:another_user(), answer not delivered: what came does not tell of the token",
        ),
        (|c| c.next_create().after_commit(fault::bom()), "met create:after_commit:bom(), answer delivered, changed"),
        (
            |c| c.next_create().before_commit(fault::delay(Duration::from_secs(2))),
            "met create:before_commit:delay(2s), answer delivered",
        ),
        (|c| c.next_create().after_commit(fault::pass()), "start, answer delivered"),
    ];
    for (script, words) in table {
        let clerk = Emulator::builder().seed(4711).build();
        script(&clerk);
        let _ = pollster::block_on(exchange(&clerk, call(&clerk)));
        let asserts: [fn(&Emulator); 4] =
            [|c| c.assert_creates(7), |c| c.assert_revokes(7), |c| c.assert_orphans(7), |c| c.assert_live(7)];
        for assert in asserts {
            let message = message_of(|| assert(&clerk));
            for part in ["attempt 2, ", " after the start", words, "\nhint: ", "\n(emulator seed 4711)"] {
                assert!(message.contains(part), "{part} is not in: {message}");
            }
            assert!(!message.contains("eyJ") && !message.contains("ticket"), "{message}");
        }
    }
}

/// A location may hold a credential in its query.
#[test]
fn a_fault_shows_no_query_of_its_location() {
    let clerk = Emulator::new();
    let fault = fault::redirect(302, "https://elsewhere.test/accept?ticket=CANARY#CANARY");
    assert!(!format!("{fault:?}").contains("CANARY"));
    clerk.next_create().before_commit(fault);
    assert!(!message_of(|| drop(clerk)).contains("CANARY"));
}
