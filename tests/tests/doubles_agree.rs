//! The ready-made errors of the mock crate say what the emulator says: a test that moves from one double to the other
//! meets the same words.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::time::Duration;

use clerk_actor_tokens::{
    Actor, Client, Error, RetryPolicy, SecretKey,
    settings::ApiVersion,
    testing::{
        emulator::{Emulator, EmulatorBuilder, fault},
        mock::responses,
    },
};

/// What an error says, without its trace id.
fn words(error: &Error) -> Vec<(String, String, Option<String>, Option<String>)> {
    let entries = error.api_errors().iter().map(|entry| {
        let long_message = entry.long_message().map(str::to_owned);
        (entry.code().to_string(), entry.message().to_owned(), long_message, entry.param_name().map(str::to_owned))
    });
    entries.collect()
}

fn of_create(builder: EmulatorBuilder, change: impl FnOnce(Emulator) -> Client<Emulator>) -> Error {
    let client = change(builder.build());
    let call = client.actor_tokens().create("user_1", Actor::new("user_2")).expires_in(Duration::from_secs(61));
    pollster::block_on(call.retry(RetryPolicy::none()).send()).unwrap_err()
}

fn client(emulator: Emulator) -> Client<Emulator> {
    emulator.client()
}

fn fault(status: u16) -> Error {
    of_create(Emulator::builder(), |emulator| {
        emulator.next_create().before_commit(fault::status(status));
        emulator.client()
    })
}

#[test]
fn the_ready_made_errors_have_the_emulators_words() {
    let revoke = |prepare: &dyn Fn(&Emulator) -> String| {
        let emulator = Emulator::new();
        let id = prepare(&emulator);
        pollster::block_on(emulator.client().actor_tokens().revoke(id).send()).unwrap_err()
    };
    let accepted = revoke(&|emulator| {
        let call = emulator.client().actor_tokens().create("user_1", Actor::new("user_2"));
        let token = pollster::block_on(call.send()).unwrap();
        emulator.accept(token.id()).unwrap();
        token.id().to_string()
    });
    let old = ApiVersion::new("1999-01-01").unwrap();
    let versions = Emulator::builder().api_versions([ApiVersion::default()]);
    let old_version =
        |emulator: Emulator| Client::builder(emulator.clone(), emulator.secret_key()).api_version(old).build().unwrap();
    let table = [
        (revoke(&|_| "act_9".to_owned()), responses::clerk_error(404, "resource_not_found")),
        (accepted, responses::cannot_be_revoked("accepted")),
        (
            of_create(Emulator::builder().plan_without_impersonation(), client),
            responses::clerk_error(402, "unsupported_subscription_plan_features"),
        ),
        (
            of_create(Emulator::builder().max_expires_in(Duration::from_secs(60)), client),
            responses::clerk_error(422, "form_param_value_invalid").param("expires_in_seconds"),
        ),
        (
            of_create(Emulator::builder(), |it| Client::new(it, SecretKey::new("sk_test_other").unwrap())),
            responses::clerk_error(401, "clerk_key_invalid"),
        ),
        (of_create(versions, old_version), responses::clerk_error(400, "api_version_invalid")),
        (fault(429), responses::clerk_error(429, "too_many_requests")),
        (fault(500), responses::clerk_error(500, "internal_clerk_error")),
        (fault(415), responses::clerk_error(415, "unsupported_content_type")),
    ];
    for (emulated, ready_made) in table {
        let ready_made = Error::from_response(emulated.operation(), &ready_made.build());
        assert_eq!(emulated.status(), ready_made.status());
        assert_eq!(words(&emulated), words(&ready_made));
        assert!(!words(&emulated).is_empty());
    }
}
