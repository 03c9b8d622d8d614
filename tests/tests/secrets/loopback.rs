//! Calls over loopback sockets: a whole life against the emulator, and servers that give back what they were sent.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use clerk_actor_tokens::{
    Actor, BaseUrl, Client, RetryPolicy, SecretKey,
    hyper::{HyperTransport, TokioTimer},
    middleware::middleware_fn,
    testing::emulator::{Emulator, fault},
    transport::TransportError,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

use crate::{KEY, LINK, TICKET, shown::Sanitized};

#[tokio::test]
async fn a_whole_life_over_http_shows_none() {
    let mut shown = Sanitized::new();
    let key = SecretKey::new(KEY).unwrap();
    shown.secret(key.expose());
    let clerk = Emulator::builder().secret_key(key.clone()).real_time().build();
    let server = clerk.serve().await.unwrap();
    // What a careful middleware may log; its own `Debug` of a response would print the body.
    let seen = Arc::new(Mutex::new(Vec::new()));
    let seen_here = Arc::clone(&seen);
    let log = middleware_fn(move |request, next| {
        let seen = Arc::clone(&seen_here);
        Box::pin(async move {
            let authorization = request.headers().get("authorization").cloned();
            let outcome = next.run(request).await;
            seen.lock().unwrap().push(format!("{authorization:?} {:?}", outcome.as_ref().err()));
            outcome
        })
    });
    let builder =
        Client::builder(HyperTransport::new().unwrap(), key.clone()).base_url(server.base_url()).middleware(log);
    shown.debug("ClientBuilder", &builder);
    let client = builder.build().unwrap();
    let tokens = client.actor_tokens();

    let call = tokens.create("user_1", Actor::new("user_2")).credentials(key.clone());
    shown.debug("Call", &call);
    let response = call.send_with_response().await.unwrap();
    shown.debug("ApiResponse", &response);
    let token = response.into_value();
    shown.secret(token.token().unwrap().expose());
    shown.secret(token.url().unwrap().expose());
    shown.debug("ActorToken", &token);
    shown.debug("Revocation", &tokens.revoke(token.id()).send().await.unwrap());
    shown.debug("Revocation", &tokens.revoke(token.id()).send().await.unwrap());

    let script: [(&dyn Fn(), Duration); 6] = [
        (&|| clerk.next_create().after_commit(fault::reset()), Duration::from_secs(30)),
        (&|| clerk.next_create().after_commit(fault::cut_at(400)), Duration::from_secs(30)),
        (&|| clerk.next_create().after_commit(fault::stall()), Duration::from_secs(1)),
        (&|| clerk.next_create().after_commit(fault::stall_at(700)), Duration::from_secs(1)),
        (&|| clerk.next_create().before_commit(fault::status(500)), Duration::from_secs(30)),
        (&|| clerk.next_create().before_commit(fault::status(520)), Duration::from_secs(30)),
    ];
    for (fault, timeout) in script {
        fault();
        let error = tokens.create("user_1", Actor::new("user_2")).timeout(timeout).send().await.unwrap_err();
        shown.error("Error", &error);
        shown.display("advice", &error.advice());
    }
    let session = clerk.accept(tokens.create("user_1", Actor::new("user_2")).send().await.unwrap().id()).unwrap();
    shown.debug("Session", &session);
    shown.error("AcceptError", &clerk.accept_url(token.url().unwrap().expose()).unwrap_err());

    shown.debug("Client", &client);
    shown.debug("erased Client", &client.clone().erase());
    shown.debug("ActorTokens", &tokens);
    shown.debug("HyperTransport", client.transport());
    shown.debug("TokioTimer", &TokioTimer);
    shown.debug("SecretKey", &key);
    shown.debug("Emulator", &clerk);
    shown.debug("Served", &server);
    shown.debug("ledger", &clerk.ledger());
    shown.debug("requests", &clerk.requests());
    shown.debug("live", &clerk.live());
    shown.debug("orphans", &clerk.orphans());
    for line in seen.lock().unwrap().iter() {
        shown.display("a middleware's log", line);
    }
    assert!(shown.records_of("hyper_util") > 5, "hyper-util logged {}", shown.records_of("hyper_util"));
    shown.assert_clean("a whole life over HTTP");
}

/// Answers the first request of each connection, and closes it.
pub(crate) async fn answering(answer: impl Fn(&str) -> String + Send + 'static) -> (BaseUrl, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = BaseUrl::new(format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let serving = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 64 * 1024];
            let read = stream.read(&mut request).await.unwrap_or(0);
            let _ = stream.write_all(answer(&String::from_utf8_lossy(&request[..read])).as_bytes()).await;
        }
    });
    (url, serving)
}

/// The value of the `Authorization` header, as the server got it.
fn authorization(request: &str) -> &str {
    request.lines().find_map(|line| line.strip_prefix("authorization: ")).expect("the key arrived")
}

