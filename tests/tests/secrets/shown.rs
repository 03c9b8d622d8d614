//! What a test was shown: by `Debug`, by `Display`, by the chain of causes of an error; and what was said meanwhile.

use std::{
    collections::HashSet,
    error::Error as StdError,
    fmt::{Debug, Display},
    panic::{AssertUnwindSafe, catch_unwind},
};

use clerk_actor_tokens_tests::canary::Scanner;

use crate::capture::{self, Capture, is_of};

/// Everything that was shown, and what must not be in it.
pub(crate) struct Sanitized {
    texts: Vec<(String, String)>,
    scanner: Scanner,
    secrets: usize,
    capture: &'static Capture,
}

impl Sanitized {
    pub(crate) fn new() -> Self {
        Self { texts: Vec::new(), scanner: Scanner::new(), secrets: 0, capture: capture::start() }
    }

    pub(crate) fn debug(&mut self, name: &str, value: &dyn Debug) {
        self.texts.push((name.to_owned(), format!("{value:?} {value:#?}")));
    }

    pub(crate) fn display(&mut self, name: &str, value: &dyn Display) {
        self.texts.push((name.to_owned(), format!("{value} {value:#}")));
    }

    pub(crate) fn error(&mut self, name: &str, error: &(dyn StdError + 'static)) {
        let mut next = Some(error);
        while let Some(error) = next {
            self.display(name, &error);
            self.debug(name, &error);
            next = error.source();
        }
    }

    /// What a failing assertion or double says.
    pub(crate) fn panic<R>(&mut self, name: &str, fails: impl FnOnce() -> R) -> String {
        let Err(panic) = catch_unwind(AssertUnwindSafe(fails)) else { panic!("{name} did not fail") };
        let message = panic.downcast_ref::<String>().cloned().unwrap_or_default();
        assert!(!message.is_empty(), "{name} did not say why");
        self.display(name, &message);
        message
    }

    /// A secret, any part of which would be seen.
    pub(crate) fn secret(&mut self, secret: &str) {
        self.secrets += 1;
        self.scanner.name_secret(secret);
    }

    /// The same for a secret that is no text.
    pub(crate) fn secret_bytes(&mut self, secret: &[u8]) {
        self.secrets += 1;
        self.scanner.name_bytes(secret);
    }

    /// How many records this crate, or this module of a crate, has logged so far.
    pub(crate) fn records_of(&self, name: &str) -> usize {
        self.capture.count(name)
    }

    /// How many records of this crate hold this text.
    pub(crate) fn records_with(&self, name: &str, text: &str) -> usize {
        self.capture.said().iter().filter(|(who, said)| is_of(who, name) && said.contains(text)).count()
    }

    /// No credential is in any text, whatever it is encoded in.
    pub(crate) fn assert_clean(&self, test: &str) {
        self.assert_clean_but_for(test, &[]);
    }

    /// The same, with the records of these crates left out. They are kept apart: no other test may see them.
    pub(crate) fn assert_clean_but_for(&self, test: &str, crates: &[&str]) {
        let said = self.capture.said();
        let said: Vec<_> = said.iter().filter(|(who, _)| !crates.iter().any(|name| is_of(who, name))).collect();
        assert!(self.secrets > 1 && self.texts.len() > 5, "nothing was tried");
        // Most records are said again and again.
        let mut seen = HashSet::new();
        let texts = || self.texts.iter().chain(said.iter().copied());
        for (name, text) in texts().filter(|(_, text)| seen.insert(text.as_str())) {
            if let Some(hit) = self.scanner.scan(text).first() {
                // Not the text itself: it would be printed.
                let line = text.lines().nth(hit.line() - 1).unwrap_or_default();
                panic!("{name} shows a credential ({hit}), behind: {}", hit.before(line));
            }
        }
        let bytes: usize = texts().map(|(_, text)| text.len()).sum();
        let panics = said.iter().filter(|(who, _)| who == "panic").count();
        println!(
            "figure: canaries, {test}: {} texts shown, {} records and {panics} panics captured, {bytes} bytes, 0 credentials",
            self.texts.len(),
            said.len() - panics,
        );
    }
}
