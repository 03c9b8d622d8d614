//! Files as OpenSSL, editors and Windows write them, each read whole or refused by name. `tests/pem/make.sh` has made what
//! programs write; what editors make of that is made here.

#![allow(clippy::string_slice, clippy::print_stdout, reason = "the files are ASCII, and figures are for people")]

use clerk_actor_tokens_core::ConfigError;
use proptest::prelude::*;

use crate::{Certificates, ClientIdentity};

macro_rules! made {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pem/", $name)).as_slice()
    };
}
pub(super) use made;

pub(super) const ROOT: &[u8] = made!("root.pem");
pub(super) const DER: &[u8] = made!("root.der");
pub(super) const KEY: &[u8] = made!("pkcs8.key.pem");

pub(super) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

pub(super) fn two() -> String {
    [ROOT, made!("root-rsa.pem")].map(text).concat()
}

pub(super) fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

/// What an editor, a form or a variable makes of a whole text, and does no harm with.
fn harmless(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let marked = format!("\u{feff}{text}");
    let in_one_line = text.trim_end().replace('\n', " ");
    vec![
        ("as it is", text.into()),
        ("Windows line ends", text.replace('\n', "\r\n").into()),
        ("line ends of a Mac of old", text.replace('\n', "\r").into()),
        ("a byte order mark", marked.clone().into()),
        ("a byte order mark and Windows line ends", marked.replace('\n', "\r\n").into()),
        ("UTF-16, little end first", utf16(&marked, u16::to_le_bytes)),
        ("UTF-16, big end first", utf16(&marked, u16::to_be_bytes)),
        ("UTF-16 without a byte order mark", utf16(text, u16::to_le_bytes)),
        ("UTF-16 without one, big end first", utf16(text, u16::to_be_bytes)),
        ("UTF-16 with Windows line ends", utf16(&marked.replace('\n', "\r\n"), u16::to_le_bytes)),
        ("\\n as two characters", text.replace('\n', "\\n").into()),
        ("\\r\\n as four characters", text.replace('\n', "\\r\\n").into()),
        ("\\n as two characters, in quotes", format!("\"{}\"\n", text.replace('\n', "\\n")).into()),
        ("in one line", in_one_line.clone().into()),
        ("in one line, in quotes", format!("'{in_one_line}'").into()),
        ("indented", text.replace('\n', "\n    ").into()),
        ("space at the ends of lines", text.replace('\n', " \t\n").into()),
        ("an empty line between all lines", text.replace('\n', "\n\n").into()),
        ("no line end at the end", text.trim_end().into()),
        ("the end of a file of DOS", format!("{text}\u{1a}").into()),
        ("NUL at the end", format!("{text}\0\0").into()),
        ("a comment", format!("# the company's root\n{text}- vendor\n").into()),
        ("a comment that is no ASCII", format!("Zürich – 東京\n{text}").into()),
        ("a comment in Latin-1", [b"# Z\xfcrich\n", text.as_bytes()].concat()),
        ("a comment with a backslash", format!("# C:\\new\\root.cer\n{text}").into()),
        ("a comment between dashes", format!("---- root ----\n{text}").into()),
    ]
}

