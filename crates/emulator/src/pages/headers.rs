//! What a browser may do with an answer: nothing, but for the pages, which may load the files beside them.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS},
};

const PAGE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                    base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

/// Where the forms of a page lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forms {
    /// To the server itself.
    Here,
    /// To the server, and from there on: to the application, and to where that redirects.
    LeadOn,
}

/// Of a page. The form that opens a link is answered by a redirect, and a browser checks each step of it by `form-action`.
/// Which steps an application takes is not known, and no source names a host of IPv6: so the schemes are named.
pub(crate) fn allow(headers: &mut HeaderMap, forms: Forms) {
    let policy = match forms {
        Forms::Here => PAGE.to_owned(),
        Forms::LeadOn => format!("{PAGE} http: https:"),
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
    fn a_form_leads_elsewhere_only_where_an_application_is_set() {
        for (forms, end) in
            [(Forms::Here, "; form-action 'self'"), (Forms::LeadOn, "; form-action 'self' http: https:")]
        {
            let mut headers = HeaderMap::new();
            allow(&mut headers, forms);
            let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'; ") && policy.ends_with(end), "{policy}");
        }
    }
}
