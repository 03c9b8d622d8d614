//! The query of a request that a user's own operation makes.
//!
//! Responsible for percent-encoding, so that no value adds a parameter or ends the query. The path is the operation's.

use std::fmt;

/// The query of a request, percent-encoded (RFC 3986 section 2.1).
///
/// `Display` gives it with its `?`, or nothing where there is no pair: append it to the path that
/// [`BaseUrl::request`](crate::BaseUrl::request) takes. `Debug` shows neither names nor values.
///
/// ```
/// use clerk_actor_tokens_core::{BaseUrl, Query};
///
/// let query = Query::new().pair("user_id", "user_1&status=ended").pair("status", "active");
/// let request = BaseUrl::default().request(http::Method::GET, &format!("/sessions{query}"), Default::default())?;
/// assert_eq!(request.uri().query(), Some("user_id=user_1%26status%3Dended&status=active"));
/// # Ok::<(), clerk_actor_tokens_core::InvalidRequest>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Query(String);

impl Query {
    /// Makes a query without pairs.
    pub const fn new() -> Self {
        Self(String::new())
    }

    /// Adds a parameter. The same name again adds another one.
    pub fn pair(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.0.push(if self.0.is_empty() { '?' } else { '&' });
        push_encoded(&mut self.0, name.as_ref());
        self.0.push('=');
        push_encoded(&mut self.0, value.as_ref());
        self
    }
}

/// Appends the text with everything but the unreserved characters encoded (RFC 3986 section 2.3).
fn push_encoded(query: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => query.push(char::from(byte)),
            _ => {
                query.push('%');
                for half in [byte >> 4, byte & 0xf] {
                    query.extend(char::from_digit(u32::from(half), 16).map(|digit| digit.to_ascii_uppercase()));
                }
            }
        }
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Query({} pairs)", self.0.split('&').filter(|pair| !pair.is_empty()).count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::BaseUrl;
    use proptest::prelude::*;

    /// The text behind percent-encoding, read by the letter of RFC 3986 section 2.1.
    fn decoded(text: &str) -> String {
        let (mut bytes, mut decoded) = (text.bytes(), Vec::new());
        while let Some(byte) = bytes.next() {
            decoded.push(match byte {
                b'%' => {
                    let digits: String = bytes.by_ref().take(2).map(char::from).collect();
                    u8::from_str_radix(&digits, 16).unwrap()
                }
                other => other,
            });
        }
        String::from_utf8(decoded).unwrap()
    }

    proptest! {
        #[test]
        fn a_server_reads_the_pairs_that_were_added(pairs in proptest::collection::vec((".{0,20}", ".{0,20}"), 0..5)) {
            let add = |query: Query, (name, value): &(String, String)| query.pair(name, value);
            let path = format!("/sessions{}", pairs.iter().fold(Query::new(), add));
            let request = BaseUrl::default().request(http::Method::GET, &path, bytes::Bytes::new()).unwrap();
            prop_assert_eq!(request.uri().path(), "/v1/sessions");
            let read = request.uri().query().into_iter().flat_map(|query| query.split('&'));
            let read: Vec<_> = read.map(|pair| pair.split_once('=').map(|(n, v)| (decoded(n), decoded(v)))).collect();
            prop_assert_eq!(read, pairs.into_iter().map(Some).collect::<Vec<_>>());
        }

        #[test]
        fn debug_shows_no_value(value in "CANARY.{0,20}") {
            prop_assert_eq!(format!("{:?}", Query::new().pair("CANARY", value).pair("", "")), "Query(2 pairs)");
        }
    }

    #[test]
    fn the_unreserved_characters_are_left_as_they_are_and_no_other() {
        for byte in 0..=0x7fu8 {
            let text = char::from(byte).to_string();
            let is_plain = Query::new().pair("", &text).to_string() == format!("?={text}");
            assert_eq!(is_plain, byte.is_ascii_alphanumeric() || b"-._~".contains(&byte), "{text:?}");
        }
    }
}
