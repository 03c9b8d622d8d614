//! The properties over generated input: bytes without form, and documents that look like Clerk's, with decoys, cut anywhere.
//!
//! Fuzzing finds more; this runs wherever the tests do.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use clerk_actor_tokens_properties::{self as properties, PROPERTIES};
use proptest::{collection::vec, prelude::*, sample::select, string::string_regex};
use serde_json::{Map, Value, json};

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..300)
}

/// A text of one line that matches this.
fn text(regex: &str) -> BoxedStrategy<String> {
    string_regex(regex).unwrap().boxed()
}

/// Any of these, as it is.
fn one_of(texts: &'static [&'static str]) -> BoxedStrategy<String> {
    select(texts).prop_map(str::to_owned).boxed()
}

/// What must not be shown.
const CREDENTIALS: &[&str] =
    &["eyJCANARYofATicket.ThatIsNone0123", "sk_test_CANARYofAKeyThatIsNone0123", "ticket=CANARYofALinkThatIsNone0123"];

/// Any JSON, small: texts with decoys in them, names that matter at another depth.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text("\\PC{0,12}").prop_map(Value::from),
        one_of(&["act_9", "actor_token", "user_customer", "user_agent", "\"id\":\"act_9\"", "}", "\\"])
            .prop_map(Value::from),
        one_of(CREDENTIALS).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let name = prop_oneof![
            one_of(&["id", "sub", "object", "user_id", "actor", "code", "errors"]),
            text("[a-z\"\\\\]{0,4}")
        ];
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((name, inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A member of a token: mostly the right one, sometimes wrong, in any order, some twice.
fn member() -> impl Strategy<Value = (String, Value)> {
    let right = select(vec![
        ("object", json!("actor_token")),
        ("id", json!("act_1")),
        ("status", json!("pending")),
        ("status", json!("revoked")),
        ("user_id", json!("user_customer")),
        ("actor", json!({"sub": "user_agent", "id": "act_9"})),
        ("token", json!(CREDENTIALS)),
        ("url", json!(null)),
        ("created_at", json!(1_700_000_000_000i64)),
    ])
    .prop_map(|(name, value)| (name.to_owned(), value));
    let wrong = (one_of(&["object", "id", "user_id", "actor", "token", "status", "x", "i\u{64}\""]), value());
    prop_oneof![4 => right, 1 => wrong]
}

/// The members of a whole token for this request, with further ones anywhere.
fn token() -> impl Strategy<Value = Vec<(String, Value)>> {
    let whole = || {
        let whole = json!({
            "object": "actor_token", "id": "act_1", "status": "pending", "user_id": "user_customer",
            "actor": {"sub": "user_agent"}, "token": CREDENTIALS.first(), "url": null, "created_at": 0, "updated_at": -1
        });
        whole.as_object().unwrap().clone().into_iter().collect::<Vec<_>>()
    };
    let with_others = (Just(whole()), vec((text("[a-z]{1,3}"), value()), 0..4)).prop_map(|(mut members, others)| {
        members.extend(others);
        members
    });
    let changed = (Just(whole()), 0usize..9, value()).prop_map(|(mut members, at, value)| {
        members.get_mut(at).into_iter().for_each(|member| member.1 = value.clone());
        members
    });
    prop_oneof![with_others.prop_shuffle(), changed.prop_shuffle(), vec(member(), 0..12)]
}

/// A document as text: members in this order, also twice, with white space.
fn document(members: &[(String, Value)], space: &str) -> String {
    let members: Vec<_> =
        members.iter().map(|(name, value)| format!("{}{space}:{space}{value}", json!(name))).collect();
    format!("{{{space}{}}}", members.join(&format!("{space},")))
}

fn space() -> BoxedStrategy<String> {
    one_of(&["", "", " ", "\n\t"])
}

fn status() -> BoxedStrategy<u16> {
    prop_oneof![4 => Just(200u16), 1 => Just(400), 1 => 100u16..=999].boxed()
}

fn head() -> BoxedStrategy<String> {
    one_of(&[
        "",
        "content-type: application/json\n",
        "content-type: text/html\n",
        "content-encoding: gzip\n",
        "retry-after: 7\n",
    ])
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn no_bytes_break_a_promise(data in bytes()) {
        for (_, property) in PROPERTIES {
            property(&data);
        }
    }

    #[test]
    fn no_line_of_text_breaks_a_promise(first in "\\PC{0,60}", second in "\\PC{0,60}") {
        for (_, property) in PROPERTIES {
            property(format!("{first}\n{second}").as_bytes());
        }
    }

    #[test]
    fn a_token_is_read_as_it_stands_there(status in status(), head in head(), members in token(), space in space()) {
        properties::token(format!("{status}\n{head}\n{}", document(&members, &space)).as_bytes());
    }

    #[test]
    fn a_token_with_a_changed_byte_is_read_as_it_stands_there(members in token(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut data = document(&members, "").into_bytes();
        if let Some(changed) = data.get_mut(at.index(members.len().max(1) * 20)) {
            *changed = byte;
        }
        properties::token(&data);
    }

    #[test]
    fn an_answer_cut_anywhere_gives_the_tokens_id_or_none(members in token(), space in space(), cut in any::<prop::sample::Index>()) {
        let document = document(&members, &space);
        properties::salvage(&document.as_bytes()[..cut.index(document.len() + 1)]);
    }

    #[test]
    fn an_answer_with_a_changed_byte_gives_the_tokens_id_or_none(members in token(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut data = document(&members, "").into_bytes();
        let at = at.index(data.len());
        data[at] = byte;
        properties::salvage(&data);
    }

    #[test]
    fn an_error_has_clerks_words_as_they_stand_there(
        status in 100u16..=999, head in head(), entries in vec(entry(), 0..4), further in vec(member(), 0..3)
    ) {
        let mut members = vec![("errors".to_owned(), Value::from(entries))];
        members.extend(further);
        properties::error_body(format!("{status}\n{head}\n{}", document(&members, "")).as_bytes());
    }

    #[test]
    fn a_redirect_names_no_more_than_an_origin(status in 300u16..=308, location in url()) {
        properties::error_body(format!("{status}\nlocation: {location}\n\n").as_bytes());
    }

    #[test]
    fn an_id_goes_to_its_own_path(id in id(), base in url()) {
        properties::ids(format!("{id}\n{base}").as_bytes());
    }

    #[test]
    fn a_base_url_is_safe_and_no_path_leads_away_from_it(url in url(), path in text("(/|//|\\.\\.|%2e|%2E|\\.|\\?|#|@|:|\\\\|[a-z]){0,8}")) {
        properties::base_url(format!("{url}\n{path}").as_bytes());
    }

    #[test]
    fn retry_after_is_the_number_or_the_distance_of_the_dates(value in retry_after(), date in retry_after()) {
        properties::retry_after(format!("{value}\n{date}").as_bytes());
    }
}

/// An entry of Clerk's `errors`, or another value instead of one.
fn entry() -> impl Strategy<Value = Value> {
    let code = one_of(&[
        "form_param_missing",
        "actor_token_cannot_be_revoked_code",
        "impersonation_limit_exceeded",
        "brand_new",
    ]);
    let words = prop_oneof![
        (text("\\PC{0,8}"), one_of(CREDENTIALS), text("\\PC{0,8}"))
            .prop_map(|(before, secret, after)| before + &secret + &after),
        one_of(&["its status is `revoked`.", "its status is `accepted`", "its status is `", "is missing"]),
    ];
    let whole = (code, words.clone(), words, value()).prop_map(
        |(code, short, long, meta)| json!({"code": code, "message": short, "long_message": long, "meta": meta}),
    );
    prop_oneof![4 => whole, 1 => value()]
}

/// Parts of URLs, put together well or badly.
fn url() -> impl Strategy<Value = String> {
    let scheme = one_of(&["https://", "https://", "http://", "HTTPS://", "ftp://", "//", ""]);
    let user = one_of(&["", "", "", "user@", "user:sk_test_CANARYofAKeyThatIsNone0123@"]);
    let host = prop_oneof![
        one_of(&[
            "api.clerk.com",
            "127.0.0.1",
            "127.1",
            "[::1]",
            "[::2]",
            "localhost",
            "emulator",
            "X.test",
            "127.0.0.1.evil.test",
            "..",
            ""
        ]),
        text("[a-zA-Z0-9.%_-]{0,8}"),
    ];
    let port = one_of(&["", "", ":80", ":0", ":65536", ":", ":+1", ":x"]);
    let path = text("(/|//|\\.\\.|%2e|%2F|\\.|@|:|;|v1|[a-zA-Z0-9]){0,6}");
    let behind = one_of(&["", "", "", "?x=1", "#y", "\\", " ", "?ticket=CANARYofALinkThatIsNone0123"]);
    (scheme, user, host, port, path, behind)
        .prop_map(|(scheme, user, host, port, path, behind)| scheme + &user + &host + &port + &path + &behind)
}

fn id() -> impl Strategy<Value = String> {
    prop_oneof![
        text("act_[A-Za-z0-9]{27}"),
        text("[A-Za-z0-9_-]{250,260}"),
        text("(\\.\\.|/|%2e|%2f|\\?|#|;|[a-z_-]){1,6}"),
        text("\\PC{0,20}"),
        one_of(CREDENTIALS)
    ]
}

/// Seconds, dates that are nearly right, and neither.
fn retry_after() -> impl Strategy<Value = String> {
    prop_oneof![
        text(" {0,2}[0-9]{1,25} {0,2}"),
        text("(Sun|Mon|Tue), [0-3][0-9] (Nov|Feb) (1994|2024|[0-9]{4}) [0-2][0-9]:[0-5][0-9]:[0-6][0-9] GMT"),
        text("(Sun|Mon)day, [0-3][0-9]-(Nov|Feb)-[0-9]{2} [0-2][0-9]:[0-5][0-9]:[0-5][0-9] GMT"),
        text("(Sun|Mon) (Nov|Feb) [ 0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9] [0-9]{4}"),
        text("\\PC{0,30}"),
    ]
}
