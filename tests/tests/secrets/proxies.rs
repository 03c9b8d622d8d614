//! Proxies that do not let a call through, and quote the password that they were sent; and proxies that cannot be used.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use clerk_actor_tokens::{
    Actor, Client, RetryPolicy, SecretKey,
    hyper::{Certificates, HyperTransport, HyperTransportBuilder},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::{
    KEY, child,
    shown::Sanitized,
    ways::{PROXY_PASSWORD, PROXY_PASSWORD_ENCODED, PROXY_USER, name_credentials_of_the_proxy},
};

/// What a proxy answers to the head of a CONNECT. Nothing more comes.
type Answer = fn(&str) -> String;

/// How a client begins that speaks TLS (RFC 8446 section 5.1).
const TLS_HANDSHAKE: u8 = 22;

/// The whole answer of a proxy that opens the tunnel.
const OPEN: &str = "HTTP/1.1 200 OK\r\n\r\n";

fn quoted(head: &str) -> String {
    let sent = head.lines().find_map(|line| line.strip_prefix("Proxy-Authorization: ")).unwrap_or_default();
    format!("{sent} {PROXY_USER}:{PROXY_PASSWORD} {PROXY_PASSWORD_ENCODED}")
}

const PROXIES: [(&str, Answer); 12] = [
    ("407, in its challenge", |head| {
        format!("HTTP/1.1 407 X\r\nproxy-authenticate: Basic realm=\"{}\"\r\n\r\n", quoted(head))
    }),
    ("407, in its page", |head| format!("HTTP/1.1 407 X\r\ncontent-length: {}\r\n\r\n{head}", head.len())),
    ("407, in its reason", |head| format!("HTTP/1.1 407 {}\r\n\r\n", quoted(head))),
    ("502, in its page", |head| format!("HTTP/1.1 502 X\r\ncontent-length: {}\r\n\r\n{head}", head.len())),
    ("a redirect", |_| {
        format!("HTTP/1.1 302 X\r\nlocation: http://{PROXY_USER}:{PROXY_PASSWORD_ENCODED}@x.test/\r\n\r\n")
    }),
    ("the place of the status", |head| format!("HTTP/1.1 {} OK\r\n\r\n", quoted(head))),
    ("the place of HTTP", ToOwned::to_owned),
    ("an invalid header", |head| format!("HTTP/1.1 200 OK\r\n{} :\u{1}\r\n\r\n", quoted(head))),
    ("headers without end", |head| {
        format!("HTTP/1.1 200 OK\r\n{}", format!("x-quote: {}\r\n", quoted(head)).repeat(90))
    }),
    ("an answer that is cut off", |head| format!("HTTP/1.1 407 {}", quoted(head))),
    ("the tunnel", |head| format!("{OPEN}{}", quoted(head))),
    ("no answer", |_| String::new()),
];

/// A proxy that answers each CONNECT so, and closes the connection in an orderly way. It counts those with the password.
async fn proxy(answer: Answer) -> (String, Arc<AtomicUsize>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(AtomicUsize::new(0));
    let asked_here = Arc::clone(&asked);
    let password = STANDARD.encode(format!("{PROXY_USER}:{PROXY_PASSWORD}"));
    let serving = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 64 * 1024];
            let mut length = 0;
            while !head[..length].ends_with(b"\r\n\r\n") && !head.starts_with(&[TLS_HANDSHAKE]) {
                match stream.read(&mut head[length..]).await {
                    Ok(read @ 1..) => length += read,
                    _ => break,
                }
            }
            let text = String::from_utf8_lossy(&head[..length]);
            asked_here.fetch_add(usize::from(text.contains(&password)), Ordering::SeqCst);
            let _ = say(&mut stream, &answer(&text)).await;
        }
    });
    (host, asked, serving)
}

/// Says this as the last word, and reads on until the client has gone. The text for the tunnel is said there: behind the
/// client's own first word, as hyper-util throws away what comes with the head.
async fn say(stream: &mut TcpStream, answer: &str) -> std::io::Result<()> {
    let mut heard = [0; 4096];
    match answer.strip_prefix(OPEN) {
        Some(words) => {
            stream.write_all(OPEN.as_bytes()).await?;
            if stream.read(&mut heard).await? == 0 {
                return Ok(());
            }
            stream.write_all(words.as_bytes()).await?;
        }
        None => stream.write_all(answer.as_bytes()).await?,
    }
    stream.shutdown().await?;
    while stream.read(&mut heard).await? > 0 {}
    Ok(())
}

