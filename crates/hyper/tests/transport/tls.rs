//! TLS: which failures of a handshake are lasting, and that a good one works.
//!
//! The root certificates are the system's. A test can only choose them through `SSL_CERT_FILE`, for a process of its
//! own: such a test runs itself once more.

use std::{path::Path, sync::Arc, time::Duration};

use clerk_actor_tokens_core::{Execution, TransportError, TransportErrorKind};
use clerk_actor_tokens_hyper::HyperTransport;
use rcgen::generate_simple_self_signed;
use rustls::{
    ServerConfig,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;

use crate::certs::{Identity, provider};
use crate::child::{is_child, root, run_again, run_again_with_root};
use crate::support::{
    Exchanges, LONG, SHORT, Server, assert_kind, causes, closed_by_client, ok, post, post_within, read_request,
};

/// A self-signed certificate for this name and its key, in PEM.
fn certificate(name: &str) -> (String, String) {
    let made = generate_simple_self_signed([name.to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// A server that shows this certificate, speaks these protocols (ALPN) and answers every request with `hello`.
async fn tls_server((certificate, key): (String, String), alpn: &[&str]) -> Server {
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Server::start(move |_, stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            while read_request(&mut stream).await.is_some() {
                stream.write_all(ok("hello").as_bytes()).await.unwrap();
            }
        }
    })
    .await
}

fn https(server: &Server) -> String {
    format!("https://127.0.0.1:{}/", server.port())
}

async fn fails(transport: &HyperTransport, url: &str, kind: TransportErrorKind) -> TransportError {
    let error = transport.exchange(post(url)).await.unwrap_err();
    assert_kind(&error, kind);
    assert_eq!(error.execution(), Execution::NotExecuted);
    error
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_lasting() {
    let server = tls_server(certificate("127.0.0.1"), &[]).await;
    fails(&HyperTransport::new().unwrap(), &https(&server), TransportErrorKind::Tls).await;
}

#[tokio::test]
async fn a_server_that_speaks_another_protocol_over_tls_is_lasting() {
    let server = tls_server(certificate("127.0.0.1"), &["h2"]).await;
    let transport = HyperTransport::builder().http1_only().build().unwrap();
    let error = fails(&transport, &https(&server), TransportErrorKind::Tls).await;
    assert!(causes(&error).iter().any(|cause| cause.contains("NoApplicationProtocol")), "{error:?}");
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_lasting() {
    let server = Server::start(|_, mut stream| async move {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        closed_by_client(&mut stream).await;
    })
    .await;
    fails(&HyperTransport::new().unwrap(), &https(&server), TransportErrorKind::Tls).await;
}

#[tokio::test]
async fn a_handshake_that_is_cut_off_is_a_failed_connection() {
    let transport = HyperTransport::new().unwrap();
    for reset in [false, true] {
        let server = Server::start(move |_, mut stream| async move {
            // The record header of the ClientHello (RFC 8446, section 5.1).
            tokio::io::AsyncReadExt::read_exact(&mut stream, &mut [0; 5]).await.unwrap();
            if reset {
                stream.set_zero_linger().unwrap();
            } else {
                stream.shutdown().await.unwrap();
                closed_by_client(&mut stream).await;
            }
        })
        .await;
        fails(&transport, &https(&server), TransportErrorKind::Connect).await;
    }
}

/// A server that accepts TCP and never says a word.
async fn silent() -> Server {
    Server::start(|_, mut stream| async move { closed_by_client(&mut stream).await }).await
}

#[tokio::test]
async fn the_connect_timeout_spans_the_tls_handshake() {
    let server = silent().await;
    let transport = HyperTransport::builder().connect_timeout(Duration::from_millis(150)).build().unwrap();
    let error = fails(&transport, &https(&server), TransportErrorKind::Connect).await;
    assert!(causes(&error).iter().any(|cause| cause == "connecting took longer than 150ms"), "{error:?}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_deadline_within_the_handshake_proves_that_nothing_was_sent() {
    let server = silent().await;
    let transport = HyperTransport::builder().connect_timeout(LONG).build().unwrap();
    let error = transport.exchange(post_within(&https(&server), SHORT)).await.unwrap_err();
    assert_kind(&error, TransportErrorKind::TimeoutBeforeSend);
    assert_eq!(error.execution(), Execution::NotExecuted);
}

#[tokio::test]
async fn no_crypto_provider_is_installed_for_the_process() {
    let server = tls_server(certificate("127.0.0.1"), &[]).await;
    fails(&HyperTransport::new().unwrap(), &https(&server), TransportErrorKind::Tls).await;
    assert!(CryptoProvider::get_default().is_none());
}

#[tokio::test]
async fn an_exchange_with_a_trusted_server_works_and_its_connection_is_used_again() {
    if !is_child() {
        let (certificate, key) = certificate("127.0.0.1");
        return run_again_with_root(
            "tls::an_exchange_with_a_trusted_server_works_and_its_connection_is_used_again",
            &Identity { certificate, key },
        );
    }
    let Identity { certificate, key } = root();
    let server = tls_server((certificate, key), &["http/1.1"]).await;
    let transport = HyperTransport::new().unwrap();
    for _ in 0..3 {
        let response = transport.exchange(post(&https(&server))).await.unwrap();
        assert_eq!(response.body().as_ref(), b"hello");
    }
    assert_eq!(server.connections(), 1);

    // The same trusted certificate, under a name that it is not for.
    fails(&transport, &https(&server).replace("127.0.0.1", "localhost"), TransportErrorKind::Tls).await;
}

#[tokio::test]
async fn without_root_certificates_http_works_and_https_says_what_is_missing() {
    if !is_child() {
        let missing = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-such-folder");
        return run_again(
            "tls::without_root_certificates_http_works_and_https_says_what_is_missing",
            &[("SSL_CERT_DIR", missing.to_str().unwrap())],
        );
    }
    let transport = HyperTransport::new().expect("no roots are no reason to refuse to build");
    let plain = Server::answering(ok("hello")).await;
    transport.exchange(post(&plain.url("/"))).await.unwrap();

    let server = tls_server(certificate("127.0.0.1"), &[]).await;
    let error = fails(&transport, &https(&server), TransportErrorKind::Tls).await;
    // In what is shown of a call's error too: where only that is logged, it is the line somebody needs.
    let cause = causes(&error).into_iter().find(|cause| cause.contains("no root certificate was found")).unwrap();
    assert!(cause.contains("install ca-certificates") && cause.contains("webpki"), "{cause}");
    let advice = error.advice().unwrap();
    assert!(advice.contains("ca-certificates") && advice.contains("webpki_roots()"), "{advice}");
    assert_eq!(server.connections(), 0);
}
