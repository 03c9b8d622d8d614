//! The same program over each transport: it runs, and one line of it differs. What a transport of one's own takes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by a panic")]

mod common;

use std::{fs, path::Path};

use common::prints;

const OVER: [&str; 4] = ["over_hyper", "over_reqwest", "over_tower", "over_ureq"];

fn source(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn one_line_differs_between_the_transports_and_each_makes_a_token_and_revokes_it() {
    let first = source("transports/over_hyper.rs");
    for name in OVER {
        let other = source(&format!("transports/{name}.rs"));
        assert_eq!(first.lines().count(), other.lines().count());
        let differing = first.lines().zip(other.lines()).filter(|(line, other)| line != other).count();
        assert_eq!(differing, usize::from(name != "over_hyper"), "{name}");
        let printed = prints(name);
        assert!(printed.starts_with("made act_") && printed.ends_with("revoked it\n"), "{name}: {printed}");
    }
}

#[test]
fn a_script_needs_no_async() {
    let code = source("without_async.rs");
    assert!(!code.contains("async fn") && !code.contains(".await"));
    assert!(prints("without_async").ends_with("handed the link out\n"));
}

#[test]
fn a_transport_of_ones_own_takes_at_most_60_lines() {
    let example = source("custom_transport.rs");
    let transport = example.split("/// Plain HTTP/1.1").nth(1).unwrap().split("#[tokio::main]").next().unwrap();
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
    let lines = transport.lines().filter(is_code).count();
    assert!(lines <= 60, "{lines} lines");
}
