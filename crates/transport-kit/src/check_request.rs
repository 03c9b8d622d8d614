//! Refusing what cannot be sent, or must not be, before anything is opened.

use clerk_actor_tokens_core::{Request, TransportError};

/// Whether a transport has TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Tls {
    /// `https` URLs are connected to with TLS.
    Available,
    /// There is none: `https` URLs are refused.
    Unavailable,
}

/// Refuses a request whose URL is not absolute, has no host, is neither `http` nor `https`, or is `https` where there is no TLS:
/// its headers have the secret key, which must not go out in the clear (RFC 9110 section 4.2.2).
///
/// ```
/// use clerk_actor_tokens_core::{Request, TransportErrorKind};
/// use clerk_actor_tokens_transport_kit::{Tls, check_request};
///
/// let mut request = Request::default();
/// *request.uri_mut() = "https://api.clerk.com/v1/actor_tokens".parse().unwrap();
/// assert!(check_request(&request, Tls::Available).is_ok());
/// assert_eq!(check_request(&request, Tls::Unavailable).unwrap_err().kind(), TransportErrorKind::Tls);
/// ```
///
/// # Errors
/// [`Tls`](clerk_actor_tokens_core::TransportErrorKind::Tls) where there is none, else
/// [`Blocked`](clerk_actor_tokens_core::TransportErrorKind::Blocked). Both claim that nothing was sent: hold the send state first.
pub fn check_request(request: &Request, tls: Tls) -> Result<(), TransportError> {
    use clerk_actor_tokens_core::TransportErrorKind;

    let url = request.uri();
    let has_host = url.host().is_some_and(|host| !host.is_empty());
    match (url.scheme_str(), tls) {
        (Some("http"), _) | (Some("https"), Tls::Available) if has_host => Ok(()),
        (Some("https"), Tls::Unavailable) if has_host => {
            Err(TransportError::new(TransportErrorKind::Tls).with_source("this transport has no TLS"))
        }
        _ => Err(TransportError::blocked("the request's URL is not an absolute http or https URL")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clerk_actor_tokens_core::TransportErrorKind;

    #[test]
    fn what_cannot_be_sent_is_refused_by_its_url() {
        use TransportErrorKind::{Blocked, Tls as NoTls};
        let table = [
            ("http://127.0.0.1:1/v1?a", None, None),
            ("https://api.clerk.com/", None, Some(NoTls)),
            ("HTTPS://api.clerk.com/", None, Some(NoTls)),
            ("/v1/actor_tokens", Some(Blocked), Some(Blocked)),
            ("*", Some(Blocked), Some(Blocked)),
            ("127.0.0.1:1", Some(Blocked), Some(Blocked)),
            ("ftp://127.0.0.1/", Some(Blocked), Some(Blocked)),
            ("http://:80/", Some(Blocked), Some(Blocked)),
        ];
        for (url, with_tls, without) in table {
            let mut request = Request::default();
            let Ok(url) = url.parse() else { continue };
            *request.uri_mut() = url;
            for (tls, expected) in [(Tls::Available, with_tls), (Tls::Unavailable, without)] {
                let refused = check_request(&request, tls).err().map(|error| error.kind());
                assert_eq!(refused, expected, "{} {tls:?}", request.uri());
            }
        }
    }
}
