#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::path::{Path, PathBuf};

use super::*;

/// Texts of their own, so that no test depends on the project's list.
const LIST: &str = "# a comment\nzork\tplain\nin the vale of\tin\n";

/// No line.
const NONE: [usize; 0] = [];
/// No sentence.
const SHORT: [(usize, usize); 0] = [];

fn words(count: usize) -> String {
    vec!["word"; count].join(" ")
}

fn long_in_page(text: &str) -> Vec<(usize, usize)> {
    let page = Page::read(text);
    let passages = page.passages().iter().filter(|passage| !passage.is_heading());
    passages
        .flat_map(|passage| passage.long_sentences().map(|(line, count, _)| (line, count)).collect::<Vec<_>>())
        .collect()
}

fn lines_in_page(text: &str) -> Vec<usize> {
    Banned::parse(LIST).uses_in_page(text).iter().map(|it| it.line).collect()
}

fn lines_in_rust(text: &str) -> Vec<usize> {
    let passages = texts_of_rust(text).unwrap();
    passages.iter().flat_map(|passage| Banned::parse(LIST).uses(passage)).map(|it| it.line).collect()
}

fn dead(text: &str) -> Vec<String> {
    let files =
        [("docs/src/a.md", text), ("docs/src/b.md", "# One\n\n## Two words\n\n## Two words\n"), ("LICENSE", "")];
    let text_of =
        |path: &Path| files.iter().find(|(name, _)| Path::new(name) == path).map(|(_, text)| (*text).to_owned());
    let path = PathBuf::from("docs/src/a.md");
    let dead = dead_links(&path, &Page::read(text), |path| text_of(path).is_some(), text_of);
    dead.into_iter().map(|it| it.missing).collect()
}

#[test]
fn a_sentence_may_have_25_words_and_not_26() {
    assert_eq!(long_in_page(&format!("{}.\n", words(25))), SHORT);
    assert_eq!(long_in_page(&format!("Short.\n\n{}.\n", words(26))), [(3, 26)]);
}

#[test]
fn a_full_stop_ends_a_sentence_also_within_brackets_and_quotes() {
    for end in [".", "!", "?", ".)", ".\"", "`code`."] {
        assert_eq!(long_in_page(&format!("{}{end} {}.\n", words(20), words(20))), SHORT, "{end}");
    }
}

#[test]
fn a_colon_a_semicolon_and_an_abbreviation_end_no_sentence() {
    for end in [":", ";", ",", " e.g.", " i.e.", "..."] {
        assert_eq!(long_in_page(&format!("{}{end} {}.\n", words(20), words(20))).len(), 1, "{end}");
    }
}

#[test]
fn inline_code_is_one_word_and_a_link_is_its_text() {
    let code = "`a b c d`";
    assert_eq!(long_in_page(&format!("{} {code}.\n", words(24))), SHORT);
    assert_eq!(long_in_page(&format!("{} {code}.\n", words(25))), [(1, 26)]);
    assert_eq!(long_in_page(&format!("{} [word](https://example.com/a/b).\n", words(24))), SHORT);
    assert_eq!(long_in_page(&format!("{} [two words](x.md).\n", words(24))), [(1, 26)]);
}

#[test]
fn headings_and_code_blocks_have_no_sentences() {
    let long = words(40);
    assert_eq!(long_in_page(&format!("# {long}\n\n```text\n{long}\n```\n\n    {long}\n")), SHORT);
}

#[test]
fn items_and_cells_are_passages_of_their_own() {
    let half = words(20);
    assert_eq!(
        long_in_page(&format!("- {half}\n- {half}\n\n| {half} | {half} |\n| --- | --- |\n| {half} | {half} |\n")),
        SHORT
    );
    assert_eq!(long_in_page(&format!("- {half}\n  - {half}\n- {half}\n")), SHORT);
    let cell = words(26);
    assert_eq!(long_in_page(&format!("- {cell}\n\n| a |\n| --- |\n| {cell} |\n")), [(1, 26), (5, 26)]);
}

