//! What a proxy may respond to CONNECT, and what of it opens a tunnel.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use clerk_actor_tokens_core::{
    Actor, BaseUrl, Client, ErrorKind, Execution, SecretKey, TransportErrorKind, workspace::JitterSeed as _,
};
use clerk_actor_tokens_hyper::HyperTransport;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::TcpStream,
};

use crate::{
    certs::Authority,
    proxy::https_server,
    support::{Exchanges, Server, assert_kind, causes, post},
};

/// What becomes of the attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Opens,
    /// `ProxyRefused`, with the status.
    Refuses(u16),
    /// `Proxy`, with the status if there is one.
    Fails(Option<u16>),
}

use Then::{Fails, Opens, Refuses};

#[derive(Clone)]
struct Case {
    name: &'static str,
    /// What the proxy writes, piece by piece.
    says: Vec<Vec<u8>>,
    then: Then,
}

fn case(name: &'static str, says: impl AsRef<[u8]>, then: Then) -> Case {
    Case { name, says: vec![says.as_ref().to_vec()], then }
}

fn byte_by_byte(name: &'static str, says: &str, then: Then) -> Case {
    Case { name, says: says.bytes().map(|byte| vec![byte]).collect(), then }
}

const OK: &str = "HTTP/1.1 200 OK\r\n\r\n";

