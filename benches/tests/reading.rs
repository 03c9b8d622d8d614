//! What describing a creation and reading its answer allocate, without a client.
//!
//! The allocator of this process counts. So there is one test: nothing else may allocate meanwhile.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a test fails by a panic, and this one shows its figure")]

use std::hint::black_box;

use clerk_actor_tokens::{
    Actor, BaseUrl, CreateActorToken,
    operation::{Creation, Operation},
    transport::Response,
};
use clerk_actor_tokens_benches::measure::Allocated;

/// The body, and what makes it shared. The address costs what it costs any request.
const MOST_OF_A_BODY: usize = 2;
/// The id, the user, the actor's text, the ticket and the link.
const MOST_OF_AN_ANSWER: usize = 5;

fn count<T>(run: impl Fn() -> T) -> usize {
    black_box(run());
    let before = Allocated::now();
    let value = black_box(run());
    let count = before.since().count;
    drop(value);
    count
}

#[test]
fn an_answer_costs_what_it_keeps_and_a_request_its_body_and_address() {
    let create =
        CreateActorToken::new("user_2ABCdefGHIjklMNOpqrSTUvwxYZ", Actor::new("user_2ZYXwvuTSRqponMLKjihGFEdcba"));
    let base = BaseUrl::default();
    let ticket = "eyJhbGciOiJSUzI1NiJ9.".to_owned() + &"x".repeat(400);
    let answer = Response::new(
        format!(
            r#"{{"object":"actor_token","id":"act_2ABCdefGHIjklMNOpqrSTUvwxYZ","status":"pending","user_id":"{}","actor":{{"sub":"user_2ZYXwvuTSRqponMLKjihGFEdcba"}},"token":"{ticket}","url":"https://clerk.example.com/v1/tickets/accept?ticket={ticket}","created_at":1700000000000,"updated_at":1700000000000}}"#,
            create.user_id()
        )
        .into(),
    );
    let actor = count(|| create.actor().clone());
    let address = count(|| base.request(http::Method::POST, "/actor_tokens", bytes::Bytes::new()).unwrap());
    let body = count(|| create.request(&base).unwrap()).saturating_sub(address);
    let parsed = count(|| create.parse(&answer).unwrap());
    let checked = count(|| create.check_stamp(answer.body(), "stamp").unwrap());
    println!(
        "figure: allocations of a creation's pure parts: actor {actor}, body {body}, address {address}, answer of {} bytes {parsed}, stamp {checked}",
        answer.body().len()
    );
    assert_eq!((actor, checked), (1, 0));
    assert!(body <= MOST_OF_A_BODY && parsed <= MOST_OF_AN_ANSWER, "{body} and {parsed}");
}
