//! Of two roots in a text none is left out, whatever has become of the other: of its lines, its markers, its encoding.

#![allow(clippy::string_slice, reason = "the files are ASCII")]

use super::files::{DER, KEY, ROOT, made, text, two, utf16};
use crate::{Certificates, ClientIdentity};

/// The first of two roots is lost in silence where a reader passes over what it does not know.
#[test]
fn of_two_roots_none_is_left_out_whatever_line_is_lost_or_wherever_the_file_is_cut() {
    let (two, count) = (two(), |bytes: &[u8]| Certificates::from_pem(bytes).map(|read| read.into_vec().len()));
    let lines: Vec<_> = two.lines().collect();
    for lost in 0..lines.len() {
        let left: Vec<_> = lines.iter().enumerate().filter(|(line, _)| *line != lost).map(|(_, line)| *line).collect();
        assert!(count(left.join("\n").as_bytes()).is_err(), "without line {}", lost + 1);
    }
    // Two lines: where those are the markers of one root, its body is still there.
    for lost in 0..lines.len() {
        for other in 0..lost {
            let left = lines.iter().enumerate().filter(|(line, _)| *line != lost && *line != other);
            let left: Vec<_> = left.map(|(_, line)| *line).collect();
            assert!(count(left.join("\n").as_bytes()).is_err(), "without lines {} and {}", other + 1, lost + 1);
        }
    }
    let (first, whole) = (ROOT.len(), two.trim_end().len());
    for cut in 0..two.len() {
        match count(&two.as_bytes()[..cut]) {
            // Between the two roots, and behind both, the file is one that somebody may have written. Hyphens may be a
            // comment.
            Ok(read) => {
                let is_between = (first - 1..=first + "-----".len()).contains(&cut);
                assert!((is_between && read == 1) || (cut >= whole && read == 2), "cut at {cut}");
            }
            Err(_) => assert!(cut < whole),
        }
    }
}

/// The markers of the first of two roots, as no reader knows them for markers.
#[test]
fn of_two_roots_none_is_left_out_where_its_markers_are_in_disguise() {
    let other = text(made!("root-rsa.pem"));
    let disguised = |begin: &str, end: &str| {
        let body: Vec<_> = text(ROOT).lines().collect();
        let body = body[1..body.len() - 1].join("\n");
        format!("{begin}\n{body}\n{end}\n{other}")
    };
    for (begin, end) in [
        ("-----BEGINCERTIFICATE-----", "-----ENDCERTIFICATE-----"),
        ("-----BEGIN+CERTIFICATE-----", "-----END+CERTIFICATE-----"),
        ("-----BEGIN%20CERTIFICATE-----", "-----END%20CERTIFICATE-----"),
        ("-----BEGIN_CERTIFICATE-----", "-----END_CERTIFICATE-----"),
        ("-----BEGIN\\u0020CERTIFICATE-----", "-----END\\u0020CERTIFICATE-----"),
        ("BEGIN CERTIFICATE", "END CERTIFICATE"),
        ("=====BEGIN CERTIFICATE=====", "=====END CERTIFICATE====="),
        ("&#45;&#45;&#45;&#45;&#45;BEGIN CERTIFICATE", "&#45;&#45;&#45;&#45;&#45;END CERTIFICATE"),
        ("--\u{200b}---BEGIN CERTIFICATE-----", "--\u{200b}---END CERTIFICATE-----"),
        ("-----\u{feff}BEGIN CERTIFICATE-----", "-----\u{feff}END CERTIFICATE-----"),
        ("-----BE\u{200b}GIN CERTIFICATE-----", "-----E\u{200b}ND CERTIFICATE-----"),
        ("> ----BEGIN CERTIFICATE----", "> ----END CERTIFICATE----"),
        ("-----BEGN CERTIFICATE-----", "-----EDN CERTIFICATE-----"),
        ("-----BEGIN \u{421}ERTIFICATE-----", "-----END \u{421}ERTIFICATE-----"),
        ("", ""),
    ] {
        let whole = disguised(begin, end);
        let in_one_line = whole.replacen(text(ROOT).lines().nth(1).unwrap(), "", 0);
        for text in [whole.clone(), whole.replace('\n', "\r\n"), in_one_line] {
            let error = Certificates::from_pem(text.as_bytes()).expect_err(begin).to_string();
            assert!(error.contains("has in line") && !error.contains(&other[40..60]), "{begin}: {error}");
        }
    }
    // The base64 of a whole file, and what is no text at all.
    let encoded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, ROOT);
    for (before, behind) in [(encoded.as_bytes(), &b""[..]), (&[], DER), (&[], made!("both.p12")), (DER, &[])] {
        let text = [before, b"\n", other.as_bytes(), b"\n", behind].concat();
        assert!(Certificates::from_pem(&text).is_err());
    }
    // A header of a certificate says nothing about a key.
    let with_header = text(ROOT).replacen("-----\n", "-----\nComment: NOT ENCRYPTED\n\n", 1);
    assert_eq!(Certificates::from_pem(format!("{with_header}{other}").as_bytes()).unwrap().into_vec().len(), 2);
    // A fingerprint is no base64, and a comment may be long.
    let digits = "0d98a1a961aab523c9dc547e315e1d79e887dea575426ff03567e455fc0b66b4";
    for comment in
        [digits, &format!("## SHA256: {digits}"), "see https://pki.example.test/a/long/path/to/the/policy/of/this/root"]
    {
        assert_eq!(
            Certificates::from_pem(format!("{comment}\n{other}").as_bytes()).unwrap().into_vec().len(),
            1,
            "{comment}"
        );
    }
}

/// What a shell appends may be in another encoding than what is there.
#[test]
fn of_two_roots_none_is_left_out_where_they_are_in_two_encodings() {
    let (one, other) = (text(ROOT), text(made!("root-rsa.pem")));
    let as_each = |text: &str| {
        let marked = format!("\u{feff}{text}");
        vec![
            text.as_bytes().to_vec(),
            marked.clone().into_bytes(),
            utf16(text, u16::to_le_bytes),
            utf16(&marked, u16::to_le_bytes),
            utf16(text, u16::to_be_bytes),
            utf16(&marked, u16::to_be_bytes),
        ]
    };
    for (first, before) in as_each(one).into_iter().enumerate() {
        for (second, behind) in as_each(other).into_iter().enumerate() {
            let both = [&*before, &behind].concat();
            match Certificates::from_pem(&both) {
                Ok(read) => assert_eq!(read.into_vec().len(), 2, "{first} {second}"),
                Err(_) => assert_ne!(first / 2, second / 2, "{first} {second}: in one encoding"),
            }
            let keys = [utf16(text(KEY), u16::to_le_bytes), KEY.to_vec()].concat();
            assert!(ClientIdentity::from_pem(ROOT, &keys).is_err());
        }
    }
}
