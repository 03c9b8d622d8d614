//! Runs an example as a program.

use std::{env::consts::EXE_SUFFIX, process::Command};

/// Cargo builds the examples of a package before it runs its tests, and puts them beside the tests' own folder.
pub(crate) fn prints(name: &str) -> String {
    let tests = std::env::current_exe().unwrap();
    let path = tests.parent().unwrap().parent().unwrap().join("examples").join(format!("{name}{EXE_SUFFIX}"));
    let output = Command::new(path).output();
    let output = output.unwrap_or_else(|error| panic!("{name}: {error}; it is built with all targets of this package"));
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
