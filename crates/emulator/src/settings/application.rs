//! Where the application is: what a browser can be sent to.

use std::{error::Error, fmt};

use clerk_actor_tokens_core::Sanitized;
use http::{Uri, uri::Authority};

/// The URL of the application, with scheme and host in lower case, as a browser writes an origin.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ApplicationUrl {
    text: String,
    /// Where its origin ends.
    origin: usize,
}

impl ApplicationUrl {
    pub(crate) fn parse(url: &str) -> Result<Self, InvalidApplicationUrl> {
        let invalid = |why| Err(InvalidApplicationUrl(why));
        if url.contains(['?', '#']) {
            return invalid("it has a query or a fragment");
        }
        let Some((scheme, _)) = url.split_once("://") else {
            return invalid("it has no scheme: it begins with http:// or https://");
        };
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "http" && scheme != "https" {
            return invalid("its scheme is neither http nor https");
        }
        // What is written into the header `Location`.
        if !url.chars().all(|it| it.is_ascii_graphic()) {
            return invalid("it has a character that is not of ASCII, or white space: write that percent-encoded");
        }
        let uri: Option<Uri> = url.parse().ok();
        let Some((authority, path)) = uri.as_ref().and_then(|uri| Some((uri.authority()?, uri.path()))) else {
            return invalid("it has no host, or none that can be");
        };
        if authority.as_str().contains('@') {
            return invalid("it has user info before the host: leave that out");
        }
        if !has_host_and_port(authority) {
            return invalid("it has no host, or a port that is no number");
        }
        let origin = format!("{scheme}://{}", authority.as_str().to_ascii_lowercase());
        Ok(Self { text: format!("{origin}{path}"), origin: origin.len() })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// RFC 6454 section 6.1.
    pub(crate) fn origin(&self) -> &str {
        self.text.get(..self.origin).unwrap_or(&self.text)
    }
}

fn has_host_and_port(authority: &Authority) -> bool {
    let behind = authority.as_str().get(authority.host().len()..).unwrap_or_default();
    !authority.host().is_empty() && (behind.is_empty() || authority.port_u16().is_some())
}

impl fmt::Debug for ApplicationUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Sanitized::new(&self.text).fmt(f)
    }
}

/// Why a text is no URL of an application: see
/// [`EmulatorBuilder::try_application_url`](crate::EmulatorBuilder::try_application_url). Does not show the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidApplicationUrl(&'static str);

impl fmt::Display for InvalidApplicationUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for InvalidApplicationUrl {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_ends_before_the_path() {
        for (url, text, origin) in [
            ("https://app.test", "https://app.test/", "https://app.test"),
            ("HTTP://LocalHost:3000/A", "http://localhost:3000/A", "http://localhost:3000"),
            ("http://[::1]:3000/", "http://[::1]:3000/", "http://[::1]:3000"),
            ("http://localhost:3000/a/", "http://localhost:3000/a/", "http://localhost:3000"),
        ] {
            let parsed = ApplicationUrl::parse(url).unwrap();
            assert_eq!((parsed.as_str(), parsed.origin()), (text, origin));
        }
    }

    #[test]
    fn what_no_browser_can_be_sent_to_is_refused_and_not_shown() {
        for (url, why) in [
            ("", "no scheme"),
            ("app.CANARY", "no scheme"),
            ("localhost:3000/CANARY", "no scheme"),
            ("//app.CANARY", "no scheme"),
            ("ftp://app.CANARY", "neither http nor https"),
            ("javascript://app.CANARY", "neither http nor https"),
            ("https://", "no host"),
            ("https:///CANARY", "no host"),
            ("https://:3000", "no host"),
            ("https://app.CANARY:x", "no host"),
            ("https://app.CANARY:", "no host"),
            ("https://app.CANARY:70000", "no host"),
            ("https://[::1", "no host"),
            ("https://user:CANARY@app.test", "user info"),
            ("https://CANARY@app.test", "user info"),
            ("https://app.test/ CANARY", "white space"),
            ("https://b\u{fc}cher.test", "not of ASCII"),
            ("https://app.test?CANARY", "a query"),
            ("https://app.test#CANARY", "a fragment"),
        ] {
            let said = ApplicationUrl::parse(url).map(drop).unwrap_err().to_string();
            assert!(said.contains(why) && !said.contains("CANARY"), "{url}: {said}");
        }
    }
}
