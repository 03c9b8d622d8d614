//! Checks that the files of no crate import each other in a circle: `imports [PACKAGE...]`, by default all of the workspace.
//!
//! The rules are those of [`clerk_actor_tokens_tests::imports`]. Each library and each command is a crate of its own.
//!
//! Exits with 0 if there is no circle, 1 with all circles if there is one, 2 if something cannot be read.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command prints what it found")]

use std::{
    env,
    error::Error,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use clerk_actor_tokens_tests::imports::Imports;
use serde_json::Value;

fn main() -> ExitCode {
    match run(&env::args().skip(1).collect::<Vec<_>>()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Returns the number of circles.
fn run(packages: &[String]) -> Result<usize, Box<dyn Error>> {
    let (mut crates, mut files, mut imports, mut circles) = (0usize, 0usize, 0usize, 0usize);
    for (name, root) in roots(packages)? {
        let folder = root.parent().unwrap_or(Path::new("")).to_path_buf();
        let file = root.file_name().map(PathBuf::from).unwrap_or_default();
        let found = Imports::of_crate(&file, |path| match fs::read_to_string(folder.join(path)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .map_err(|error| format!("{name}: {error}"))?;
        for (at, circle) in found.circles().iter().enumerate() {
            println!("{name}: circle {} of {} files:\n{circle}", at.saturating_add(1), circle.files.len());
            circles = circles.saturating_add(1);
        }
        crates = crates.saturating_add(1);
        files = files.saturating_add(found.files.len());
        imports = imports.saturating_add(found.imports.len());
    }
    println!("figure: imports: {crates} crates, {files} files, {imports} imports, {circles} circles");
    if crates == 0 {
        return Err("there is no such package".into());
    }
    Ok(circles)
}

/// The root file of each library and command of the workspace.
fn roots(packages: &[String]) -> Result<Vec<(String, PathBuf)>, Box<dyn Error>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo).args(["metadata", "--format-version", "1", "--no-deps", "--locked"]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut roots = Vec::new();
    for package in list(metadata.get("packages")) {
        let name = text(&package, "name");
        if !packages.is_empty() && !packages.contains(&name) {
            continue;
        }
        for target in list(package.get("targets")) {
            let kinds = list(target.get("kind"));
            if kinds.iter().any(|kind| kind == "lib" || kind == "bin") {
                let kind = if kinds.iter().any(|kind| kind == "bin") {
                    format!(" ({})", text(&target, "name"))
                } else {
                    String::new()
                };
                roots.push((format!("{name}{kind}"), PathBuf::from(text(&target, "src_path"))));
            }
        }
    }
    Ok(roots)
}
