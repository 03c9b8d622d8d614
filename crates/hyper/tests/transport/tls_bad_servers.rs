//! Servers whose TLS is wrong: not a byte of a request reaches them in the clear, and the failure says what is wrong.

use std::sync::Arc;

use clerk_actor_tokens_core::{Execution, TransportErrorKind};
use clerk_actor_tokens_hyper::{HyperTransport, HyperTransportBuilder};
use rcgen::date_time_ymd;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    certs::{Authority, Identity, TLS_1_2, TLS_1_3, for_client, for_server},
    support::{Exchange, Exchanges, LONG, Server, causes, post},
    tap::{Log, Tapped},
};

use TransportErrorKind::{Connect, Tls};

/// In the path, the key and the body of the request.
const CANARY: &str = "CANARY";

/// Larger than all that a client says in a handshake: a request cannot hide in what the server received.
const BODY: usize = 16 * 1024;

fn request(url: &str) -> Exchange {
    let mut request = post(&format!("{url}v1/{CANARY}"));
    request.headers_mut().insert("authorization", format!("Bearer sk_test_{CANARY}").parse().unwrap());
    *request.body_mut() = CANARY.repeat(BODY / CANARY.len()).into();
    request
}

/// What a server does with a connection.
enum Does {
    /// Handshakes with this.
    Handshake(TlsAcceptor),
    /// Reads the ClientHello, writes this and reads on.
    Says(Vec<u8>),
    Closes,
    Resets,
}

struct Case {
    name: &'static str,
    does: Does,
    kind: TransportErrorKind,
    /// In the texts of the causes.
    named: &'static str,
}

const NAME: &str = "127.0.0.1";

fn certificates(trusted: &Authority, alpn: &[&str]) -> Vec<Case> {
    let signed = |params| trusted.sign(&params);
    let (mut expired, mut early) = (for_server(NAME), for_server(NAME));
    expired.not_after = date_time_ymd(2020, 1, 1);
    early.not_before = date_time_ymd(2999, 1, 1);
    let stranger = Authority::new("somebody unknown").server(NAME);
    let case = |name, identity: Identity, named| Case {
        name,
        does: Does::Handshake(identity.acceptor().alpn(alpn).build()),
        kind: Tls,
        named,
    };
    vec![
        case("expired", signed(expired), "expired"),
        case("not yet valid", signed(early), "not valid yet"),
        case("self-signed", Identity::self_signed(NAME), "UnknownIssuer"),
        case("wrong name", signed(for_server("clerk.example")), "not valid for name"),
        case("unknown authority", stranger, "UnknownIssuer"),
        case("for clients", signed(for_client(NAME)), "does not allow extended key usage"),
        Case {
            name: "demands a client certificate (TLS 1.2)",
            does: Does::Handshake(trusted.server(NAME).acceptor().versions(TLS_1_2).alpn(alpn).demand(trusted).build()),
            kind: Tls,
            named: "fatal alert",
        },
    ]
}

fn raw() -> Vec<Case> {
    let says = |name, bytes: &[u8], named| Case { name, does: Does::Says(bytes.to_vec()), kind: Tls, named };
    let mut cases = vec![
        says("TLS 1.1", &server_hello([3, 2]), "peer is incompatible"),
        says("TLS 1.0", &server_hello([3, 1]), "peer is incompatible"),
        says("plain HTTP", b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n", "does not speak TLS"),
        says("garbage", &[0x5a; 600], "does not speak TLS"),
        says("a record that is too large", &[22, 3, 3, 0xff, 0xff], "corrupt message"),
        says("a hello of no sense", &[&[22, 3, 3, 0, 44, 2, 0, 0, 40][..], &[0xff; 40]].concat(), "corrupt message"),
        Case { name: "closes at hello", does: Does::Closes, kind: Connect, named: "eof" },
        Case { name: "resets at hello", does: Does::Resets, kind: Connect, named: "reset" },
    ];
    // RFC 8446 section 6.2, and what older servers send.
    for (code, named) in [
        (10, "UnexpectedMessage"),
        (40, "HandshakeFailure"),
        (42, "BadCertificate"),
        (47, "IllegalParameter"),
        (48, "UnknownCA"),
        (49, "AccessDenied"),
        (50, "DecodeError"),
        (70, "ProtocolVersion"),
        (71, "InsufficientSecurity"),
        (80, "InternalError"),
        (112, "UnrecognisedName"),
        (116, "CertificateRequired"),
        (120, "NoApplicationProtocol"),
        (200, "fatal alert"),
    ] {
        cases.push(says("a fatal alert", &[21, 3, 3, 0, 2, 2, code], named));
    }
    cases
}

/// A ServerHello of an old version, by hand (RFC 4346 section 7.4.1.3): rustls speaks none.
fn server_hello(version: [u8; 2]) -> Vec<u8> {
    // No session, TLS_RSA_WITH_AES_128_CBC_SHA, no compression.
    let body = [&version[..], &[7; 32], &[0, 0x00, 0x2f, 0]].concat();
    let length = u8::try_from(body.len()).unwrap();
    [&[22][..], &version, &[0, length + 4, 2, 0, 0, length], &body].concat()
}

impl Does {
    async fn with(&self, mut stream: Tapped<TcpStream>) {
        match self {
            Self::Handshake(acceptor) => {
                // What came through, were the handshake to succeed after all, would be a request.
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let mut through = Vec::new();
                    let _ = stream.read_to_end(&mut through).await;
                    assert!(through.is_empty(), "{} bytes came through", through.len());
                }
            }
            Self::Says(bytes) => {
                hello(&mut stream).await;
                stream.write_all(bytes).await.unwrap();
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }
            Self::Closes => {
                hello(&mut stream).await;
                stream.shutdown().await.unwrap();
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }
            Self::Resets => {
                hello(&mut stream).await;
                stream.stream.set_zero_linger().unwrap();
            }
        }
    }
}

