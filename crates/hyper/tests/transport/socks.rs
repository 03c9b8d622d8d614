//! The way through a SOCKS 5 proxy (RFC 1928).

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use clerk_actor_tokens_core::{Execution, TransportErrorKind};
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

/// What a client said: its user name and password, the kind of its target's address, and that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Asked {
    credentials: Option<(String, String)>,
    by_name: bool,
    host: String,
}

async fn text(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = vec![0; usize::from(stream.read_u8().await.ok()?)];
    stream.read_exact(&mut bytes).await.ok()?;
    String::from_utf8(bytes).ok()
}

/// Serves one client, as far as it asks, and responds with this code.
async fn serve(mut stream: TcpStream, code: u8, asked: &Mutex<Vec<Asked>>) -> Option<()> {
    let [version, methods] = [stream.read_u8().await.ok()?, stream.read_u8().await.ok()?];
    let mut offered = vec![0; usize::from(methods)];
    stream.read_exact(&mut offered).await.ok()?;
    assert_eq!(version, 5);
    let mut saw = Asked::default();
    let wants_credentials = offered.contains(&2);
    stream.write_all(&[5, if wants_credentials { 2 } else { 0 }]).await.ok()?;
    if wants_credentials {
        assert_eq!(stream.read_u8().await.ok()?, 1);
        saw.credentials = Some((text(&mut stream).await?, text(&mut stream).await?));
        stream.write_all(&[1, 0]).await.ok()?;
    }
    let mut head = [0; 4];
    stream.read_exact(&mut head).await.ok()?;
    match head[3] {
        1 => {
            let mut address = [0; 4];
            stream.read_exact(&mut address).await.ok()?;
            saw.host = std::net::Ipv4Addr::from(address).to_string();
        }
        3 => (saw.by_name, saw.host) = (true, text(&mut stream).await?),
        other => panic!("an address of type {other}"),
    }
    let port = stream.read_u16().await.ok()?;
    asked.lock().unwrap().push(saw);
    // In two pieces, as a network may bring it.
    stream.set_nodelay(true).ok()?;
    stream.write_all(&[5, code, 0, 1]).await.ok()?;
    tokio::time::sleep(Duration::from_millis(20)).await;
    stream.write_all(&[0, 0, 0, 0, 0, 0]).await.ok()?;
    if code == 0 {
        let mut server = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        let _ = copy_bidirectional(&mut stream, &mut server).await;
    }
    Some(())
}

async fn proxy(code: u8) -> (Server, Arc<Mutex<Vec<Asked>>>) {
    let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
    let seen = Arc::clone(&asked);
    let server = Server::start(move |_, stream| {
        let seen = Arc::clone(&seen);
        async move {
            serve(stream, code, &seen).await;
        }
    })
    .await;
    (server, asked)
}

#[tokio::test]
async fn the_servers_name_is_resolved_where_the_scheme_says() {
    let trusted = Authority::new("trusted");
    for (scheme, by_name, host) in [("socks5", false, "127.0.0.1"), ("socks5h", true, "localhost")] {
        for credentials in [None, Some(("us@er".to_owned(), "p:/%w".to_owned()))] {
            let server = https_server(&trusted.server("localhost"), "h2", None).await;
            let (proxy, asked) = proxy(0).await;
            let userinfo = if credentials.is_some() { "us%40er:p%3A%2F%25w@" } else { "" };
            let url = format!("{scheme}://{userinfo}127.0.0.1:{}", proxy.port());
            let transport = HyperTransport::builder().only_roots(trusted.as_root()).proxy(url).build().unwrap();
            let target = server.https("/").replace("127.0.0.1", "localhost");
            let response = transport.exchange(post(&target)).await;
            // Where this machine's first address of it is IPv6, the proxy of this test knows no way.
            assert_eq!(response.unwrap().body(), "hello");
            assert_eq!(*asked.lock().unwrap(), [Asked { credentials, by_name, host: host.to_owned() }]);
        }
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_says_so_and_nothing_was_executed() {
    let trusted = Authority::new("trusted");
    let server = https_server(&trusted.server("127.0.0.1"), "h2", None).await;
    for code in 1..=9 {
        let (proxy, _) = proxy(code).await;
        let url = format!("socks5h://user:CANARY@127.0.0.1:{}", proxy.port());
        let transport = HyperTransport::builder().only_roots(trusted.as_root()).proxy(url).build().unwrap();
        let error = transport.exchange(post(&server.https("/"))).await.unwrap_err();
        assert_kind(&error, TransportErrorKind::Proxy);
        assert_eq!((error.execution(), error.proxy_status()), (Execution::NotExecuted, None));
        let texts = format!("{error:?} {}", causes(&error).concat());
        assert!(texts.contains("proxy") && !texts.contains("CANARY"), "{texts}");
    }
    assert_eq!(server.connections(), 0);
}
