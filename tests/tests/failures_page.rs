//! The book's table of failures, row by row: each is made to happen, and what the client does is compared with the page.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic; clippy's own exception does not reach helpers of integration tests"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use clerk_actor_tokens::{
    Actor, Client, ClientBuilder, Error, HttpTransport, Request, Response, SecretKey, TransportError,
    TransportErrorKind,
    bytes::Bytes,
    credentials_fn, middleware_fn,
    mock::{ManualTimer, WithTimer},
    transport_fn,
};
use serde_json::{Value, json};

/// One way to make a failure happen.
#[derive(Clone)]
enum Cause {
    /// The transport fails.
    Fails(TransportErrorKind),
    /// The transport fails after the head and a part of the body.
    FailsAfter(TransportErrorKind, u16, &'static str),
    /// This answer comes.
    Answers(u16, &'static [(&'static str, &'static str)], Vec<u8>),
    /// Something on this side is wrong.
    Here(Fault),
}

#[derive(Clone, Copy)]
enum Fault {
    Input,
    Credential,
    Middleware,
    /// Connecting fails, and less time is left than the shortest backoff takes.
    NoTimeLeft,
}

fn token(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut token = json!({
        "object": "actor_token", "id": "act_1", "status": "pending", "user_id": "user_1", "actor": {"sub": "user_2"},
        "token": "eyJ", "url": "https://x.test/v1/tickets/accept?ticket=eyJ", "created_at": 1, "updated_at": 1,
    });
    change(&mut token);
    token.to_string().into_bytes()
}

fn statuses(statuses: &[u16]) -> Vec<Cause> {
    let bodies = [&b""[..], b"<html>", br#"{"errors":[{"code":"x","message":"y"}]}"#];
    statuses
        .iter()
        .flat_map(|status| bodies.map(|body| Cause::Answers(*status, &[], body.to_vec())))
        .chain(statuses.iter().map(|status| Cause::FailsAfter(TransportErrorKind::Interrupted, *status, "{\"err")))
        .collect()
}

fn cannot_be_revoked(words: &str) -> Vec<Cause> {
    let body = json!({"errors": [{"code": "actor_token_cannot_be_revoked_code", "message": "cannot revoke",
        "long_message": words}]});
    vec![Cause::Answers(400, &[], body.to_string().into_bytes())]
}

/// How each row is made to happen. What should come of it is on the page alone.
fn causes(row: &str) -> Vec<Cause> {
    use TransportErrorKind as Kind;
    let set = |key: &'static str, value: Value| Cause::Answers(200, &[], token(|token| token[key] = value));
    match row {
        "1" => vec![Cause::Here(Fault::Input)],
        "2" => vec![Cause::Fails(Kind::Connect)],
        "3" => vec![Cause::Fails(Kind::Tls)],
        "4" => vec![Cause::Fails(Kind::ProxyAuth)],
        "4a" => vec![Cause::Fails(Kind::Proxy)],
        "5" => vec![Cause::Fails(Kind::Canceled)],
        "6" => vec![Cause::Fails(Kind::Refused)],
        "7" => vec![Cause::Fails(Kind::Interrupted), Cause::Fails(Kind::Other), Cause::Fails(Kind::BodyTooLarge)],
        "8" => vec![Cause::Fails(Kind::Timeout)],
        "8a" => vec![Cause::Fails(Kind::TimeoutUnsent)],
        "9" => vec![Cause::Here(Fault::NoTimeLeft)],
        "10" => vec![
            Cause::Answers(429, &[("retry-after", "1")], vec![]),
            Cause::Answers(429, &[], vec![]),
            Cause::Answers(429, &[("retry-after", "soon")], vec![]),
        ],
        "11" => vec![
            Cause::Answers(429, &[("retry-after", "31")], vec![]),
            Cause::Answers(429, &[("retry-after", "86400")], vec![]),
            Cause::Answers(429, &[("retry-after", "99999999999999999999")], vec![]),
        ],
        "12" => statuses(&[421]),
        "13" => statuses(&[408]),
        "14" => statuses(&[400, 401, 403, 404, 405, 409, 410, 413, 415]),
        "15" => statuses(&[402, 422]),
        "16" => statuses(&[500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 528, 529]),
        "17" => statuses(&[307, 308]),
        "17a" => statuses(&[300, 301, 302, 303, 304, 305, 306]),
        "18" => vec![
            Cause::FailsAfter(Kind::Interrupted, 200, ""),
            Cause::FailsAfter(Kind::Interrupted, 200, "{\"object\":"),
            Cause::FailsAfter(Kind::Timeout, 201, "{"),
            Cause::FailsAfter(Kind::Other, 200, "{"),
        ],
        "18a" => vec![
            Cause::FailsAfter(Kind::BodyTooLarge, 200, "{"),
            Cause::Answers(200, &[], vec![b' '; 300 * 1024]),
            Cause::Answers(200, &[("content-encoding", "gzip")], token(|_| ())),
            Cause::Answers(200, &[], vec![]),
            Cause::Answers(204, &[], vec![]),
            Cause::Answers(200, &[], b"{\"object\":\"actor_token\",".to_vec()),
            Cause::Answers(200, &[], token(|token| drop(token.as_object_mut().map(|map| map.remove("id"))))),
            set("id", json!("../users")),
            set("id", json!("")),
            set("created_at", json!("today")),
            set("user_id", json!(null)),
        ],
        "19" => vec![
            Cause::Answers(200, &[("content-type", "text/html")], b"<html>".to_vec()),
            Cause::Answers(200, &[], b"<html>".to_vec()),
            Cause::Answers(200, &[("content-type", "text/plain")], b"OK".to_vec()),
            Cause::Answers(200, &[], b"[]".to_vec()),
            Cause::Answers(200, &[], b"{}".to_vec()),
            set("object", json!("session")),
        ],
        "19a" => vec![Cause::Answers(
            200,
            &[],
            token(|token| {
                token["user_id"] = json!("user_9");
                token["id"] = json!("act_9");
                token["status"] = json!("revoked");
            }),
        )],
        "20" => cannot_be_revoked("It cannot be revoked because its status is `revoked`. Only pending tokens can be."),
        "21" => cannot_be_revoked("It cannot be revoked because its status is `accepted`. Only pending tokens can be."),
        "22" => cannot_be_revoked("It cannot be revoked."),
        "23" => statuses(&[404]),
        "24" => statuses(&[418, 451, 501, 505, 599, 999]),
        "25" => vec![set("status", json!("pending")), set("status", json!("accepted")), set("status", json!("new"))],
        "26" => vec![Cause::Here(Fault::Credential)],
        "26a" => vec![Cause::Here(Fault::Middleware)],
        other => panic!("the page has a row {other} that is not made to happen here"),
    }
}

fn exchange(cause: &Cause) -> Result<Response, TransportError> {
    let response = |status: u16, headers: &[(&'static str, &'static str)], body: Vec<u8>| {
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status.try_into().unwrap();
        for (name, value) in headers {
            response.headers_mut().insert(*name, value.parse().unwrap());
        }
        response
    };
    match cause {
        Cause::Fails(kind) => Err((*kind).into()),
        Cause::FailsAfter(kind, status, body) => {
            Err(TransportError::new(*kind).with_partial(response(*status, &[], body.as_bytes().to_vec())))
        }
        Cause::Answers(status, headers, body) => Ok(response(*status, headers, body.clone())),
        Cause::Here(Fault::NoTimeLeft) => Err(TransportErrorKind::Connect.into()),
        Cause::Here(_) => Ok(response(200, &[], token(|_| ()))),
    }
}

/// Makes the call with everything failing in this way, with a client that knows its transport and with one that has
/// forgotten it; gives how often it was sent, and what came of it.
fn call(cause: &Cause, create: bool) -> (usize, String) {
    let known = call_as(cause, |client, input_is_bad| made(&client, create, input_is_bad));
    let forgotten = call_as(cause, |client, input_is_bad| made(&client.erase(), create, input_is_bad));
    assert_eq!(known, forgotten);
    known
}

fn made<T: HttpTransport + ?Sized>(client: &Client<T>, create: bool, input_is_bad: bool) -> Result<String, Error> {
    if create {
        let user = if input_is_bad { "" } else { "user_1" };
        pollster::block_on(client.actor_tokens().create(user, Actor::new("user_2")).send()).map(|_| "Ok".to_owned())
    } else {
        let id = if input_is_bad { "a/b" } else { "act_1" };
        pollster::block_on(client.actor_tokens().revoke(id).send()).map(|revocation| format!("Ok {revocation:?}"))
    }
}

fn call_as(
    cause: &Cause,
    make: impl FnOnce(Client<WithTimer<Box<dyn HttpTransport>>>, bool) -> Result<String, Error>,
) -> (usize, String) {
    let sends = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sends);
    let failing = cause.clone();
    let transport = transport_fn(move |_request: Request| {
        counted.fetch_add(1, Ordering::Relaxed);
        std::future::ready(exchange(&failing))
    });
    let transport: Box<dyn HttpTransport> = Box::new(transport);
    let transport = WithTimer::new(transport, ManualTimer::auto_advancing());
    let outcome = make(set_up(transport, cause), matches!(cause, Cause::Here(Fault::Input)));
    let seen = outcome.unwrap_or_else(|error: Error| format!("{:?}, {:?}", error.kind(), error.execution()));
    (sends.load(Ordering::Relaxed), seen)
}

fn set_up<T: HttpTransport>(transport: T, cause: &Cause) -> Client<T> {
    let key = SecretKey::new("sk_test_abc").unwrap();
    let refuse = middleware_fn(|_, _| Box::pin(async { Err(TransportError::blocked("no")) }));
    let builder: ClientBuilder<T> = match cause {
        Cause::Here(Fault::Credential) => Client::builder(transport, credentials_fn(|| async { Err("no key") })),
        Cause::Here(Fault::Middleware) => Client::builder(transport, key).middleware(refuse),
        Cause::Here(Fault::NoTimeLeft) => Client::builder(transport, key).timeout(Duration::from_nanos(1)),
        _ => Client::builder(transport, key),
    };
    builder.jitter_seed(7).build().unwrap()
}

/// The page's table: row, and for create and revoke what is said of sending again and of how it surfaces.
fn page() -> BTreeMap<String, Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/src/failures.md");
    let text = fs::read_to_string(path).unwrap();
    let table = text.split("| row |").nth(1).unwrap().split("\n\n").next().unwrap();
    let rows = table.lines().skip(2).map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
        assert_eq!(cells.len(), 6, "{line}");
        (cells[0].clone(), cells)
    });
    rows.collect()
}

