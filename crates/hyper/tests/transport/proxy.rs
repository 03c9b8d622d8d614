//! The way through a proxy, and what is said when it fails.
//!
//! Not responsible for proxies that the environment names (`environment.rs`).

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use clerk_actor_tokens_core::{Actor, BaseUrl, Client, Execution, SecretKey, TransportError, TransportErrorKind};
use clerk_actor_tokens_hyper::{HyperTransport, HyperTransportBuilder};
use http::{
    HeaderName, HeaderValue, Version,
    header::{CONNECTION, CONTENT_LENGTH, HOST, PROXY_AUTHORIZATION, TRANSFER_ENCODING, UPGRADE, USER_AGENT},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use crate::{
    certs::{Authority, Identity},
    h2_peer::Peer,
    support::{Exchanges, LONG, SHORT, Server, assert_kind, causes, ok, post, post_within, read_request},
    tap::Log,
};

const NAME: &str = "127.0.0.1";
const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

/// A proxy: what it was asked for, and all the bytes that it received.
pub(crate) struct Proxy {
    pub(crate) server: Server,
    heads: Arc<Mutex<Vec<String>>>,
    log: Log,
}

/// What a proxy does once it was asked.
#[derive(Clone, Copy)]
enum Does {
    Tunnel,
    Stalls,
}

impl Proxy {
    pub(crate) async fn tunnelling() -> Self {
        Self::start(Does::Tunnel, None).await
    }

    async fn start(does: Does, tls: Option<TlsAcceptor>) -> Self {
        let (heads, log) = (Arc::default(), Log::default());
        let (seen, tap): (Arc<Mutex<Vec<String>>>, _) = (Arc::clone(&heads), log.clone());
        let server = Server::start(move |_, stream| {
            let (seen, tap, tls) = (Arc::clone(&seen), tap.clone(), tls.clone());
            async move {
                match tls {
                    None => serve(tap.tap(stream), does, &seen).await,
                    Some(tls) => {
                        let Ok(stream) = tls.accept(stream).await else { return };
                        assert!(stream.get_ref().1.peer_certificates().is_none(), "the client's identity is shown");
                        serve(tap.tap(stream), does, &seen).await;
                    }
                }
            }
        })
        .await;
        Self { server, heads, log }
    }

    /// `credentials` with their `@`, or nothing.
    pub(crate) fn url(&self, credentials: &str) -> String {
        format!("http://{credentials}{NAME}:{}", self.server.port())
    }

    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, does: Does, seen: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let target = head.split(' ').nth(1).unwrap().to_owned();
    seen.lock().unwrap().push(head);
    match does {
        Does::Tunnel => {
            let mut server = TcpStream::connect(target).await.unwrap();
            stream.write_all(ESTABLISHED.as_bytes()).await.unwrap();
            let _ = stream.flush().await;
            let _ = copy_bidirectional(&mut stream, &mut server).await;
        }
        Does::Stalls => {
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    }
}

/// A server over TLS that speaks this and answers every request with `hello`.
pub(crate) async fn https_server(identity: &Identity, alpn: &'static str, clients: Option<&Authority>) -> Server {
    let protocols = [alpn];
    let mut acceptor = identity.acceptor().alpn(&protocols);
    if let Some(clients) = clients {
        acceptor = acceptor.demand(clients);
    }
    let acceptor = acceptor.build();
    Server::start(move |_, stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            if alpn == "h2" {
                let Some(mut peer) = Peer::accept(stream).await else { return };
                while let Some(request) = peer.request().await {
                    peer.answer(request.id, "hello").await;
                }
            } else {
                while read_request(&mut stream).await.is_some() {
                    stream.write_all(ok("hello").as_bytes()).await.unwrap();
                }
            }
        }
    })
    .await
}

fn builder(trusted: &Authority, proxy: impl Into<String>) -> HyperTransportBuilder {
    HyperTransport::builder().only_roots(trusted.as_root()).proxy(proxy)
}

