//! What the runbook quotes of a log is what the library says.

const RUNBOOK: &str = include_str!("../../docs/src/runbook.md");

/// Where the texts are: the samples of errors, which a test makes, and the code of the reports.
const SAID: [&str; 3] = [
    include_str!("../../docs/src/error-samples.md"),
    include_str!("../../crates/core/src/call/care.rs"),
    include_str!("../../crates/core/src/call/orphan.rs"),
];

/// The code spans of a row, in the column with the log's words.
fn quoted(row: &str) -> Vec<&str> {
    let mut cells = row.split(" | ").map(|cell| cell.trim_start_matches("| "));
    let first = cells.next().unwrap_or_default();
    let words = if first.contains('`') { first } else { cells.next().unwrap_or_default() };
    words.split('`').skip(1).step_by(2).collect()
}

#[test]
fn each_quoted_line_is_one_that_is_written() {
    let rows: Vec<_> = RUNBOOK.lines().filter(|line| line.starts_with("| ") && line.contains('`')).collect();
    assert!(rows.len() > 12, "{} rows", rows.len());
    for row in rows {
        let quoted = quoted(row);
        assert!(!quoted.is_empty(), "{row}");
        for text in quoted {
            // A value that differs is in three dots.
            for part in text.split("...").map(|part| part.trim_end_matches("act_")).filter(|part| !part.is_empty()) {
                assert!(SAID.iter().any(|said| said.contains(part)), "no one says {part:?}: {row}");
            }
        }
    }
}
