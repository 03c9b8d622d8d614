//! The book's table of failures as an oracle: each row is made to happen, and what the client does is compared with the
//! page.
//!
//! How a row is made to happen is here; what should come of it is on the page alone.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper of tests fails by a panic"
)]

use std::{
    collections::BTreeMap,
    fs,
    future::{Future as _, poll_fn},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use clerk_actor_tokens::{
    Actor, Client, ClientBuilder, Error, Execution, RetryPolicy, SecretKey,
    bytes::Bytes,
    http::StatusCode,
    middleware::middleware_fn,
    settings::{RetryBudget, credentials_fn},
    testing::mock::{ManualTimer, WithTimer},
    transport::{CallContext, HttpTransport, Request, Response, TransportError, TransportErrorKind, transport_fn},
};
use clerk_actor_tokens_core::workspace::JitterSeed as _;
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    Input,
    Credential,
    Middleware,
    /// Connecting fails, and less time is left than the shortest backoff takes.
    NoTimeLeft,
    /// Connecting fails, and the retry budget is empty.
    NoRetriesLeft,
    /// A middleware drops the exchange before, or after, the request is handed over, and fails with this.
    Dropped {
        is_sent: bool,
        with: TransportErrorKind,
    },
    /// An earlier call of the client was asked to wait for longer than this one has.
    GateShut,
}

/// The calls that the page's table is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// `POST /actor_tokens`.
    Create,
    /// `POST /actor_tokens/{id}/revoke`.
    Revoke,
    /// `GET /sessions`.
    List,
    /// `GET /sessions/{id}`.
    Get,
    /// `POST /sessions/{id}/revoke`.
    EndSession,
}

