//! The choice of a proxy beside curl's, which is observed at two proxies and the server.
//!
//! It needs curl, so it runs where it is asked for: `cargo test -p clerk-actor-tokens-hyper --lib as_curl -- --ignored`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by a panic, and a figure is shown"
)]

use std::{
    io::Read as _,
    net::TcpListener,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use http::{HeaderMap, Uri};

use super::{NoProxy, Via, of_environment, read_url};

/// Where a request is sent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    /// The n-th proxy.
    Proxy(usize),
    Direct,
    /// Nowhere.
    Refused,
}

/// One that accepts, counts, and closes.
struct Place {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Place {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, connections) = (listener.local_addr().unwrap().port(), Arc::<AtomicUsize>::default());
        let counter = Arc::clone(&connections);
        // It ends with the process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                counter.fetch_add(1, Ordering::SeqCst);
                let _ = stream.and_then(|mut stream| {
                    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
                    stream.read(&mut [0; 512])
                });
            }
        });
        Self { port, connections }
    }
}

type Variables = Vec<(&'static str, String)>;

fn ours(variables: &Variables, server: &Uri, proxies: &[Place]) -> Choice {
    let read = |name: &str| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| value.into());
    let via = match of_environment(read) {
        Ok(None) => return Choice::Direct,
        Ok(Some((variable, no_proxy))) => read_url(variable.name, &variable.value).map(|url| (url, no_proxy)),
        Err(_) => return Choice::Refused,
    };
    let Ok((url, no_proxy)) = via else { return Choice::Refused };
    let via = Via { url, headers: HeaderMap::new(), no_proxy };
    let port = via.to(server).map(|url| url.address.port_u16().unwrap());
    port.map_or(Choice::Direct, |port| {
        proxies.iter().position(|proxy| proxy.port == port).map_or(Choice::Refused, Choice::Proxy)
    })
}

fn curls(variables: &Variables, server: &Uri, proxies: &[Place], direct: &Place) -> Choice {
    let count = |place: &Place| place.connections.load(Ordering::SeqCst);
    let before: Vec<_> = proxies.iter().chain([direct]).map(count).collect();
    let host = server.host().unwrap();
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--max-time", "5", "--insecure"]);
    if !host.starts_with('[') {
        curl.arg("--resolve").arg(format!("{host}:{}:127.0.0.1", server.port_u16().unwrap()));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    curl.arg(server.to_string())
        .env_clear()
        .env("PATH", path)
        .envs(variables.iter().map(|(name, value)| (name, value)));
    let ended = curl.output().expect("curl is installed");
    let after: Vec<_> = proxies.iter().chain([direct]).map(count).collect();
    let reached = before.iter().zip(&after).position(|(before, after)| before < after);
    match (reached, ended.status.code()) {
        (Some(at), _) if at == proxies.len() => Choice::Direct,
        (Some(at), _) => Choice::Proxy(at),
        // It tried [::1], where nothing listens.
        (None, Some(7)) if host.starts_with('[') => Choice::Direct,
        (None, _) => Choice::Refused,
    }
}

const EXCEPTIONS: [&str; 33] = [
    "*",
    " *",
    "*,x",
    "x,*",
    "api.clerk.test",
    ".clerk.test",
    "clerk.test",
    "CLERK.test",
    "lerk.test",
    "clerk.test.",
    "*.clerk.test",
    "x clerk.test",
    "x , clerk.test",
    "x\tclerk.test",
    ",,clerk.test",
    " clerk.test ",
    "api.clerk.test:443",
    "..clerk.test",
    ".",
    "test",
    "x;clerk.test",
    "127.0.0.1",
    "127.0.0.0/8",
    "127.0.0.0/24",
    "127.0.0.1/0",
    "127.0.0.1/33",
    "127.0.0.1/x",
    "127.0.1.0/24",
    "127.1",
    "127.0.0.1.",
    "::1",
    "::1/128",
    "[::1]",
];

/// Each with A and B for the two proxies.
const SETTINGS: [&[(&str, &str)]; 30] = [
    &[],
    &[("HTTPS_PROXY", "http://A"), ("https_proxy", "http://B")],
    &[("HTTPS_PROXY", ""), ("ALL_PROXY", "http://B")],
    &[("https_proxy", ""), ("HTTPS_PROXY", "http://A")],
    &[("https_proxy", ""), ("HTTPS_PROXY", ""), ("all_proxy", ""), ("ALL_PROXY", "http://B")],
    &[("all_proxy", "http://A"), ("ALL_PROXY", "http://B")],
    &[("HTTPS_PROXY", "http://A"), ("all_proxy", "http://B")],
    &[("http_proxy", "http://A"), ("HTTP_PROXY", "http://B")],
    &[("https_proxy", "A")],
    &[("https_proxy", "HTTP://A")],
    &[("https_proxy", "http://A/")],
    &[("https_proxy", "https://A")],
    &[("https_proxy", "http://user:p%40ss@A")],
    &[("https_proxy", "http://user@A")],
    &[("https_proxy", "http://:pass@A")],
    &[("https_proxy", "socks5://A")],
    &[("https_proxy", "socks5h://A")],
    &[("all_proxy", "socks5://A"), ("no_proxy", "*")],
    &[("https_proxy", "ftp://A")],
    &[("https_proxy", " A")],
    &[("https_proxy", "A ")],
    &[("https_proxy", "http://A"), ("REQUEST_METHOD", "GET")],
    &[("HTTPS_PROXY", "http://A"), ("REQUEST_METHOD", "GET")],
    &[("https_proxy", "http://A"), ("no_proxy", "x"), ("NO_PROXY", "*")],
    &[("https_proxy", "http://A"), ("no_proxy", ""), ("NO_PROXY", "*")],
    // Not as curl: see `differs`.
    &[("https_proxy", "socks4://A")],
    &[("https_proxy", "socks://A")],
    &[("https_proxy", "http://A/path?query#fragment")],
    &[("https_proxy", "http://A#x@127.0.0.1:1")],
    &[("https_proxy", "ftp://A"), ("no_proxy", "127.0.0.1,clerk.test,::1")],
];

/// Why the choice may be another than curl's, as the documentation of `proxy_from_env` says.
fn differs(variables: &Variables, server: &Uri, ours: Choice, curls: Choice) -> Option<&'static str> {
    let of = |name: &str| variables.iter().find(|(set, _)| *set == name).map_or("", |(_, value)| value.as_str());
    let proxy = of("https_proxy");
    let no_proxy = [of("no_proxy"), of("NO_PROXY")].concat();
    match (ours, curls) {
        (Choice::Refused, Choice::Direct) if proxy.starts_with("ftp:") => {
            Some("a value is refused also beside NO_PROXY")
        }
        (Choice::Refused, Choice::Proxy(_)) if proxy.starts_with("socks4:") || proxy.starts_with("socks:") => {
            Some("SOCKS 4")
        }
        (Choice::Refused, Choice::Proxy(_)) if proxy.contains(['?', '#']) => Some("what curl passes over is refused"),
        (Choice::Direct, Choice::Proxy(_))
            if server.host() == Some("[::1]") && NoProxy::parse(&no_proxy).has("[::1]") =>
        {
            Some("IPv6 addresses are compared as addresses")
        }
        _ => None,
    }
}

