//! One careful reader for JSON: what it takes, what it bounds, and that it is the same whatever features of serde_json are on.
//!
//! Everything here also runs with `raw_value`, `arbitrary_precision` and `preserve_order`: see `.ci/run`.

use clerk_actor_tokens_core::{
    Actor, ActorToken, BaseUrl, CreateActorToken, Creation, Error, ErrorCode, ErrorKind, Execution, Operation,
    Response, RetryPolicy, Salvage, TransportError, TransportErrorKind,
};

use crate::common::{
    AGENT, ID, Op, Play, USER, builder, client, ok, response, run, token_json, with, with_header, without,
};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Map, Value, json};

/// The keys by which serde_json knows its own types.
const PRIVATE: [&str; 2] = ["$serde_json::private::RawValue", "$serde_json::private::Number"];

/// So many levels, and so many values and keys, are kept.
const LEVELS: usize = 127;
const VALUES: usize = 4096;

fn created(answer: Response) -> Result<ActorToken, Error> {
    let client = builder(move |_| answer.clone().into()).retry(RetryPolicy::none()).build().unwrap();
    pollster::block_on(client.actor_tokens().create(USER, Actor::new(AGENT)).send())
}

fn refused(body: String) -> Error {
    created(response(422, body)).unwrap_err()
}

