//! The failure rules, row by row, against expectations written down by hand.
//!
//! The row numbers are those of the failure rules in the documentation. Nothing here reads the table in the code.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use clerk_actor_tokens_core::workspace::JitterSeed as _;
use clerk_actor_tokens_core::{
    Actor, ActorTokenStatus, Client, DiscardConnection, Error,
    ErrorKind::{self, *},
    Execution::{self, *},
    Idempotency, Response, RetryPolicy, Revocation, TransportError, TransportErrorKind,
    http::StatusCode,
};

use crate::common::{
    AGENT, ID, Op, Play, Scripted, USER, api_error, builder, cannot_be_revoked, client, ok, response, run, status,
    token_json, with, with_header, without,
};
use serde_json::{Value, json};

/// What a failure leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fate {
    sends: usize,
    kind: ErrorKind,
    execution: Execution,
}

const fn fate(sends: usize, kind: ErrorKind, execution: Execution) -> Fate {
    Fate { sends, kind, execution }
}

/// Checks one failure that repeats itself for ever. Whatever the outcome, ambiguity must agree with execution, and the
/// attempts that are reported must be the sends that were made.
#[track_caller]
fn check(api: Op, play: impl Fn() -> Play + Send + Sync + 'static, expected: Fate, what: &str) -> Error {
    let client = client(move |_| play());
    let error = match run(&client, api) {
        Ok(()) => panic!("{api:?} succeeded on {what}"),
        Err(error) => error,
    };
    let got = fate(client.transport().sends(), error.kind(), error.execution());
    assert_eq!(got, expected, "{api:?} on {what}");
    assert_eq!(error.is_ambiguous(), expected.execution != NotExecuted, "{api:?} on {what}");
    assert_eq!(error.attempts().len(), expected.sends, "{api:?} on {what}");
    error
}

/// Rows 2 to 8a, 18 and 26: every kind of transport failure with nothing arrived.
const KINDS: [(TransportErrorKind, Fate, Fate); 14] = {
    use TransportErrorKind as K;
    [
        // row 2: a creation at most 2 more times, a revocation up to its limit of 4
        (K::Connect, fate(3, Connect, NotExecuted), fate(4, Connect, NotExecuted)),
        // row 3
        (K::Tls, fate(1, Tls, NotExecuted), fate(1, Tls, NotExecuted)),
        // row 4
        (K::Proxy, fate(3, Proxy, NotExecuted), fate(4, Proxy, NotExecuted)),
        (K::ProxyRefused, fate(1, Proxy, NotExecuted), fate(1, Proxy, NotExecuted)),
        // row 5, where it becomes visible after all
        (K::Canceled, fate(3, Connect, NotExecuted), fate(4, Connect, NotExecuted)),
        // row 6: a creation once more
        (K::Refused, fate(2, Refused, NotExecuted), fate(4, Refused, NotExecuted)),
        // row 6a: not even once
        (K::RefusedOnNewConnection, fate(1, Refused, NotExecuted), fate(4, Refused, NotExecuted)),
        // row 7
        (K::Interrupted, fate(1, Interrupted, Unknown), fate(4, Interrupted, Unknown)),
        // row 8
        (K::Timeout, fate(1, Timeout, Unknown), fate(4, Timeout, Unknown)),
        // row 8a
        (K::TimeoutBeforeSend, fate(1, Timeout, NotExecuted), fate(4, Timeout, NotExecuted)),
        // A transport that says so owes the head (row 18). Without one it is not even known that it was a 2xx.
        (K::BodyTooLarge, fate(1, Interrupted, Unknown), fate(4, Interrupted, Unknown)),
        // row 26
        (K::Credential, fate(1, Credential, NotExecuted), fate(1, Credential, NotExecuted)),
        (K::Blocked, fate(1, Blocked, NotExecuted), fate(1, Blocked, NotExecuted)),
        // law 2: an unknown kind proves nothing
        (K::Other, fate(1, Interrupted, Unknown), fate(4, Interrupted, Unknown)),
    ]
};

#[test]
fn every_kind_of_transport_failure_has_its_own_row() {
    for (kind, create, revoke) in KINDS {
        for (api, expected) in [(Op::Create, create), (Op::Revoke, revoke)] {
            let error = check(api, move || kind.into(), expected, &format!("{kind:?}"));
            assert_eq!(error.status(), None, "{kind:?}");
            assert_eq!(error.salvaged_id(), None, "{kind:?}");
        }
    }
}

/// Rows 2 to 8a, 10 to 18, 24 and 26 for the calls about sessions: they are sent again as a revocation is.
#[test]
fn the_calls_about_sessions_have_the_rows_of_a_revocation() {
    for api in Op::SESSIONS {
        assert_eq!(run(&client(move |_| ok(&api.reply()).into()), api).map_err(|error| error.to_string()), Ok(()));
        for (kind, _, revoke) in KINDS {
            check(api, move || kind.into(), revoke, &format!("{kind:?}"));
        }
        for code in (300..=599).chain([100, 199, 600, 999]) {
            for body in [CLERK_BODY, HTML_BODY, ""] {
                let expected = status_rows(code).1;
                check(api, move || response(code, body).into(), expected, &format!("{code} {body:?}"));
            }
        }
        // A 2xx that is not Clerk's, one that cannot be used, and one that answers another request.
        for body in ["<html>", "{}", "7", r#"{"object":"user"}"#] {
            let expected = fate(1, ResponseInvalid, Unknown);
            check(api, move || response(200, body).into(), expected, body);
        }
        for body in ["", "[", "{", r#"{"object":"session""#] {
            let expected = fate(1, ResponseInvalid, Executed);
            check(api, move || response(200, body).into(), expected, body);
        }
        let mut other = api.reply();
        match &mut other {
            Value::Array(list) => list[0]["user_id"] = json!("user_other"),
            session => session["id"] = json!("sess_other"),
        }
        let body = other.to_string();
        check(api, move || response(200, body.clone()).into(), fate(1, ResponseMismatch, Unknown), "another's");
    }
}

