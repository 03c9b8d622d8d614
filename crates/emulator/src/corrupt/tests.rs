#![allow(clippy::string_slice, clippy::indexing_slicing, reason = "to panic is how a test fails")]
use clerk_actor_tokens_core::{ActorTokenId, Timestamp};

use super::*;
use crate::{
    fault::{ANOTHER_ID, BAD_ID},
    ledger::{CommitKind, Given},
};

/// Clerk's answer, in the order of its members.
const BODY: &str = r#"{"object":"actor_token","id":"act_1","status":"pending","user_id":"user_1","actor":{"sub":"user_2"},"created_at":1}"#;

fn reply() -> Response {
    let mut response = Response::new(BODY.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn body(change: &Change) -> Vec<u8> {
    corrupt(change, &reply(), None).unwrap().into_body().to_vec()
}

/// Each change by its bytes: what of the answer is replaced by what, and nothing else.
#[test]
fn a_change_is_the_one_that_it_says_and_no_other() {
    let deep = r#""actor":{"sub":"user_2","deep":[[[]]]}"#;
    let table: Vec<(Change, &[u8], &[u8])> = vec![
        (Change::Malformed, b":1}", b":1,}"),
        (Change::Without("status".into()), b"\"status\":\"pending\",", b""),
        (Change::WrongType("status".into()), b"\"pending\"", b"7"),
        (Change::WrongType("created_at".into()), b":1}", b":\"seven\"}"),
        (Change::WrongType("actor".into()), br#"{"sub":"user_2"}"#, b"\"seven\""),
        (Change::BadUtf8("status".into()), b"\"pending\"", b"\"\xffending\""),
        (Change::Duplicate("id".into()), b":1}", br#":1,"id":"act_000000000000000000000000000"}"#),
        (Change::Duplicate("status".into()), b":1}", br#":1,"status":"user_of_another_request"}"#),
        (Change::TokenStatus("accepted".into()), b"\"pending\"", b"\"accepted\""),
        (Change::Nested(3), br#""actor":{"sub":"user_2"}"#, deep.as_bytes()),
        (Change::Bom, b"{\"object\"", b"\xef\xbb\xbf{\"object\""),
        (Change::BadId, b"act_1", b"../users"),
        (Change::PaddedTo(BODY.len() + 2), b":1}", b":1}  "),
    ];
    for (change, from, to) in table {
        let at = BODY.as_bytes().windows(from.len()).position(|part| part == from).unwrap();
        let expected = [&BODY.as_bytes()[..at], to, &BODY.as_bytes()[at + from.len()..]].concat();
        assert_eq!(String::from_utf8_lossy(&body(&change)), String::from_utf8_lossy(&expected), "{change}");
        assert_eq!(body(&change), expected, "{change}");
    }
    let whose = |change| {
        let value: Value = serde_json::from_slice(&body(&change)).unwrap();
        ["/id", "/user_id", "/actor/sub"].map(|path| value.pointer(path).unwrap().as_str().unwrap().to_owned())
    };
    let other = "act_000000000000000000000000000";
    assert_eq!(whose(Change::AnotherUser), [other, "user_of_another_request", "user_2"]);
    assert_eq!(whose(Change::AnotherActor), [other, "user_1", "user_of_another_request"]);
    assert_eq!(whose(Change::Stale), [other, "user_of_another_request", "user_of_another_request"]);
    assert!(ActorTokenId::new(ANOTHER_ID).is_ok() && ActorTokenId::new(BAD_ID).is_err());
}

#[test]
fn a_header_is_changed_where_the_change_is_one_of_the_header() {
    let typed = corrupt(&Change::ContentType(HeaderValue::from_static("text/html")), &reply(), None).unwrap();
    assert_eq!(typed.headers()["content-type"], "text/html");
    assert_eq!(typed.body(), BODY);
    let zipped = corrupt(&Change::Gzip, &reply(), None).unwrap();
    assert_eq!(zipped.headers()["content-encoding"], "gzip");
    assert!(zipped.body().starts_with(b"\x1f\x8b"));
    let earlier = corrupt(&Change::Stale, &reply(), Some(Response::new("earlier".into()))).unwrap();
    assert_eq!(earlier.body(), "earlier");
}

#[test]
fn an_answer_tells_of_its_token_if_it_can_be_read_and_is_about_it() {
    let entry = LedgerEntry {
        kind: CommitKind::Create,
        id: ActorTokenId::new("act_1").unwrap(),
        user_id: "user_1".to_owned(),
        actor_sub: Some("user_2".to_owned()),
        attempt: None,
        at: Timestamp::from_millis(0),
        since: std::time::Duration::ZERO,
        fault: None,
        given: Given::Changed,
        delivered: false,
    };
    let table = [
        (BODY.to_owned(), true),
        (format!("\u{feff}{BODY}  "), true),
        (BODY.replace(r#""actor":{"sub":"user_2"},"#, ""), true),
        (BODY.replace("pending", "accepted"), true),
        (BODY.replace("act_1", "act_2"), false),
        (BODY.replace("user_1", "user_3"), false),
        (BODY.replace("user_2", "user_3"), false),
        (BODY.replace(r#""id":"act_1","#, ""), false),
        (BODY.replace("actor_token", "session"), false),
        (BODY.replace("}", ""), false),
        (String::new(), false),
    ];
    for (body, expected) in table {
        assert_eq!(names(&Response::new(body.clone().into()), &entry), expected, "{body}");
    }
}