/// A token whose actor has one more key, with this JSON.
fn token_with(extra: &str) -> String {
    token_json("pending").to_string().replacen(
        &json!({"sub": AGENT}).to_string(),
        &format!(r#"{{"sub":"{AGENT}","extra":{extra}}}"#),
        1,
    )
}

fn nested(levels: usize) -> String {
    "[".repeat(levels) + &"]".repeat(levels)
}

/// Text within text: each level is the one below behind a private key, within as many arrays as serde_json reads.
fn dolls(key: &str) -> String {
    let mut doll = "0".to_owned();
    for _ in 0..12 {
        let next = format!("{}{}{}", "[".repeat(123), json!({key: doll}), "]".repeat(123));
        if next.len() > 100_000 {
            break;
        }
        doll = next;
    }
    doll
}

/// This overflowed the stack.
#[test]
fn no_key_is_special_in_an_answer() {
    for key in PRIVATE {
        let doll = dolls(key);
        assert!(doll.len() > 7_000);
        let error = refused(format!(r#"{{"errors":[{{"code":"form_param_missing","meta":{doll}}}],"meta":{doll}}}"#));
        assert_eq!(error.code(), Some(&ErrorCode::FormParamMissing));
        let error_of_meta = refused(format!(r#"{{"errors":[],"meta":{doll}}}"#));
        let token = created(response(200, token_with(&doll))).unwrap();
        let extra = token.actor().unwrap().get("extra");
        for kept in [error.meta(), error.api_errors()[0].meta(), error_of_meta.meta(), extra] {
            let mut kept = kept.unwrap();
            while let Value::Array(list) = kept {
                kept = &list[0];
            }
            assert!(kept.as_object().unwrap()[key].is_string(), "its value is the text that it is");
        }
    }
}

#[test]
fn no_key_is_special_in_an_actor_that_is_sent() {
    for key in PRIVATE {
        let actor = || Actor::new(AGENT).with(key, "[[").with("more", json!({key: "1"}));
        for stamp in [None, Some("attempt")] {
            let client = client(|_| response(422, "").into());
            let mut call = client.actor_tokens().create(USER, actor());
            if let Some(stamp) = stamp {
                call = call.stamp_attempts(stamp);
            }
            pollster::block_on(call.send()).unwrap_err();
            let sent = client.transport().sent();
            let body = std::str::from_utf8(sent[0].request.body()).unwrap();
            let plain = format!("{}:{}", json!(key), json!("[["));
            assert!(body.contains(&plain) && body.contains(&json!({key: "1"}).to_string()), "{body}");
        }
        let read = Actor::from_json(&actor().as_json()).unwrap();
        assert_eq!(read, actor());
    }
}

#[test]
fn an_actor_beyond_the_bounds_is_refused_before_anything_is_sent() {
    let deep = |levels: usize| {
        (1..levels).fold(json!(1), |inner, level| if level % 2 == 0 { json!([inner]) } else { json!({"": inner}) })
    };
    // The object itself, its keys, and their values.
    let many = |values: usize| Value::from(vec![0; values - 5]);
    let table = [
        (deep(LEVELS), true),
        (deep(LEVELS + 1), false),
        (deep(10 * LEVELS), false),
        (many(VALUES), true),
        (many(VALUES + 1), false),
    ];
    for (extra, is_taken) in table {
        let client = client(|_| response(422, "").into());
        let call = client.actor_tokens().create(USER, Actor::new(AGENT).with("extra", extra.clone()));
        let error = pollster::block_on(call.send()).unwrap_err();
        assert_eq!(client.transport().sends(), usize::from(is_taken));
        assert_eq!(error.invalid_request().map(|refused| refused.field()), (!is_taken).then_some("actor"));
        let read = Actor::from_json(&json!({"sub": AGENT, "extra": extra}).to_string());
        assert_eq!(read.is_ok(), is_taken, "the same bounds hold for a text");
    }
}

#[test]
fn an_actor_and_a_meta_beyond_the_bounds_are_a_clear_error() {
    let many = |values: usize| format!("[{}0]", "0,".repeat(values));
    for (extra, is_taken) in [
        (nested(LEVELS - 1), true),
        (nested(LEVELS), false),
        (nested(30_000), false),
        (many(VALUES - 7), true),
        (many(VALUES), false),
        (many(30_000), false),
    ] {
        let got = created(response(200, token_with(&extra)));
        assert_eq!(got.is_ok(), is_taken, "{} bytes", extra.len());
        if let Err(error) = got {
            assert_eq!((error.kind(), error.salvaged_id()), (ErrorKind::ResponseInvalid, Some(ID)));
            assert!(error.to_string().contains("`actor` "), "{error}");
        }
        let error = refused(format!(r#"{{"errors":[{{"code":"x","meta":[{extra}]}}]}}"#));
        assert_eq!(error.code().unwrap().as_str(), "x", "what else is there is read");
        assert_eq!(error.api_errors()[0].meta().is_some(), is_taken);
    }
}

#[test]
fn what_is_not_read_changes_nothing() {
    let ignored = [
        "1e999".to_owned(),
        "123456789012345678901234567890".to_owned(),
        r#""\ud800""#.to_owned(),
        nested(100_000),
        format!("[{}0]", "{\"\":0},".repeat(20_000)),
        r#"{"id":"act_9","id":"act_8"}"#.to_owned(),
        dolls(PRIVATE[0]),
    ];
    for ignored in ignored {
        let body = token_json("pending").to_string().replacen('{', &format!(r#"{{"new":{ignored},"new":null,"#), 1);
        let token = created(response(200, body.clone())).unwrap();
        assert_eq!((token.id().as_str(), token.url().is_some()), (ID, true));
        let cut = body.strip_suffix('}').unwrap();
        let salvaged = CreateActorToken::new(USER, Actor::new(AGENT)).salvage(cut.as_bytes());
        assert_eq!(salvaged, Ok(Salvage::Confirmed(ID.to_owned())));
        let entry = r#"{"code":"form_param_missing"}"#;
        for body in [
            format!(r#"{{"new":{ignored},"errors":[{entry}],"clerk_trace_id":"trace"}}"#),
            format!(r#"{{"errors":[{{"new":{ignored},"code":"form_param_missing"}}],"clerk_trace_id":"trace"}}"#),
        ] {
            let error = refused(body);
            assert_eq!((error.code(), error.trace_id()), (Some(&ErrorCode::FormParamMissing), Some("trace")));
        }
    }
}

#[test]
fn a_member_that_is_read_and_is_there_twice_is_an_error() {
    let token = token_json("pending");
    for (key, value) in token.as_object().unwrap() {
        let body = token.to_string().replacen('{', &format!("{{{}:{value},", json!(key)), 1);
        let error = created(response(200, body)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResponseInvalid);
        assert!(error.to_string().contains(&format!("`{key}` appears twice")), "{error}");
        // What else may be two, the id is still the one to revoke.
        let names_it = !["object", "id", "user_id", "actor"].contains(&key.as_str());
        assert_eq!(error.salvaged_id(), names_it.then_some(ID), "{key}");
    }
    let body = token.to_string().replacen(r#"{"sub":"#, &format!(r#"{{"sub":"{AGENT}","sub":"#), 1);
    assert!(created(response(200, body)).unwrap_err().to_string().contains("`actor.sub` appears twice"));

    let entry = r#"{"code":"form_param_missing","message":"m"}"#;
    for body in [
        format!(r#"{{"errors":[{entry}],"errors":[{entry}]}}"#),
        format!(r#"{{"errors":[{entry},{{"code":"a","code":"b"}}]}}"#),
        format!(r#"{{"meta":1,"meta":1,"errors":[{entry}]}}"#),
    ] {
        assert!(refused(body).api_errors().is_empty());
    }
}

/// The link was thrown away over a timestamp.
#[test]
fn what_does_not_decide_makes_no_token_unusable() {
    let table = [
        ("null", None),
        ("1700000000000.9", Some(1_700_000_000_000)),
        ("-0.9", Some(0)),
        ("1.7e12", Some(1_700_000_000_000)),
        ("1e999", None),
        ("9223372036854775808", None),
        ("\"1700000000000\"", None),
        ("true", None),
        ("[1]", None),
        ("{\"$serde_json::private::Number\":\"7\"}", None),
    ];
    for key in ["created_at", "updated_at"] {
        let good = without(token_json("pending"), key).to_string();
        for (value, expected) in table {
            let body = good.replacen('{', &format!(r#"{{"{key}":{value},"#), 1);
            let token = created(response(200, body)).unwrap();
            let at = if key == "created_at" { token.created_at() } else { token.updated_at() };
            assert_eq!(at.map(|at| at.as_millis()), expected, "{key}: {value}");
            assert!(token.url().is_some());
        }
        let token = created(response(200, good)).unwrap();
        assert!(token.url().is_some());
        assert_eq!(token.expires_at().is_none(), key == "created_at", "there is no end without a beginning");
    }
}

#[test]
fn what_decides_and_what_would_hide_a_link_is_read_strictly() {
    for key in ["object", "id", "status", "user_id"] {
        for body in [with(token_json("pending"), key, Value::Null), without(token_json("pending"), key)] {
            assert!(created(ok(&body)).is_err(), "{key}");
        }
    }
    for key in ["token", "url", "actor"] {
        assert!(created(ok(&with(token_json("pending"), key, json!(7)))).is_err(), "{key}");
        assert!(created(ok(&with(token_json("pending"), key, Value::Null))).is_ok(), "{key}");
    }
}

#[test]
fn the_actor_is_kept_to_the_letter() {
    let text = format!(
        r#"{{ "sub" : "{AGENT}", "n":[1.10, 1E3,-0,123456789012345678901234567890,1e999], "\u0061":"\u00e9" }}"#
    );
    let body = with(token_json("pending"), "actor", json!("HERE")).to_string().replacen("\"HERE\"", &text, 1);
    let token = created(response(200, body)).unwrap();
    let actor = token.actor().unwrap();
    assert_eq!(actor.as_json(), text);
    assert_eq!((actor.sub(), actor.get("a")), (Some(AGENT), Some(&json!("\u{e9}"))));
    let numbers = actor.get("n").unwrap();
    assert_eq!(numbers[0].as_f64(), Some(1.1));
    assert_eq!(numbers[1].as_f64(), Some(1000.0));
    assert_eq!(numbers[2].to_string(), "-0.0");
    // What no number holds exactly is the text that it is.
    assert_eq!(numbers[3], json!("123456789012345678901234567890"));
    assert_eq!(numbers[4], json!("1e999"));
    // It can be sent again, as it is.
    let request = CreateActorToken::new(USER, actor.clone()).request(&BaseUrl::default()).unwrap();
    assert!(String::from_utf8_lossy(request.body()).contains(&text));
}

/// The body was the token, and a gateway had written something else into the header.
#[test]
fn compressed_is_what_has_a_real_coding_and_is_no_json() {
    let codings = ["gzip", "x-gzip", "compress", "deflate", "br", "zstd", "GZIP", "identity, br", "gzip ,identity"];
    let others = ["", "utf-8", "identity", "none", "gzipped", "UTF-8, text"];
    let opaque: [&[u8]; 4] = [b"\x1f\x8b\x08\x00", b"{\x8b\x08", b"[1,2", b"\"\x00\x01\""];
    for coding in codings.into_iter().chain(others) {
        let marked = |body: &[u8]| with_header(response(200, body.to_vec()), "content-encoding", coding);
        let whole = token_json("pending").to_string();
        assert!(created(marked(whole.as_bytes())).is_ok(), "{coding}");
        let error = created(marked(whole.strip_suffix('}').unwrap().as_bytes())).unwrap_err();
        assert_eq!((error.kind(), error.salvaged_id()), (ErrorKind::ResponseInvalid, Some(ID)), "{coding}");
        for body in opaque {
            let text = created(marked(body)).unwrap_err().to_string();
            assert_eq!(text.contains("compressed"), codings.contains(&coding), "{coding}, {body:?}: {text}");
        }
    }
}

/// Somebody else's token was revoked.
#[test]
fn an_id_of_which_nothing_says_whose_it_is_is_shown_and_is_not_salvaged() {
    let theirs = format!(r#"{{"object":"actor_token","id":"{ID}","#);
    let play = move |_| {
        Play::Fail(TransportError::new(TransportErrorKind::Interrupted).with_partial(response(200, theirs.clone())))
    };
    let error = run(&client(play), Op::Create).unwrap_err();
    assert_eq!((error.salvaged_id(), error.unconfirmed_id()), (None, Some(ID)));
    assert!(error.to_string().ends_with(&format!("Clerk acted (id {ID}, not confirmed)")), "{error}");
    assert!(error.advice().contains("unconfirmed_id()") && format!("{error:?}").contains("unconfirmed_id"));
}

fn with_stamp(stamp: &str) -> Value {
    with(token_json("pending"), "actor", json!({"sub": AGENT, "attempt": stamp}))
}

/// A stale answer for the same user and actor was a success, and the token that was made was lost.
#[test]
fn an_answer_with_another_stamp_is_another_attempts() {
    let whole = with_stamp("0123456789abcdef0123456789abcdef").to_string();
    let (cut, in_actor) = (whole.len() - 1, whole.find("9abcdef0123456789abcdef").unwrap() + 24);
    for end in [whole.len(), cut, in_actor] {
        let body = whole.get(..end).unwrap().to_owned();
        let client = client(move |_| match end == body.len() && body.ends_with('}') && end > cut {
            true => response(200, body.clone()).into(),
            false => Play::Fail(
                TransportError::new(TransportErrorKind::Interrupted).with_partial(response(200, body.clone())),
            ),
        });
        let call = client.actor_tokens().create(USER, Actor::new(AGENT)).stamp_attempts("attempt");
        let error = pollster::block_on(call.send()).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::ResponseMismatch, Execution::Unknown), "{end}");
        assert_eq!((error.salvaged_id(), error.unconfirmed_id(), error.expose_body()), (None, None, None));
        assert!(error.to_string().contains("`actor.attempt`"), "{error}");
    }
}

#[test]
fn an_answer_with_the_stamp_or_without_any_is_taken() {
    let create = CreateActorToken::new(USER, Actor::new(AGENT)).stamp_attempts("attempt");
    let table: [(Value, bool); 6] = [
        (with_stamp("mine"), true),
        (token_json("pending"), true),
        (without(token_json("pending"), "actor"), true),
        (with_stamp("other"), false),
        (with_stamp(""), false),
        (with(token_json("pending"), "actor", json!({"sub": AGENT, "attempt": 7})), false),
    ];
    for (body, fits) in table {
        assert_eq!(create.check_stamp(body.to_string().as_bytes(), "mine").is_ok(), fits, "{body}");
    }
    let twice = br#"{"actor":{"attempt":"mine","attempt":"other"}"#;
    assert!(create.check_stamp(twice, "mine").is_err());
}

/// A foreign `set-cookie` was in the error.
#[test]
fn the_headers_of_an_answer_for_somebody_else_are_withheld() {
    let theirs = ok(&with(token_json("pending"), "user_id", json!("user_other")));
    let theirs = with_header(with_header(theirs, "set-cookie", "session=theirs"), "retry-after", "9");
    let error = created(with_header(theirs, "x-clerk-trace-id", "trace")).unwrap_err();
    assert_eq!((error.kind(), error.trace_id()), (ErrorKind::ResponseMismatch, Some("trace")));
    assert!(error.headers().is_empty() && error.expose_body().is_none() && error.retry_after().is_none());
}

/// JSON as text, and the value that it is.
fn any_json() -> impl Strategy<Value = (String, Value)> {
    let word = |text: &str, value: Value| Just((text.to_owned(), value));
    let text = prop_oneof!["\\PC{0,8}".boxed(), select(PRIVATE.to_vec()).prop_map(str::to_owned).boxed()];
    let text = text.prop_map(|text| (json!(text).to_string(), Value::String(text)));
    let whole = any::<i64>().prop_map(|number| (number.to_string(), json!(number)));
    let huge = "[1-9][0-9]{20,30}[1-9]".prop_map(|digits| (digits.clone(), Value::String(digits)));
    let half = (-1000i32..1000).prop_map(|number| {
        let half = f64::from(number) + 0.5;
        (format!("{half:?}"), json!(half))
    });
    let leaf = prop_oneof![
        word("null", Value::Null),
        word(" true ", json!(true)),
        word("false", json!(false)),
        word("1e3", json!(1000.0)),
        word("1e999", json!("1e999")),
        word(r#""\u0041\n\ud83e\udd80""#, json!("A\n\u{1f980}")),
        text,
        whole,
        huge,
        half,
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let key = prop_oneof!["[a-c]".boxed(), select(PRIVATE.to_vec()).prop_map(str::to_owned).boxed()];
        let list = vec(inner.clone(), 0..4).prop_map(|list| {
            let texts: Vec<_> = list.iter().map(|(text, _)| text.as_str()).collect();
            (format!("[ {}]", texts.join(",")), Value::Array(list.iter().map(|(_, value)| value.clone()).collect()))
        });
        let object = vec((key, inner), 0..4).prop_map(|members| {
            let texts: Vec<_> = members.iter().map(|(key, (text, _))| format!("{} :{text}", json!(key))).collect();
            // Of a key that appears twice, the last one counts.
            let map: Map<_, _> = members.into_iter().map(|(key, (_, value))| (key, value)).collect();
            (format!("{{{}\n}}", texts.join(" ,")), Value::Object(map))
        });
        prop_oneof![list, object]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    /// The expectation is put together with the text, so that no reading of serde_json's is needed for it.
    #[test]
    fn what_is_kept_is_what_was_written(document in any_json(), other in any_json()) {
        let ((text, value), (other_text, other_value)) = (document, other);
        let token = created(response(200, token_with(&text))).unwrap();
        prop_assert_eq!(token.actor().unwrap().get("extra"), Some(&value));
        let error = refused(format!(r#"{{"meta":{text},"errors":[{{"meta":{other_text},"code":"x"}}, {text}]}}"#));
        prop_assert_eq!(error.meta(), Some(&value));
        prop_assert_eq!(error.api_errors()[0].meta(), Some(&other_value));
        prop_assert_eq!(error.api_errors().len(), 1 + usize::from(value.is_object()));
    }

    /// A simple reading: of each member, the values that it has in the body, in order.
    #[test]
    fn an_answer_is_taken_if_each_member_that_is_read_is_there_once_and_well(
        changes in vec((select(NAMES.to_vec()), select(VALUES_OF_MEMBERS.to_vec()), any::<bool>()), 0..4),
        left_out in 0usize..30,
        cut in any::<prop::sample::Index>(),
        order in any::<prop::sample::Index>(),
    ) {
        let mut members: Vec<(&str, &str)> = NAMES.into_iter().zip(GOOD).collect();
        for (name, value, is_added) in changes {
            match members.iter_mut().find(|member| member.0 == name).filter(|_| !is_added) {
                Some(member) => member.1 = value,
                None => members.push((name, value)),
            }
        }
        if left_out < members.len() {
            members.remove(left_out);
        }
        let rotated = order.index(members.len());
        members.rotate_left(rotated);
        let texts: Vec<_> = members.iter().map(|(name, value)| format!("{} : {value}", json!(name))).collect();
        let body = format!(" {{{}}}\n", texts.join(", "));

        let all = |name| members.iter().filter(move |member| member.0 == name).map(|member| member.1);
        let one = |name| all(name).next().filter(|_| all(name).count() == 1);
        let is_text = |value: &str| value.starts_with('"') && !value.contains("\\ud800");
        let is_foreign = all("user_id").any(|value| is_text(value) && value != "\"user_1\"")
            || all("actor").any(|value| value.contains(r#""sub":"#) && !value.contains(r#""sub":"user_2""#));
        let is_marked = !all("object").any(|value| value != "\"actor_token\"") && all("object").next().is_some();
        let is_once = READ.iter().all(|name| all(name).count() < 2);
        let may_be_text = |name| all(name).all(|value| value == "null" || is_text(value));
        let is_taken = !is_foreign && is_marked && is_once
            && one("id").is_some_and(|id| is_text(id) && id != "\"\"" && id.trim_matches('"').chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
            && one("status").is_some_and(is_text)
            && one("user_id").is_some_and(is_text)
            && all("actor").all(|value| value == "null" || value.starts_with('{') && !value.contains("\\ud800"))
            && may_be_text("token") && may_be_text("url");

        let create = CreateActorToken::new("user_1", Actor::new("user_2"));
        let got = create.parse(&Response::new(body.clone().into()));
        prop_assert_eq!(got.is_ok(), is_taken, "{} {:?}", body, got);
        if let Ok(token) = got {
            prop_assert_eq!(create.salvage(body.as_bytes()), Ok(Salvage::Confirmed(token.id().as_str().to_owned())));
            prop_assert_eq!(token.actor().map(|actor| actor.as_json().into_owned()), one("actor").filter(|text| *text != "null").map(str::to_owned));
        } else if is_foreign {
            prop_assert!(create.salvage(body.as_bytes()).is_err());
        }
        // A beginning of it says no more than all of it.
        let cut = cut.index(body.len() + 1);
        if let Some(part) = body.get(..cut) {
            let part = create.salvage(part.as_bytes());
            prop_assert!(part.is_ok() || is_foreign || !is_marked, "{}", body);
        }
    }
}

/// The members that are read, and one that is not.
const NAMES: [&str; 10] =
    ["object", "id", "status", "user_id", "actor", "token", "url", "created_at", "updated_at", "new"];
const READ: [&str; 9] = ["object", "id", "status", "user_id", "actor", "token", "url", "created_at", "updated_at"];
const GOOD: [&str; 10] = [
    r#""actor_token""#,
    r#""act_1""#,
    r#""pending""#,
    r#""user_1""#,
    r#"{"sub":"user_2","x":[1.50]}"#,
    r#""eyJ""#,
    r#""https://clerk.test/?ticket=eyJ""#,
    "1700000000000",
    "1700000000000.5",
    "{}",
];
const VALUES_OF_MEMBERS: [&str; 18] = [
    r#""actor_token""#,
    r#""act_1""#,
    r#""user_1""#,
    r#""""#,
    r#""\ud800""#,
    r#"{"sub":"user_2"}"#,
    r#"{"sub":"user_9"}"#,
    r#"{"sub":7}"#,
    r#"{"x":"\ud800"}"#,
    r#"{"$serde_json::private::RawValue":"["}"#,
    r#"{"$serde_json::private::Number":"x"}"#,
    "{}",
    "[[]]",
    "null",
    "false",
    "1e999",
    "-7",
    "0.5",
];

/// What is JSON and no object was not sent by Clerk; what is no JSON may be the rest of what was.
#[test]
fn a_value_that_is_no_object_is_not_clerks_and_a_text_that_is_no_json_may_be() {
    for (body, execution) in [
        ("7", Execution::Unknown),
        ("\"act_1\"", Execution::Unknown),
        ("[]", Execution::Unknown),
        (" null ", Execution::Unknown),
        ("nul", Execution::Executed),
        ("7 7", Execution::Executed),
        ("act_1", Execution::Executed),
    ] {
        let client = client(move |_| response(200, body).into());
        let error = run(&client, Op::Revoke).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::ResponseInvalid, execution), "{body}: {error}");
    }
}