#[test]
fn the_client_does_what_the_page_says_of_every_row() {
    let page = page();
    assert_eq!(page.len(), 32, "rows were added or lost: give them a cause here");
    let mut wrong = Vec::new();
    for (row, cells) in &page {
        for (index, cause) in causes(row).iter().enumerate() {
            for (create, again, surfaces) in [(true, &cells[2], &cells[3]), (false, &cells[4], &cells[5])] {
                if again == "-" {
                    continue;
                }
                let (sends, seen) = call(cause, create);
                // What fails on this side is never sent at all.
                let first =
                    usize::from(!matches!(cause, Cause::Here(Fault::Input | Fault::Credential | Fault::Middleware)));
                let expected = match (again.as_str(), create) {
                    ("no", _) => first,
                    ("once", _) => 2,
                    ("yes", true) => 3,
                    ("yes", false) => 4,
                    (other, _) => panic!("row {row}: what is `{other}`?"),
                };
                if (sends, &seen) != (expected, surfaces) {
                    let call = if create { "create" } else { "revoke" };
                    wrong.push(format!("row {row}, cause {index}, {call}: {again}/{surfaces} != {sends} sends/{seen}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "the client and the page differ:\n{}", wrong.join("\n"));
}

/// The causes name the statuses that the page names: none is left out on either side.
#[test]
fn every_status_is_in_one_row() {
    let mut seen = BTreeMap::new();
    for (row, cells) in page() {
        for status in cells[1].split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse::<u16>().ok()) {
            if status > 299 && !matches!(row.as_str(), "4" | "4a" | "20" | "21" | "22" | "23") {
                let made = causes(&row).iter().any(|cause| matches!(cause, Cause::Answers(it, _, _) if *it == status));
                assert!(made, "row {row} names {status}, and it is not tried");
                if let Some(other) = seen.insert(status, row.clone()) {
                    assert_eq!((other.as_str(), row.as_str()), ("10", "11"), "{status}");
                }
            }
        }
    }
    assert!(seen.len() > 40);
}