#[tokio::test]
async fn requests_go_through_a_tunnel_of_which_the_proxy_sees_the_servers_name_alone() {
    let trusted = Authority::new("trusted");
    for (alpn, version) in [("http/1.1", Version::HTTP_11), ("h2", Version::HTTP_2)] {
        let server = https_server(&trusted.server(NAME), alpn, None).await;
        let proxy = Proxy::tunnelling().await;
        let transport = builder(&trusted, proxy.url("")).build().unwrap();
        for _ in 0..3 {
            let mut request = post(&server.https("/CANARY?CANARY"));
            request.headers_mut().insert("authorization", "Bearer CANARY".parse().unwrap());
            *request.body_mut() = "CANARY".into();
            let response = transport.exchange(request).await.unwrap();
            assert_eq!((response.version(), response.body().as_ref()), (version, &b"hello"[..]));
        }
        assert_eq!((proxy.server.connections(), server.connections()), (1, 1));
        let target = format!("{NAME}:{}", server.port());
        let agent = concat!("clerk-actor-tokens-hyper/", env!("CARGO_PKG_VERSION"));
        let head = format!("CONNECT {target} HTTP/1.1\r\nuser-agent: {agent}\r\nhost: {target}\r\n\r\n");
        assert_eq!(proxy.heads(), [head]);
        assert!(!proxy.log.contains("CANARY"));
        // After the head comes a TLS handshake, and nothing else.
        assert_eq!(proxy.log.bytes()[proxy.heads()[0].len()], 22);
    }
}