#[test]
fn a_banned_word_is_found_whole_in_any_case_and_across_lines() {
    assert_eq!(lines_in_page("A Zork, and\n(zork's) end in the\nvale of tears.\n"), [1, 2, 2]);
    assert_eq!(lines_in_page("Zorks, a bezork, in the vale, in the wide vale of.\n"), NONE);
}

#[test]
fn headings_and_cells_have_words_and_inline_code_has_none() {
    assert_eq!(lines_in_page("# Zork\n\n| `zork` | zork |\n| --- | --- |\n"), [1, 3]);
}

#[test]
fn identifiers_and_urls_are_no_words() {
    assert_eq!(lines_in_page("See is_zork, `zork()` and https://example.com/zork for more.\n"), NONE);
    assert_eq!(lines_in_rust("fn zork(zork: Zork) { zork!(is_zork, \"is_zork {zork} {zork:?}\"); }\n"), NONE);
}

#[test]
fn comments_documentation_and_literals_of_rust_are_read() {
    assert_eq!(lines_in_rust("//! Zork.\n\nfn f() {} // zork\n"), [1, 3]);
    assert_eq!(lines_in_rust("/// In the vale\n/// of it.\nfn f() {}\n/* one /* zork */\nzork */\n"), [1, 4, 5]);
    assert_eq!(lines_in_rust("const A: &str = \"a\\nzork\";\nconst B: &[u8] = br#\"zork\"#;\n"), [1, 2]);
    assert_eq!(lines_in_rust("const A: &str = \"// no comment\";\nconst B: char = '\"'; // zork\n"), [2]);
    assert_eq!(lines_in_rust("const A: &str = \"in the \\\n    vale of zork\";\n"), [1, 2]);
    assert_eq!(lines_in_rust("/* a /* in the */\nvale of it */\n"), [1]);
}

#[test]
fn comments_that_are_apart_are_two_passages() {
    assert_eq!(lines_in_rust("// in the vale\n\n// of it\n"), NONE);
    assert_eq!(lines_in_rust("// in the vale\nfn f() {}\n// of it\n"), NONE);
}

#[test]
fn a_rust_snippet_is_read_like_a_file_and_another_block_is_not() {
    assert_eq!(
        lines_in_page("Text.\n\n```rust\n# // zork\nlet a = \"zork\"; // fine\n```\n\n```text\nzork\n```\n"),
        [4, 5]
    );
    assert_eq!(lines_in_rust("/// ```\n/// let zork = 1; // zork\n/// ```\nfn f() {}\n"), [2]);
}

#[test]
fn a_link_leads_to_a_file_and_to_a_heading_of_it() {
    let good = "# Here\n\n[a](b.md) [b](b.md#one) [c](b.md#two-words-1) [d](#here) [e](../../LICENSE) [f](https://x.test/y#z)\n";
    assert_eq!(dead(good), Vec::<String>::new());
    assert_eq!(dead("[a](c.md)\n"), ["there is no docs/src/c.md"]);
    assert_eq!(dead("[a](b.md#three)\n"), ["docs/src/b.md has no heading #three"]);
    assert_eq!(dead("[a](b.md#two-words-2)\n"), ["docs/src/b.md has no heading #two-words-2"]);
    assert_eq!(dead("[a](#one)\n"), ["docs/src/a.md has no heading #one"]);
}

#[test]
fn a_fragment_has_the_letters_of_its_heading_in_lower_case() {
    let page = Page::read("## `close`: the *end* of a Process, 2 ways\n");
    assert!(page.has_fragment("close-the-end-of-a-process-2-ways"));
}

#[test]
fn a_link_to_a_file_is_relative_and_one_to_a_heading_of_the_page_is_not() {
    let page = Page::read("[a](b.md) [b](#c) [c](https://x.test) [d](crate::x)\n");
    let targets: Vec<&str> = relative_links(&page).map(|link| link.target.as_str()).collect();
    assert_eq!(targets, ["b.md"]);
}

#[test]
fn an_allowance_names_a_file_a_phrase_and_a_reason() {
    let list = "# a comment\na.rs\tzork\tquotes another project\nb.rs\tzork\n";
    let allowed = Allowed { file: "a.rs".into(), phrase: "zork".into(), reason: "quotes another project".into() };
    assert_eq!(Allowed::parse(list), [allowed]);
}
