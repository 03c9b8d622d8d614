//! The guides in other languages, as the book prints them.

use std::process::Command;

use crate::running::Running;

const PAGE: &str = include_str!("../../../../docs/src/languages.md");

/// Each is a whole file, which a check runs.
#[test]
fn the_book_has_the_files_that_are_run() {
    let files = [
        ("sh", include_str!("../../../../examples/languages/curl.sh")),
        ("python", include_str!("../../../../examples/languages/test_emulator.py")),
        ("js", include_str!("../../../../examples/languages/emulator.test.js")),
    ];
    for (language, file) in files {
        let listing = format!("```{language}\n{file}```\n");
        assert!(PAGE.contains(&listing), "its listing in {language} has to be:\n{listing}");
    }
    assert_eq!(PAGE.matches("\n```\n").count(), files.len());
}

/// curl is no part of Rust, so it is run apart: by `.ci/run`.
#[test]
#[ignore = "needs curl"]
fn the_guide_with_curl_does_what_it_says() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/languages/curl.sh");
    let server = Running::start(&[]);
    let output = Command::new("sh").arg(script).env("EMULATOR", &server.url).output().unwrap();
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{stdout}{stderr}");
    assert_eq!((stdout.as_str(), stderr.as_str()), ("create, open, assert, fault, reset: as expected\n", ""));
    // With a key that the server does not know it stops, and does not end as if all were well.
    let other = Running::start(&["--secret-key", "sk_test_other"]);
    assert!(!Command::new("sh").arg(script).env("EMULATOR", &other.url).output().unwrap().status.success());
    assert_eq!(server.end("-TERM"), (Some(0), String::new()));
}
