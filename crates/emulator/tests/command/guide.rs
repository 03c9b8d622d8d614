//! The guide with curl, as the book prints it.

use std::process::Command;

use crate::running::Running;

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