/// What makes it another text, and what is said about it.
fn harmful(text: &str) -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let begin = text.lines().next().unwrap();
    let (first_line, _) = text.split_once('\n').unwrap();
    let second_line = text.lines().nth(1).unwrap();
    let end = begin.replace("BEGIN", "END");
    let em = |line: &str| line.replace("-----", "—–");
    vec![
        ("UTF-32", [0xff, 0xfe, 0, 0].into_iter().chain(utf16(text, u16::to_le_bytes)).collect(), "is UTF-32"),
        ("UTF-16 that is cut", utf16(text, u16::to_le_bytes).split_last().unwrap().1.to_vec(), "is UTF-16, and broken"),
        ("dashes that an editor has joined", text.replace(begin, &em(begin)).into(), "line 1 what is nearly a BEGIN"),
        ("four dashes", text.replacen("-----BEGIN", "----BEGIN", 1).into(), "line 1 what is nearly a BEGIN"),
        ("six dashes", text.replacen("-----BEGIN", "------BEGIN", 1).into(), "line 1 what is nearly a BEGIN"),
        (
            "four dashes behind the label",
            text.replacen(begin, &begin[..begin.len() - 1], 1).into(),
            "line 1 what is nearly",
        ),
        ("six dashes behind the label", text.replacen(begin, &format!("{begin}-"), 1).into(), "line 1 what is nearly"),
        (
            "space within the dashes",
            text.replacen("-----BEGIN", "----- BEGIN", 1).into(),
            "line 1 what is nearly a BEGIN",
        ),
        ("small letters", text.to_lowercase().into(), "line 1 what is nearly a BEGIN"),
        ("no BEGIN line", text.replacen(begin, "", 1).into(), "an END line without a BEGIN line"),
        ("no END line", text.replacen(&end, "", 1).into(), "line 1 a block without its END line"),
        ("an END line of another label", text.replacen(&end, "-----END CRL-----", 1).into(), "with another label"),
        (
            "a block in a block",
            text.replacen(first_line, &format!("{begin}\n{begin}"), 1).into(),
            "line 1 a block without its END",
        ),
        ("quoted in a mail", text.replace('\n', "\n> ").into(), "line 2 what is no base64"),
        (
            "a character that is not seen",
            text.replacen(second_line, &format!("\u{200b}{second_line}"), 1).into(),
            "line 2 what is no",
        ),
        (
            "the alphabet of URLs",
            text.replacen(second_line, &format!("_{}", &second_line[1..]), 1).into(),
            "line 2 what is no base64",
        ),
        ("a character too few", text.replacen(second_line, &second_line[1..], 1).into(), "line 1 a block that is"),
        ("a line too few", text.replacen(&format!("{second_line}\n"), "", 1).into(), "line 1 a block that is cut"),
        ("nothing in it", format!("{begin}\n{end}\n").into(), "line 1 a block that is cut"),
        (
            "a block of another kind",
            format!("{text}-----BEGIN CERTIFICAT-----\nAAAA\n-----END CERTIFICAT-----\n").into(),
            "an unknown kind",
        ),
    ]
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(what: &str, result: Result<T, ConfigError>, expected: &str, bytes: &[u8]) {
    let error = result.map(|_| ()).expect_err(what).to_string();
    assert!(error.contains(expected), "{what}: {error}");
    let advice = error.rsplit_once(": ").map(|(_, advice)| advice.len());
    assert!(advice.is_some_and(|advice| advice > 10), "{what}: it says what to do: {error}");
    // Of a text that may be a key nothing is quoted.
    let lossy = String::from_utf8_lossy(bytes);
    let secret = lossy.lines().filter(|line| line.len() >= 40 && !line.contains(' '));
    for line in secret {
        let part: String = line.chars().skip(8).take(16).collect();
        assert!(!error.contains(&part), "{what}: quotes the text");
    }
}