#[test]
fn what_a_kind_claims_alone_is_never_less_than_the_row_says() {
    for (kind, create, _) in KINDS {
        assert_eq!(TransportError::new(kind).execution(), create.execution, "{kind:?}");
    }
}

/// Rows 10 to 17 and 24: what a status other than 2xx leads to, whatever the body is.
fn status_rows(code: u16) -> (Fate, Fate) {
    let both = |fate| (fate, fate);
    match code {
        307 | 308 => both(fate(1, UnexpectedRedirect, NotExecuted)),
        300..=399 => both(fate(1, UnexpectedRedirect, Unknown)),
        400 | 401 | 402 | 403 | 404 | 405 | 409 | 410 | 413 | 415 | 422 => both(fate(1, Api, NotExecuted)),
        408 => (fate(1, Api, Unknown), fate(4, Api, Unknown)),
        421 => both(fate(2, Api, NotExecuted)),
        429 => (fate(2, RateLimited, NotExecuted), fate(4, RateLimited, NotExecuted)),
        500 | 502 | 503 | 504 | 520..=530 => (fate(1, Api, Unknown), fate(4, Api, Unknown)),
        _ => both(fate(1, Api, Unknown)),
    }
}

const CLERK_BODY: &str = r#"{"errors":[{"message":"no","long_message":"No.","code":"a_code","meta":{}}],"meta":{}}"#;
const HTML_BODY: &str = "<!DOCTYPE html><html><body>error</body></html>";

#[test]
fn every_status_is_judged_by_itself_and_not_by_its_body() {
    let odd = [100, 101, 102, 103, 199, 600, 601, 700, 799, 888, 998, 999];
    for code in (300..=599).chain(odd) {
        for body in [CLERK_BODY, HTML_BODY, ""] {
            let (create, revoke) = status_rows(code);
            for (api, expected) in [(Op::Create, create), (Op::Revoke, revoke)] {
                let error = check(api, move || response(code, body).into(), expected, &format!("{code} {body:?}"));
                assert_eq!(error.status(), Some(status(code)));
                assert_eq!(error.api_errors().len(), usize::from(body == CLERK_BODY), "{code}");
                assert_eq!(error.salvaged_id(), None, "{code}");
            }
        }
    }
}

#[test]
fn a_token_in_the_body_of_another_status_is_not_taken() {
    for code in (300..=599).chain([199, 600, 999]) {
        let (create, revoke) = status_rows(code);
        for (api, expected) in [(Op::Create, create), (Op::Revoke, revoke)] {
            let body = api.reply().to_string();
            let error = check(api, move || response(code, body.clone()).into(), expected, &format!("{code}"));
            assert_eq!(error.salvaged_id(), None, "{code}");
        }
    }
}

#[test]
fn a_success_with_a_foreign_body_is_no_success() {
    // rows 18 and 19: an error envelope and a page of HTML bear no `object`; nothing at all is merely malformed
    let table = [
        (CLERK_BODY, fate(1, ResponseInvalid, Unknown)),
        (HTML_BODY, fate(1, ResponseInvalid, Unknown)),
        ("", fate(1, ResponseInvalid, Executed)),
    ];
    for code in 200..=299 {
        for (body, expected) in table {
            for api in Op::BOTH {
                let error = check(api, move || response(code, body).into(), expected, &format!("{code} {body:?}"));
                assert_eq!(error.salvaged_id(), None);
            }
        }
    }
}

#[test]
fn every_2xx_status_with_a_good_answer_is_a_success() {
    for code in 200..=299 {
        for api in Op::BOTH {
            let client = client(move |_| response(code, api.reply().to_string()).into());
            run(&client, api).unwrap_or_else(|error| panic!("{api:?} {code}: {error}"));
            assert_eq!(client.transport().sends(), 1);
        }
    }
}

/// An answer with its members in another order and decoys before the id.
const TRICKY: &str = r#"{"url":"https://clerk.example.com/v1/tickets/accept?ticket=\"id\":\"act_decoy1\"","actor":{"sub":"user_agent","id":"act_decoy2","deep":[{"id":"act_decoy3"}]},"object":"actor_token","id":"act_REAL","status":"pending","user_id":"user_customer","token":"eyJ","created_at":1,"updated_at":1}"#;

#[test]
fn what_had_arrived_decides_and_an_id_is_salvaged_only_when_it_is_whole() {
    let plain = token_json("pending").to_string();
    for (reply, id) in [(plain.as_str(), ID), (TRICKY, "act_REAL")] {
        let behind = |text: &str| reply.find(text).unwrap() + text.len();
        let whole_from = behind(&format!("\"id\":\"{id}\""));
        let says_whose = |cut: usize| {
            let is_in_actor = (behind("\"actor\"")..behind("\"sub\":\"user_agent\"")).contains(&cut);
            cut >= behind("\"user_id\":\"user_customer\"") && !is_in_actor
        };
        for (kind, _, _) in KINDS {
            for cut in 0..=reply.len() {
                let part = reply.as_bytes()[..cut].to_vec();
                let lost = if kind == TransportErrorKind::BodyTooLarge { ResponseInvalid } else { ResponseTruncated };
                for (code, expected) in [
                    (200, fate(1, lost, Executed)),
                    (422, fate(1, Api, NotExecuted)),
                    (500, fate(1, Api, Unknown)),
                    (307, fate(1, UnexpectedRedirect, NotExecuted)),
                ] {
                    let part = part.clone();
                    let play = move || Play::Fail(TransportError::new(kind).with_partial(response(code, part.clone())));
                    let what = format!("{kind:?} {code} cut at {cut}");
                    let error = check(Op::Create, play, expected, &what);
                    let arrived = (code == 200 && cut >= whole_from).then_some(id);
                    let (certain, doubtful) = if says_whose(cut) { (arrived, None) } else { (None, arrived) };
                    assert_eq!((error.salvaged_id(), error.unconfirmed_id()), (certain, doubtful), "{what}");
                    assert_eq!(error.status(), Some(status(code)), "{what}");
                }
            }
        }
    }
}

