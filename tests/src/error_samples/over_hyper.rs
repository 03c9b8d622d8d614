//! Errors of the hyper transport in a company's network: a real proxy and a real server on loopback answer it.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

use clerk_actor_tokens::{Actor, BaseUrl, Client, Error, RetryPolicy, SecretKey, hyper::HyperTransport};

/// An error, and the address in its text that another run would not have.
pub(super) struct OverHyper {
    pub(super) error: Error,
    address: String,
}

impl OverHyper {
    /// The text with a name for the address.
    pub(super) fn text(&self) -> String {
        let text = self.error.to_string().replace(&self.address, "proxy.test:3128");
        // The number is the operating system's.
        match text.split_once(" (os error ").map(|(before, rest)| (before, rest.split_once(')'))) {
            Some((before, Some((_, after)))) => format!("{before}{after}"),
            _ => text,
        }
    }
}

/// The samples of this kind of error.
pub(super) fn samples(kind: &str) -> Vec<(&'static str, OverHyper)> {
    match kind {
        "Connect" => vec![("the proxy cannot be reached", by_proxy("http", None))],
        "Tls" => vec![
            ("the proxy's URL says https, and the proxy speaks http", by_proxy("https", Some("400 Bad Request"))),
            ("the base URL says https, and the server speaks http", to_a_plain_server()),
        ],
        "Proxy" => vec![
            ("the proxy cannot reach Clerk", by_proxy("http", Some("502 Bad Gateway"))),
            ("the proxy wants other credentials", by_proxy("http", Some("407 Proxy Authentication Required"))),
            ("the proxy does not allow the server", by_proxy("http", Some("403 Forbidden"))),
        ],
        _ => Vec::new(),
    }
}

/// A call through a proxy that responds so to what it reads, or does not listen.
fn by_proxy(scheme: &str, status: Option<&'static str>) -> OverHyper {
    let address = listening(status);
    let transport = HyperTransport::builder().proxy(format!("{scheme}://{address}")).build().unwrap();
    OverHyper { error: call(transport, BaseUrl::default()), address }
}

fn to_a_plain_server() -> OverHyper {
    let address = listening(Some("400 Bad Request"));
    let base_url = BaseUrl::new(format!("https://{address}")).unwrap();
    OverHyper { error: call(HyperTransport::new().unwrap(), base_url), address }
}

/// The address of a server that responds once. Without a status there is no listener.
fn listening(status: Option<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    if let Some(status) = status {
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            // What was not read yet would reset the connection.
            let _ = stream.read(&mut [0; 4096]);
        });
    }
    address
}

fn call(transport: HyperTransport, base_url: BaseUrl) -> Error {
    let key = SecretKey::new("sk_test_abc").unwrap();
    let client = Client::builder(transport, key).base_url(base_url).retry(RetryPolicy::none()).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(client.actor_tokens().create("user_1", Actor::new("user_2")).send()).unwrap_err()
}
