//! Who may ask the control plane: a program on this machine, and a page of the server itself. No page from elsewhere.
//!
//! A page from elsewhere shows itself by `Origin` or `Sec-Fetch-Site` (Fetch Metadata). One whose name was bound to this
//! machine's address shows itself by the name in `Host`. A form cannot send JSON.
//!
//! A link from elsewhere to a page may be followed. The person sees the page, and the page that has the link does not.

use clerk_actor_tokens_core::Request;
use http::{
    HeaderMap, HeaderValue, Method, StatusCode, Uri,
    header::{CONTENT_TYPE, HOST, ORIGIN},
    uri::{Authority, Scheme},
};

use super::answer::Refused;

/// The longest body, in bytes.
const LONGEST: usize = 64 * 1024;

/// The names of this machine that no other can have.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

pub(super) struct Guard {
    /// What the server speaks.
    scheme: Scheme,
    names: Vec<String>,
}

impl Guard {
    pub(super) fn new(scheme: Scheme, names: Vec<String>) -> Self {
        Self { scheme, names }
    }

    /// Whether a request names a host that the control plane is for.
    pub(super) fn names_host(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        authority(uri, headers).is_some_and(|authority| self.is_known(&authority))
    }

    fn is_known(&self, authority: &Authority) -> bool {
        let is_it = |known: &str| known.eq_ignore_ascii_case(authority.host());
        LOOPBACK.into_iter().chain(self.names.iter().map(String::as_str)).any(is_it)
    }

    pub(super) fn check(&self, request: &Request) -> Result<(), Refused> {
        let forbidden = |why: &str| Refused::new(StatusCode::FORBIDDEN, why);
        let authority = authority(request.uri(), request.headers());
        let authority = authority.ok_or_else(|| Refused::bad("it names no host, or two, or user info with it"))?;
        if !self.is_known(&authority) {
            return Err(forbidden(
                "the control plane is for the names of this machine, and for those of --control-host: not for this host",
            ));
        }
        let is_own = |origin: &HeaderValue| {
            let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
            origin.is_some_and(|(scheme, host)| {
                scheme.eq_ignore_ascii_case(self.scheme.as_str()) && host.eq_ignore_ascii_case(authority.as_str())
            })
        };
        if !request.headers().get_all(ORIGIN).iter().all(is_own) {
            return Err(forbidden("it comes from a page of another origin"));
        }
        let mut sites = request.headers().get_all("sec-fetch-site").iter();
        if !sites.all(|site| site == "same-origin" || site == "none") && !follows_link(request) {
            return Err(forbidden("it comes from a page of another site"));
        }
        if request.body().len() > LONGEST {
            return Err(Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is longer than 64 KiB"));
        }
        let reads = [Method::GET, Method::HEAD].contains(request.method());
        if !reads && !request.body().is_empty() && !is_json(request.headers()) {
            return Err(Refused::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the Content-Type of a body must be application/json",
            ));
        }
        Ok(())
    }
}

/// The one host that a request names.
fn authority(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(HOST).iter();
    let of_header = match (hosts.next(), hosts.next()) {
        (Some(host), None) => Some(host.to_str().ok()?.parse().ok()?),
        (None, None) => None,
        (_, Some(_)) => return None,
    };
    let one = match (uri.authority().cloned(), of_header) {
        (Some(of_uri), Some(of_header)) if of_uri != of_header => None,
        (of_uri, of_header) => of_uri.or(of_header),
    };
    // No browser sends user info there.
    one.filter(|one| !one.as_str().contains('@'))
}

/// Whether a person goes to a page, from wherever: it is shown in a tab, never in a frame, and changes nothing.
fn follows_link(request: &Request) -> bool {
    let is = |name: &str, expected: &str| {
        let mut values = request.headers().get_all(name).iter();
        values.next().is_some_and(|value| value == expected) && values.next().is_none()
    };
    let goes = is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document");
    goes && *request.method() == Method::GET && is_page(request.uri().path())
}

/// The overview, what leads to it, or a session.
fn is_page(path: &str) -> bool {
    let of_session = path.strip_prefix("/_emulator/sessions/");
    ["/", "/_emulator", "/_emulator/"].contains(&path)
        || of_session.is_some_and(|id| !id.is_empty() && !id.contains('/'))
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let kind = value.to_str().ok().and_then(|value| value.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_the_servers_own_if_its_scheme_is_too() {
        for (scheme, origin, is_own) in [
            (Scheme::HTTP, "http://localhost:4010", true),
            (Scheme::HTTP, "https://localhost:4010", false),
            (Scheme::HTTPS, "https://localhost:4010", true),
            (Scheme::HTTPS, "HTTPS://LOCALHOST:4010", true),
            (Scheme::HTTPS, "http://localhost:4010", false),
            (Scheme::HTTPS, "ftp://localhost:4010", false),
            (Scheme::HTTPS, "localhost:4010", false),
        ] {
            let request = http::Request::post("/_emulator/reset").header(HOST, "localhost:4010").header(ORIGIN, origin);
            let checked = Guard::new(scheme.clone(), Vec::new()).check(&request.body(bytes::Bytes::new()).unwrap());
            assert_eq!(checked.is_ok(), is_own, "{scheme} {origin}");
        }
    }

    #[test]
    fn user_info_is_no_host() {
        for host in ["localhost@localhost", "attacker.test@localhost", "localhost@attacker.test"] {
            let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_str(host).unwrap())]);
            assert!(!Guard::new(Scheme::HTTP, Vec::new()).names_host(&Uri::from_static("/"), &headers), "{host}");
        }
    }
}