#[tokio::test]
async fn a_whole_call_shows_the_proxy_neither_key_nor_user() {
    let trusted = Authority::new("trusted");
    let server = https_server(&trusted.server(NAME), "http/1.1", None).await;
    let proxy = Proxy::tunnelling().await;
    let base_url: BaseUrl = server.https("/v1").parse().unwrap();
    let transport = builder(&trusted, proxy.url("")).build().unwrap();
    let key = SecretKey::new("sk_test_CANARY").unwrap();
    let client = Client::builder(transport, key).base_url(base_url).build().unwrap();
    let error = client.actor_tokens().create("user_CANARY", Actor::new("CANARY")).send().await.unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(200), "it reached the server: {error:?}");
    assert_eq!(proxy.heads().len(), 1);
    for secret in ["CANARY", "sk_test", "actor_tokens", "Clerk-"] {
        assert!(!proxy.log.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn credentials_go_out_as_basic_and_to_the_proxy_alone() {
    let trusted = Authority::new("trusted");
    for (credentials, basic) in [
        ("user:password@", "dXNlcjpwYXNzd29yZA=="),
        // `us@er` and `p:/%w`, percent-encoded.
        ("us%40er:p%3A%2F%25w@", "dXNAZXI6cDovJXc="),
        ("user@", "dXNlcjo="),
        (":password@", "OnBhc3N3b3Jk"),
    ] {
        let server = https_server(&trusted.server(NAME), "http/1.1", None).await;
        let proxy = Proxy::tunnelling().await;
        let transport = builder(&trusted, proxy.url(credentials)).build().unwrap();
        transport.exchange(post(&server.https("/"))).await.unwrap();
        let head = proxy.heads().concat();
        let line = head.lines().find_map(|line| line.strip_prefix("proxy-authorization: ")).expect("credentials");
        assert_eq!(line, format!("Basic {basic}"));
    }
}

async fn fails(transport: &HyperTransport, server: &Server, kind: TransportErrorKind) -> TransportError {
    let error = transport.exchange(post(&server.https("/"))).await.unwrap_err();
    assert_kind(&error, kind);
    assert_eq!(error.execution(), Execution::NotExecuted);
    assert_eq!(server.connections(), 0);
    error
}

#[tokio::test]
async fn headers_of_ones_own_go_to_the_proxy_alone() {
    let trusted = Authority::new("trusted");
    let server = https_server(&trusted.server(NAME), "http/1.1", None).await;
    let proxy = Proxy::tunnelling().await;
    let value = |text: &'static str| HeaderValue::from_static(text);
    let transport = builder(&trusted, proxy.url(""))
        .proxy_header(HeaderName::from_static("x-team"), value("CANARY"))
        .proxy_header(PROXY_AUTHORIZATION, value("Bearer CANARY"))
        .proxy_header(USER_AGENT, value("an agent"));
    assert!(!format!("{transport:?}").contains("CANARY"));
    transport.build().unwrap().exchange(post(&server.https("/"))).await.unwrap();
    let head = proxy.heads().concat();
    for line in ["x-team: CANARY\r\n", "proxy-authorization: Bearer CANARY\r\n", "user-agent: an agent\r\n"] {
        assert_eq!(head.matches(line).count(), 1, "{line}");
    }
    assert_eq!(head.matches("user-agent").count(), 1);
}

#[test]
fn headers_that_would_frame_the_request_or_say_two_things_are_refused() {
    let value = HeaderValue::from_static("CANARY");
    let with =
        |url: &str, name: HeaderName| HyperTransport::builder().proxy(url).proxy_header(name, value.clone()).build();
    for name in [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE] {
        let error = with("http://proxy.test:1", name).unwrap_err();
        assert!(error.setting() == "proxy_header" && !format!("{error} {error:?}").contains("CANARY"), "{error}");
    }
    assert_eq!(with("http://u@proxy.test:1", PROXY_AUTHORIZATION).unwrap_err().setting(), "proxy_header");
    with("http://proxy.test:1", PROXY_AUTHORIZATION).unwrap();
    let alone = HyperTransport::builder().proxy_header(USER_AGENT, value.clone());
    assert_eq!(alone.build().unwrap_err().setting(), "proxy_header");
}

#[tokio::test]
async fn a_proxy_that_nobody_listens_at_is_a_failed_connection() {
    let trusted = Authority::new("trusted");
    let server = https_server(&trusted.server(NAME), "http/1.1", None).await;
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let transport = builder(&trusted, format!("http://{free}")).build().unwrap();
    fails(&transport, &server, TransportErrorKind::Connect).await;
}

#[tokio::test]
async fn a_proxy_that_stalls_is_within_the_connect_timeout_and_the_deadline() {
    let trusted = Authority::new("trusted");
    let server = https_server(&trusted.server(NAME), "http/1.1", None).await;
    let proxy = Proxy::start(Does::Stalls, None).await;
    let transport = builder(&trusted, proxy.url("")).connect_timeout(SHORT).build().unwrap();
    let error = fails(&transport, &server, TransportErrorKind::Connect).await;
    assert!(causes(&error).iter().any(|cause| cause == "connecting took longer than 200ms"), "{error:?}");

    let transport = builder(&trusted, proxy.url("")).connect_timeout(LONG).build().unwrap();
    let error = transport.exchange(post_within(&server.https("/"), SHORT)).await.unwrap_err();
    assert_kind(&error, TransportErrorKind::TimeoutBeforeSend);
}

#[tokio::test]
async fn a_tunnel_in_which_the_server_stalls_is_within_the_connect_timeout() {
    let trusted = Authority::new("trusted");
    let silent =
        Server::start(|_, mut stream| async move { crate::support::closed_by_client(&mut stream).await }).await;
    let proxy = Proxy::tunnelling().await;
    let transport = builder(&trusted, proxy.url("")).connect_timeout(Duration::from_secs(1)).build().unwrap();
    let error = transport.exchange(post(&silent.https("/"))).await.unwrap_err();
    assert_kind(&error, TransportErrorKind::Connect);
    assert_eq!((proxy.heads().len(), silent.connections()), (1, 1));
}

#[tokio::test]
async fn the_server_behind_the_proxy_is_not_trusted_for_the_proxys_sake() {
    let (trusted, stranger) = (Authority::new("trusted"), Authority::new("stranger"));
    for identity in [stranger.server(NAME), trusted.server("clerk.example")] {
        let server = https_server(&identity, "http/1.1", None).await;
        let proxy = Proxy::tunnelling().await;
        let transport = builder(&trusted, proxy.url("")).build().unwrap();
        let error = transport.exchange(post(&server.https("/"))).await.unwrap_err();
        assert_kind(&error, TransportErrorKind::Tls);
    }
}

#[tokio::test]
async fn a_proxy_can_be_spoken_to_over_tls_and_is_not_shown_who_we_are() {
    let (trusted, clients) = (Authority::new("trusted"), Authority::new("clients"));
    // TLS and the question for a certificate are the server's; the proxy would take one too.
    let server = https_server(&trusted.server(NAME), "h2", Some(&clients)).await;
    let proxy = Proxy::start(Does::Tunnel, Some(asking(&trusted, &clients))).await;
    let url = proxy.url("user:password@").replace("http://", "https://");
    let identity = clients.client("this client").of_client();
    let transport = builder(&trusted, url).client_identity(identity).build().unwrap();
    for _ in 0..2 {
        let response = transport.exchange(post(&server.https("/"))).await.unwrap();
        assert_eq!((response.version(), response.body().as_ref()), (Version::HTTP_2, &b"hello"[..]));
    }
    assert_eq!((proxy.server.connections(), server.connections()), (1, 1));
    assert!(proxy.heads()[0].contains("proxy-authorization: Basic dXNlcjpwYXNzd29yZA=="));
}

/// TLS for a proxy that asks for a certificate and does without.
fn asking(trusted: &Authority, clients: &Authority) -> TlsAcceptor {
    trusted.server(NAME).acceptor().ask(clients).build()
}

#[tokio::test]
async fn a_proxy_whose_own_certificate_is_wrong_is_told_nothing() {
    let (trusted, stranger) = (Authority::new("trusted"), Authority::new("stranger"));
    let server = https_server(&trusted.server(NAME), "http/1.1", None).await;
    for identity in [stranger.server(NAME), trusted.server("proxy.example"), Identity::self_signed(NAME)] {
        let proxy = Proxy::start(Does::Tunnel, Some(identity.acceptor().build())).await;
        let url = proxy.url("user:password@").replace("http://", "https://");
        fails(&builder(&trusted, url).build().unwrap(), &server, TransportErrorKind::Tls).await;
        assert!(proxy.heads().is_empty() && proxy.log.bytes().is_empty());
    }
}

#[tokio::test]
async fn http_goes_straight_to_the_server() {
    let trusted = Authority::new("trusted");
    let server = Server::answering(ok("hello")).await;
    let proxy = Proxy::tunnelling().await;
    let transport = builder(&trusted, proxy.url("")).build().unwrap();
    assert_eq!(transport.exchange(post(&server.url("/"))).await.unwrap().body(), "hello");
    assert_eq!(proxy.server.connections(), 0);
}

#[tokio::test]
async fn a_tunnel_has_its_own_place_in_the_pool_for_each_server() {
    let trusted = Authority::new("trusted");
    let proxy = Proxy::tunnelling().await;
    let transport = builder(&trusted, proxy.url("")).build().unwrap();
    let one = https_server(&trusted.server(NAME), "h2", None).await;
    let two = https_server(&trusted.server(NAME), "h2", None).await;
    for server in [&one, &two, &one, &two] {
        transport.exchange(post(&server.https("/"))).await.unwrap();
    }
    assert_eq!((proxy.heads().len(), one.connections(), two.connections()), (2, 1, 1));
}

#[test]
fn a_url_that_names_no_proxy_is_refused_and_not_shown() {
    for url in [
        "",
        " ",
        "http://",
        "http://user:CANARY@",
        "http://127.0.0.1:9#CANARY@proxy.test:1080",
        "http://proxy.test:1080/CANARY",
        "http://proxy.test:1080?CANARY",
        "socks4://user:CANARY@proxy.test:1080",
        "ftp://user:CANARY@proxy.test",
        "http://user:CANARY@proxy test:1",
        "/CANARY",
        "http://user:CANARY@proxy.test:99999",
        "http://user:CANARY@proxy.test:x",
        "http://user:CAN@ARY@proxy.test",
        "http://us\u{e9}r:CANARY@proxy.test",
    ] {
        let builder = HyperTransport::builder().proxy(url);
        let shown = format!("{builder:?}");
        assert!(!shown.contains("CANARY") && !shown.contains("proxy.test"), "{shown}");
        let Err(error) = builder.build() else { panic!("{} is taken", url.replace("CANARY", "...")) };
        let text = format!("{error} {error:?} {:?}", std::error::Error::source(&error).map(ToString::to_string));
        assert!(text.contains("proxy") && !text.contains("CANARY"), "{text}");
    }
    for url in [
        "http://proxy.test",
        "http://proxy.test:3128/",
        "https://user:p%40ss@proxy.test",
        "http://[::1]:3128",
        "socks5://u:p@proxy.test",
    ] {
        HyperTransport::builder().proxy(url).build().unwrap();
    }
}
