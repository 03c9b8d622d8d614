//! Who the client is, by its certificate: the private key is in no text, whether the server takes it or not.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use clerk_actor_tokens::{
    Actor, BaseUrl, Client, RetryPolicy, SecretKey,
    hyper::{Certificates, ClientIdentity, HyperTransport},
    testing::emulator::Emulator,
};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};

use crate::{
    KEY,
    shown::Sanitized,
    tls::{address, unwrapping},
};

/// A certificate and its key.
struct Pair {
    certificate: String,
    key: String,
    /// The number that is the private key (RFC 5915), without what certificates show too.
    number: Vec<u8>,
}

impl Pair {
    fn new(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let key = made.signing_key.serialize_pem();
        let der = made.signing_key.serialize_der();
        // ECPrivateKey: version 1, then the number as an octet string of 32 bytes.
        let mark = [2, 1, 1, 4, 32];
        let place = der.windows(mark.len()).position(|window| window == mark).expect("a key on P-256");
        let number = der[place + mark.len()..][..32].to_vec();
        Self { certificate: made.cert.pem(), key, number }
    }

    fn identity(&self) -> ClientIdentity {
        ClientIdentity::from_pem(self.certificate.as_bytes(), self.key.as_bytes()).unwrap()
    }

    /// The key is a secret, in the words of its PEM too.
    fn name(&self, shown: &mut Sanitized) {
        shown.secret_bytes(&self.number);
        let body: String = self.key.lines().filter(|line| !line.starts_with("-----")).collect();
        let begins = STANDARD.decode(body).unwrap();
        let place = begins.windows(32).position(|window| window == self.number).unwrap();
        // As far as whole characters of it are in whole lines.
        shown.secret(&STANDARD.encode(&begins[place.next_multiple_of(3)..][..27]));
    }
}

/// A server that wants a certificate of its clients, and takes this one alone.
async fn asking(server: &Pair, client: &Pair, plain: String) -> BaseUrl {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let der = |pair: &Pair| CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(der(client)).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::from_pem_slice(server.key.as_bytes()).unwrap();
    let config = config.with_client_cert_verifier(verifier).with_single_cert(vec![der(server)], key).unwrap();
    unwrapping(config, plain).await
}

#[tokio::test]
async fn a_private_key_is_not_shown() {
    let mut shown = Sanitized::new();
    shown.secret(KEY);
    let (server, client, other) = (Pair::new("127.0.0.1"), Pair::new("client.test"), Pair::new("other.test"));
    client.name(&mut shown);
    other.name(&mut shown);
    let clerk = Emulator::builder().secret_key(SecretKey::new(KEY).unwrap()).real_time().build();
    let plain = clerk.serve().await.unwrap();
    let url = asking(&server, &client, address(&plain)).await;
    let before = shown.records_of("rustls::client");
    // The one that the server takes, one that it does not, and none.
    for (name, identity, is_taken) in [
        ("the right identity", Some(client.identity()), true),
        ("the wrong identity", Some(other.identity()), false),
        ("no identity", None, false),
    ] {
        shown.debug(name, &identity);
        let builder =
            HyperTransport::builder().only_roots(Certificates::from_pem(server.certificate.as_bytes()).unwrap());
        let builder = match identity {
            Some(identity) => builder.client_identity(identity),
            None => builder,
        };
        shown.debug(name, &builder);
        shown.debug(name, &builder.clone());
        let transport = builder.build().unwrap();
        shown.debug(name, &transport);
        let builder = Client::builder(transport, SecretKey::new(KEY).unwrap()).base_url(url.clone());
        let builder = builder.retry(RetryPolicy::none()).timeout(Duration::from_secs(20));
        let built = builder.build().unwrap();
        shown.debug(name, &built);
        let tokens = built.actor_tokens();
        let created = tokens.create("user_1", Actor::new("user_2")).send().await;
        let revoked = tokens.revoke(created.as_ref().map_or("act_1", |token| token.id().as_str())).send().await;
        shown.debug(name, &(&created, &revoked));
        assert_eq!((created.is_ok(), revoked.is_ok()), (is_taken, is_taken), "{name}");
        for error in [created.err(), revoked.err()].into_iter().flatten() {
            shown.error(name, &error);
        }
    }
    let logged = shown.records_of("rustls::client") - before;
    assert!(logged >= 30, "rustls logged {logged}");
    shown.assert_clean("a private key");
}

#[test]
fn a_private_key_that_cannot_be_used_is_not_shown() {
    let mut shown = Sanitized::new();
    let (pair, other) = (Pair::new("client.test"), Pair::new("other.test"));
    pair.name(&mut shown);
    other.name(&mut shown);
    let key = pair.key.as_str();
    let lines: Vec<&str> = key.lines().collect();
    // What a hand can do to a file.
    let cut = key.get(..key.len() / 2).unwrap();
    let without_end = lines[..lines.len() - 1].join("\n");
    let without_begin = lines[1..].join("\n");
    let not_base64 = key.replacen(lines[2], &format!("{}!", lines[2]), 1);
    let one_line = lines.join(" ");
    let in_the_label = format!("-----BEGIN {}-----\n", lines[2]);
    let another_label = key.replace("PRIVATE KEY", "CERTIFICATE");
    for text in [cut, &without_end, &without_begin, &not_base64, &one_line, &in_the_label, &another_label] {
        for (chain, key) in [(pair.certificate.as_str(), text), (text, key), (text, text)] {
            match ClientIdentity::from_pem(chain.as_bytes(), key.as_bytes()) {
                Err(error) => shown.error("ClientIdentity", &error),
                Ok(identity) => {
                    shown.debug("ClientIdentity", &identity);
                    let builder = HyperTransport::builder().client_identity(identity);
                    shown.debug("HyperTransportBuilder", &builder);
                    if let Err(error) = builder.build() {
                        shown.error("HyperTransportBuilder", &error);
                    }
                }
            }
        }
        match Certificates::from_pem(text.as_bytes()) {
            Err(error) => shown.error("Certificates", &error),
            Ok(certificates) => {
                shown.debug("Certificates", &certificates);
                let builder = HyperTransport::builder().only_roots(certificates);
                shown.debug("HyperTransportBuilder", &builder);
                shown.error("HyperTransportBuilder", &builder.build().unwrap_err());
            }
        }
    }
    // A key that belongs to another certificate.
    let mixed = ClientIdentity::from_pem(pair.certificate.as_bytes(), other.key.as_bytes()).unwrap();
    shown.debug("ClientIdentity", &mixed);
    shown.error("HyperTransportBuilder", &HyperTransport::builder().client_identity(mixed).build().unwrap_err());
    let both = ClientIdentity::from_pem(format!("{}{key}", pair.certificate).as_bytes(), key.as_bytes()).unwrap();
    let contradicting = HyperTransport::builder().client_identity(both).http_only();
    shown.debug("HyperTransportBuilder", &contradicting);
    shown.error("HyperTransportBuilder", &contradicting.build().unwrap_err());
    shown.assert_clean("private keys that cannot be used");
}
