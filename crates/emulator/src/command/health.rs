//! What `--health` asks: whether the server that runs with these settings serves. So an image needs no other program for it.

use std::{error::Error, fs, net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode, header::HOST};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};

use crate::{files, options::Options};

/// How long the answer may take.
const LIMIT: Duration = Duration::from_secs(5);

/// The longest answer that is read, in bytes.
const LONGEST: usize = 64 * 1024;

type Failed = Box<dyn Error>;

/// Asks once. A fault of connecting that is queued is met by this connection as by any other.
pub(crate) async fn ask(options: &Options) -> Result<(), String> {
    let host = reachable(&options.host);
    let at = format!("{host}, port {}", options.port);
    match timeout(LIMIT, status(options, &host)).await {
        Ok(Ok((StatusCode::OK, true))) => Ok(()),
        Ok(Ok((StatusCode::OK, false))) => Err(format!("{at}: what answers there is another program")),
        Ok(Ok((status, _))) => Err(format!(
            "{at}: it answers {}; its control plane has to be served: see --control-host and --no-control",
            status.as_u16()
        )),
        Ok(Err(error)) => Err(format!("{at}: {error}")),
        Err(_) => Err(format!("{at}: no answer in {} seconds", LIMIT.as_secs())),
    }
}

/// The address by which this machine reaches what listens at this one.
fn reachable(host: &str) -> String {
    match host.parse() {
        Ok(IpAddr::V4(address)) if address.is_unspecified() => "127.0.0.1".to_owned(),
        Ok(IpAddr::V6(address)) if address.is_unspecified() => "::1".to_owned(),
        _ => host.to_owned(),
    }
}

/// The status, and whether the answer is that of an emulator.
async fn status(options: &Options, host: &str) -> Result<(StatusCode, bool), Failed> {
    let stream = TcpStream::connect((host, options.port)).await?;
    let name = match options.control_host.first() {
        Some(name) => name.clone(),
        None if host.contains(':') => format!("[{host}]"),
        None => host.to_owned(),
    };
    if !options.tls {
        return get(stream, &name).await;
    }
    let stream = connector(options)?.connect(ServerName::try_from(host.to_owned())?, stream).await?;
    get(stream, &name).await
}

/// Trusts the authority of the run, which the server wrote down.
fn connector(options: &Options) -> Result<TlsConnector, Failed> {
    let file = options.ca_out.as_deref().ok_or("over TLS it needs the authority of the server: --ca-out")?;
    let pem = fs::read(file).map_err(|error| files::unusable("ca-out", file, &error))?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&pem).map_err(|error| files::wrong("ca-out", file, &error))?)?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config).into())
}

async fn get<S>(stream: S, host: &str) -> Result<(StatusCode, bool), Failed>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get("/_emulator/health").header(HOST, host).body(Empty::<Bytes>::new())?;
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = Limited::new(body, LONGEST).collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    Ok((head.status, answer.get("status").and_then(Value::as_str) == Some("ok")))
}