impl Call {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Create, Self::Revoke, Self::List, Self::Get, Self::EndSession];

    /// What Clerk answers, with a change of the object in it.
    fn answer(self, change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let mut object = match self {
            Self::Create | Self::Revoke => json!({
                "object": "actor_token", "id": "act_1", "status": "pending", "user_id": "user_1",
                "actor": {"sub": "user_2"}, "token": "eyJ", "url": "https://x.test/v1/tickets/accept?ticket=eyJ",
                "created_at": 1, "updated_at": 1,
            }),
            Self::List | Self::Get | Self::EndSession => json!({
                "object": "session", "id": "sess_1", "status": "revoked", "user_id": "user_1", "client_id": "client_1",
                "actor": {"sub": "user_2"}, "created_at": 1, "updated_at": 1,
            }),
        };
        change(&mut object);
        match self {
            Self::List => json!({"data": [object], "total_count": 1}).to_string().into_bytes(),
            _ => object.to_string().into_bytes(),
        }
    }

    /// Whether the row is about this call.
    fn has(self, row: &str) -> bool {
        match row {
            "20" | "21" | "22" | "23" | "25" => self == Self::Revoke,
            "25a" => self == Self::EndSession,
            _ => true,
        }
    }
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
fn causes(row: &str, call: Call) -> Vec<Cause> {
    use TransportErrorKind as Kind;
    let set = |key: &'static str, value: Value| Cause::Answers(200, &[], call.answer(|object| object[key] = value));
    match row {
        "1" => vec![Cause::Here(Fault::Input)],
        "2" => vec![Cause::Fails(Kind::Connect)],
        "3" => vec![Cause::Fails(Kind::Tls)],
        "4" => vec![Cause::Fails(Kind::ProxyRefused)],
        "4a" => vec![Cause::Fails(Kind::Proxy)],
        "5" => vec![Cause::Fails(Kind::Canceled)],
        "6" => vec![Cause::Fails(Kind::Refused)],
        "6a" => vec![Cause::Fails(Kind::RefusedOnNewConnection)],
        "7" => vec![Cause::Fails(Kind::Interrupted), Cause::Fails(Kind::Other), Cause::Fails(Kind::BodyTooLarge)],
        "8" => vec![Cause::Fails(Kind::Timeout)],
        "8a" => vec![Cause::Fails(Kind::TimeoutBeforeSend)],
        "8b" | "8c" => [Kind::Timeout, Kind::Interrupted, Kind::Blocked]
            .map(|with| Cause::Here(Fault::Dropped { is_sent: row == "8c", with }))
            .to_vec(),
        "9" => vec![Cause::Here(Fault::NoTimeLeft)],
        "9a" => vec![Cause::Here(Fault::NoRetriesLeft)],
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
        "11a" => vec![Cause::Here(Fault::GateShut), Cause::Fails(Kind::RateLimited)],
        "12" => statuses(&[421]),
        "13" => statuses(&[408]),
        "14" => statuses(&[400, 401, 403, 404, 405, 409, 410, 413, 415]),
        "15" => statuses(&[402, 422]),
        "16" => statuses(&[500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 528, 529, 530]),
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
            Cause::Answers(200, &[("content-encoding", "gzip")], b"\x1f\x8b\x08".to_vec()),
            Cause::Answers(200, &[], vec![]),
            Cause::Answers(204, &[], vec![]),
            Cause::Answers(200, &[], b"{\"object\":\"actor_token\",".to_vec()),
            Cause::Answers(200, &[], call.answer(|object| drop(object.as_object_mut().map(|map| map.remove("id"))))),
            set("id", json!("../users")),
            set("id", json!("")),
            set("status", json!(7)),
            set("user_id", json!(null)),
        ],
        "19" => vec![
            Cause::Answers(200, &[("content-type", "text/html")], b"<html>".to_vec()),
            Cause::Answers(200, &[], b"<html>".to_vec()),
            Cause::Answers(200, &[("content-type", "text/plain")], b"OK".to_vec()),
            // A list of no sessions is a list.
            Cause::Answers(200, &[], if call == Call::List { b"[[]]".to_vec() } else { b"[]".to_vec() }),
            Cause::Answers(200, &[], b"{}".to_vec()),
            set("object", json!("user")),
        ],
        "19a" => vec![Cause::Answers(
            200,
            &[],
            call.answer(|object| {
                object["user_id"] = json!("user_9");
                object["id"] = json!("act_9");
                object["status"] = json!("revoked");
            }),
        )],
        "20" => cannot_be_revoked("It cannot be revoked because its status is `revoked`. Only pending tokens can be."),
        "21" => cannot_be_revoked("It cannot be revoked because its status is `accepted`. Only pending tokens can be."),
        "22" => cannot_be_revoked("It cannot be revoked."),
        "23" => statuses(&[404]),
        "24" => statuses(&[418, 451, 501, 505, 599, 999]),
        "25" => vec![set("status", json!("pending")), set("status", json!("accepted")), set("status", json!("new"))],
        "25a" => ["active", "pending", "new"].map(|status| set("status", json!(status))).to_vec(),
        "26" => vec![Cause::Here(Fault::Credential)],
        "26a" => vec![Cause::Here(Fault::Middleware)],
        other => panic!("the page has a row {other} that is not made to happen here"),
    }
}

fn exchange(cause: &Cause, call: Call) -> Result<Response, TransportError> {
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
        Cause::Here(Fault::NoTimeLeft | Fault::NoRetriesLeft) => Err(TransportErrorKind::Connect.into()),
        Cause::Here(Fault::GateShut) => Ok(response(429, &[("retry-after", "50")], vec![])),
        Cause::Here(_) => Ok(response(200, &[], call.answer(|_| ()))),
    }
}

/// What one call came to: how often it was tried and sent, what it was, and how much time passed.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    attempts: usize,
    sends: usize,
    outcome: String,
    elapsed: Duration,
}

/// Makes the call with everything failing in this way, with a client that knows its transport and with one that has
/// forgotten it.
fn seen(cause: &Cause, call: Call) -> Seen {
    let known = call_as(cause, call, |client, input_is_bad| made(client, call, input_is_bad));
    let forgotten = call_as(cause, call, |client, input_is_bad| made(&client.clone().erase(), call, input_is_bad));
    assert_eq!(known, forgotten);
    known
}