fn with_body(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

pub(crate) type Answer = fn(&str) -> String;

/// Servers that send the client's own key, or a ticket, back from where it may be shown.
pub(crate) const SERVERS: [(&str, Answer); 14] = [
    ("in the body of a page", |request| with_body("500 Oops\r\ncontent-type: text/html", request)),
    ("in Clerk's words", |request| {
        let words = authorization(request);
        with_body(
            "422 X",
            &format!(
                r#"{{"errors":[{{"code":"{words}","message":"{words}","long_message":"no {words}","meta":{{"param_name":"{words}"}}}}],"meta":{{"{words}":1}},"clerk_trace_id":"{words}"}}"#
            ),
        )
    }),
    ("in Clerk's words about a link", |_| {
        with_body("400 X", &format!(r#"{{"errors":[{{"code":"{TICKET}","message":"{LINK}"}}]}}"#))
    }),
    ("in a redirect", |_| with_body(&format!("302 Found\r\nlocation: {LINK}"), "")),
    ("in a redirect's user info", |request| {
        let key = authorization(request).trim_start_matches("Bearer ");
        with_body(&format!("307 X\r\nlocation: https://{key}:{key}@{TICKET}.test/{key}?{key}"), "")
    }),
    ("in headers", |request| {
        let key = authorization(request);
        with_body(
            &format!("429 X\r\nretry-after: {key}\r\nx-clerk-trace-id: {key}\r\ncf-ray: {TICKET}\r\nset-cookie: {key}"),
            "",
        )
    }),
    ("in the reason phrase", |request| with_body(&format!("503 {}", authorization(request)), "")),
    ("instead of the status", |request| format!("HTTP/1.1 {} OK\r\n\r\n", authorization(request))),
    ("in an invalid header", |request| format!("HTTP/1.1 200 OK\r\n{} :\u{1}\r\n\r\n", authorization(request))),
    ("instead of HTTP", |request| request.to_owned()),
    ("instead of a chunk's size", |request| {
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}\r\n", authorization(request))
    }),
    ("as the token's id", |request| {
        let key = authorization(request);
        with_body(
            "200 OK",
            &format!(
                r#"{{"object":"actor_token","id":"{key}","user_id":"{LINK}","status":"{key}","token":"{TICKET}","url":"{LINK}"}}"#
            ),
        )
    }),
    ("as members of wrong types", |_| {
        with_body(
            "200 OK",
            &format!(
                r#"{{"object":"actor_token","id":["{TICKET}"],"user_id":"user_1","actor":"{LINK}","created_at":"{LINK}"}}"#
            ),
        )
    }),
    ("cut off", |_| {
        format!(
            "HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{{\"id\":\"act_1\",\"url\":\"{LINK}\",\"token\":\"{TICKET}"
        )
    }),
];

#[tokio::test]
async fn what_a_server_sends_back_is_not_shown() {
    let mut shown = Sanitized::new();
    for secret in [KEY, TICKET, LINK] {
        shown.secret(secret);
    }
    let transport = HyperTransport::new().unwrap();
    for (place, answer) in SERVERS {
        let (url, serving) = answering(answer).await;
        let builder = Client::builder(transport.clone(), SecretKey::new(KEY).unwrap()).base_url(url);
        let clerk = builder.retry(RetryPolicy::none()).timeout(Duration::from_secs(20)).build().unwrap();
        let create = clerk.actor_tokens().create("user_1", Actor::new("user_2")).send().await;
        let revoke = clerk.actor_tokens().revoke("act_1").send().await;
        for error in [create.unwrap_err(), revoke.unwrap_err()] {
            shown.error(place, &error);
            shown.debug(place, &error.api_errors());
            shown.debug(place, &error.code());
        }
        serving.abort();
    }
    shown.assert_clean("servers that send it back");
}

#[tokio::test]
async fn what_fails_on_this_side_shows_none() {
    let mut shown = Sanitized::new();
    shown.secret(KEY);
    shown.secret(LINK);
    let clerk = Emulator::builder().secret_key(SecretKey::new(KEY).unwrap()).build();
    let blocking = middleware_fn(|request, _next| {
        Box::pin(async move { Err(TransportError::blocked(format!("not now: {:?}", request.headers()))) })
    });
    let leading_away = middleware_fn(|mut request, next| {
        *request.uri_mut() = LINK.parse().unwrap();
        Box::pin(async move { next.run(request).await })
    });
    let clients = [
        Client::builder(clerk.clone(), clerk.secret_key()).middleware(blocking).build().unwrap(),
        Client::builder(clerk.clone(), clerk.secret_key()).middleware(leading_away).build().unwrap(),
        Client::new(clerk.clone(), SecretKey::new("sk_test_CANARYthatNobodyKnows").unwrap()),
    ];
    for client in clients {
        let tokens = client.actor_tokens();
        shown.error("create", &tokens.create("user_1", Actor::new("user_2")).send().await.unwrap_err());
        shown.error("revoke", &tokens.revoke("act_1").send().await.unwrap_err());
        shown.error("an id", &tokens.revoke(LINK).send().await.unwrap_err());
        shown.debug("an id", &tokens.revoke(KEY));
        shown.error("a header", &tokens.revoke("act_1").header("authorization", KEY).send().await.unwrap_err());
    }
    let failing = clerk.client();
    let panicking = Client::builder(clerk.clone(), clerk.secret_key())
        .middleware(middleware_fn(|request, _next| panic!("no {:?}", request.headers())))
        .build()
        .unwrap();
    shown.panic("a middleware", || pollster::block_on(panicking.actor_tokens().revoke("act_1").send()));
    shown.error("SecretKey", &SecretKey::new(format!("{KEY}\n")).unwrap_err());
    shown.error("SecretKey", &SecretKey::new(TICKET).unwrap_err());
    shown.error("BaseUrl", &BaseUrl::new(format!("https://{KEY}@x.test")).unwrap_err());
    shown.error("BaseUrl", &BaseUrl::new(LINK).unwrap_err());
    shown.debug("BaseUrlBuilder", &BaseUrl::builder(LINK));
    shown.debug("Client", &failing);
    shown.assert_clean("failures on this side");
}
