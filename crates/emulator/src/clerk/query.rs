//! The parameters of a query or of a form (`application/x-www-form-urlencoded`).

/// The pairs, decoded, in their order. What is no UTF-8 is replaced by U+FFFD.
pub(super) fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    })
}

/// The first value of a parameter. An empty one counts as none.
pub(super) fn first(text: &str, wanted: &str) -> Option<String> {
    pairs(text).find(|(name, _)| name == wanted).map(|(_, value)| value).filter(|value| !value.is_empty())
}

/// RFC 3986 section 2.1, with `+` as a space. A percent sign without two hexadecimal digits behind it is a percent sign.
fn decoded(text: &str) -> String {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let encoded = match after {
            [high, low, after @ ..] if *first == b'%' => digit(high).zip(digit(low)).map(|pair| (pair, after)),
            _ => None,
        };
        match encoded {
            Some(((high, low), after)) => {
                decoded.push(high << 4 | low);
                rest = after;
            }
            None => {
                decoded.push(if *first == b'+' { b' ' } else { *first });
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_and_what_is_no_encoding_stays() {
        let table = [
            ("a=1&b=2", vec![("a", "1"), ("b", "2")]),
            ("a=%41+%2b&&%62", vec![("a", "A +"), ("b", "")]),
            ("a=%4&a=%zz=", vec![("a", "%4"), ("a", "%zz=")]),
            ("a=%ff", vec![("a", "\u{fffd}")]),
            ("", vec![]),
        ];
        for (text, wanted) in table {
            let found: Vec<_> = pairs(text).collect();
            let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(found, wanted, "{text}");
        }
        assert_eq!(first("a=&a=1", "a"), None);
        assert_eq!(first("b=2&a=1&a=3", "a").as_deref(), Some("1"));
    }
}