fn made<T: HttpTransport + ?Sized>(
    client: &Client<T>,
    call: Call,
    input_is_bad: bool,
) -> Result<(usize, String), Error> {
    let or_bad = |good, bad| if input_is_bad { bad } else { good };
    let session = or_bad("sess_1", "a/b");
    match call {
        Call::Create => {
            let user = or_bad("user_1", "");
            let created = client.actor_tokens().create(user, Actor::new("user_2")).send_with_response();
            pollster::block_on(created).map(|response| (response.attempts().len(), "Ok".to_owned()))
        }
        Call::Revoke => {
            let revoked = client.actor_tokens().revoke(or_bad("act_1", "a/b")).send_with_response();
            pollster::block_on(revoked)
                .map(|response| (response.attempts().len(), format!("Ok {:?}", response.value())))
        }
        Call::List => {
            let listed = client.sessions().list(or_bad("user_1", "")).send_with_response();
            pollster::block_on(listed).map(|response| (response.attempts().len(), "Ok".to_owned()))
        }
        Call::Get => {
            let got = client.sessions().get(session).send_with_response();
            pollster::block_on(got).map(|response| (response.attempts().len(), "Ok".to_owned()))
        }
        Call::EndSession => {
            let ended = client.sessions().revoke(session).send_with_response();
            pollster::block_on(ended).map(|response| (response.attempts().len(), "Ok".to_owned()))
        }
    }
}

fn call_as(
    cause: &Cause,
    call: Call,
    make: impl Fn(&Client<WithTimer<Box<dyn HttpTransport>>>, bool) -> Result<(usize, String), Error>,
) -> Seen {
    let sends = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sends);
    let failing = cause.clone();
    let transport = transport_fn(move |_request: Request, context: CallContext| {
        counted.fetch_add(1, Ordering::Relaxed);
        let result = exchange(&failing, call);
        context.send_state().hold();
        let dropped = match failing {
            Cause::Here(Fault::Dropped { is_sent, .. }) => Some(is_sent),
            _ => None,
        };
        let is_sent = dropped.unwrap_or_else(|| {
            result.as_ref().map_or_else(|error| error.execution() != Execution::NotExecuted, |_| true)
        });
        assert!(!is_sent || context.send_state().begin(), "cancelled while its caller waits");
        async move { if dropped.is_some() { std::future::pending().await } else { result } }
    });
    let transport: Box<dyn HttpTransport> = Box::new(transport);
    let timer = ManualTimer::auto_advancing();
    let client = set_up(WithTimer::new(transport, timer.clone()), cause);
    if matches!(cause, Cause::Here(Fault::GateShut)) {
        // The call that is asked to wait.
        let _ = make(&client, false);
    }
    let (sends_before, before) = (sends.load(Ordering::Relaxed), timer.elapsed());
    let outcome = make(&client, matches!(cause, Cause::Here(Fault::Input)));
    let (attempts, outcome) = outcome
        .unwrap_or_else(|error| (error.attempts().len(), format!("{:?}, {:?}", error.kind(), error.execution())));
    Seen { attempts, sends: sends.load(Ordering::Relaxed) - sends_before, outcome, elapsed: timer.elapsed() - before }
}

fn set_up<T: HttpTransport>(transport: T, cause: &Cause) -> Client<T> {
    let key = SecretKey::new("sk_test_abc").unwrap();
    let refuse = middleware_fn(|_, _| Box::pin(async { Err(TransportError::blocked("no")) }));
    let builder: ClientBuilder<T> = match cause {
        Cause::Here(Fault::Credential) => Client::builder(transport, credentials_fn(|| async { Err("no key") })),
        Cause::Here(Fault::Middleware) => Client::builder(transport, key).middleware(refuse),
        Cause::Here(Fault::Dropped { with, .. }) => {
            let with = *with;
            Client::builder(transport, key).middleware(middleware_fn(move |request, next| {
                Box::pin(async move {
                    let mut exchange = Box::pin(next.run(request));
                    let _ = poll_fn(|context| Poll::Ready(exchange.as_mut().poll(context))).await;
                    Err(with.into())
                })
            }))
        }
        Cause::Here(Fault::NoTimeLeft) => Client::builder(transport, key).timeout(Duration::from_nanos(1)),
        Cause::Here(Fault::NoRetriesLeft) => Client::builder(transport, key).retry_budget(RetryBudget::new().tokens(0)),
        _ => Client::builder(transport, key),
    };
    builder.jitter_seed(7).build().unwrap()
}