fn cases() -> Vec<Case> {
    let lines = |count| "x-line: 1\r\n".repeat(count);
    let long = |bytes| format!("HTTP/1.1 200 OK\r\nx-long: {}\r\n\r\n", "x".repeat(bytes));
    let mut cases = vec![
        case("200", OK, Opens),
        case("200 without a reason", "HTTP/1.1 200\r\n\r\n", Opens),
        case("200 with a long reason", "HTTP/1.1 200 Connection established by the proxy\r\n\r\n", Opens),
        case("HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n", Opens),
        case("201", "HTTP/1.1 201 Created\r\n\r\n", Opens),
        case("204", "HTTP/1.1 204 No Content\r\n\r\n", Opens),
        case("299", "HTTP/1.1 299 Odd\r\n\r\n", Opens),
        case("a length, which 2xx to CONNECT has none", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", Opens),
        case("chunked, which it is not either", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", Opens),
        case("close", "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", Opens),
        case("after 100", format!("HTTP/1.1 100 Continue\r\n\r\n{OK}"), Opens),
        case("after 103", format!("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n{OK}"), Opens),
        case("200 header lines", format!("HTTP/1.1 200 OK\r\n{}\r\n", lines(200)), Opens),
        case("20 kB of head", long(20_000), Opens),
        case("60 kB of head", long(60_000), Opens),
        byte_by_byte("byte by byte", OK, Opens),
        byte_by_byte("byte by byte, with headers", "HTTP/1.1 200 OK\r\nvia: 1.1 a\r\nx-b: c\r\n\r\n", Opens),
        case("bare line feeds", "HTTP/1.1 200 OK\n\n", Opens),
        case("101", "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", Refuses(101)),
        case(
            "407 with a body",
            "HTTP/1.1 407 No\r\nproxy-authenticate: Basic\r\ncontent-length: 6\r\n\r\nCANARY",
            Refuses(407),
        ),
        case("302", "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/CANARY\r\n\r\n", Refuses(302)),
        case("502 with a body without end", "HTTP/1.1 502 Bad\r\n\r\nCANARY", Fails(Some(502))),
        case("a byte behind the head", format!("{OK}x"), Fails(None)),
        case("a body behind the head", "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nCANARY", Fails(None)),
        case("a TLS record behind the head", format!("{OK}\u{16}\u{3}\u{1}\0\u{5}hello"), Fails(None)),
        case("a second response behind the first", format!("{OK}{OK}"), Fails(None)),
        case("nothing", "", Fails(None)),
        case("half a head", "HTTP/1.1 200 OK\r\nx-cut: CANARY", Fails(None)),
        case("half a status line", "HTTP/1.1 20", Fails(None)),
        case("SSH", "SSH-2.0-OpenSSH_9.2\r\n", Fails(None)),
        case("SMTP", "220 mail.test ESMTP\r\n", Fails(None)),
        case("ICY", "ICY 200 OK\r\n\r\n", Fails(None)),
        case("HTTP/2.0 in words", "HTTP/2.0 200 OK\r\n\r\n", Fails(None)),
        case("HTTP/0.9", "HTTP/0.9 200 OK\r\n\r\n", Fails(None)),
        case("HTTP/2 in frames", b"\0\0\0\x04\0\0\0\0\0", Fails(None)),
        case("a TLS alert", b"\x15\x03\x01\0\x02\x02\x46", Fails(None)),
        case("a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", Fails(None)),
        case("a status of no digits", "HTTP/1.1 abc OK\r\n\r\n", Fails(None)),
        case("NUL bytes", b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", Fails(None)),
        case("HTML", "<html>CANARY</html>\r\n\r\n", Fails(None)),
        case("257 header lines", format!("HTTP/1.1 200 OK\r\n{}\r\n", lines(257)), Fails(None)),
        case("a megabyte of head", long(1 << 20), Fails(None)),
        case("20 kB that are no head", [b'x'; 20_000], Fails(None)),
    ];
    for status in
        [300u16, 301, 303, 307, 308, 400, 401, 402, 403, 404, 405, 407, 408, 418, 451, 500, 501, 505, 511, 599, 999]
    {
        let says = format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n");
        cases.push(case("a final status", says, Refuses(status)));
    }
    for status in [429u16, 502, 503, 504] {
        let says = format!("HTTP/1.1 {status} Later\r\nretry-after: 3600\r\ncontent-length: 0\r\n\r\n");
        cases.push(case("a passing status", says, Fails(Some(status))));
    }
    cases
}

/// A proxy that reads a head, says this, and then is a tunnel. Counts the bytes that come before it is one, or that come
/// though it said no.
async fn proxy(case: Case, behind: Arc<AtomicUsize>) -> Server {
    Server::start(move |_, mut stream| {
        let (case, behind) = (case.clone(), Arc::clone(&behind));
        async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let Ok(byte) = stream.read_u8().await else { return };
                head.push(byte);
            }
            let target = String::from_utf8(head).unwrap().split(' ').nth(1).unwrap().to_owned();
            for piece in &case.says {
                let _ = stream.write_all(piece).await;
                tokio::task::yield_now().await;
            }
            if case.then == Opens {
                let mut server = TcpStream::connect(target).await.unwrap();
                let _ = copy_bidirectional(&mut stream, &mut server).await;
                return;
            }
            let _ = stream.shutdown().await;
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
            behind.fetch_add(rest.len(), Ordering::SeqCst);
        }
    })
    .await
}

fn transport(trusted: &Authority, proxy: &Server) -> HyperTransport {
    let url = format!("http://user:CANARY@127.0.0.1:{}", proxy.port());
    HyperTransport::builder().only_roots(trusted.as_root()).proxy(url).build().unwrap()
}

#[tokio::test]
async fn any_2xx_opens_the_tunnel_and_nothing_else_gets_a_byte_of_the_request() {
    let trusted = Authority::new("trusted");
    let cases = cases();
    let all = cases.len();
    for case in cases {
        let (name, then) = (case.name, case.then);
        let server = https_server(&trusted.server("127.0.0.1"), "http/1.1", None).await;
        let behind = Arc::default();
        let proxy = proxy(case, Arc::clone(&behind)).await;
        let result = transport(&trusted, &proxy).exchange(post(&server.https("/"))).await;
        let (kind, status) = match then {
            Opens => {
                assert_eq!(result.unwrap_or_else(|error| panic!("{name}: {error:?}")).body(), "hello", "{name}");
                continue;
            }
            Refuses(status) => (TransportErrorKind::ProxyRefused, Some(status)),
            Fails(status) => (TransportErrorKind::Proxy, status),
        };
        let error = result.expect_err(name);
        assert_kind(&error, kind);
        assert_eq!(error.proxy_status().map(|status| status.as_u16()), status, "{name}");
        assert_eq!(error.execution(), Execution::NotExecuted);
        assert_eq!((server.connections(), behind.load(Ordering::SeqCst)), (0, 0), "{name}");
        let texts = format!("{error:?} {}", causes(&error).concat());
        assert!(texts.contains("proxy") && !texts.contains("CANARY") && !texts.contains("Q0FOQVJZ"), "{name}: {texts}");
        if let Some(status) = status {
            assert!(texts.contains(&format!("status {status}")), "{texts}");
        }
    }
    println!("figure: {all} responses to CONNECT: no byte of the request to a proxy that opened no tunnel");
}

/// A creation is sent again after a proxy that may pass, and not after one that refuses. A 429 of the proxy is not Clerk's: it
/// holds no other call back.
#[tokio::test]
async fn a_call_is_repeated_where_the_proxy_may_pass_and_no_other_call_waits_for_it() {
    let trusted = Authority::new("trusted");
    for (status, attempts) in [(403, 1), (407, 1), (500, 1), (429, 3), (502, 3), (503, 3), (504, 3)] {
        let server = https_server(&trusted.server("127.0.0.1"), "http/1.1", None).await;
        let says = format!("HTTP/1.1 {status} No\r\nretry-after: 3600\r\n\r\n");
        let proxy = proxy(case("a status", says, Refuses(status)), Arc::default()).await;
        let base_url: BaseUrl = server.https("/v1").parse().unwrap();
        let key = SecretKey::new("sk_test_CANARY").unwrap();
        let builder = Client::builder(transport(&trusted, &proxy), key).base_url(base_url).jitter_seed(7);
        let client = builder.build().unwrap();
        for calls in 1..=2 {
            let call = client.actor_tokens().create("user_1", Actor::new("user_2")).timeout(Duration::from_secs(30));
            let error = call.send().await.unwrap_err();
            assert_eq!((error.kind(), error.execution()), (ErrorKind::Proxy, Execution::NotExecuted));
            assert_eq!(error.proxy_status().map(|status| status.as_u16()), Some(status));
            assert_eq!((error.attempts().len(), error.retry_after()), (attempts, None), "{status}");
            assert_eq!(proxy.connections(), attempts * calls);
        }
    }
}
