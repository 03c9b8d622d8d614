//! Whom to trust, who we are, and which version of HTTP is agreed on.
//!
//! Not responsible for servers whose TLS is wrong (`tls_bad_servers.rs`).

use std::{error::Error, sync::Mutex};

use bytes::Bytes;
use clerk_actor_tokens_core::TransportErrorKind;
use clerk_actor_tokens_hyper::{Certificates, ClientIdentity, HyperTransport, HyperTransportBuilder};
use http::Version;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
};

use crate::{
    certs::{Authority, Identity, TLS_1_2, TLS_1_3},
    child::{is_child, root, run_again, run_again_with_root},
    h2_peer::Peer,
    proxy::https_server,
    support::{Exchanges, Server, assert_kind, ok, post, read_request},
};

const NAME: &str = "127.0.0.1";

async fn is_trusted(transport: &HyperTransport, authority: &Authority) -> bool {
    let server = https_server(&authority.server(NAME), "http/1.1", None).await;
    match transport.exchange(post(&server.https("/"))).await {
        Ok(response) => {
            assert_eq!(response.body(), "hello");
            true
        }
        Err(error) => {
            assert_kind(&error, TransportErrorKind::Tls);
            false
        }
    }
}

#[tokio::test]
async fn the_roots_that_are_trusted_are_the_ones_that_were_chosen() {
    if !is_child() {
        let system = Authority::new("the system");
        return run_again_with_root(
            "tls_options::the_roots_that_are_trusted_are_the_ones_that_were_chosen",
            &Identity { certificate: system.pem(), key: system.key_pem() },
        );
    }
    let system = Authority::from_key("the system", &root().key);
    let (own, other, stranger) = (Authority::new("own"), Authority::new("other"), Authority::new("stranger"));
    let both = Certificates::from_pem([own.pem(), other.pem()].concat().as_bytes()).unwrap();
    let der = Certificates::from_der(own.der().to_vec());
    let new = HyperTransport::builder;
    // Whether the system's, one's own, and the other one are trusted.
    let cases: Vec<(HyperTransportBuilder, [bool; 3])> = vec![
        (new(), [true, false, false]),
        (new().add_root(own.as_root()), [true, true, false]),
        (new().add_root(own.as_root()).add_root(other.as_root()), [true, true, true]),
        (new().add_root(both.clone()), [true, true, true]),
        (new().add_root(der), [true, true, false]),
        (new().only_roots(own.as_root()), [false, true, false]),
        (new().only_roots(own.as_root()).add_root(other.as_root()), [false, true, true]),
        (new().add_root(other.as_root()).only_roots(own.as_root()), [false, true, true]),
        (new().only_roots(both), [false, true, true]),
    ];
    #[cfg(feature = "webpki-roots")]
    let cases = [
        cases,
        vec![
            (new().webpki_roots(), [false, false, false]),
            (new().webpki_roots().add_root(own.as_root()), [false, true, false]),
        ],
    ]
    .concat();
    #[cfg(feature = "platform-verifier")]
    let cases = [
        cases,
        vec![
            (new().platform_verifier(), [true, false, false]),
            (new().platform_verifier().add_root(own.as_root()), [true, true, false]),
        ],
    ]
    .concat();
    for (builder, expected) in cases {
        let shown = format!("{builder:?}");
        let transport = builder.build().unwrap();
        for (authority, expected) in [&system, &own, &other].into_iter().zip(expected) {
            assert_eq!(is_trusted(&transport, authority).await, expected, "{shown}");
        }
        assert!(!is_trusted(&transport, &stranger).await, "{shown}");
    }
}

#[test]
#[cfg(all(feature = "platform-verifier", feature = "webpki-roots"))]
fn whom_to_trust_is_said_once() {
    let (new, root) = (HyperTransport::builder, Authority::new("own").as_root());
    for (builder, settings) in [
        (new().only_roots(root.clone()).webpki_roots(), ["only_roots", "webpki_roots"]),
        (new().only_roots(root).platform_verifier(), ["only_roots", "platform_verifier"]),
        (new().webpki_roots().platform_verifier(), ["webpki_roots", "platform_verifier"]),
    ] {
        let error = builder.build().unwrap_err().to_string();
        assert!(settings.iter().all(|setting| error.contains(setting)), "{error}");
    }
}

