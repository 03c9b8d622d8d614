//! Foreign JSON: what holds for every body, before anything in it is looked at.

pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// RFC 8259 section 8.1 lets a parser ignore the mark; losing a token over it would help nobody.
pub(crate) fn without_byte_order_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body)
}

/// So many values, at most, are built of one body. Clerk's answers have fewer than a hundred.
const MOST_VALUES: usize = 4096;

/// Whether reading this body takes memory in proportion to its size: a value can take hundreds of times the two bytes that
/// it stands in. Counts what can begin a value, outside strings.
pub(crate) fn is_modest(body: &[u8]) -> bool {
    // Each begins with a byte of its own: a real answer needs no counting.
    if body.len() <= MOST_VALUES {
        return true;
    }
    let (mut is_string, mut is_escaped) = (false, false);
    let begins_a_value = |byte: &&u8| {
        match (is_string, **byte) {
            (true, _) if is_escaped => is_escaped = false,
            (true, b'\\') => is_escaped = true,
            (_, b'"') => is_string = !is_string,
            (false, b'{' | b'[' | b',' | b':') => return true,
            _ => {}
        }
        false
    };
    body.iter().filter(begins_a_value).nth(MOST_VALUES).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_on_values_not_on_bytes() {
        assert!(is_modest(&[b'x'; 1_000_000]));
        assert!(is_modest(&[b','; MOST_VALUES]));
        for byte in *b"{[,:" {
            assert!(!is_modest(&vec![byte; MOST_VALUES + 1]));
        }
        let text = format!(r#"["{}\\","{}"]"#, "\\\"{[,:".repeat(MOST_VALUES), ",".repeat(MOST_VALUES));
        assert!(is_modest(text.as_bytes()), "a text is one value");
        assert!(!is_modest(format!("{text}{}", ",".repeat(MOST_VALUES)).as_bytes()), "and it ends");
    }
}
