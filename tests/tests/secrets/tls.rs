//! Calls over TLS: a handshake that fails, and whole exchanges, with all that the TLS crates log of them.
//!
//! The roots are the system's, and a test can choose them for a process of its own alone: this one runs itself again.

use std::{path::Path, process::Command, sync::Arc};

use clerk_actor_tokens::{
    Actor, BaseUrl, Client, RetryPolicy, SecretKey,
    emulator::{Emulator, fault},
    hyper::HyperTransport,
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::{KEY, shown::Shown};

const CHILD: &str = "CLERK_ACTOR_TOKENS_TEST_CHILD";
const TEST: &str = "tls::calls_over_tls_show_none";

/// Takes the TLS off what arrives, and passes it on to this address.
async fn unwrapping(certificate: &str, key: &str, plain: String) -> BaseUrl {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
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

#[tokio::test]
async fn calls_over_tls_show_none() {
    let roots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("secrets-roots.pem");
    let key = roots.with_extension("key");
    if std::env::var_os(CHILD).is_none() {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        std::fs::write(&roots, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", TEST, "--nocapture"]).env(CHILD, "1");
        let output = again.env("SSL_CERT_FILE", &roots).env_remove("SSL_CERT_DIR").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        // The place of a hit is told on the other stream, without the credential.
        assert!(
            output.status.success() && text.contains("1 passed"),
            "{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        text.lines().filter(|line| line.starts_with("figure: ")).for_each(|line| println!("{line}"));
        return;
    }
    let mut shown = Shown::new();
    shown.secret(KEY);
    let clerk = Emulator::builder().secret_key(SecretKey::new(KEY).unwrap()).real_time().build();
    let plain = clerk.serve().await.unwrap();
    let plain = plain.url().trim_start_matches("http://").trim_end_matches("/v1").trim_end_matches('/').to_owned();
    let read = |path| std::fs::read_to_string(path).unwrap();
    let trusted = unwrapping(&read(&roots), &read(&key), plain.clone()).await;
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let untrusted = unwrapping(&other.cert.pem(), &other.signing_key.serialize_pem(), plain).await;

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
    for (who, at_least) in [("rustls", 50), ("hyper_util", 20)] {
        assert!(shown.records_of(who) >= at_least, "{who} logged {}", shown.records_of(who));
    }
    shown.assert_clean("TLS");
}
