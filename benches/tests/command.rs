//! The commands print their figures, or say why they cannot.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

fn run(path: Option<&str>, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clerk-actor-tokens-benches"));
    if let Some(path) = path {
        command.env("PATH", path);
    }
    command.args(arguments).output().unwrap()
}

#[cfg(unix)]
#[test]
fn compare_prints_a_figure_for_each_layer_at_each_number_in_flight() {
    let output = run(None, &["compare", "--requests", "2", "--rounds", "1"]);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}");
    for in_flight in ["1", "16", "64"] {
        for layer in ["floor", "transport", "cancel-on-drop", "library", "middlewares"] {
            let begins = format!("figure: HTTP/1.1  {in_flight:>2} in flight  {layer} ");
            assert_eq!(printed.lines().filter(|line| line.starts_with(&begins)).count(), 1, "{begins}\n{printed}");
        }
    }
}

#[test]
fn without_valgrind_there_are_no_instructions_and_no_success() {
    let output = run(Some("/nowhere"), &["instructions", "--requests", "1"]);
    assert!(!output.status.success());
    assert!(output.stdout.is_empty(), "no figure without a count");
    assert!(String::from_utf8(output.stderr).unwrap().contains("valgrind is not installed"));
}
