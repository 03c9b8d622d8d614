//! Calls over TLS with the system's roots: a handshake that fails, and whole exchanges, with all that the TLS crates log.
//! With roots of its own choice a transport is in `ways.rs`.
//!
//! The roots are the system's, and a test can choose them for a process of its own alone: this one runs itself again.

use std::{path::Path, sync::Arc};

use clerk_actor_tokens::{
    Actor, BaseUrl, Client, RetryPolicy, SecretKey,
    hyper::HyperTransport,
    testing::emulator::{Emulator, Served, fault},
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::{KEY, child, shown::Sanitized};

const TEST: &str = "tls::calls_over_tls_show_none";

/// A server with this certificate, which asks its clients for none.
fn serving(certificate: &str, key: &str) -> ServerConfig {
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    config.with_single_cert(vec![certificate], PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap()
}

/// Takes the TLS off what arrives, and passes it on to this address.
pub(crate) async fn unwrapping(config: ServerConfig, plain: String) -> BaseUrl {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = BaseUrl::new(format!("https://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, plain) = (acceptor.clone(), plain.clone());
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut onward = TcpStream::connect(plain).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut onward).await;
            });
        }
    });
    url
}

/// The address behind the URL of a server without TLS.
pub(crate) fn address(server: &Served) -> String {
    server.url().trim_start_matches("http://").to_owned()
}

#[tokio::test]
async fn calls_over_tls_show_none() {
    let roots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("secrets-roots.pem");
    let key = roots.with_extension("key");
    if std::env::var_os(child::CHILD).is_none() {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        std::fs::write(&roots, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    }
    let environment = [("SSL_CERT_FILE", Some(roots.to_str().unwrap())), ("SSL_CERT_DIR", None)];
    if !child::is_own(TEST, &environment) {
        return;
    }
    let mut shown = Sanitized::new();
    shown.secret(KEY);
    let clerk = Emulator::builder().secret_key(SecretKey::new(KEY).unwrap()).real_time().build();
    let served = clerk.serve().await.unwrap();
    let plain = address(&served);
    let read = |path| std::fs::read_to_string(path).unwrap();
    let trusted = unwrapping(serving(&read(&roots), &read(&key)), plain.clone()).await;
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let untrusted = unwrapping(serving(&other.cert.pem(), &other.signing_key.serialize_pem()), plain).await;

    let transport = HyperTransport::new().unwrap();
    let to = |url| {
        let builder = Client::builder(transport.clone(), SecretKey::new(KEY).unwrap()).base_url(url);
        builder.retry(RetryPolicy::none()).build().unwrap()
    };
    let client = to(trusted);
    let tokens = client.actor_tokens();
    let token = tokens.create("user_1", Actor::new("user_2")).send().await.unwrap();
    shown.secret(token.token().unwrap().expose());
    shown.secret(token.url().unwrap().expose());
    shown.debug("ActorToken", &token);
    shown.debug("Revocation", &tokens.revoke(token.id()).send().await.unwrap());
    clerk.next_create().after_commit(fault::reset());
    shown.error("Error", &tokens.create("user_1", Actor::new("user_2")).send().await.unwrap_err());
    clerk.next_create().after_commit(fault::cut_at(400));
    shown.error("Error", &tokens.create("user_1", Actor::new("user_2")).send().await.unwrap_err());
    shown.error("Error", &to(untrusted).actor_tokens().revoke("act_1").send().await.unwrap_err());
    shown.debug("HyperTransport", &transport);
    for (who, at_least) in [("rustls", 50), ("hyper_util", 5)] {
        assert!(shown.records_of(who) >= at_least, "{who} logged {}", shown.records_of(who));
    }
    shown.assert_clean("TLS");
}
