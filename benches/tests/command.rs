//! The commands print their figures and write them into the page, or say why they cannot.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking, and says what it left out")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use clerk_actor_tokens_benches::{callgrind::Callgrind, layer::LIBRARY, protocol::Protocol, work::Work};

fn run(path: Option<&str>, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clerk-actor-tokens-benches"));
    if let Some(path) = path {
        command.env("PATH", path);
    }
    command.args(arguments).output().unwrap()
}

fn printed(output: Output) -> String {
    let (printed, said) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{said}\n{printed}");
    printed
}

/// A folder with a copy of the book's page.
fn book() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/src/price.md");
    fs::copy(page, folder.join("price.md")).unwrap();
    folder
}

#[cfg(unix)]
#[test]
fn all_writes_each_figure_into_the_page() {
    let folder = book();
    let size = ["--requests", "2", "--rounds", "1", "--in-flight", "1,64", "--no-instructions"];
    let arguments = [&["all", "--write", folder.to_str().unwrap()][..], &size].concat();
    let printed = printed(run(None, &arguments));
    let page = fs::read_to_string(folder.join("price.md")).unwrap();
    for table in printed.split("\n\n").filter(|part| part.starts_with('|')) {
        assert!(page.contains(table.trim()), "{table}");
    }
    for protocol in ["HTTP/1.1", "HTTP/1.1, TLS", "HTTP/2", "HTTP/2, TLS"] {
        for layer in ["floor", "reqwest", "transport", "library", "middlewares"] {
            let begins = format!("| {protocol} | `{layer}` | ");
            assert!(printed.lines().any(|line| line.starts_with(&begins)), "{begins}\n{printed}");
        }
    }
    let chart = fs::read_to_string(folder.join("price.svg")).unwrap();
    assert!(chart.starts_with("<svg") && chart.matches("<rect").count() > 4 * 4 * 2, "{chart}");
}

#[test]
fn the_emulators_figures_are_written_into_a_page_of_their_own() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/src/emulator-price.md");
    fs::copy(page, folder.join("emulator-price.md")).unwrap();
    let printed =
        printed(run(None, &["emulator", "--in-process", "--rounds", "1", "--write", folder.to_str().unwrap()]));
    let (table, figures) = printed.split_once("figure: ").unwrap();
    assert!(fs::read_to_string(folder.join("emulator-price.md")).unwrap().contains(table.trim()), "{table}");
    for row in
        ["| `Emulator::new()`", "| a creation, as a transport |", "| a creation, by a client |", "1,000 emulators"]
    {
        assert!(table.contains(row), "{table}");
    }
    assert_eq!(figures.matches("figure: ").count(), 3, "{figures}");
}

#[test]
fn without_the_command_it_is_said_how_to_build_it() {
    let output = run(None, &["emulator", "--rounds", "1", "--command", "/nowhere/emulator"]);
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("/nowhere/emulator is not there") && said.contains("cargo build --release"), "{said}");
}

#[test]
fn without_valgrind_there_are_no_instructions_and_no_success() {
    let output = run(Some("/nowhere"), &["instructions", "--requests", "1"]);
    assert!(!output.status.success());
    assert!(output.stdout.is_empty(), "no figure without a count");
    assert!(String::from_utf8(output.stderr).unwrap().contains("valgrind is not installed"));
}

#[test]
fn the_instructions_of_a_creation_are_without_those_of_the_start() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("not run: valgrind is not installed");
        return;
    }
    let program = Path::new(env!("CARGO_BIN_EXE_clerk-actor-tokens-benches"));
    let callgrind = Callgrind::new(program, None).unwrap();
    let count = callgrind.count(Protocol::Http2, 1, LIBRARY, Work::warm(1, 5)).unwrap();
    // Without optimisation it is a multiple of the book's figure. The start takes millions.
    assert!((50_000.0..2_000_000.0).contains(&count), "{count}");
}