/// Roots are needed, and no server is trusted with them.
fn builder() -> HyperTransportBuilder {
    let root = rcgen::generate_simple_self_signed(["x.test".to_owned()]).unwrap();
    HyperTransport::builder().only_roots(Certificates::from_pem(root.cert.pem().as_bytes()).unwrap())
}

/// A create and a revoke, neither of which gets to a server.
async fn call(name: &str, builder: HyperTransportBuilder, shown: &mut Sanitized) {
    shown.debug(name, &builder);
    let transport = builder.build().unwrap();
    shown.debug(name, &transport);
    // No proxy asks who this is.
    let client = Client::builder(transport, SecretKey::new(KEY).unwrap());
    let client = client.retry(RetryPolicy::none()).timeout(Duration::from_secs(20)).build().unwrap();
    shown.debug(name, &client);
    let tokens = client.actor_tokens();
    let create = tokens.create("user_1", Actor::new("user_2")).send().await.unwrap_err();
    let revoke = tokens.revoke("act_1").send().await.unwrap_err();
    for error in [create, revoke] {
        shown.error(name, &error);
        shown.display(name, &error.advice());
        shown.debug(name, &error.attempts());
    }
}

#[tokio::test]
async fn what_a_proxy_quotes_is_not_shown() {
    let mut shown = Sanitized::new();
    shown.secret(KEY);
    name_credentials_of_the_proxy(&mut shown);
    for (place, answer) in PROXIES {
        let (host, asked, serving) = proxy(answer).await;
        let url = format!("http://{PROXY_USER}:{PROXY_PASSWORD_ENCODED}@{host}");
        call(place, builder().proxy(url), &mut shown).await;
        serving.abort();
        assert_eq!(asked.load(Ordering::SeqCst), 2, "{place}: the password did not arrive");
    }
    assert!(shown.records_of("hyper_util::client::legacy") >= 2 * PROXIES.len());
    shown.assert_clean("proxies that quote the password");
}

#[tokio::test]
async fn a_proxy_that_cannot_be_reached_or_used_shows_none() {
    let mut shown = Sanitized::new();
    shown.secret(KEY);
    name_credentials_of_the_proxy(&mut shown);
    let credentials = format!("{PROXY_USER}:{PROXY_PASSWORD_ENCODED}");
    // No server listens at port 1; this proxy speaks no TLS, and still has the credentials.
    call("no listener", builder().proxy(format!("http://{credentials}@127.0.0.1:1")), &mut shown).await;
    let (host, _, serving) = proxy(|_| format!("HTTP/1.1 400 {PROXY_USER}:{PROXY_PASSWORD}\r\n\r\n")).await;
    call("no TLS", builder().proxy(format!("https://{credentials}@{host}")), &mut shown).await;
    serving.abort();

    for url in [
        format!("socks4://{credentials}@127.0.0.1:1080"),
        format!("http://{credentials}@"),
        format!("http://{credentials}@127.0.0.1:99999"),
        format!("http://{PROXY_USER}:{PROXY_PASSWORD}@127.0.0.1:3128"),
        format!("http//{credentials}@127.0.0.1:3128"),
        format!("http://127.0.0.1:{PROXY_PASSWORD_ENCODED}"),
        PROXY_PASSWORD.to_owned(),
        credentials.clone(),
    ] {
        shown.debug("an invalid proxy", &builder().proxy(url.as_str()));
        shown.error("an invalid proxy", &builder().proxy(url).build().unwrap_err());
    }
    let contradicting = HyperTransport::builder().http_only().proxy(format!("http://{credentials}@127.0.0.1:1"));
    shown.error("a proxy without TLS", &contradicting.build().unwrap_err());
    shown.assert_clean("proxies that cannot be reached or used");
}

/// The environment of a process is the same for all its tests.
#[tokio::test]
async fn a_proxy_of_the_environment_shows_none() {
    let credentials = format!("{PROXY_USER}:{PROXY_PASSWORD_ENCODED}");
    let url = format!("http://{credentials}@127.0.0.1:1");
    let unusable = format!("ftp://{credentials}@127.0.0.1:1");
    let environment = [
        ("HTTPS_PROXY", Some(url.as_str())),
        ("https_proxy", None),
        ("ALL_PROXY", Some(unusable.as_str())),
        ("all_proxy", None),
        ("NO_PROXY", None),
        ("no_proxy", None),
    ];
    if !child::is_own("proxies::a_proxy_of_the_environment_shows_none", &environment) {
        return;
    }
    let mut shown = Sanitized::new();
    shown.secret(KEY);
    name_credentials_of_the_proxy(&mut shown);
    call("the environment", builder().proxy_from_env(), &mut shown).await;
    shown.assert_clean("a proxy of the environment");
}
