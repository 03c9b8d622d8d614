//! The middleware that core brings: headers, and the log of requests.

use std::sync::{Arc, Mutex};

use clerk_actor_tokens_core::{
    Actor, Headers, RequestLog, TransportError, TransportErrorKind,
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware_fn,
};

use crate::common::{AGENT, Op, Play, USER, builder, ok, poll_and_drop, response, run, token_json, with_header};

fn name(name: &'static str) -> HeaderName {
    HeaderName::from_static(name)
}

#[test]
fn headers_take_the_place_of_those_that_are_there() {
    let mut headers = HeaderMap::new();
    headers.append("x-desk", HeaderValue::from_static("one"));
    headers.append("x-desk", HeaderValue::from_static("two"));
    headers.append("user-agent", HeaderValue::from_static("desk"));
    let client =
        builder(|_| ok(&token_json("pending")).into()).middleware(Headers::new(headers).unwrap()).build().unwrap();
    run(&client, Op::Create).unwrap();
    let sent = client.transport().sent().remove(0).request;
    let values = |name| sent.headers().get_all(name).iter().cloned().collect::<Vec<_>>();
    assert_eq!(values("x-desk"), ["one", "two"]);
    assert_eq!(values("user-agent"), ["desk"]);
    assert_eq!(values("authorization"), ["Bearer sk_test_key"]);
}

#[test]
fn headers_that_belong_to_the_client_are_refused_by_name() {
    for reserved in ["authorization", "host", "content-length", "accept-encoding", "transfer-encoding"] {
        let headers = HeaderMap::from_iter([(name(reserved), HeaderValue::from_static("v"))]);
        let refused = Headers::new(headers).unwrap_err();
        assert!(refused.to_string().contains(reserved), "{refused}");
    }
}

#[test]
fn headers_show_their_names_alone() {
    let headers = HeaderMap::from_iter([(name("x-gateway-key"), HeaderValue::from_static("secret"))]);
    assert_eq!(format!("{:?}", Headers::new(headers).unwrap()), r#"{"x-gateway-key"}"#);
}

/// The lines that a client with this log writes.
fn lines(log: RequestLog, script: impl Fn(usize) -> Play + Send + Sync + 'static, op: Op) -> Vec<String> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&lines);
    let log = log.write_to(move |line| kept.lock().unwrap().push(line.to_string()));
    let _ = run(&builder(script).middleware(log).build().unwrap(), op);
    lines.lock().unwrap().clone()
}

#[test]
fn each_attempt_is_a_line() {
    let script = |number| match number {
        0 => Play::Fail(TransportError::new(TransportErrorKind::Connect).with_source("no route to host")),
        _ => ok(&token_json("pending")).into(),
    };
    let url = "POST https://api.clerk.com/v1/actor_tokens";
    let expected = [format!("{url}: Connect (no route to host), 0 ms"), format!("{url} (attempt 2): 200, 0 ms")];
    assert_eq!(lines(RequestLog::new(), script, Op::Create), expected);
}

#[test]
fn an_attempt_that_is_given_up_is_a_line_and_a_query_is_not_shown() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&lines);
    let log = RequestLog::new().write_to(move |line| kept.lock().unwrap().push(line.to_string()));
    let add_query = middleware_fn(|mut request, next| {
        let url = format!("{}?api_key=hidden", request.uri());
        *request.uri_mut() = url.parse().unwrap();
        Box::pin(async move { next.run(request).await })
    });
    let client = builder(|_| Play::Stall).middleware(add_query).middleware(log).build().unwrap();
    let call = client.actor_tokens().create(USER, Actor::new(AGENT)).send();
    assert!(pollster::block_on(poll_and_drop(call, 3)).is_none());
    assert_eq!(*lines.lock().unwrap(), ["POST https://api.clerk.com/v1/actor_tokens?...: given up, 0 ms"]);
}

#[test]
fn a_panic_of_the_writer_ends_there() {
    let log = RequestLog::new().write_to(|_| panic!("the pipe is closed"));
    let client = builder(|_| ok(&token_json("pending")).into()).middleware(log).build().unwrap();
    run(&client, Op::Create).unwrap();
}

#[test]
fn headers_are_shown_by_name_alone_and_masked() {
    let script = |_| {
        let response = with_header(response(404, "{}"), "x-id", "7 sk_test_abcdef");
        with_header(response, "x-hidden", "hidden").into()
    };
    let log = RequestLog::new().headers([name("x-id"), name("clerk-api-version")]).unwrap();
    let expected = "POST https://api.clerk.com/v1/actor_tokens/act_37dGasfY2eyJvfZe9mOP1p5RlJF/revoke \
                    clerk-api-version=\"2026-05-12\": 404 x-id=\"7 sk_test_(redacted)\", 0 ms";
    assert_eq!(lines(log, script, Op::Revoke), [expected]);
}

#[test]
fn a_header_that_may_hold_a_credential_cannot_be_named() {
    for secret in ["authorization", "proxy-authorization", "cookie", "set-cookie", "location"] {
        let refused = RequestLog::new().headers([name("x-id"), name(secret)]).unwrap_err();
        assert!(refused.to_string().contains(secret), "{refused}");
    }
}
