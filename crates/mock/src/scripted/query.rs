//! The members of a query, and what differs between two queries, one line a name.
//!
//! A server reads a query by its names, so their order does not count. The order of two values of one name does not either.

use std::fmt;

use clerk_actor_tokens_core::Sanitized;
use percent_encoding::percent_decode_str;

/// One `name=value`, decoded. It need not be UTF-8.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Member {
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Member {
    pub(super) fn new(name: &str, value: &str) -> Self {
        Self { name: name.as_bytes().to_vec(), value: value.as_bytes().to_vec() }
    }

    fn shown(&self) -> String {
        let (name, value) = (String::from_utf8_lossy(&self.name), String::from_utf8_lossy(&self.value));
        // Name and value are looked at as one text: the name may say that the value is a credential.
        let whole = Sanitized::new(&format!("{name}={value}")).to_string();
        match whole.strip_prefix(&format!("{}=", Sanitized::new(&name))) {
            Some(value) => format!("\"{value}\""),
            None => "(redacted)".to_owned(),
        }
    }
}

/// Its name and value, as a script shows them.
impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", shown_name(&self.name), self.shown())
    }
}

fn shown_name(name: &[u8]) -> String {
    Sanitized::new(&String::from_utf8_lossy(name)).to_string()
}

/// The members of a query in their order. `+` is a space; without `=`, the value is empty.
pub(super) fn members(query: &str) -> Vec<Member> {
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).collect();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| Member { name: decoded(name), value: decoded(value) }).collect()
}

/// One line for each name that differs; none if nothing does. Unless it is all of the query, others may come.
pub(super) fn differences(expected: &[Member], got: &[Member], is_all: bool) -> Vec<String> {
    let mut names: Vec<&[u8]> = Vec::new();
    for member in expected.iter().chain(got) {
        if !names.contains(&member.name.as_slice()) {
            names.push(&member.name);
        }
    }
    names.into_iter().filter_map(|name| difference(name, &of(name, expected), &of(name, got), is_all)).collect()
}

/// The members of this name, in the order of their values.
fn of<'a>(name: &[u8], members: &'a [Member]) -> Vec<&'a Member> {
    let mut members: Vec<_> = members.iter().filter(|member| member.name == name).collect();
    members.sort_by(|a, b| a.value.cmp(&b.value));
    members
}

fn difference(name: &[u8], expected: &[&Member], got: &[&Member], is_all: bool) -> Option<String> {
    if expected == got || (expected.is_empty() && !is_all) {
        return None;
    }
    let (expected, got) = (shown(expected), shown(got));
    let but_another = if expected == got { " (another one)" } else { "" };
    Some(format!("query {}: expected {expected}, got {got}{but_another}", shown_name(name)))
}

