//! The parts of the page.

use std::fmt::Write as _;

/// Writes a heading and a sentence below it.
pub(super) fn heading(page: &mut String, title: &str, sentence: &str) {
    write!(page, "\n## {title}\n\n{sentence}\n").unwrap();
}

/// Writes a table of two columns: what was done, and the text of the error.
pub(super) fn table(page: &mut String, rows: &[(&str, String)]) {
    page.push_str("\n| mistake | error |\n| --- | --- |\n");
    for (mistake, text) in rows {
        let text = text.replace('|', "\\|");
        writeln!(page, "| {mistake} | {text} |").unwrap();
    }
}
