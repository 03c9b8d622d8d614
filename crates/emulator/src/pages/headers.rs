//! What a browser may do with an answer: nothing, but for the pages, which may load the files beside them.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS},
};

const PAGE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                    base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

/// Of a page. The form that opens a link is answered by a redirect, and a browser checks each of its steps by
/// `form-action`: the last may be one to the application.
pub(crate) fn allow(headers: &mut HeaderMap, form_origin: Option<&str>) {
    let is_source = |origin: &&str| {
        let plain = |it: char| it.is_ascii_alphanumeric() || "-.:/_[]".contains(it);
        (origin.starts_with("http://") || origin.starts_with("https://")) && origin.chars().all(plain)
    };
    let policy = match form_origin.filter(is_source) {
        Some(origin) => format!("{PAGE} {origin}"),
        None => PAGE.to_owned(),
    };
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
}

/// Of every answer; what it says itself stays.
pub(crate) fn protect(headers: &mut HeaderMap) {
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_may_lead_to_an_origin_and_to_nothing_that_is_none() {
        let table = [
            (None, false),
            (Some("https://app.test:3000"), true),
            (Some("http://[::1]:3000"), true),
            (Some("https://app.test; script-src *"), false),
            (Some("https://app.test https://attacker.test"), false),
            (Some("https://app.test,x"), false),
            (Some("javascript://app.test"), false),
        ];
        for (origin, is_added) in table {
            let mut headers = HeaderMap::new();
            allow(&mut headers, origin);
            let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
            let end = origin.filter(|_| is_added).map_or_else(String::new, |origin| format!(" {origin}"));
            assert_eq!(policy, format!("{PAGE}{end}"));
        }
    }
}
