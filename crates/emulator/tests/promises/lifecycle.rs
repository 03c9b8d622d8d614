//! The life of tokens against a model: random creates, accepts, revokes and waits.

use std::time::Duration;

use crate::support::{create, json, revoke, send};
use clerk_actor_tokens_core::{ActorTokenId, ActorTokenStatus};
use clerk_actor_tokens_emulator::{AcceptError, CommitKind, Emulator};
use proptest::prelude::*;
use serde_json::json;

#[derive(Debug, Clone)]
enum Step {
    Create { expires_in: u64 },
    Accept(usize),
    Revoke(usize),
    Advance { millis: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1u64..20).prop_map(|expires_in| Step::Create { expires_in }),
        (0usize..6).prop_map(Step::Accept),
        (0usize..6).prop_map(Step::Revoke),
        (0u64..9000).prop_map(|millis| Step::Advance { millis }),
    ]
}

/// What a token is by the rules: its status, and the second at which its ticket ends.
struct Model {
    id: ActorTokenId,
    status: &'static str,
    ends_at: u64,
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_steps_leaves_the_life_cycle(steps in prop::collection::vec(step(), 0..40)) {
        let clerk = Emulator::new();
        let mut tokens: Vec<Model> = Vec::new();
        let mut millis = 0;
        let mut revoked = 0;
        for step in steps {
            match step {
                Step::Create { expires_in } => {
                    let body = json!({ "user_id": "u", "actor": { "sub": "a" }, "expires_in_seconds": expires_in });
                    let token = json(&send(&clerk, create(body)));
                    let id = token["id"].as_str().unwrap().parse().unwrap();
                    tokens.push(Model { id, status: "pending", ends_at: millis / 1000 + expires_in });
                }
                Step::Accept(n) => {
                    let Some(token) = tokens.get_mut(n) else { continue };
                    let expected = match token.status {
                        "accepted" => Err(AcceptError::AlreadyUsed),
                        "revoked" => Err(AcceptError::Revoked),
                        _ if millis >= token.ends_at * 1000 => Err(AcceptError::Expired),
                        _ => Ok(()),
                    };
                    prop_assert_eq!(clerk.accept(&token.id).map(|_| ()), expected);
                    if expected.is_ok() {
                        token.status = "accepted";
                    }
                }
                Step::Revoke(n) => {
                    let Some(token) = tokens.get_mut(n) else { continue };
                    let response = send(&clerk, revoke(token.id.as_str()));
                    if token.status == "pending" {
                        prop_assert_eq!(response.status(), 200);
                        prop_assert_eq!(&json(&response)["status"], "revoked");
                        token.status = "revoked";
                        revoked += 1;
                    } else {
                        prop_assert_eq!(response.status(), 400);
                    }
                }
                Step::Advance { millis: more } => {
                    clerk.advance(Duration::from_millis(more));
                    millis += more;
                }
            }
            let mut live = 0;
            for token in &tokens {
                let stored = clerk.token(&token.id).unwrap();
                prop_assert_eq!(stored.status().as_str(), token.status);
                let is_live = token.status == "pending" && millis < token.ends_at * 1000;
                prop_assert_eq!(stored.is_live(), is_live);
                live += usize::from(is_live);
            }
            clerk.assert_live(live);
            clerk.assert_creates(tokens.len());
            clerk.assert_revokes(revoked);
            clerk.assert_orphans(0);
        }
    }
}

#[test]
fn a_ticket_is_used_once_and_carries_the_session() {
    let clerk = Emulator::new();
    let body = json!({
        "user_id": "user_1",
        "actor": { "sub": "user_agent", "why": "help" },
        "session_max_duration_in_seconds": 60,
    });
    let token = json(&send(&clerk, create(body)));
    let session = clerk.accept_url(token["url"].as_str().unwrap()).unwrap();
    assert_eq!(session.user_id(), "user_1");
    assert_eq!(session.actor().get("why"), Some(&json!("help")));
    assert_eq!(session.max_duration(), Duration::from_secs(60));
    assert_eq!(clerk.accept_url(token["token"].as_str().unwrap()), Err(AcceptError::AlreadyUsed));
}

#[test]
fn what_is_not_given_is_an_hour_for_the_link_and_half_an_hour_for_the_session() {
    let clerk = Emulator::new();
    let id: ActorTokenId = {
        let token = json(&send(&clerk, create(json!({ "user_id": "u", "actor": { "sub": "a" } }))));
        token["id"].as_str().unwrap().parse().unwrap()
    };
    clerk.advance(Duration::from_millis(3_599_999));
    clerk.assert_live(1);
    assert_eq!(clerk.clone().accept(&id).unwrap().max_duration(), Duration::from_secs(1800));
}

#[test]
fn each_reason_to_refuse_a_ticket_has_clerks_code() {
    let table = [
        (AcceptError::AlreadyUsed, "actor_token_already_used_code"),
        (AcceptError::Revoked, "actor_token_revoked_code"),
        (AcceptError::Expired, "ticket_expired_code"),
        (AcceptError::Invalid, "ticket_invalid_code"),
    ];
    for (error, code) in table {
        assert_eq!(error.code(), code);
        assert!(error.to_string().contains(code));
    }
    for text in ["", "x", "https://clerk.emulator.test/v1/tickets/accept", "ticket="] {
        assert_eq!(Emulator::new().accept_url(text), Err(AcceptError::Invalid));
    }
}

#[test]
fn a_pending_token_past_its_time_is_not_live_and_can_still_be_revoked() {
    let clerk = Emulator::new();
    let token = json(&send(&clerk, create(json!({ "user_id": "u", "actor": { "sub": "a" } }))));
    clerk.advance(Duration::from_secs(3600));
    clerk.assert_live(0);
    let id = token["id"].as_str().unwrap();
    assert_eq!(*clerk.token(&id.parse().unwrap()).unwrap().status(), ActorTokenStatus::Pending);
    assert_eq!(send(&clerk, revoke(id)).status(), 200);
    let kinds: Vec<_> = clerk.ledger().iter().map(|entry| entry.kind()).collect();
    assert_eq!(kinds, [CommitKind::Create, CommitKind::Revoke]);
}

#[test]
fn the_ticket_has_the_claims_of_the_contract() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    let clerk = Emulator::new();
    let body = json!({ "user_id": "u", "actor": { "sub": "a" }, "expires_in_seconds": 90 });
    let token = json(&send(&clerk, create(body)));
    let parts: Vec<_> = token["token"].as_str().unwrap().split('.').collect();
    assert_eq!(URL_SAFE_NO_PAD.decode(parts[0]).unwrap(), br#"{"alg":"RS256","typ":"JWT"}"#);
    let claims: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    let instance = claims["iid"].as_str().unwrap();
    assert!(instance.starts_with("ins_"));
    let expected = json!({
        "eis": 90, "exp": 1_767_225_690, "iid": instance, "sid": token["id"], "st": "actor_token",
    });
    assert_eq!(claims, expected);
    assert_eq!(URL_SAFE_NO_PAD.decode(parts[2]).unwrap().len(), 256);
}