#[test]
fn roots_are_read_whole_or_refused_by_name() {
    let mut files = 0;
    let rsa = Certificates::from_pem(made!("root-rsa.pem")).unwrap().into_vec();
    let [one, both] = [vec![DER.into()], vec![DER.into(), rsa[0].clone()]];
    let joined = [text(ROOT).trim_end(), text(made!("root-rsa.pem"))].concat();
    let own = [
        ("with its text", made!("root-with-text.pem").to_vec(), &one),
        ("with attributes and a key", made!("both-with-attributes.pem").to_vec(), &one),
        ("with attributes and an encrypted key", made!("both-encrypted.pem").to_vec(), &one),
        ("the label of old", text(ROOT).replace("CERTIFICATE", "X509 CERTIFICATE").into(), &one),
        ("behind a key", [KEY, ROOT].concat(), &one),
        (
            "behind parameters, a request and a public key",
            [made!("dsa-parameters.pem"), made!("request.pem"), made!("public.pem"), ROOT].concat(),
            &one,
        ),
        ("two files, joined without a line end", joined.into(), &both),
        ("two files, each with a byte order mark", two().replace("-----BEGIN", "\u{feff}-----BEGIN").into(), &both),
    ];
    let one_as = harmless(text(ROOT)).into_iter().map(|(what, bytes)| (what, bytes, &one));
    let both_as = harmless(Box::leak(two().into_boxed_str())).into_iter().map(|(what, bytes)| (what, bytes, &both));
    for (what, bytes, expected) in own.into_iter().chain(one_as).chain(both_as) {
        let read = Certificates::from_pem(&bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(read.into_vec() == *expected, "{what}");
        files += 1;
    }

    let own = [
        ("trusted", made!("trusted.pem").to_vec(), "line 1 a TRUSTED CERTIFICATE"),
        ("distrusted", made!("distrusted.pem").to_vec(), "line 1 a TRUSTED CERTIFICATE"),
        ("PKCS #7", made!("pkcs7.pem").to_vec(), "line 1 certificates in a PKCS #7 envelope"),
        ("PKCS #7 in DER", made!("pkcs7.p7b").to_vec(), "is a PKCS #7 file"),
        ("PKCS #12", made!("both.p12").to_vec(), "is a PKCS #12 file"),
        ("DER", DER.to_vec(), "is DER, and not PEM"),
        ("a Java key store", made!("roots.jks").to_vec(), "is a Java key store"),
        ("a request", made!("request.pem").to_vec(), "has no certificate"),
        ("a key", KEY.to_vec(), "has a key where certificates are needed"),
        ("nothing", Vec::new(), "is empty"),
        ("space", b" \r\n\n".to_vec(), "is empty"),
        ("the page of a portal", b"<!DOCTYPE html><title>Log in</title>".to_vec(), "has no BEGIN line"),
        (
            "the lines between the markers alone",
            text(ROOT).lines().skip(1).take(8).collect::<String>().into(),
            "has no BEGIN line",
        ),
    ];
    let of_one = harmful(text(ROOT));
    // The other one is whole: nothing of the text is taken.
    let beside =
        harmful(text(ROOT)).into_iter().filter(|(what, ..)| !what.starts_with("UTF") && *what != "small letters");
    let beside = beside.map(|(what, bytes, expected)| (what, [&bytes, made!("root-rsa.pem")].concat(), expected));
    for (what, bytes, expected) in own.into_iter().chain(of_one).chain(beside) {
        assert_refused(what, Certificates::from_pem(&bytes), expected, &bytes);
        files += 1;
    }
    println!("figure: files of roots: {files}, each read whole or refused by name");
}

#[test]
fn keys_are_read_whole_or_refused_by_name() {
    let mut files = 0;
    let own: [(&str, &[u8], &[u8]); 7] = [
        ("PKCS#8", KEY, ROOT),
        ("SEC1", made!("sec1.key.pem"), ROOT),
        ("SEC1 behind its parameters", made!("sec1-with-parameters.key.pem"), ROOT),
        ("PKCS#8 with its text", made!("pkcs8-with-text.key.pem"), ROOT),
        ("PKCS#8 with attributes, in one file", made!("both-with-attributes.pem"), made!("both-with-attributes.pem")),
        ("PKCS#1", made!("pkcs1.key.pem"), made!("root-rsa.pem")),
        ("PKCS#8 of RSA", made!("pkcs8-rsa.key.pem"), made!("root-rsa.pem")),
    ];
    let own = own.into_iter().map(|(what, key, chain)| (what, key.to_vec(), chain));
    let changed = harmless(text(KEY)).into_iter().map(|(what, key)| (what, key, ROOT));
    for (what, key, chain) in own.chain(changed) {
        let identity = ClientIdentity::from_pem(chain, &key).unwrap_or_else(|error| panic!("{what}: {error}"));
        // rustls takes it, which compares the two.
        let builder = crate::HyperTransport::builder().only_roots(Certificates::from_pem(ROOT).unwrap());
        builder.client_identity(identity).build().unwrap_or_else(|error| panic!("{what}: {error}"));
        files += 1;
    }

    let own: [(&str, &[u8], &str); 15] = [
        ("encrypted, PKCS#8", made!("encrypted-pkcs8.key.pem"), "line 1 a private key that is encrypted"),
        ("encrypted, SEC1", made!("encrypted-sec1.key.pem"), "line 1 a private key that is encrypted"),
        ("encrypted, PKCS#1", made!("encrypted-pkcs1.key.pem"), "line 1 a private key that is encrypted"),
        ("encrypted, with attributes", made!("both-encrypted.pem"), "a private key that is encrypted"),
        ("OpenSSH's", made!("openssh.key.pem"), "line 1 a private key in OpenSSH's own form"),
        ("DSA", made!("dsa.key.pem"), "line 1 a private key of a form that is not read"),
        ("public", made!("public.pem"), "has a public key where the private one is needed"),
        ("public, PKCS#1", made!("public-rsa.pem"), "has a public key where the private one is needed"),
        ("DER", made!("pkcs8.key.der"), "is DER, and not PEM"),
        ("PKCS #12", made!("both.p12"), "is a PKCS #12 file"),
        ("a Java key store", made!("roots.jks"), "is a Java key store"),
        ("PuTTY's", b"PuTTY-User-Key-File-3: ssh-ed25519\n", "is a key for PuTTY"),
        ("a certificate", ROOT, "has no private key"),
        ("nothing", b"", "is empty"),
        ("a parameter", made!("dsa-parameters.pem"), "has no private key"),
    ];
    let two_keys = [KEY, made!("pkcs8-ed25519.key.pem")].concat();
    let own = own.into_iter().map(|(what, key, expected)| (what, key.to_vec(), expected));
    let two_keys = ("two keys", two_keys, "has more than one private key");
    for (what, key, expected) in own.chain([two_keys]).chain(harmful(text(KEY))) {
        let result = ClientIdentity::from_pem(ROOT, &key);
        assert!(result.as_ref().is_err_and(|error| error.to_string().contains("as its key ")), "{what}");
        assert_refused(what, result, expected, &key);
        files += 1;
    }
    let error = ClientIdentity::from_pem(made!("trusted.pem"), KEY).unwrap_err();
    assert!(error.to_string().contains("its chain has in line 1 a TRUSTED CERTIFICATE"), "{error}");
    println!("figure: files of keys: {files}, each read whole or refused by name");
}

proptest! {
    #[test]
    fn no_bytes_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        at in 0..ROOT.len(),
        len in 0usize..40,
    ) {
        let _ = ClientIdentity::from_pem(&bytes, &bytes);
        let mut pem = ROOT.to_vec();
        pem.splice(at..(at + len).min(ROOT.len()), bytes);
        let _ = (Certificates::from_pem(&pem), ClientIdentity::from_pem(&pem, &pem));
    }
}
