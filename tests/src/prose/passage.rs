//! A passage: the words of one paragraph, heading, table cell, comment or string literal, each with its line.

/// The number of words that a sentence may have.
pub const LONGEST_SENTENCE: usize = 25;

/// Replaces inline code, which counts as one word.
pub(super) const CODE: char = '\u{FFFC}';

/// Abbreviations whose full stop ends no sentence.
const ABBREVIATIONS: [&str; 4] = ["e.g.", "i.e.", "etc.", "vs."];

/// A word with the punctuation around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word as it is written.
    pub text: String,
    /// The line, from 1.
    pub line: usize,
}

/// Words that belong together. A sentence never goes beyond its passage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passage {
    words: Vec<Word>,
    is_heading: bool,
    open: bool,
}

impl Passage {
    /// Makes a passage of a text that begins at this line.
    pub(super) fn of_text(text: &str, first_line: usize) -> Self {
        let mut passage = Self::default();
        for (line, text) in (first_line..).zip(text.split('\n')) {
            passage.push(text, line);
            passage.end_word();
        }
        passage
    }

    pub(super) fn heading() -> Self {
        Self { is_heading: true, ..Self::default() }
    }

    /// Adds a text of one line. It continues the last word unless white space or [`Passage::end_word`] separates them.
    pub(super) fn push(&mut self, text: &str, line: usize) {
        for character in text.chars() {
            if character.is_whitespace() {
                self.open = false;
                continue;
            }
            match self.words.last_mut().filter(|_| self.open) {
                Some(word) => word.text.push(character),
                None => self.words.push(Word { text: character.to_string(), line }),
            }
            self.open = true;
        }
    }

    pub(super) fn end_word(&mut self) {
        self.open = false;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Returns the words with their punctuation.
    #[must_use]
    pub fn words(&self) -> &[Word] {
        &self.words
    }

    /// Returns whether it is a heading.
    #[must_use]
    pub fn is_heading(&self) -> bool {
        self.is_heading
    }

    /// Returns the passage as one line. Inline code is shown as `..`.
    #[must_use]
    pub fn text(&self) -> String {
        text(&self.words)
    }

    /// Returns the sentences.
    pub fn sentences(&self) -> impl Iterator<Item = &[Word]> {
        self.words.split_inclusive(|word| ends_sentence(&word.text))
    }

    /// Returns the sentences of more than [`LONGEST_SENTENCE`] words, each with its line, its length and its text.
    pub fn long_sentences(&self) -> impl Iterator<Item = (usize, usize, String)> {
        self.sentences().filter_map(|sentence| {
            let count = sentence.iter().filter(|word| counts(&word.text)).count();
            let line = sentence.first()?.line;
            (count > LONGEST_SENTENCE).then(|| (line, count, text(sentence)))
        })
    }
}

fn text(words: &[Word]) -> String {
    let words: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    words.join(" ").replace(CODE, "`..`")
}

/// A dash alone is no word.
fn counts(word: &str) -> bool {
    word.chars().any(|character| character.is_alphanumeric() || character == CODE)
}

fn ends_sentence(word: &str) -> bool {
    let inner = word.trim_end_matches(['"', '\'', ')', ']', '”', '’', '*']);
    inner.ends_with(['.', '!', '?'])
        && !inner.ends_with("...")
        && !ABBREVIATIONS.contains(&inner.trim_start_matches('('))
}