/// The file is the user's choice, as a root that is added is.
#[tokio::test]
async fn the_file_that_the_environment_names_is_read_whole_or_refused() {
    const TEST: &str = "tls_options::the_file_that_the_environment_names_is_read_whole_or_refused";
    if !is_child() {
        let system = Authority::new("the system");
        let files = [format!("\u{feff}{}", system.pem()), system.pem().replacen("-----END", "----END", 1)];
        for file in files {
            run_again_with_root(TEST, &Identity { certificate: file, key: system.key_pem() });
        }
        return;
    }
    let builders = vec![HyperTransport::builder()];
    #[cfg(feature = "platform-verifier")]
    let builders = [builders, vec![HyperTransport::builder().platform_verifier()]].concat();
    let Identity { certificate, key } = root();
    for builder in builders {
        if certificate.starts_with('\u{feff}') {
            // Its first root, and here its only one, begins behind the byte order mark.
            assert!(is_trusted(&builder.build().unwrap(), &Authority::from_key("the system", &key)).await);
        } else {
            let error = builder.build().unwrap_err().to_string();
            assert!(error.starts_with("`SSL_CERT_FILE` cannot be used, as its file has in line"), "{error}");
        }
    }
}

#[test]
fn a_file_of_the_environment_that_cannot_be_read_is_refused() {
    const TEST: &str = "tls_options::a_file_of_the_environment_that_cannot_be_read_is_refused";
    if !is_child() {
        let folder = env!("CARGO_TARGET_TMPDIR");
        let missing = format!("{folder}/no-such-file.pem");
        // Of a device no end may come, as of a pipe.
        for file in [folder, &missing, "/dev/zero", ""] {
            // Another variable that finds roots does not hide it.
            run_again(TEST, &[("SSL_CERT_FILE", file), ("SSL_CERT_DIR", "/etc/ssl/certs")]);
        }
        return;
    }
    let file = std::env::var("SSL_CERT_FILE").unwrap();
    for builder in [HyperTransport::builder(), HyperTransport::builder().add_root(Authority::new("added").as_root())] {
        let error = builder.build().unwrap_err();
        assert_eq!(error.setting(), "SSL_CERT_FILE");
        let said = if file.is_empty() { "is set, and empty" } else { file.as_str() };
        assert!(error.to_string().contains(said), "{error}");
    }
}

/// A SEQUENCE that is no certificate is whole base64, and cannot be a root.
#[test]
fn a_file_of_the_environment_with_what_is_no_certificate_is_refused_by_its_number() {
    const TEST: &str = "tls_options::a_file_of_the_environment_with_what_is_no_certificate_is_refused_by_its_number";
    if !is_child() {
        let good = Authority::new("good");
        let key = good.key_pem().replace("PRIVATE KEY", "CERTIFICATE");
        let file = Identity { certificate: format!("{}{key}", good.pem()), key: good.key_pem() };
        return run_again_with_root(TEST, &file);
    }
    let builders = vec![HyperTransport::builder()];
    #[cfg(feature = "platform-verifier")]
    let builders = [builders, vec![HyperTransport::builder().platform_verifier()]].concat();
    for builder in builders {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains("SSL_CERT_FILE") && error.contains("number 2"), "{error}");
    }
}

#[test]
fn certificates_that_cannot_be_roots_are_refused() {
    let authority = Authority::new("trusted");
    let cut = authority.pem().replace("-----END CERTIFICATE-----", "");
    let no_base64 = "-----BEGIN CERTIFICATE-----\n%%%%\n-----END CERTIFICATE-----\n";
    for pem in ["", "no PEM", &authority.server(NAME).key, &cut, no_base64] {
        let error = Certificates::from_pem(pem.as_bytes()).unwrap_err();
        assert!(error.to_string().contains("`certificates` "), "{error}");
    }
    let empty = Certificates::from_der(Vec::new());
    let garbage = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
    for roots in [empty, Certificates::from_der([0x30; 40]), Certificates::from_pem(garbage.as_bytes()).unwrap()] {
        let error = HyperTransport::builder().add_root(roots.clone()).build().unwrap_err();
        assert!(error.to_string().contains("root certificate"), "{error}");
        assert!(error.source().is_some(), "{error}");
        assert!(HyperTransport::builder().only_roots(roots).build().is_err());
    }
    // What else is in the text is passed over.
    let mixed = [authority.server(NAME).key, authority.pem()].concat();
    assert_eq!(format!("{:?}", Certificates::from_pem(mixed.as_bytes()).unwrap()), "Certificates(1)");
}