fn shown(members: &[&Member]) -> String {
    if members.is_empty() {
        return "nothing".to_owned();
    }
    members.iter().map(|member| member.shown()).collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clerk_actor_tokens_core::Query;
    use proptest::{collection::vec, prelude::*};

    #[test]
    fn each_difference_is_told_by_its_name() {
        let table: [(&str, &str, bool, &[&str]); 16] = [
            ("", "", true, &[]),
            ("a=1&b=2", "b=2&a=1", true, &[]),
            ("a=1&a=2", "a=2&a=1", true, &[]),
            ("a=%41+%2b&%62", "b=&&a=A%20%2B", true, &[]),
            ("a=%zz", "a=%25zz", true, &[]),
            ("a=1", "a=2", true, &[r#"query a: expected "1", got "2""#]),
            ("a=1", "", true, &[r#"query a: expected "1", got nothing"#]),
            ("a=1", "", false, &[r#"query a: expected "1", got nothing"#]),
            ("", "a=1", true, &[r#"query a: expected nothing, got "1""#]),
            ("b=2", "a=1&b=2", false, &[]),
            ("a=1", "a=1&a=2", false, &[r#"query a: expected "1", got "1" and "2""#]),
            ("a=1&a=1", "a=1", true, &[r#"query a: expected "1" and "1", got "1""#]),
            ("a", "a=x=y", true, &[r#"query a: expected "", got "x=y""#]),
            ("A=1", "a=1", false, &[r#"query A: expected "1", got nothing"#]),
            (
                "b=2&a=1",
                "c=3&a=0",
                true,
                &[
                    r#"query b: expected "2", got nothing"#,
                    r#"query a: expected "1", got "0""#,
                    r#"query c: expected nothing, got "3""#,
                ],
            ),
            ("a=%fe", "a=%ff", true, &["query a: expected \"\u{fffd}\", got \"\u{fffd}\" (another one)"]),
        ];
        for (expected, got, is_all, lines) in table {
            assert_eq!(differences(&members(expected), &members(got), is_all), lines, "{expected} {got} {is_all}");
        }
    }

    #[test]
    fn what_looks_like_a_credential_is_not_shown_on_either_side() {
        let queries = [
            "a=sk_test_CANARY",
            "a=x%20sk%5Flive%5FCANARY",
            "a=Bearer+CANARY",
            "ticket=CANARY",
            "%74icket=CANARY",
            "__clerk_ticket=CANARY",
            "a=https%3A%2F%2Fx.test%2F%3Fticket%3DCANARY",
            "sk_test_CANARY=1",
            "sk_test_=CANARY",
            "a=eyJCANARYCANARY",
        ];
        for query in queries {
            let (secret, other) = (members(query), members(&query.replace("CANARY", "CANARY2")));
            let mut lines = differences(&secret, &other, true);
            assert!(!lines.is_empty(), "{query}");
            lines.extend(differences(&secret, &[], true));
            lines.extend(differences(&[], &secret, true));
            lines.extend(secret.iter().map(Member::to_string));
            let lines = lines.concat();
            assert!(!lines.contains("CANARY"), "{lines}");
        }
    }

    #[test]
    fn a_long_value_is_cut() {
        let lines = differences(&members("a=1"), &members(&format!("a={}", "y".repeat(9999))), true);
        assert!(lines.concat().len() < 1000);
    }

    fn query(pairs: &[(String, String)]) -> Vec<Member> {
        let query = pairs.iter().fold(Query::new(), |query, (name, value)| query.pair(name, value));
        members(query.to_string().trim_start_matches('?'))
    }

    /// Few names and values, so that some come twice.
    fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
        vec(("[ab+%é]{0,2}", "[01+ &=%]{0,2}"), 0..6)
    }

    proptest! {
        #[test]
        fn two_queries_match_if_one_is_a_permutation_of_the_other(
            (pairs, permuted) in pairs().prop_flat_map(|pairs| (Just(pairs.clone()), Just(pairs).prop_shuffle())),
            is_all: bool,
        ) {
            prop_assert_eq!(differences(&query(&pairs), &query(&permuted), is_all), Vec::<String>::new());
        }

        #[test]
        fn a_query_that_differs_in_one_member_does_not_match(
            (pairs, permuted) in pairs().prop_flat_map(|pairs| (Just(pairs.clone()), Just(pairs).prop_shuffle())),
            at: prop::sample::Index,
            other in ("[ab]{0,2}", "[01]{0,2}"),
        ) {
            prop_assume!(!pairs.is_empty());
            let mut changed = permuted;
            let at = at.index(changed.len());
            prop_assume!(changed[at] != other);
            changed[at] = other;
            prop_assert!(!differences(&query(&pairs), &query(&changed), true).is_empty());
            changed.remove(at);
            for is_all in [true, false] {
                prop_assert!(!differences(&query(&pairs), &query(&changed), is_all).is_empty());
            }
        }

        #[test]
        fn the_members_are_the_pairs_that_the_core_wrote(pairs in vec((".{0,9}", ".{0,9}"), 0..5)) {
            let written: Vec<_> = pairs.iter().map(|(name, value)| Member::new(name, value)).collect();
            prop_assert!(query(&pairs) == written);
        }
    }
}
