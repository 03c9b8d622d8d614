//! What an application writes down of a token: everything that it may know again, and no credential.

use clerk_actor_tokens_core::{Actor, ActorToken, ActorTokenRecord, CreateActorToken, Operation, Response, Timestamp};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const CANARY: &str = "eyJCANARY";

fn token(create: &CreateActorToken, mut answer: Value) -> ActorToken {
    let canaries = [
        ("object", "actor_token".into()),
        ("token", CANARY.into()),
        ("url", format!("https://x.test/?ticket={CANARY}")),
    ];
    for (key, value) in canaries {
        answer[key] = value.into();
    }
    create.parse(&Response::new(answer.to_string().into())).expect("a token")
}

fn keys_of_an_actor() -> impl Strategy<Value = Map<String, Value>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map(".{0,6}", inner, 0..4)
                .prop_map(|map| Value::from(map.into_iter().collect::<Map<_, _>>())),
        ]
    });
    proptest::collection::hash_map("[a-r]{1,6}", value, 0..4).prop_map(|map| map.into_iter().collect())
}

proptest! {
    #[test]
    fn a_record_is_read_back_as_it_was_written_and_holds_no_credential(
        user in ".{1,20}", sub in ".{1,20}", keys in keys_of_an_actor(), status in ".{1,12}",
        created_at in proptest::option::of(any::<i64>()), updated_at in proptest::option::of(any::<i64>()),
    ) {
        let actor = keys.into_iter().fold(Actor::new(sub), |actor, (key, value)| actor.with(key, value));
        let create = CreateActorToken::new(&user, actor.clone());
        let answer = json!({"id": "act_1", "status": status, "user_id": user, "actor": serde_json::to_value(&actor).unwrap(),
            "created_at": created_at, "updated_at": updated_at});
        let token = token(&create, answer);
        let record = token.record();
        prop_assert_eq!((token.id().as_str(), token.status().as_str(), token.user_id()), ("act_1", &*status, &*user));
        prop_assert_eq!((record.id(), record.status(), record.user_id()), (token.id(), token.status(), token.user_id()));
        prop_assert_eq!(record.actor(), Some(&actor));
        prop_assert_eq!(record.created_at(), created_at.map(Timestamp::from_millis));
        prop_assert_eq!(record.updated_at(), updated_at.map(Timestamp::from_millis));
        prop_assert_eq!(record.expires_at(), token.expires_at());

        let written = serde_json::to_string(record).unwrap();
        let shown = format!("{written} {record:?}");
        prop_assert!(!shown.contains("CANARY"));
        prop_assert_eq!(&serde_json::from_str::<ActorTokenRecord>(&written).unwrap(), record);
        let value = serde_json::to_value(record).unwrap();
        prop_assert_eq!(&serde_json::from_value::<ActorTokenRecord>(value).unwrap(), record);
    }
}

#[test]
fn a_record_is_written_under_clerks_names() {
    let actor = Actor::new("user_agent").with("reason", json!({"ticket": 7}));
    let create = CreateActorToken::new("user_customer", actor);
    let token = token(
        &create,
        json!({"id": "act_1", "status": "pending", "user_id": "user_customer",
            "actor": {"sub": "user_agent", "reason": {"ticket": 7}}, "created_at": 1_700_000_000_000i64, "updated_at": 1_700_000_000_001i64}),
    );
    let expected = json!({
        "id": "act_1",
        "status": "pending",
        "user_id": "user_customer",
        "actor": {"sub": "user_agent", "reason": {"ticket": 7}},
        "created_at": 1_700_000_000_000i64,
        "updated_at": 1_700_000_000_001i64,
        "expires_at": 1_700_003_600_000i64,
    });
    assert_eq!(serde_json::to_value(token.record()).unwrap(), expected);
}

#[test]
fn debug_of_a_record_shows_no_value_of_the_actors_further_keys() {
    let create = CreateActorToken::new("user_1", Actor::new("user_2"));
    let answer =
        json!({"id": "act_1", "status": "pending", "user_id": "user_1", "actor": {"sub": "user_2", "note": "PRIVATE"}});
    let shown = format!("{:?}", token(&create, answer).record());
    assert!(shown.contains("act_1") && shown.contains("note") && !shown.contains("PRIVATE"), "{shown}");
}

#[test]
fn the_deepest_actor_that_is_read_back_has_126_levels() {
    for (levels, is_read_back) in [(126, true), (127, false)] {
        let deep = (2..levels).fold(json!({}), |inner, _| json!({"x": inner}));
        let actor = Actor::new("user_2").with("deep", deep);
        let create = CreateActorToken::new("user_1", actor.clone());
        let answer = json!({"id": "act_1", "status": "pending", "user_id": "user_1", "actor": actor.as_map()});
        let record = token(&create, answer).record().clone();
        let written = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str(&written).ok(), is_read_back.then_some(record), "{levels}");
    }
}