#[test]
fn an_answer_for_somebody_else_is_withheld_also_where_it_is_cut_or_too_large() {
    for (field, value) in [("user_id", json!("user_other")), ("actor", json!({"sub": "user_other"}))] {
        // This is the token that somebody else just made.
        let theirs = with(token_json("pending"), field, value).to_string();
        for kind in [TransportErrorKind::Interrupted, TransportErrorKind::Timeout, TransportErrorKind::BodyTooLarge] {
            let cut = theirs.trim_end_matches('}').to_owned();
            let play = move || Play::Fail(TransportError::new(kind).with_partial(response(200, cut.clone())));
            let error = check(Op::Create, play, fate(1, ResponseMismatch, Unknown), &format!("{field}, {kind:?}"));
            assert_eq!((error.salvaged_id(), error.expose_body()), (None, None));
        }
        let cap = theirs.len() - 1;
        let client = builder(move |_| response(200, theirs.clone()).into()).response_cap(cap).build().unwrap();
        let error = run(&client, Op::Create).unwrap_err();
        assert_eq!(
            (error.kind(), error.execution(), error.expose_body()),
            (ResponseMismatch, Unknown, None),
            "{field}"
        );
    }
}

#[test]
fn a_page_that_is_cut_is_not_clerks_either() {
    for page in ["<html>", "  <!doctype html>", "OK"] {
        let play =
            move || Play::Fail(TransportError::new(TransportErrorKind::Interrupted).with_partial(response(200, page)));
        let error = check(Op::Create, play, fate(1, ResponseInvalid, Unknown), page);
        assert_eq!(error.salvaged_id(), None);
    }
}

#[test]
fn an_answer_for_somebody_else_is_withheld_also_where_it_is_unusable() {
    for (field, value) in [("user_id", json!("user_other")), ("actor", json!({"sub": "user_other"}))] {
        let theirs = with(token_json("pending"), field, value);
        for missing in ["id", "status"] {
            let answer = without(theirs.clone(), missing);
            let error = check(Op::Create, move || ok(&answer).into(), fate(1, ResponseMismatch, Unknown), missing);
            assert_eq!((error.salvaged_id(), error.expose_body()), (None, None), "{field}, without {missing}");
        }
    }
}

#[test]
fn a_cut_answer_to_a_revocation_is_asked_for_again() {
    let reply = token_json("revoked").to_string();
    for (kind, _, _) in KINDS {
        for cut in [0, 1, 40, reply.len()] {
            let part = reply.as_bytes()[..cut].to_vec();
            let lost = match kind {
                // row 18: over the cap will be over the cap again
                TransportErrorKind::BodyTooLarge => fate(1, ResponseInvalid, Executed),
                _ => fate(4, ResponseTruncated, Executed),
            };
            for (code, expected) in [
                (200, lost),
                (400, fate(1, Api, NotExecuted)),
                (500, fate(4, Api, Unknown)),
                (307, fate(1, UnexpectedRedirect, NotExecuted)),
            ] {
                let part = part.clone();
                let play = move || Play::Fail(TransportError::new(kind).with_partial(response(code, part.clone())));
                check(Op::Revoke, play, expected, &format!("{kind:?} {code} cut at {cut}"));
            }
        }
    }
}

#[test]
fn a_cut_refusal_is_never_a_revocation() {
    // Row 20 wants a whole answer: a cut one that reads like it may go on otherwise.
    let whole = cannot_be_revoked("revoked");
    let play = move || Play::Fail(TransportError::new(TransportErrorKind::Interrupted).with_partial(whole.clone()));
    check(Op::Revoke, play, fate(1, Api, NotExecuted), "cut 400");
}

/// A row 18 or 19 case of a creation: the answer, its kind and execution, and the id that must be salvaged.
type Unusable = (&'static str, Response, ErrorKind, Execution, Option<&'static str>);

