//! The words that this project does not use, and what it says instead.

use super::{
    markdown::Page,
    passage::{Passage, Word},
    rust::passages_of_page,
};

const WORDS: &str = include_str!("words.tsv");
const ALLOWED: &str = include_str!("allowed.tsv");

/// Words and phrases, each with what to say instead.
#[derive(Debug, Clone)]
pub struct Banned {
    phrases: Vec<Phrase>,
}

#[derive(Debug, Clone)]
struct Phrase {
    words: Vec<String>,
    instead: String,
}

/// A use of a banned word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The banned word or phrase.
    pub phrase: String,
    /// What to say instead.
    pub instead: String,
    /// The line of its first word, from 1.
    pub line: usize,
}

impl Banned {
    /// Returns the project's list: `tests/src/prose/words.tsv`.
    #[must_use]
    pub fn of_project() -> Self {
        Self::parse(WORDS)
    }

    /// Reads a list: on each line a phrase, a tab, and what to say instead. A line that begins with `#` is a comment.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        let phrase = |(phrase, instead): (&str, &str)| Phrase {
            words: phrase.split_whitespace().map(str::to_lowercase).collect(),
            instead: instead.trim().to_owned(),
        };
        let lines = list.lines().filter(|line| !line.starts_with('#'));
        Self { phrases: lines.filter_map(|line| line.split_once('\t')).map(phrase).collect() }
    }

    /// Returns the number of words and phrases.
    #[must_use]
    pub fn len(&self) -> usize {
        self.phrases.len()
    }

    /// Returns whether the list is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.phrases.is_empty()
    }

    /// Returns the uses in a Markdown page, its headings and Rust snippets included.
    #[must_use]
    pub fn uses_in_page(&self, text: &str) -> Vec<Use> {
        passages_of_page(Page::read(text)).iter().flat_map(|passage| self.uses(passage)).collect()
    }

    /// Returns the uses in a passage.
    #[must_use]
    pub fn uses(&self, passage: &Passage) -> Vec<Use> {
        let words: Vec<(String, usize)> = passage.words().iter().flat_map(parts).collect();
        let mut uses = Vec::new();
        for at in 0..words.len() {
            let rest = words.get(at..).unwrap_or_default();
            for phrase in &self.phrases {
                let same = phrase.words.iter().zip(rest).filter(|(wanted, (word, _))| *wanted == word).count();
                if let Some((_, line)) = rest.first().filter(|_| same == phrase.words.len()) {
                    let (phrase, instead) = (phrase.words.join(" "), phrase.instead.clone());
                    uses.push(Use { phrase, instead, line: *line });
                }
            }
        }
        uses
    }
}

/// The whole words in a word of a passage: `told/tells` has two. An underscore does not separate, so `is_told` is one.
fn parts(word: &Word) -> impl Iterator<Item = (String, usize)> {
    let is_url = word.text.contains("://");
    let parts = word.text.split(|it: char| !(it.is_alphanumeric() || it == '_'));
    parts.filter(move |part| !part.is_empty() && !is_url).map(|part| (part.to_lowercase(), word.line))
}

/// A use that stays, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// The file, from the root of the repository.
    pub file: String,
    /// The banned word or phrase.
    pub phrase: String,
    /// Why it stays.
    pub reason: String,
}

impl Allowed {
    /// Returns the project's list: `tests/src/prose/allowed.tsv`. Each line allows one use.
    #[must_use]
    pub fn of_project() -> Vec<Self> {
        Self::parse(ALLOWED)
    }

    /// Reads a list: on each line a file, a phrase and a reason, with tabs between them.
    #[must_use]
    pub fn parse(list: &str) -> Vec<Self> {
        let lines = list.lines().filter(|line| !line.starts_with('#'));
        lines
            .filter_map(|line| {
                let mut fields = line.split('\t').map(|field| field.trim().to_owned());
                Some(Self { file: fields.next()?, phrase: fields.next()?, reason: fields.next()? })
            })
            .collect()
    }
}