/// The page's table: the words of each row, and for a creation and for the other calls what is said of sending again and of how
/// it surfaces.
#[must_use]
pub fn page() -> BTreeMap<String, Vec<String>> {
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

/// Where the client does something else than the page says; at most `limit` of these.
///
/// # Panics
/// If the page has a row that is not made to happen here, or a word that is not known.
#[must_use]
pub fn disagreements(limit: usize) -> Vec<String> {
    let page = page();
    let rows = page.keys().flat_map(|row| in_row(&page, row));
    rows.take(limit).collect()
}

/// The same, of one row: it takes a part of the time.
///
/// # Panics
/// As [`disagreements`].
#[must_use]
pub fn disagreements_in(row: &str, limit: usize) -> Vec<String> {
    in_row(&page(), row).take(limit).collect()
}

fn in_row<'a>(page: &'a BTreeMap<String, Vec<String>>, row: &'a str) -> impl Iterator<Item = String> + 'a {
    let cells = &page[row];
    let calls = Call::ALL.into_iter().filter(|call| call.has(row));
    let cases = calls.flat_map(|call| causes(row, call).into_iter().enumerate().map(move |case| (call, case)));
    cases.filter_map(move |(call, (index, cause))| {
        let (again, surfaces) = if call == Call::Create { (&cells[2], &cells[3]) } else { (&cells[4], &cells[5]) };
        let wrong = disagreement(&cause, call, again, surfaces)?;
        Some(format!("row {row}, cause {index}, {call:?}: {wrong}"))
    })
}

/// What the client does instead of what the page says.
fn disagreement(cause: &Cause, call: Call, again: &str, surfaces: &str) -> Option<String> {
    if again == "-" {
        return None;
    }
    let seen = seen(cause, call);
    let surfaces = match cause {
        Cause::Here(Fault::Dropped { with, .. }) => &surfaces.replace("the middleware's", &format!("{with:?}")),
        _ => surfaces,
    };
    // What fails on this side is never sent; and some of it is not even tried.
    let here = |fault: &Fault| matches!(cause, Cause::Here(here) if here == fault);
    let is_tried = ![Fault::Input, Fault::GateShut].iter().any(here);
    let is_sent = is_tried && ![Fault::Credential, Fault::Middleware].iter().any(here);
    let attempts = match (again, call) {
        ("no", _) => usize::from(is_tried),
        ("once" | "once, fresh", _) => 2,
        ("yes", Call::Create) => 3,
        ("yes", _) => 4,
        (other, _) => panic!("what is `{other}`?"),
    };
    let expected = (attempts, if is_sent { attempts } else { 0 });
    // On a fresh connection it is at once; what is not sent again is returned at once.
    let waits = again == "yes" || again == "once";
    let is_as_said = ((seen.attempts, seen.sends), seen.outcome.as_str(), seen.elapsed > Duration::ZERO)
        == (expected, surfaces, waits);
    (!is_as_said).then(|| format!("{again}/{surfaces} != {seen:?}"))
}

/// Which statuses can be opted in to that the page does not leave in doubt: the unsafe retry is for gateways alone.
#[must_use]
pub fn wrong_unsafe_retries() -> Vec<u16> {
    let page = page();
    let gateways = &page["16"][1];
    let can_be_opted_in = |status: u16| {
        let policy = RetryPolicy::new().danger_retry_create_on([StatusCode::from_u16(status).unwrap()]);
        let transport = transport_fn(|_, _| async { Ok(Response::default()) });
        Client::builder(transport, SecretKey::new("sk_test_abc").unwrap()).retry(policy).build().is_ok()
    };
    let is_gateway = |status: u16| gateways.contains(&status.to_string());
    (300..=999).filter(|status| can_be_opted_in(*status) != is_gateway(*status)).collect()
}

/// Whether a row's causes answer with this status.
#[must_use]
pub fn is_made(row: &str, status: u16) -> bool {
    causes(row, Call::Create).iter().any(|cause| matches!(cause, Cause::Answers(made, _, _) if *made == status))
}
