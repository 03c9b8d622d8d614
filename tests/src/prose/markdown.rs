//! What a Markdown page holds: its passages, headings, links and Rust snippets.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::passage::{CODE, Passage};

/// A link of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The target as it is written.
    pub target: String,
    /// The line, from 1.
    pub line: usize,
}

/// A Rust snippet, and the line of its first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Snippet {
    pub(super) text: String,
    pub(super) line: usize,
}

/// A Markdown text, read.
#[derive(Debug, Default)]
pub struct Page {
    pub(super) passages: Vec<Passage>,
    pub(super) snippets: Vec<Snippet>,
    fragments: Vec<String>,
    links: Vec<Link>,
}

impl Page {
    /// Reads a page.
    #[must_use]
    pub fn read(text: &str) -> Self {
        Self::from_line(text, 1)
    }

    /// Reads a text that begins at this line of its file.
    pub(super) fn from_line(text: &str, first_line: usize) -> Self {
        let lines = Lines::new(text, first_line);
        let mut page = Self::default();
        let mut passage = Passage::default();
        let mut snippet: Option<Snippet> = None;
        let mut in_code = false;
        for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
            let line = lines.of(range.start);
            match event {
                Event::Text(text) if in_code => {
                    if let Some(snippet) = &mut snippet {
                        if snippet.text.is_empty() {
                            snippet.line = line;
                        }
                        snippet.text.push_str(&text);
                    }
                }
                Event::Text(text) => passage.push(&text, line),
                Event::Code(_) => passage.push(CODE.encode_utf8(&mut [0; 4]), line),
                Event::SoftBreak | Event::HardBreak => passage.end_word(),
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(Link { target: dest_url.into_string(), line });
                }
                Event::Start(Tag::CodeBlock(kind)) => {
                    page.end(&mut passage);
                    in_code = true;
                    snippet = is_rust(&kind).then(|| Snippet { text: String::new(), line });
                }
                Event::End(TagEnd::CodeBlock) => {
                    in_code = false;
                    page.snippets.extend(snippet.take());
                }
                Event::Start(Tag::Heading { .. }) => {
                    page.end(&mut passage);
                    passage = Passage::heading();
                }
                Event::End(TagEnd::Heading(_)) => {
                    page.add_fragment(lines.slice(range.start, range.end));
                    page.end(&mut passage);
                }
                Event::Start(tag) if !is_inline(&tag.to_end()) => page.end(&mut passage),
                Event::End(tag) if !is_inline(&tag) => page.end(&mut passage),
                _ => {}
            }
        }
        page.end(&mut passage);
        page
    }

    fn end(&mut self, passage: &mut Passage) {
        let passage = std::mem::take(passage);
        if !passage.is_empty() {
            self.passages.push(passage);
        }
    }

    /// A heading's fragment, as mdBook and rustdoc make it. A second heading of the same text gets a number.
    fn add_fragment(&mut self, heading: &str) {
        let text = heading.lines().next().unwrap_or_default().trim_start_matches('#').trim();
        let mut fragment = String::new();
        for character in text.chars() {
            if character.is_whitespace() {
                fragment.push('-');
            } else if character.is_alphanumeric() || matches!(character, '-' | '_') {
                fragment.extend(character.to_lowercase());
            }
        }
        let same = self.fragments.iter().filter(|other| **other == fragment).count();
        self.fragments.push(if same == 0 { fragment } else { format!("{fragment}-{same}") });
    }

    /// Returns the passages in the order of the page.
    #[must_use]
    pub fn passages(&self) -> &[Passage] {
        &self.passages
    }

    /// Returns whether the page has a heading with this fragment.
    #[must_use]
    pub fn has_fragment(&self, fragment: &str) -> bool {
        self.fragments.iter().any(|other| other == fragment)
    }

    /// Returns the links and images in the order of the page.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }
}

/// rustdoc takes a block without a language for Rust, and so do its attributes.
fn is_rust(kind: &CodeBlockKind<'_>) -> bool {
    const ATTRIBUTES: [&str; 6] = ["", "rust", "no_run", "ignore", "compile_fail", "should_panic"];
    match kind {
        CodeBlockKind::Indented => false,
        CodeBlockKind::Fenced(info) => ATTRIBUTES.contains(&info.split([',', ' ']).next().unwrap_or_default()),
    }
}

fn is_inline(tag: &TagEnd) -> bool {
    matches!(tag, TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image)
}

/// Which line a byte is in.
struct Lines<'a> {
    text: &'a str,
    ends: Vec<usize>,
    first: usize,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str, first: usize) -> Self {
        Self { text, ends: text.match_indices('\n').map(|(at, _)| at).collect(), first }
    }

    fn of(&self, at: usize) -> usize {
        self.first.saturating_add(self.ends.partition_point(|end| *end < at))
    }

    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }
}
