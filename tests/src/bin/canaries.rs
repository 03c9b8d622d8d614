//! Searches files for credentials: `canaries FILE...`, for what the whole test suite has printed.
//!
//! Exits with 0 if there is none, 1 with the places if there is one, 2 if there was nothing to search, or no records at trace
//! level among it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command prints what it found")]

use std::{env, fs, process::ExitCode};

use clerk_actor_tokens_tests::canary::Scanner;

/// How many places of one file are printed.
const TOLD: usize = 20;

/// So many records at least are in the output of the whole suite.
const RECORDS: usize = 100;

/// Whether a library wrote this line below the level of a warning.
fn is_record(line: &&str) -> bool {
    ["TRACE ", "DEBUG "].iter().any(|level| line.starts_with(level))
}

fn main() -> ExitCode {
    let (mut files, mut lines, mut records, mut bytes, mut hits) = (0usize, 0usize, 0usize, 0usize, 0usize);
    for file in env::args_os().skip(1) {
        let name = file.to_string_lossy();
        let content = match fs::read(&file) {
            Ok(content) => content,
            Err(error) => {
                eprintln!("{name}: {error}");
                return ExitCode::from(2);
            }
        };
        let text = String::from_utf8_lossy(&content);
        let mut found = Scanner::new().scan(&text);
        // The text before the first of a line is clean; before a second is the first.
        found.dedup_by_key(|hit| hit.line());
        for hit in found.iter().take(TOLD) {
            let line = text.lines().nth(hit.line().saturating_sub(1)).unwrap_or_default();
            println!("{name}:{}: {hit}, behind: {}", hit.line(), hit.before(line));
        }
        if let Some(more) = found.len().checked_sub(TOLD).filter(|more| *more > 0) {
            println!("{name}: and {more} more");
        }
        files = files.saturating_add(1);
        lines = lines.saturating_add(text.lines().count());
        records = records.saturating_add(text.lines().filter(is_record).count());
        bytes = bytes.saturating_add(content.len());
        hits = hits.saturating_add(found.len());
    }
    println!(
        "figure: canaries: {files} files, {lines} lines, {records} of them records of a library at trace level, {bytes} bytes searched, {hits} lines with a credential"
    );
    match (records, hits) {
        (0..RECORDS, 0) => {
            eprintln!("too little to search: run the tests with RUST_TEST_NOCAPTURE=1 RUST_LOG=trace");
            ExitCode::from(2)
        }
        (_, 0) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