/// Reads the ClientHello, which is one record (RFC 8446 section 5.1).
async fn hello(stream: &mut Tapped<TcpStream>) {
    let mut head = [0; 5];
    stream.read_exact(&mut head).await.unwrap();
    let mut body = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
    stream.read_exact(&mut body).await.unwrap();
}

/// The three ways of speaking, and what a server must speak for each.
type Speak = (&'static str, fn(HyperTransportBuilder) -> HyperTransportBuilder, &'static [&'static str]);
const SPEAK: [Speak; 3] = [
    ("h1", HyperTransportBuilder::http1_only, &["http/1.1"]),
    ("h2", HyperTransportBuilder::http2_prior_knowledge, &["h2"]),
    ("either", |builder| builder, &["h2", "http/1.1"]),
];

#[tokio::test]
async fn a_server_whose_tls_is_wrong_gets_no_byte_of_a_request_and_the_failure_names_what_is_wrong() {
    let trusted = Authority::new("trusted");
    let mut checked = 0;
    for (speak, choose, alpn) in SPEAK {
        let transport = choose(HyperTransport::builder()).only_roots(trusted.as_root()).build().unwrap();
        for case in certificates(&trusted, alpn).into_iter().chain(raw()) {
            let Case { name, does, kind, named } = case;
            let name = format!("{name}, {speak}");
            let (log, done) = (Log::default(), Arc::new(Notify::new()));
            let (tap, finished, does) = (log.clone(), done.clone(), Arc::new(does));
            let server = Server::start(move |_, stream| {
                let (tap, finished, does) = (tap.clone(), finished.clone(), does.clone());
                async move {
                    does.with(tap.tap(stream)).await;
                    finished.notify_one();
                }
            })
            .await;
            let error = transport.exchange(request(&server.https("/"))).await.expect_err(&name);
            assert_eq!(error.kind(), kind, "{name}: {error:?}");
            assert_eq!(error.execution(), Execution::NotExecuted, "{name}");
            let causes = causes(&error).join("; ");
            assert!(causes.contains(named), "{name}: {causes}");
            // The server has read to the end of the connection.
            timeout(LONG, done.notified()).await.expect(&name);
            assert!(!log.contains(CANARY), "{name}");
            assert!(!log.bytes().is_empty() && log.bytes().len() < BODY / 2, "{name}: {}", log.bytes().len());
            assert_eq!(server.connections(), 1, "{name}");
            checked += 1;
        }
    }
    println!(
        "figure: {checked} exchanges with servers whose TLS is wrong: 0 request bytes in the clear, each a named error, not executed"
    );
}

/// TLS 1.3 lets the client speak before it hears what the server makes of its certificate (RFC 8446 section 4.4.2.4): over
/// HTTP/1.1 the request is on its way, encrypted, when the alert comes. No server acts on it, but that is the server's word
/// alone. Over HTTP/2 the request waits for the server's SETTINGS, which do not come.
#[tokio::test]
async fn a_server_that_demands_a_client_certificate_in_tls_1_3_is_named_and_sees_no_byte_in_the_clear() {
    let trusted = Authority::new("trusted");
    for (speak, choose, alpn) in SPEAK {
        let transport = choose(HyperTransport::builder()).only_roots(trusted.as_root()).build().unwrap();
        let identity = trusted.server(NAME);
        let acceptor = identity.acceptor().versions(TLS_1_3).alpn(alpn).demand(&trusted).build();
        let log = Log::default();
        let tap = log.clone();
        let server = Server::start(move |_, stream| {
            let (tap, acceptor) = (tap.clone(), acceptor.clone());
            async move {
                let mut stream = tap.tap(stream);
                assert!(acceptor.accept(&mut stream).await.is_err(), "it had no certificate");
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }
        })
        .await;
        let error = transport.exchange(request(&server.https("/"))).await.unwrap_err();
        let causes = causes(&error).join("; ");
        assert!(causes.contains("CertificateRequired"), "{speak}: {causes}");
        let is_held_back = error.execution() == Execution::NotExecuted;
        assert!(is_held_back || error.kind() == TransportErrorKind::Interrupted, "{speak}: {error:?}");
        assert!(!log.contains(CANARY), "{speak}");
    }
}