#[tokio::test]
async fn a_server_that_asks_sees_who_we_are_and_one_that_does_not_ask_does_not() {
    let (trusted, clients) = (Authority::new("trusted"), Authority::new("clients"));
    let identity = clients.client("this client");
    for versions in [TLS_1_2, TLS_1_3] {
        for alpn in ["http/1.1", "h2"] {
            for asks in [true, false] {
                let (seen, mut certificates) = mpsc::unbounded_channel();
                let (server_identity, protocols) = (trusted.server(NAME), [alpn]);
                let acceptor = server_identity.acceptor().versions(versions).alpn(&protocols);
                let acceptor = if asks { acceptor.demand(&clients) } else { acceptor }.build();
                let server = Server::start(move |_, stream| {
                    let (acceptor, seen) = (acceptor.clone(), seen.clone());
                    async move {
                        let mut stream = acceptor.accept(stream).await.unwrap();
                        let shown = stream.get_ref().1.peer_certificates().map(<[CertificateDer<'_>]>::to_vec);
                        seen.send(shown.unwrap_or_default()).unwrap();
                        if alpn == "h2" {
                            let mut peer = Peer::accept(stream).await.unwrap();
                            let request = peer.request().await.unwrap();
                            peer.answer(request.id, "hello").await;
                            return peer.closed_by_client().await;
                        }
                        read_request(&mut stream).await.unwrap();
                        stream.write_all(ok("hello").as_bytes()).await.unwrap();
                    }
                })
                .await;
                let builder = HyperTransport::builder().only_roots(trusted.as_root());
                let transport = builder.client_identity(identity.of_client()).build().unwrap();
                assert_eq!(transport.exchange(post(&server.https("/"))).await.unwrap().body(), "hello");
                let expected = if asks { vec![identity.der().into_owned()] } else { Vec::new() };
                assert_eq!(certificates.recv().await.unwrap(), expected);
            }
        }
    }
}

/// What a part of this key looks like where it is shown: as its PEM, or as bytes of that or of its DER.
fn shown(key: &str) -> Vec<String> {
    let lines = key.lines().filter(|line| line.len() > 8 && !line.contains("---")).map(|line| &line[..8]);
    let mut parts: Vec<_> = lines.clone().map(str::to_owned).collect();
    parts.extend(lines.map(|line| decimal(line.as_bytes())));
    if let Ok(der) = PrivateKeyDer::from_pem_slice(key.as_bytes()) {
        parts.extend(der.secret_der().chunks_exact(8).map(decimal));
    }
    assert!(!parts.is_empty());
    parts
}

/// As `Debug` writes bytes, without the brackets.
fn decimal(bytes: &[u8]) -> String {
    format!("{bytes:?}").trim_matches(['[', ']']).to_owned()
}

#[track_caller]
fn assert_not_in(text: &str, key: &str) {
    for part in shown(key) {
        assert!(!text.contains(&part), "a part of the key is shown");
    }
}

/// No text of the error, or of what it came from, shows a part of the key.
#[track_caller]
fn assert_no_key_in(error: &dyn Error, key: &str) {
    let mut next = Some(error);
    while let Some(error) = next {
        assert_not_in(&format!("{error} {error:?}"), key);
        next = error.source();
    }
}

#[test]
fn an_identity_that_cannot_work_is_refused_and_its_key_is_in_no_error() {
    let clients = Authority::new("clients");
    let (one, two) = (clients.client("one"), clients.client("two"));
    let lines: Vec<_> = one.key.lines().collect();
    let without_end = lines[..lines.len() - 1].join("\n");
    let broken = one.key.replacen('M', "%", 1);
    let mislabelled = one.key.replace("PRIVATE KEY", "SECRET KEY");
    let without_dashes = one.key.replacen("-----\n", "\n", 1);
    let unclosed = one.key.replacen("KEY-----\n", "KEY ", 1);
    for key in ["", "no PEM", &one.certificate, &without_end, &broken, &mislabelled, &without_dashes, &unclosed] {
        let error = ClientIdentity::from_pem(one.certificate.as_bytes(), key.as_bytes()).unwrap_err();
        assert!(error.to_string().contains("its key"), "{error}");
        assert_no_key_in(&error, &one.key);
    }
    let error = ClientIdentity::from_pem(one.key.as_bytes(), one.key.as_bytes()).unwrap_err();
    assert_no_key_in(&error, &one.key);

    // Well-formed, and of no use: an invalid key, another certificate's key, an invalid certificate.
    let no_key = "-----BEGIN PRIVATE KEY-----\nMBhDQU5BUllDQU5BUllDQU5BUllDQU5BUlk=\n-----END PRIVATE KEY-----\n";
    let no_certificate = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
    for (certificate, key) in [(&*one.certificate, no_key), (&one.certificate, &two.key), (no_certificate, &two.key)] {
        let identity = ClientIdentity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        let error = HyperTransport::builder().client_identity(identity).build().unwrap_err();
        assert!(error.to_string().contains("certificate and private key"), "{error}");
        assert_no_key_in(&error, key);
    }
}

#[test]
fn an_identity_shows_nothing_of_its_key() {
    let one = Authority::new("clients").client("one");
    let together = [one.certificate.as_str(), &one.key].concat();
    let identity = ClientIdentity::from_pem(together.as_bytes(), together.as_bytes()).unwrap();
    let builder = HyperTransport::builder().client_identity(identity.clone());
    for text in [format!("{identity:?}"), format!("{builder:?}")] {
        assert_not_in(&text, &one.key);
        assert!(text.contains("Certificates(1)"), "{text}");
    }
    assert_eq!(format!("{:?}", builder.build().unwrap()), "HyperTransport { .. }");
}

#[tokio::test]
async fn http_2_is_spoken_where_both_sides_speak_it_and_what_was_chosen_alone_where_something_was() {
    type Choose = fn(HyperTransportBuilder) -> HyperTransportBuilder;
    let (either, one, two): (Choose, Choose, Choose) =
        (|builder| builder, HyperTransportBuilder::http1_only, HyperTransportBuilder::http2_prior_knowledge);
    let trusted = Authority::new("trusted");
    // What the client chose, what the server speaks, best first, and what they agree on.
    let cases: [(Choose, &'static [&'static str], Option<Version>); 12] = [
        (either, &["h2", "http/1.1"], Some(Version::HTTP_2)),
        (either, &["http/1.1"], Some(Version::HTTP_11)),
        (either, &["h2"], Some(Version::HTTP_2)),
        (either, &[], Some(Version::HTTP_11)),
        (either, &["spdy/3"], None),
        (one, &["h2", "http/1.1"], Some(Version::HTTP_11)),
        (one, &[], Some(Version::HTTP_11)),
        (one, &["h2"], None),
        (two, &["h2", "http/1.1"], Some(Version::HTTP_2)),
        (two, &["http/1.1", "h2"], Some(Version::HTTP_2)),
        (two, &[], Some(Version::HTTP_2)),
        (two, &["http/1.1"], None),
    ];
    for (choose, speaks, expected) in cases {
        let identity = trusted.server(NAME);
        let acceptor = identity.acceptor().alpn(speaks).build();
        let server = Server::start(move |_, stream| {
            let acceptor = acceptor.clone();
            async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                if expected == Some(Version::HTTP_2) {
                    let mut peer = Peer::accept(stream).await.unwrap();
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
        .await;
        let transport = choose(HyperTransport::builder()).only_roots(trusted.as_root()).build().unwrap();
        for _ in 0..3 {
            match (transport.exchange(post(&server.https("/"))).await, expected) {
                (Ok(response), Some(expected)) => assert_eq!(response.version(), expected, "{speaks:?}"),
                (Err(error), None) => assert_kind(&error, TransportErrorKind::Tls),
                (result, _) => panic!("{speaks:?}, {expected:?}: {result:?}"),
            }
        }
        assert_eq!(server.connections(), if expected.is_some() { 1 } else { 3 }, "{speaks:?}");
    }
}

/// A server of the h2 crate, which knows flow control: it answers with bodies of this size, each request on its own.
async fn h2_server(trusted: &Authority, size: usize) -> Server {
    let identity = trusted.server(NAME);
    let acceptor = identity.acceptor().alpn(&["h2"]).build();
    let body = Bytes::from(vec![b'x'; size]);
    Server::start(move |_, stream| {
        let (acceptor, body) = (acceptor.clone(), body.clone());
        async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let mut connection = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                let mut stream = respond.send_response(http::Response::new(()), false).unwrap();
                stream.send_data(body.clone(), true).unwrap();
            }
        }
    })
    .await
}

#[tokio::test]
async fn many_requests_at_once_share_one_http_2_connection_over_tls_and_large_bodies_come_whole() {
    let trusted = Authority::new("trusted");
    for size in [0, 1, 65_535, 65_536, 200 * 1024] {
        let server = h2_server(&trusted, size).await;
        let transport = HyperTransport::builder().only_roots(trusted.as_root()).build().unwrap();
        transport.exchange(post(&server.https("/"))).await.unwrap();
        let all: Vec<_> = (0..32)
            .map(|_| {
                let (transport, request) = (transport.clone(), post(&server.https("/")));
                tokio::spawn(async move { transport.exchange(request).await })
            })
            .collect();
        for sent in all {
            assert_eq!(sent.await.unwrap().unwrap().body().len(), size);
        }
        assert_eq!(server.connections(), 1, "{size}");
    }
}

/// The key exchange groups that the client offers in its ClientHello (RFC 8446 section 4.2.7).
async fn offered_groups() -> Vec<u16> {
    let hello = std::sync::Arc::new(Mutex::new(Vec::new()));
    let read = hello.clone();
    let server = Server::start(move |_, mut stream| {
        let read = read.clone();
        async move {
            let mut head = [0; 5];
            stream.read_exact(&mut head).await.unwrap();
            let mut body = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
            stream.read_exact(&mut body).await.unwrap();
            *read.lock().unwrap() = body;
        }
    })
    .await;
    let trusted = Authority::new("trusted");
    let transport = HyperTransport::builder().only_roots(trusted.as_root()).build().unwrap();
    transport.exchange(post(&server.https("/"))).await.unwrap_err();

    let hello = hello.lock().unwrap();
    let number = |at: usize| usize::from(u16::from_be_bytes([hello[at], hello[at + 1]]));
    // Type and length, version, random; then session, cipher suites and compressions, each with its length before it.
    let session = 4 + 2 + 32;
    let suites = session + 1 + usize::from(hello[session]);
    let compressions = suites + 2 + number(suites);
    let mut extension = compressions + 1 + usize::from(hello[compressions]) + 2;
    const SUPPORTED_GROUPS: usize = 10;
    while number(extension) != SUPPORTED_GROUPS {
        extension += 4 + number(extension + 2);
    }
    let groups = hello[extension + 6..extension + 4 + number(extension + 2)].chunks(2);
    groups.map(|group| u16::from_be_bytes([group[0], group[1]])).collect()
}

#[tokio::test]
async fn where_both_crypto_providers_are_built_in_it_is_aws_lc_rs_that_is_used() {
    const X25519: u16 = 0x1d;
    // ring has no post-quantum key exchange.
    const X25519_MLKEM768: u16 = 0x11ec;
    let groups = offered_groups().await;
    assert!(groups.contains(&X25519), "{groups:x?}");
    assert_eq!(groups.contains(&X25519_MLKEM768), cfg!(feature = "aws-lc-rs"), "{groups:x?}");
}

#[cfg(feature = "webpki-roots")]
#[test]
fn a_pin_is_not_widened_without_a_word() {
    let ours = Authority::new("pinned");
    let builder = || HyperTransport::builder();
    for both in
        [builder().only_roots(ours.as_root()).webpki_roots(), builder().webpki_roots().only_roots(ours.as_root())]
    {
        let error = both.build().unwrap_err();
        assert_eq!((error.setting(), error.problem()), ("only_roots", "is set together with webpki_roots"));
    }
}