fn unusable_answers() -> Vec<Unusable> {
    let good = || token_json("pending");
    let set = |key, value| ok(&with(good(), key, value));
    let text = |text: String| response(200, text);
    let good_text = good().to_string();
    let deep = good_text.replace(r#"{"sub":"user_agent"}"#, &format!("{}{}", "[".repeat(20_000), "]".repeat(20_000)));
    let utf8 = [
        br#"{"object":"actor_token","id":"act_37dGasfY2eyJvfZe9mOP1p5RlJF","user_id":"user_customer","x":""#,
        &b"\xff\xfe\"}"[..],
    ]
    .concat();
    vec![
        // row 18: Clerk's, and unreadable
        ("empty", text(String::new()), ResponseInvalid, Executed, None),
        ("white space", text(" \r\n\t".into()), ResponseInvalid, Executed, None),
        ("cut", text(good_text.trim_end_matches('}').into()), ResponseInvalid, Executed, Some(ID)),
        ("trailing", text(format!("{good_text}x")), ResponseInvalid, Executed, Some(ID)),
        ("two answers", text(format!("{good_text}{good_text}")), ResponseInvalid, Executed, Some(ID)),
        ("no id", ok(&without(good(), "id")), ResponseInvalid, Executed, None),
        ("no status", ok(&without(good(), "status")), ResponseInvalid, Executed, Some(ID)),
        ("no user_id", ok(&without(good(), "user_id")), ResponseInvalid, Executed, None),
        ("null id", set("id", Value::Null), ResponseInvalid, Executed, None),
        ("number id", set("id", json!(7)), ResponseInvalid, Executed, None),
        ("array id", set("id", json!([ID])), ResponseInvalid, Executed, None),
        ("object id", set("id", json!({"id": ID})), ResponseInvalid, Executed, None),
        ("empty id", set("id", json!("")), ResponseInvalid, Executed, None),
        ("path in id", set("id", json!("act/../users")), ResponseInvalid, Executed, None),
        ("unicode id", set("id", json!("act_\u{e9}")), ResponseInvalid, Executed, None),
        ("long id", set("id", json!("a".repeat(256))), ResponseInvalid, Executed, None),
        ("number status", set("status", json!(1)), ResponseInvalid, Executed, Some(ID)),
        ("null status", set("status", Value::Null), ResponseInvalid, Executed, Some(ID)),
        ("object status", set("status", json!({})), ResponseInvalid, Executed, Some(ID)),
        ("text actor", set("actor", json!(AGENT)), ResponseInvalid, Executed, Some(ID)),
        ("array actor", set("actor", json!([])), ResponseInvalid, Executed, Some(ID)),
        ("number token", set("token", json!(1)), ResponseInvalid, Executed, Some(ID)),
        ("object url", set("url", json!({})), ResponseInvalid, Executed, Some(ID)),
        ("deep", text(deep), ResponseInvalid, Executed, Some(ID)),
        ("bad UTF-8", response(200, utf8), ResponseInvalid, Executed, Some(ID)),
        ("an id twice", text(good_text.replacen('{', r#"{"id":"act_other","#, 1)), ResponseInvalid, Executed, None),
        ("url twice", text(good_text.replacen('{', r#"{"url":null,"#, 1)), ResponseInvalid, Executed, Some(ID)),
        (
            "gzip",
            with_header(response(200, &b"\x1f\x8b\x08"[..]), "content-encoding", "gzip"),
            ResponseInvalid,
            Executed,
            None,
        ),
        (
            "identity and br",
            with_header(
                with_header(response(200, &b"{\x8b\x08"[..]), "content-encoding", "identity"),
                "content-encoding",
                "br",
            ),
            ResponseInvalid,
            Executed,
            None,
        ),
        // row 19: not Clerk's, or not ours
        ("no object", ok(&without(good(), "object")), ResponseInvalid, Unknown, None),
        ("null object", set("object", Value::Null), ResponseInvalid, Unknown, None),
        ("number object", set("object", json!(7)), ResponseInvalid, Unknown, None),
        ("another object", set("object", json!("session")), ResponseInvalid, Unknown, None),
        ("HTML", text(HTML_BODY.into()), ResponseInvalid, Unknown, None),
        ("null", text("null".into()), ResponseInvalid, Unknown, None),
        ("number", text("7".into()), ResponseInvalid, Unknown, None),
        ("text", text("\"ok\"".into()), ResponseInvalid, Unknown, None),
        ("array", text("[]".into()), ResponseInvalid, Unknown, None),
        ("array of the token", text(format!("[{good_text}]")), ResponseInvalid, Unknown, None),
        (
            "array of the members",
            text(format!(r#"["actor_token","{ID}","pending","{USER}",{{"sub":"{AGENT}"}},"eyJ","u",1,1]"#)),
            ResponseInvalid,
            Unknown,
            None,
        ),
        ("plain text", with_header(text("OK".into()), "content-type", "text/plain"), ResponseInvalid, Unknown, None),
        ("another user", set("user_id", json!("user_other")), ResponseMismatch, Unknown, None),
        ("no such user", set("user_id", json!("")), ResponseMismatch, Unknown, None),
        ("another actor", set("actor", json!({"sub": "user_other"})), ResponseMismatch, Unknown, None),
    ]
}

#[test]
fn an_unusable_answer_to_a_creation_is_not_asked_for_again_and_names_the_token_if_it_can() {
    for (what, answer, kind, execution, salvaged) in unusable_answers() {
        let play = move || answer.clone().into();
        let error = check(Op::Create, play, fate(1, kind, execution), what);
        assert_eq!(error.salvaged_id(), salvaged, "{what}");
        assert_eq!(error.status(), Some(StatusCode::OK), "{what}");
    }
}

#[test]
fn a_user_id_of_another_type_salvages_nothing_wrong() {
    for value in [Value::Null, json!(7), json!([USER])] {
        let answer = ok(&with(token_json("pending"), "user_id", value.clone()));
        let error =
            check(Op::Create, move || answer.clone().into(), fate(1, ResponseInvalid, Executed), &value.to_string());
        assert!(error.salvaged_id().is_none_or(|id| id == ID));
    }
}

#[test]
fn an_unusable_answer_to_a_revocation_is_no_success() {
    for (what, answer, _, execution, _) in unusable_answers() {
        let body = answer.body().to_vec();
        let body = String::from_utf8(body).map(|text| text.replace("pending", "revoked").into_bytes());
        let mut answer = response(200, body.unwrap_or_else(|error| error.into_bytes()));
        answer
            .headers_mut()
            .extend(unusable_answers().into_iter().find(|other| other.0 == what).unwrap().1.headers().clone());
        if what == "an id twice" {
            // One of them is another's.
            check(Op::Revoke, move || answer.clone().into(), fate(1, ResponseMismatch, Unknown), what);
            continue;
        }
        // A revocation compares the id alone; the rest of row 19 is the creation's.
        if ["another user", "no such user", "another actor"].contains(&what) {
            let client = client(move |_| answer.clone().into());
            assert!(run(&client, Op::Revoke).is_ok(), "{what}");
            continue;
        }
        let error = check(Op::Revoke, move || answer.clone().into(), fate(1, ResponseInvalid, execution), what);
        assert_eq!(error.salvaged_id(), None, "{what}");
    }
}

#[test]
fn an_id_outside_the_grammar_is_told_escaped() {
    for (id, shown) in [("act/\n1", r"act/\n1"), ("\u{1b}[31mred", r"\u{1b}[31mred"), ("..", "..")] {
        let answer = ok(&with(token_json("pending"), "id", json!(id)));
        let error = check(Op::Create, move || answer.clone().into(), fate(1, ResponseInvalid, Executed), id);
        assert_eq!(error.raw_id(), Some(shown));
        assert_eq!(error.salvaged_id(), None);
    }
}

#[test]
fn an_answer_over_the_cap_is_unusable_and_still_names_the_token() {
    for api in Op::BOTH {
        let long = with(api.reply(), "zzz", json!("x".repeat(2000)));
        let client = builder(move |_| ok(&long).into()).response_cap(1000).build().unwrap();
        let error = run(&client, api).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ResponseInvalid, Executed));
        assert_eq!(client.transport().sends(), 1);
        assert_eq!(error.salvaged_id(), (api == Op::Create).then_some(ID));
    }
    let exact = token_json("pending").to_string().len();
    for (cap, is_ok) in [(exact, true), (exact - 1, false)] {
        let client = builder(|_| ok(&token_json("pending")).into()).response_cap(cap).build().unwrap();
        assert_eq!(run(&client, Op::Create).is_ok(), is_ok, "cap {cap} of {exact}");
    }
}

#[test]
fn harmless_oddities_of_an_answer_lose_no_token() {
    let text = token_json("pending").to_string();
    let json = |response| with_header(response, "content-type", "application/json; charset=utf-8");
    let table = [
        ("byte order mark", response(200, format!("\u{feff}{text}"))),
        ("charset", json(response(200, text.clone()))),
        ("no content type", response(200, text.clone())),
        ("another content type", with_header(response(200, text.clone()), "content-type", "text/plain")),
        ("identity", with_header(response(200, text.clone()), "content-encoding", "Identity")),
        ("white space around", response(200, format!("\r\n {text}\n"))),
        (
            "a deep new member",
            response(200, text.replacen('{', &format!(r#"{{"x":{}{},"#, "[".repeat(9999), "]".repeat(9999)), 1)),
        ),
        ("new members", ok(&with(token_json("pending"), "brand_new", json!({"a": [1, null]})))),
        ("no actor", ok(&without(token_json("pending"), "actor"))),
        ("actor without sub", ok(&with(token_json("pending"), "actor", json!({"role": "x"})))),
    ];
    for (what, answer) in table {
        let client = client(move |_| answer.clone().into());
        run(&client, Op::Create).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
}

#[test]
fn a_foreign_answer_is_withheld_and_its_connection_is_not_used_again() {
    let other_user = ok(&with(token_json("pending"), "user_id", json!("user_other")));
    let other_actor = ok(&with(token_json("pending"), "actor", json!({"sub": "user_other"})));
    let other_id = ok(&with(token_json("revoked"), "id", json!("act_other")));
    let html = response(200, HTML_BODY);
    // the answer; its kind, `None` for a success; whether the connection is given up; whether the body is withheld
    let table = [
        (Op::Create, other_user, Some(ResponseMismatch), true, true),
        (Op::Create, other_actor, Some(ResponseMismatch), true, true),
        (Op::Create, html.clone(), Some(ResponseInvalid), true, false),
        (Op::Create, response(200, "{"), Some(ResponseInvalid), false, false),
        (Op::Create, response(500, HTML_BODY), Some(Api), false, false),
        (Op::Create, ok(&token_json("pending")), None, false, true),
        (Op::Revoke, other_id, Some(ResponseMismatch), true, true),
        (Op::Revoke, html, Some(ResponseInvalid), true, false),
        (Op::Revoke, ok(&token_json("revoked")), None, false, true),
    ];
    for (api, answer, kind, given_up, withheld) in table {
        let discards = Arc::new(AtomicUsize::new(0));
        let client = {
            let discards = Arc::clone(&discards);
            builder(move |_| {
                let mut answer = answer.clone();
                let discards = Arc::clone(&discards);
                answer.extensions_mut().insert(DiscardConnection::new(move || {
                    discards.fetch_add(1, Ordering::SeqCst);
                }));
                answer.into()
            })
            .retry(RetryPolicy::none())
            .build()
            .unwrap()
        };
        let error = run(&client, api).err();
        assert_eq!(error.as_ref().map(Error::kind), kind, "{api:?}");
        assert_eq!(discards.load(Ordering::SeqCst) > 0, given_up, "{api:?} {kind:?}");
        assert_eq!(error.as_ref().and_then(Error::expose_body).is_none(), withheld, "{api:?} {kind:?}");
    }
}

/// Rows 6, 10 and 12: a server that says that it did nothing.
const WORDS: [fn() -> Play; 3] =
    [|| TransportErrorKind::Refused.into(), || response(429, "").into(), || response(421, "").into()];

#[test]
fn a_server_is_taken_at_its_word_once_a_creation() {
    for first in WORDS {
        for second in WORDS {
            let policy = RetryPolicy::new().max_attempts(Idempotency::NonIdempotent, 10);
            let client = builder(move |n| if n % 2 == 0 { first() } else { second() }).retry(policy).build().unwrap();
            let error = run(&client, Op::Create).unwrap_err();
            assert_eq!((client.transport().sends(), error.attempts().len()), (2, 2), "{error}");
            assert_eq!(error.execution(), NotExecuted);
        }
    }
}

#[test]
fn what_this_side_knows_to_be_unsent_does_not_use_the_word_up() {
    for word in WORDS {
        let play = move |n| match n {
            0 | 2 => TransportErrorKind::Connect.into(),
            1 => word(),
            _ => ok(&token_json("pending")).into(),
        };
        let policy = RetryPolicy::new().max_attempts(Idempotency::NonIdempotent, 10);
        let client = builder(play).retry(policy).build().unwrap();
        run(&client, Op::Create).unwrap();
        assert_eq!(client.transport().sends(), 4);
    }
}

#[test]
fn a_fresh_connection_is_asked_for_after_a_refusal_and_only_then() {
    let table: [(Play, bool); 4] = [
        (TransportErrorKind::Refused.into(), true),
        (response(421, "").into(), true),
        (TransportErrorKind::Connect.into(), false),
        (response(429, "").into(), false),
    ];
    for (first, fresh) in table {
        let first = std::sync::Mutex::new(Some(first));
        let client = client(move |_| first.lock().unwrap().take().unwrap_or_else(|| ok(&token_json("pending")).into()));
        run(&client, Op::Create).unwrap();
        let sent = client.transport().sent();
        let marks: Vec<_> = sent.iter().map(|sent| sent.context.wants_fresh_connection()).collect();
        assert_eq!(marks, [false, fresh]);
    }
}

#[test]
fn a_revocation_of_what_is_revoked_is_a_success() {
    let client = client(|_| cannot_be_revoked("revoked").into());
    let answer = pollster::block_on(client.actor_tokens().revoke(ID).send_with_response()).unwrap();
    assert_eq!(answer.value(), &Revocation::AlreadyRevoked);
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(client.transport().sends(), 1);
}

#[test]
fn a_revocation_whose_answer_was_lost_and_that_finds_the_token_revoked_is_a_success() {
    let lost: [fn() -> Play; 4] = [
        || TransportErrorKind::Interrupted.into(),
        || TransportErrorKind::Timeout.into(),
        || response(503, "").into(),
        || Play::Fail(TransportError::new(TransportErrorKind::Interrupted).with_partial(response(200, r#"{"object""#))),
    ];
    for first in lost {
        let client = client(move |n| if n == 0 { first() } else { cannot_be_revoked("revoked").into() });
        let answer = pollster::block_on(client.actor_tokens().revoke(ID).send()).unwrap();
        assert_eq!(answer, Revocation::AlreadyRevoked);
        assert_eq!(client.transport().sends(), 2);
    }
}

#[test]
fn a_revocation_that_is_refused_says_what_the_token_is_where_clerk_says_so() {
    let code = "actor_token_cannot_be_revoked_code";
    let word = |word: &str| Some(ActorTokenStatus::from(word));
    let table = [
        // row 21
        (cannot_be_revoked("accepted"), word("accepted")),
        (cannot_be_revoked("brand_new"), word("brand_new")),
        // row 22
        (api_error(400, code, "cannot revoke", "Actor token cannot be revoked."), None),
        (api_error(400, code, "cannot revoke", "its status is `revoked"), None),
        (api_error(400, code, "revoked", "revoked"), None),
        (response(400, format!(r#"{{"errors":[{{"code":"{code}"}}]}}"#)), None),
        // the words of row 20 under another code, or another status, prove nothing
        (api_error(400, "another_code", "", "its status is `revoked`"), None),
        (response(400, "its status is `revoked`"), None),
        (response(400, ""), None),
    ];
    for (answer, token_status) in table {
        let what = String::from_utf8_lossy(answer.body()).into_owned();
        let error = check(Op::Revoke, move || answer.clone().into(), fate(1, Api, NotExecuted), &what);
        assert_eq!(error.token_status(), token_status, "{what}");
    }
    for code in [401, 404, 409, 422] {
        let body = cannot_be_revoked("revoked").into_body();
        check(
            Op::Revoke,
            move || response(code, body.to_vec()).into(),
            fate(1, Api, NotExecuted),
            &format!("row 20's body under {code}"),
        );
    }
}

#[test]
fn a_token_that_clerk_does_not_know_is_never_revoked() {
    let answer = api_error(404, "resource_not_found", "not found", "Resource not found");
    let error = check(Op::Revoke, move || answer.clone().into(), fate(1, Api, NotExecuted), "404");
    assert!(error.is_not_found());
}

#[test]
fn a_revocation_that_answers_anything_but_revoked_for_this_id_is_no_success() {
    for state in ["pending", "accepted", "", "REVOKED", "expired"] {
        let answer = ok(&token_json(state));
        check(Op::Revoke, move || answer.clone().into(), fate(1, ResponseMismatch, Unknown), state);
    }
    let answer = ok(&with(token_json("revoked"), "id", json!("act_other")));
    check(Op::Revoke, move || answer.clone().into(), fate(1, ResponseMismatch, Unknown), "another id");
}

/// The virtual moments of the sends.
fn moments(client: &Client<Scripted>) -> Vec<Duration> {
    client.transport().sent().iter().map(|sent| sent.at).collect()
}

fn limited(retry_after: &[&str]) -> Response {
    retry_after.iter().fold(response(429, ""), |response, value| with_header(response, "retry-after", value))
}

#[test]
fn retry_after_inside_the_deadline_is_waited_for_and_no_longer() {
    let seconds = Duration::from_secs;
    // The header at 08:49:37 on the virtual calendar; what it asks for.
    let table = [
        ("1", seconds(1)),
        ("7", seconds(7)),
        ("Sun, 06 Nov 1994 08:49:40 GMT", seconds(3)),
        // RFC 9110 section 5.6.7: a recipient must accept the obsolete forms too
        ("Sunday, 06-Nov-94 08:49:40 GMT", seconds(3)),
        ("Sun Nov  6 08:49:40 1994", seconds(3)),
    ];
    for (value, asked) in table {
        for api in Op::BOTH {
            let client = client(move |n| if n == 0 { limited(&[value]).into() } else { ok(&api.reply()).into() });
            run(&client, api).unwrap();
            // The first backoff is 200 ms at most, so that the longer of the two is what was asked for.
            assert_eq!(moments(&client), [Duration::ZERO, asked], "{api:?} {value}");
        }
    }
}

#[test]
fn retry_after_counts_from_the_answers_own_date() {
    let answer = || with_header(limited(&["Sun, 06 Nov 1994 12:00:05 GMT"]), "date", "Sun, 06 Nov 1994 12:00:00 GMT");
    let client = client(move |n| if n == 0 { answer().into() } else { ok(&token_json("pending")).into() });
    run(&client, Op::Create).unwrap();
    assert_eq!(moments(&client), [Duration::ZERO, Duration::from_secs(5)]);
}

#[test]
fn retry_after_that_asks_for_nothing_leaves_the_backoff() {
    let table: [&[&str]; 8] =
        [&[], &["0"], &["garbage"], &["-5"], &["1.5"], &[""], &["Sun, 06 Nov 1994 08:00:00 GMT"], &["\u{e9}"]];
    for values in table {
        for seed in 0..20 {
            let client =
                builder(move |n| if n < 2 { limited(values).into() } else { ok(&token_json("revoked")).into() })
                    .jitter_seed(seed)
                    .build()
                    .unwrap();
            run(&client, Op::Revoke).unwrap();
            let moments = moments(&client);
            assert_eq!(moments.len(), 3);
            assert!(moments[1] <= Duration::from_millis(200), "{values:?}: {moments:?}");
            assert!(moments[2] - moments[1] <= Duration::from_millis(400), "{values:?}: {moments:?}");
        }
    }
}

#[test]
fn backoff_doubles_to_its_cap_and_is_not_always_the_same() {
    let mut firsts = Vec::new();
    for seed in 0..20 {
        let policy = RetryPolicy::new()
            .max_attempts(Idempotency::Idempotent, 8)
            .backoff(Duration::from_millis(100), Duration::from_millis(500));
        let client =
            builder(|_| TransportErrorKind::Interrupted.into()).retry(policy).jitter_seed(seed).build().unwrap();
        assert!(run(&client, Op::Revoke).is_err());
        let moments = moments(&client);
        assert_eq!(moments.len(), 8);
        for (waited, most) in moments.windows(2).map(|pair| pair[1] - pair[0]).zip([100, 200, 400, 500, 500, 500, 500])
        {
            assert!(waited <= Duration::from_millis(most), "{waited:?} of {most} ms");
        }
        firsts.push(moments[1]);
    }
    firsts.sort();
    firsts.dedup();
    assert!(firsts.len() > 10, "{firsts:?}");
}

#[test]
fn retry_after_beyond_the_deadline_returns_now_and_says_so() {
    let table = [("30", 30), ("31", 31), ("86400", 86_400), ("Mon, 07 Nov 1994 08:49:37 GMT", 86_400)];
    for (value, seconds) in table {
        for api in Op::BOTH {
            let client = client(move |_| limited(&[value]).into());
            let error = run(&client, api).unwrap_err();
            assert_eq!((error.kind(), error.execution()), (RateLimited, NotExecuted));
            assert_eq!(error.retry_after(), Some(Duration::from_secs(seconds)), "{value}");
            assert_eq!(client.transport().sends(), 1, "{value}");
            assert_eq!(client.transport().clock.elapsed(), Duration::ZERO, "{value}: no call sleeps for nothing");
        }
    }
    // More than any clock holds.
    let client = client(|_| limited(&["99999999999999999999999999"]).into());
    let error = run(&client, Op::Create).unwrap_err();
    assert!(error.retry_after() > Some(Duration::from_secs(86_400)));
    assert_eq!(client.transport().sends(), 1);
}

#[test]
fn retry_after_is_measured_against_what_is_left_of_the_deadline() {
    let client = client(|_| limited(&["20"]).into());
    let error = run(&client, Op::Create).unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (RateLimited, Some(Duration::from_secs(20))));
    assert_eq!(moments(&client), [Duration::ZERO, Duration::from_secs(20)]);
    assert_eq!(client.transport().clock.elapsed(), Duration::from_secs(20));
}

#[test]
fn a_revocation_honours_retry_after_of_a_gateway() {
    let client = client(|n| {
        if n == 0 {
            with_header(response(503, ""), "retry-after", "4").into()
        } else {
            ok(&token_json("revoked")).into()
        }
    });
    run(&client, Op::Revoke).unwrap();
    assert_eq!(moments(&client), [Duration::ZERO, Duration::from_secs(4)]);
}

#[test]
fn a_deadline_that_falls_into_the_backoff_surfaces_the_last_cause() {
    for seed in 0..30 {
        for api in Op::BOTH {
            let policy = RetryPolicy::new().backoff(Duration::from_secs(3600), Duration::from_secs(3600));
            let client = builder(|_| TransportErrorKind::Connect.into())
                .timeout(Duration::from_millis(100))
                .retry(policy)
                .jitter_seed(seed)
                .build()
                .unwrap();
            let error = run(&client, api).unwrap_err();
            assert_eq!((error.kind(), error.execution()), (Connect, NotExecuted));
            assert!(client.transport().clock.elapsed() <= Duration::from_millis(200));
        }
    }
}

#[test]
fn the_limit_of_attempts_is_the_policys() {
    for most in 1..=6u32 {
        for (api, idempotency) in [(Op::Create, Idempotency::NonIdempotent), (Op::Revoke, Idempotency::Idempotent)] {
            let policy = RetryPolicy::new().max_attempts(idempotency, most);
            let client = builder(|_| TransportErrorKind::Connect.into()).retry(policy).build().unwrap();
            let error = run(&client, api).unwrap_err();
            assert_eq!(client.transport().sends(), most as usize, "{api:?}");
            let numbers: Vec<_> = error.attempts().iter().map(|attempt| attempt.number()).collect();
            assert_eq!(numbers, (1..=most).collect::<Vec<_>>());
        }
    }
}

#[test]
fn no_policy_sends_once_whatever_happens() {
    let plays: [fn() -> Play; 4] = [
        || TransportErrorKind::Connect.into(),
        || TransportErrorKind::Refused.into(),
        || response(429, "").into(),
        || response(503, "").into(),
    ];
    for play in plays {
        for api in Op::BOTH {
            let client = builder(move |_| play()).retry(RetryPolicy::none()).build().unwrap();
            assert!(run(&client, api).is_err());
            assert_eq!(client.transport().sends(), 1);
        }
    }
}

#[test]
fn a_policy_that_cannot_be_kept_is_refused() {
    let all = (100..=999).map(status);
    let may = |code: u16| matches!(code, 500 | 502 | 503 | 504 | 520..=530);
    for code in all {
        let policy = RetryPolicy::new().danger_retry_create_on([code]);
        let refused = builder(|_| Play::Stall).retry(policy).build().err();
        assert_eq!(refused.is_none(), may(code.as_u16()), "{code}");
    }
    for policy in [
        RetryPolicy::new().max_attempts(Idempotency::NonIdempotent, 0),
        RetryPolicy::new().max_attempts(Idempotency::Idempotent, 0),
        RetryPolicy::new().attempt_timeout(Duration::ZERO),
    ] {
        assert!(builder(|_| Play::Stall).retry(policy.clone()).build().is_err());
        let client = client(|_| Play::Stall);
        let call = client.actor_tokens().create(USER, Actor::new(AGENT)).retry(policy);
        let error = pollster::block_on(call.send()).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (InvalidRequest, NotExecuted));
        assert_eq!(client.transport().sends(), 0);
    }
}

#[test]
fn a_gateway_status_that_was_opted_in_is_retried_and_the_doubt_stays() {
    let policy = || RetryPolicy::new().danger_retry_create_on([StatusCode::SERVICE_UNAVAILABLE]);
    let unsafe_retry = |script: fn(usize) -> Play| builder(script).retry(policy()).build().unwrap();

    let client = unsafe_retry(|_| response(503, "").into());
    let error = run(&client, Op::Create).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (Api, Unknown));
    assert_eq!(client.transport().sends(), 3);

    let client = unsafe_retry(|_| response(502, "").into());
    assert!(run(&client, Op::Create).is_err());
    assert_eq!(client.transport().sends(), 1, "another status was not opted in");

    let client = unsafe_retry(|n| if n == 0 { response(503, "").into() } else { response(422, "").into() });
    let error = run(&client, Op::Create).unwrap_err();
    assert_eq!((error.status(), error.execution()), (Some(status(422)), Unknown), "the first may have minted");
    assert_eq!(client.transport().sends(), 2);

    let client = unsafe_retry(|n| if n == 0 { response(503, "").into() } else { ok(&token_json("pending")).into() });
    let answer =
        pollster::block_on(client.actor_tokens().create(USER, Actor::new(AGENT)).send_with_response()).unwrap();
    assert_eq!(answer.attempts()[0].execution(), Unknown, "the caller can see the unsafe retry");
}

#[test]
fn the_verdict_is_the_join_over_all_attempts_and_the_kind_is_the_last_ones() {
    let cut = || Play::Fail(TransportError::new(TransportErrorKind::Interrupted).with_partial(response(200, "{")));
    let not_found = || -> Play { response(404, "").into() };
    type Step = fn() -> Play;
    let lost: Step = || TransportErrorKind::Interrupted.into();
    let table: [(Vec<Step>, ErrorKind, Execution); 6] = [
        (vec![lost, not_found], Api, Unknown),
        (vec![cut, not_found], Api, Executed),
        (vec![cut, lost, not_found], Api, Executed),
        (vec![|| TransportErrorKind::Connect.into(), not_found], Api, NotExecuted),
        (vec![|| TransportErrorKind::Connect.into(), || TransportErrorKind::Tls.into()], Tls, NotExecuted),
        (vec![|| response(429, "").into(), lost, || TransportErrorKind::Tls.into()], Tls, Unknown),
    ];
    for (steps, kind, execution) in table {
        let sends = steps.len();
        let client = client(move |n| steps[n]());
        let error = run(&client, Op::Revoke).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (kind, execution));
        assert_eq!(client.transport().sends(), sends);
    }
}

#[test]
fn a_creation_stops_at_the_first_attempt_that_is_not_proved_unexecuted() {
    for (kind, row, _) in KINDS {
        let client = client(move |n| if n == 0 { TransportErrorKind::Connect.into() } else { kind.into() });
        let error = run(&client, Op::Create).unwrap_err();
        assert_eq!(error.execution(), row.execution, "{kind:?}");
        if row.execution != NotExecuted {
            assert_eq!(client.transport().sends(), 2, "{kind:?}");
        }
    }
}

#[test]
fn invalid_input_is_refused_before_anything_is_sent() {
    let client = client(|_| Play::Stall);
    let tokens = client.actor_tokens();
    let creates = [
        (tokens.create("", Actor::new(AGENT)), "user_id"),
        (tokens.create(USER, Actor::new("")), "actor.sub"),
        (tokens.create(USER, Actor::from(serde_json::Map::new())), "actor.sub"),
        (tokens.create(USER, Actor::new(AGENT).with("sub", 7)), "actor.sub"),
        (tokens.create(USER, Actor::new(AGENT)).expires_in(Duration::ZERO), "expires_in_seconds"),
        (tokens.create(USER, Actor::new(AGENT)).expires_in(Duration::from_millis(1)), "expires_in_seconds"),
        (tokens.create(USER, Actor::new(AGENT)).session_max_duration(Duration::MAX), "session_max_duration_in_seconds"),
    ];
    let refuse = |error: Error, field: &str| {
        assert_eq!((error.kind(), error.execution()), (InvalidRequest, NotExecuted));
        assert_eq!(error.invalid_request().map(|invalid| invalid.field()), Some(field));
        assert!(error.attempts().is_empty() && !error.is_ambiguous());
    };
    for (create, field) in creates {
        refuse(pollster::block_on(create.send()).unwrap_err(), field);
    }
    for id in ["", "..", "a/b", "act_1?x=1", "act_1#", "act 1", "act_\u{e9}", "%2e%2e", &"a".repeat(256)] {
        refuse(pollster::block_on(tokens.revoke(id).send()).unwrap_err(), "actor_token_id");
    }
    assert_eq!(client.transport().sends(), 0);
}

#[test]
fn a_redirect_tells_its_origin_and_nothing_more() {
    let table = [
        ("https://elsewhere.test/v1/actor_tokens?ticket=secret#x", Some("https://elsewhere.test")),
        ("https://elsewhere.test:8443/", Some("https://elsewhere.test:8443")),
        ("http://user:secret@elsewhere.test/secret", Some("http://elsewhere.test")),
        ("http://[::1]:80/secret", Some("http://[::1]:80")),
        ("/v1/secret", None),
        ("not a url", None),
        ("", None),
    ];
    for (location, origin) in table {
        for code in [301, 302, 303, 307, 308] {
            for api in Op::BOTH {
                let client = client(move |_| with_header(response(code, ""), "location", location).into());
                let error = run(&client, api).unwrap_err();
                assert_eq!(error.kind(), UnexpectedRedirect);
                assert_eq!(error.redirect_origin(), origin, "{location}");
                assert!(!format!("{error} {error:?}").contains("secret"));
                assert_eq!(client.transport().sends(), 1, "a redirect is never followed");
            }
        }
    }
    let client = client(|_| response(302, "").into());
    assert_eq!(run(&client, Op::Create).unwrap_err().redirect_origin(), None);
}

#[test]
fn errors_made_for_doubles_are_those_of_a_call() {
    use clerk_actor_tokens_core::CreateActorToken;
    for (kind, create, _) in KINDS {
        let error = Error::from_transport(&CreateActorToken::INFO, kind.into());
        assert_eq!((error.kind(), error.execution()), (create.kind, create.execution), "{kind:?}");
    }
    for code in 300..=599 {
        let (create, _) = status_rows(code);
        let error = Error::from_response(&CreateActorToken::INFO, &response(code, CLERK_BODY));
        assert_eq!((error.kind(), error.execution()), (create.kind, create.execution), "{code}");
        assert_eq!(error.api_errors().len(), 1);
    }
}
