//! The prose of a Rust file: its comments, its documentation and its string literals.
//!
//! A lexer finds the tokens. What lies between them are white space and comments. The lexer makes an attribute of a
//! documentation comment, and gives all of its tokens the place of the comment: so it is known by how its text begins.

use std::ops::Range;

use proc_macro2::{LexError, Span, TokenStream, TokenTree, extra::invalidate_current_thread_spans};

use super::{
    markdown::Page,
    passage::{CODE, Passage},
};

/// Returns the passages of a Rust file, in the order comments, then literals.
///
/// Comments are read as Markdown, so their inline code is left out. The Rust snippets in them are read in turn.
///
/// # Errors
/// [`LexError`] if the text is not Rust.
pub fn texts_of_rust(source: &str) -> Result<Vec<Passage>, LexError> {
    read(source, 1)
}

/// Returns the passages of a page and of its Rust snippets. A snippet that is not Rust by itself is left out.
pub(super) fn passages_of_page(page: Page) -> Vec<Passage> {
    let mut passages = page.passages;
    for snippet in page.snippets {
        passages.extend(read(&snippet.text, snippet.line).unwrap_or_default());
    }
    passages
}

fn read(source: &str, first_line: usize) -> Result<Vec<Passage>, LexError> {
    invalidate_current_thread_spans();
    let mut tokens = Tokens { source, covered: Vec::new(), literals: Vec::new() };
    tokens.walk(source.parse()?);
    let line = |at: usize| {
        let before = source.get(..at).unwrap_or_default();
        first_line.saturating_add(before.bytes().filter(|byte| *byte == b'\n').count())
    };
    let mut passages = Vec::new();
    for (at, text) in comments(source, &tokens.covered) {
        passages.extend(passages_of_page(Page::from_line(&text, line(at))));
    }
    for range in &tokens.literals {
        let text = source.get(range.clone()).unwrap_or_default();
        passages.push(Passage::of_text(&without_code(text), line(range.start)));
    }
    Ok(passages)
}

struct Tokens<'a> {
    source: &'a str,
    covered: Vec<Range<usize>>,
    literals: Vec<Range<usize>>,
}

impl Tokens<'_> {
    fn walk(&mut self, tokens: TokenStream) {
        for token in tokens {
            let range = token.span().byte_range();
            let text = self.source.get(range.clone()).unwrap_or_default();
            if text.starts_with("//") || text.starts_with("/*") {
                continue; // documentation
            }
            match token {
                TokenTree::Group(group) => {
                    self.cover(group.span_open());
                    self.walk(group.stream());
                    self.cover(group.span_close());
                }
                TokenTree::Literal(literal) => {
                    let is_text = text.trim_start_matches(['b', 'c', 'r', '#']).starts_with('"');
                    self.cover(literal.span());
                    if is_text {
                        self.literals.push(range);
                    }
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) => self.covered.push(range),
            }
        }
    }

    fn cover(&mut self, span: Span) {
        self.covered.push(span.byte_range());
    }
}

/// The comments between the tokens, each with where it begins. Line comments that follow each other are one.
fn comments(source: &str, covered: &[Range<usize>]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut begin = 0;
    let end = source.len();
    for range in covered.iter().cloned().chain(std::iter::once(end..end)) {
        let gap = source.get(begin..range.start).unwrap_or_default();
        comments_of_gap(gap, begin, &mut found);
        begin = begin.max(range.end);
    }
    found
}

fn comments_of_gap(gap: &str, begin: usize, found: &mut Vec<(usize, String)>) {
    let mut joins = false; // whether the line before was a line comment
    let mut rest = gap;
    while let Some(line_at) = rest.find(|character: char| !character.is_whitespace()) {
        let (blank, text) = rest.split_at(line_at);
        let at = begin.saturating_add(gap.len().saturating_sub(text.len()));
        if text.starts_with("/*") {
            let len = block_len(text);
            let (comment, after) = text.split_at(len);
            found.push((at, without_stars(comment)));
            (joins, rest) = (false, after);
        } else {
            let (line, after) = text.split_at(text.find('\n').unwrap_or(text.len()));
            let marked = line.trim_start_matches('/');
            let comment = marked.strip_prefix('!').unwrap_or(marked);
            match found.last_mut() {
                Some((_, last)) if joins && blank.matches('\n').count() == 1 => {
                    last.push('\n');
                    last.push_str(comment);
                }
                _ => found.push((at, comment.to_owned())),
            }
            (joins, rest) = (true, after);
        }
    }
}

/// The length of a block comment, with those inside it.
fn block_len(text: &str) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let step = if rest.starts_with("/*") {
            depth = depth.saturating_add(1);
            2
        } else if rest.starts_with("*/") {
            depth = depth.saturating_sub(1);
            2
        } else {
            rest.chars().next().map_or(1, char::len_utf8)
        };
        at = at.saturating_add(step);
        if depth == 0 {
            break;
        }
    }
    at.min(text.len())
}

fn without_stars(comment: &str) -> String {
    let inner = comment.trim_start_matches(['/', '*', '!']).trim_end_matches(['/', '*']);
    let lines: Vec<&str> = inner.split('\n').map(|line| line.trim_start().trim_start_matches('*')).collect();
    lines.join("\n")
}

/// A literal's text without its escapes and without what `format!` puts in.
fn without_code(literal: &str) -> String {
    let mut text = String::new();
    let mut characters = literal.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('\n') => text.push('\n'),
                _ => text.push(' '),
            },
            '{' => {
                let name: String = characters.clone().take_while(|next| *next != '}').collect();
                let is_format = name.chars().all(|it| it.is_alphanumeric() || "_:?#.<>^+$*".contains(it));
                if is_format && characters.clone().any(|next| next == '}') {
                    characters.by_ref().take(name.chars().count().saturating_add(1)).for_each(drop);
                    text.push(CODE);
                } else {
                    text.push(' ');
                }
            }
            other => text.push(other),
        }
    }
    text
}
