#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use proptest::prelude::*;

use super::{Encoding, Scanner, What};

const SECRETS: [(What, &str); 4] = [
    (What::Key, "sk_test_abc"),
    (What::Key, "sk_live_CANARYcanary0123"),
    (What::Ticket, "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJlaXMiOjM2MDB9.c2lnbmF0dXJl"),
    (What::Link, "https://clerk.example.test/v1/tickets/accept?ticket=abc"),
];

fn percent(text: &str, upper: bool, every: usize) -> String {
    let encode = |(at, byte): (usize, u8)| match (at % every == 0, upper) {
        (false, _) => char::from(byte).to_string(),
        (true, true) => format!("%{byte:02X}"),
        (true, false) => format!("%{byte:02x}"),
    };
    text.bytes().enumerate().map(encode).collect()
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// Every form of a text, and the encodings that it is in.
fn forms(text: &str) -> Vec<(Vec<Encoding>, String)> {
    let mut forms = vec![
        (vec![], text.to_owned()),
        (vec![Encoding::Hex], hex(text)),
        (vec![Encoding::Hex], hex(text).to_uppercase()),
        (vec![Encoding::Decimals], format!("{:?}", text.as_bytes())),
        (vec![Encoding::Percent, Encoding::Percent], percent(&percent(text, true, 1), true, 3)),
    ];
    for every in [1, 2, 5] {
        forms.extend([true, false].map(|upper| (vec![Encoding::Percent], percent(text, upper, every))));
    }
    for before in ["", "a", "ab", "{\"key\":"] {
        for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
            let encoded = engine.encode(format!("{before}{text}~~\u{ff}"));
            forms.push((vec![Encoding::Percent, Encoding::Base64], percent(&encoded, true, 4)));
            forms.push((vec![Encoding::Base64, Encoding::Base64], engine.encode(&encoded)));
            forms.push((vec![Encoding::Base64], encoded));
        }
    }
    forms
}

#[test]
fn each_credential_is_found_in_each_form() {
    for (what, secret) in SECRETS {
        for (inside, form) in forms(secret) {
            // Something before it in the same run of characters must not hide it.
            for before in ["", "Bearer ", "key=", "x/", "xy/", "xyz/", "wxyz/"] {
                if inside.last() == Some(&Encoding::Hex) && before.ends_with('/') && before.len() > 2 {
                    continue;
                }
                let hits = Scanner::new().scan(&format!("first line\n{before}{form} and more"));
                let found = hits.iter().any(|hit| hit.what() == what && hit.line() == 2 && hit.inside() == inside);
                assert!(found, "{inside:?} behind {before:?}: {hits:?}");
            }
        }
    }
}

#[test]
fn a_part_of_a_named_secret_is_found_in_each_form() {
    let mut scanner = Scanner::new();
    scanner.name_secret("https://x.test/?ticket=header.claims0123456789.signature");
    scanner.name_secret("sk_test_CANARYcanary");
    for part in ["claims012345", "CANARYcanary", "der.claims0123"] {
        for (inside, form) in forms(part) {
            let hits = scanner.scan(&form);
            assert!(hits.iter().any(|hit| hit.what() == What::Named && hit.inside() == inside), "{inside:?}: {hits:?}");
        }
    }
    for other in ["claims01234", "https://x.test/?ticket=", "sk_test_", "CANARYcanar"] {
        assert_eq!(scanner.scan(other), [], "{other}");
    }
}

#[test]
fn a_part_of_a_secret_that_is_no_text_is_found_in_each_form() {
    let secret: Vec<u8> = (0..32u8).map(|byte| byte.wrapping_mul(37) ^ 0x9a).collect();
    let mut scanner = Scanner::new();
    scanner.name_bytes(&secret);
    let part = &secret[6..22];
    let hex: String = part.iter().map(|byte| format!("{byte:02x}")).collect();
    for (inside, form) in [
        (Encoding::Hex, hex),
        (Encoding::Decimals, format!("{part:?}")),
        (Encoding::Base64, STANDARD.encode(part)),
        (Encoding::Base64, URL_SAFE_NO_PAD.encode([b"ab", part].concat())),
    ] {
        let hits = scanner.scan(&form);
        assert!(hits.iter().any(|hit| hit.what() == What::Named && hit.inside() == [inside]), "{inside:?}: {hits:?}");
    }
    assert_eq!(scanner.scan(&format!("{:?}", &secret[..11])), []);
}

#[test]
fn words_about_credentials_are_none() {
    let harmless = [
        "SecretKey(redacted)",
        "sk_test_(redacted) sk_live_(redacted) eyJ(redacted) ticket=(redacted)",
        "a key (sk_test_... or sk_live_...) and a ticket (eyJ...)",
        "sk_test_ab, sk_live_",
        "accept?ticket=<token> ticket= ticket%3D ticket%3D(redacted)",
        "sk%5Ftest%5F(redacted)",
        "eyJump eyJacket",
        "test doubles_show_none_also_when_they_fail_the_test ... ok",
        "100% of 12345678901234567890, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]",
        "act_2ABCdefGHIjklMNOpqrSTUvwxYZ0 0123456789abcdef0123456789abcdef",
        "",
    ];
    for text in harmless {
        assert_eq!(Scanner::new().scan(text), [], "{text}");
    }
}

#[test]
fn what_is_told_of_a_hit_holds_nothing_of_the_credential() {
    for (_, secret) in SECRETS {
        for (_, form) in forms(secret) {
            let line = format!("said: {form}");
            let hits = Scanner::new().scan(&line);
            let before = hits.first().unwrap().before(&line);
            assert_eq!(Scanner::new().scan(before), [], "{before}");
            let is_bare = before.starts_with("said: ") && before.len() < 8;
            assert!(is_bare || secret.contains("://"), "{before}");
        }
    }
}

proptest! {
    #[test]
    fn a_key_is_found_in_any_text(before in "\\PC{0,30}", key in "sk_(test|live)_[A-Za-z0-9]{3,40}", form in 0usize..59) {
        let forms = forms(&key);
        let (inside, form) = &forms[form % forms.len()];
        let before = format!("{before} ");
        let line = format!("{before}{form} ");
        let hits = Scanner::new().scan(&line);
        prop_assert!(hits.iter().any(|hit| hit.what() == What::Key && hit.inside() == inside.as_slice()), "{inside:?}");
    }

    #[test]
    fn no_text_makes_it_panic(text in "(?s).{0,300}") {
        for hit in Scanner::new().scan(&text) {
            let _ = hit.before(text.lines().nth(hit.line() - 1).unwrap());
        }
    }
}
