//! What is wrong with a text, and where.

use std::borrow::Cow;

use clerk_actor_tokens_core::ConfigError;

/// What to do about a text that is not whole.
pub(super) const WHOLE: &str = "copy the file again, whole and unchanged";

/// Why a text cannot be used, in the words of a [`ConfigError`].
#[derive(Debug, PartialEq, Eq)]
pub(in crate::tls) struct Problem {
    problem: Cow<'static, str>,
    advice: &'static str,
}

impl Problem {
    pub(in crate::tls) const fn new(problem: &'static str, advice: &'static str) -> Self {
        Self { problem: Cow::Borrowed(problem), advice }
    }

    pub(in crate::tls) fn at(line: usize, has: &str, advice: &'static str) -> Self {
        Self { problem: Cow::Owned(format!("has in line {line} {has}")), advice }
    }

    pub(in crate::tls) fn of(self, setting: &'static str) -> ConfigError {
        ConfigError::new(setting, self.problem, self.advice)
    }

    /// The same of one of the texts of a setting.
    pub(in crate::tls) fn of_part(self, setting: &'static str, part: &str) -> ConfigError {
        ConfigError::new(setting, format!("cannot be used, as its {part} {}", self.problem), self.advice)
    }
}