#[test]
#[ignore = "it needs curl: .ci/full runs it"]
fn a_proxy_is_chosen_as_curl_chooses_it() {
    let proxies = [Place::open(), Place::open()];
    let direct = Place::open();
    let written = |value: &str| {
        let place = |at: usize| format!("127.0.0.1:{}", proxies[at].port);
        value.replace('A', &place(0)).replace('B', &place(1))
    };
    let mut combinations: Vec<Variables> = SETTINGS
        .iter()
        .map(|set| {
            set.iter()
                .map(|(name, value)| {
                    (
                        *name,
                        if name.ends_with("roxy") || name.ends_with("ROXY") {
                            written(value)
                        } else {
                            (*value).to_owned()
                        },
                    )
                })
                .collect()
        })
        .collect();
    for (at, no_proxy) in EXCEPTIONS.iter().enumerate() {
        // In turn, so that each spelling is asked for.
        let names = [("https_proxy", "no_proxy"), ("HTTPS_PROXY", "NO_PROXY"), ("ALL_PROXY", "no_proxy")];
        let (proxy, exception) = names[at % names.len()];
        combinations.push(vec![(proxy, written("http://A")), (exception, (*no_proxy).to_owned())]);
    }
    let servers = ["api.clerk.test", "127.0.0.1", "[::1]", "clerk.test", "api.clerk.test."];
    let (mut compared, mut different) = (0, Vec::new());
    let unexplained = Mutex::new(Vec::new());
    for variables in &combinations {
        for host in servers {
            let server: Uri = format!("https://{host}:{}/", direct.port).parse().unwrap();
            let (ours, curls) = (ours(variables, &server, &proxies), curls(variables, &server, &proxies, &direct));
            compared += 1;
            if ours != curls {
                match differs(variables, &server, ours, curls) {
                    Some(why) => different.push(why),
                    None => {
                        unexplained.lock().unwrap().push(format!("{variables:?}, {host}: {ours:?}, curl {curls:?}"))
                    }
                }
            }
        }
    }
    let unexplained = unexplained.into_inner().unwrap();
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
    println!(
        "figure: {compared} environments and servers: the same proxy as curl, but for {} documented ones",
        different.len()
    );
}
