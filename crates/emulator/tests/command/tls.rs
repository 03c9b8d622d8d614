//! TLS, by an authority that it hands over.

use std::{
    io::{BufRead as _, Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

use tokio_rustls::rustls::{
    self, ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use crate::running::{GOOD, Running, run};

/// By rustls, which trusts the certificate in that file and no other.
fn post_over_tls(address: &str, certificate: &str) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tls = ClientConnection::new(Arc::new(config), "127.0.0.1".try_into().unwrap()).unwrap();
    let tcp = TcpStream::connect(address).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut stream = StreamOwned::new(tls, tcp);
    let length = GOOD.len();
    let request = format!(
        "POST /v1/actor_tokens HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk_test_emulator\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{GOOD}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_speaks_tls_and_hands_its_authority_over() {
    let file = std::env::temp_dir().join(format!("clerk-actor-tokens-emulator-{}.pem", std::process::id()));
    let server = Running::start(&["--tls", "--ca-out", file.to_str().unwrap()]);
    // The reader of the first line finds the file.
    let certificate = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(server.url.starts_with("https://127.0.0.1:"));
    assert!(post_over_tls(&server.address, &certificate).starts_with("HTTP/1.1 200 "));
    // Without a file it is printed.
    let mut server = Running::start(&["--tls"]);
    let mut printed = String::new();
    while !printed.ends_with("-----END CERTIFICATE-----\n") {
        assert_ne!(server.stdout.read_line(&mut printed).unwrap(), 0);
    }
    assert!(post_over_tls(&server.address, &printed).starts_with("HTTP/1.1 200 "));
    // A file that cannot be written is an error, and nothing is served.
    let (code, stdout, stderr) = run(&["--tls", "--ca-out", "/nowhere/at/all.pem"]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.starts_with("error: --ca-out /nowhere/at/all.pem: "), "{stderr}");
}
