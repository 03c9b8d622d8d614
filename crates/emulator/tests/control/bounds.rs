//! What has a bound says so, and changes nothing beyond it.

use serde_json::json;

use crate::client::{Caller, Fixture};

/// The end of the calendar is said, and nothing moves.
#[test]
fn a_step_past_the_end_of_the_calendar_is_refused() {
    let fixture = Fixture::new();
    let mut caller = fixture.connect();
    let mut advance = |milliseconds: u64| {
        caller.ask("POST", "/_emulator/clock/advance", &json!({ "milliseconds": milliseconds }).to_string())
    };
    let start = advance(0).json()["now"].as_i64().unwrap();
    let end = 36_500 * 24 * 3600 * 1000;
    assert_eq!(advance(end - 1000).status, 200);
    for step in [1001, 3_600_000, end] {
        let refused = advance(step);
        assert_eq!(refused.status, 409);
        let why = "the calendar can be moved by 3153600000000 milliseconds in all: 1000 are left";
        assert_eq!(refused.json()["error"], why);
    }
    // The last second is still there.
    let last = advance(1000);
    assert_eq!(last.status, 200);
    assert!(last.json()["now"].as_i64().unwrap() - start >= i64::try_from(end).unwrap());
    assert_eq!((advance(1).status, advance(0).status), (409, 200));
    caller.ask("POST", "/_emulator/reset", "");
    assert_eq!(caller.ask("POST", "/_emulator/clock/advance", r#"{"milliseconds":3600000}"#).status, 200);
}

/// Those that are queued, and those that did nothing.
#[test]
fn faults_have_a_bound() {
    let fixture = Fixture::new();
    let mut caller = fixture.connect();
    let add = |caller: &mut Caller, text: &str, count: usize| {
        let faults = json!({ "faults": vec![text; count] }).to_string();
        caller.ask("POST", "/_emulator/faults", &faults)
    };
    let queued = |caller: &mut Caller| {
        let faults = caller.ask("GET", "/_emulator/faults", "").json();
        ["queued", "idle"].map(|which| faults[which].as_array().unwrap().len())
    };
    // A revocation of no token is refused: each of these does nothing.
    let idle = "revoke:after_commit:cut_at(1)";
    assert_eq!(add(&mut caller, idle, 1001).status, 200);
    for _ in 0..1001 {
        assert_eq!(caller.clerk("POST", "/v1/actor_tokens/act_1/revoke", "").status, 404);
    }
    assert_eq!(queued(&mut caller), [0, 1000]);
    for _ in 0..5 {
        assert_eq!(add(&mut caller, "create:after_commit:stall", 1999).status, 200);
    }
    assert_eq!(queued(&mut caller), [9995, 1000]);
    let refused = add(&mut caller, "revoke:after_commit:stall", 6);
    assert_eq!(refused.status, 409);
    assert!(refused.json()["error"].as_str().unwrap().starts_with("more than 10000 faults would be queued"));
    assert_eq!(queued(&mut caller), [9995, 1000], "none of them");
    assert_eq!(add(&mut caller, "create:after_commit:stall", 5).status, 200);
    assert_eq!(add(&mut caller, "create:after_commit:stall", 1).status, 409);
    let long = format!("create:after_commit:without({})", "a".repeat(4096));
    assert_eq!(add(&mut caller, &long, 1).status, 400);
    let report = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| fixture.clerk.assert_faults_used()));
    let report = report.unwrap_err().downcast::<String>().unwrap();
    assert!(report.contains("\n  - and 1 before these that did nothing either\n"));
    assert_eq!(fixture.clerk.take_unused_faults().len(), 11_000);
    assert_eq!(add(&mut caller, "create:after_commit:stall", 1).status, 200);
    let _ = fixture.clerk.take_unused_faults();
}
