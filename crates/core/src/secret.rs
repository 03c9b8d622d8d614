//! Text that must not be printed, and the filter that everything else is printed through.
//!
//! Two things live here. [`redacted_text!`](macro@crate::secret::redacted_text) makes the types that hold a credential: they have
//! no `Display`, their `Debug` shows no character of the text, and `expose()` is the one way to it. [`Sanitized`] is for
//! text that *should* be printed but comes from elsewhere (Clerk's error messages, a transport's own error): it
//! escapes control characters, bounds the length and masks whatever looks like a credential.

use std::{error::Error, fmt};

/// How much of a foreign text is shown, in characters.
const SHOWN_MAX: usize = 400;

/// Defines a newtype around `String` that never shows its text.
macro_rules! redacted_text {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// Wraps a text. It is kept verbatim.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text itself. Whoever calls this decides where it goes: keep it out of logs.
            #[must_use]
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(redacted)"))
            }
        }
    };
}
pub(crate) use redacted_text;

/// Shows a text that came from outside: credentials masked, control characters escaped, length bounded.
///
/// Masked are secret keys (`sk_test_...`, `sk_live_...`), JSON Web Tokens (`eyJ...`), the value of a `ticket` query
/// parameter, the user info of a URL, and whatever follows `Bearer`, or looks like credentials behind `Basic`.
///
/// ```
/// # use clerk_actor_tokens_core::Sanitized;
/// assert_eq!(Sanitized::new("no key sk_test_abc here").to_string(), "no key sk_test_(redacted) here");
/// assert_eq!(Sanitized::new("a\nb").to_string(), "a\\nb");
/// ```
#[derive(Clone, Copy)]
pub struct Sanitized<'a>(&'a str);

impl<'a> Sanitized<'a> {
    /// Wraps the text; its `Display` and `Debug` are what is masked.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self(text)
    }
}

/// What starts a credential, and how long the run behind it must be to count as one.
const MARKS: [(&str, usize); 5] = [("sk_test_", 1), ("sk_live_", 1), ("eyJ", 8), ("ticket=", 1), ("ticket%3D", 1)];

/// The schemes of an `Authorization` header (RFC 6750, RFC 7617), and whether what follows must have a capital or a digit
/// to count: "Basic authentication failed" is no credential.
const SCHEMES: [(&str, bool); 2] = [("Bearer", false), ("Basic", true)];

/// What stands before the user info of a URL (RFC 3986 section 3.2.1), which ends at an `@`.
const AUTHORITY: &str = "://";

fn is_credential_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/' | '=' | '%' | '~')
}

impl fmt::Display for Sanitized<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;

        let mut rest = self.0;
        let mut shown = 0usize;
        while let Some(first) = rest.chars().next() {
            if shown >= SHOWN_MAX {
                return f.write_str("...");
            }
            if let Some((mark, after)) = credential_at(rest) {
                write!(f, "{mark}(redacted)")?;
                shown = shown.saturating_add(mark.len()).saturating_add(10);
                rest = after;
                continue;
            }
            if first.is_control() || is_invisible(first) {
                write!(f, "{}", first.escape_default())?;
            } else {
                f.write_char(first)?;
            }
            shown = shown.saturating_add(1);
            rest = rest.get(first.len_utf8()..).unwrap_or("");
        }
        Ok(())
    }
}

impl fmt::Debug for Sanitized<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// A chain of causes by their `Display`, each through [`Sanitized`]: a foreign `Debug` may print anything.
pub(crate) struct SanitizedChain<'a>(pub(crate) &'a (dyn Error + 'static));

impl fmt::Debug for SanitizedChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        let mut next = Some(self.0);
        while let Some(error) = next {
            list.entry(&Sanitized::new(&error.to_string()));
            next = error.source();
        }
        list.finish()
    }
}

/// Characters that reorder or hide text in a terminal.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// If a credential starts here: the mark that stays visible, and the text behind the credential.
fn credential_at(text: &str) -> Option<(&'static str, &str)> {
    let behind = |mark: &str| {
        let (head, tail) = (text.get(..mark.len())?, text.get(mark.len()..)?);
        head.eq_ignore_ascii_case(mark).then_some(tail)
    };
    for (mark, at_least) in MARKS {
        if let Some((run, rest)) = behind(mark).and_then(split_run) {
            if run.len() >= at_least {
                return Some((mark, rest));
            }
        }
    }
    for (scheme, must_look_like_one) in SCHEMES {
        let behind_space = behind(scheme).filter(|tail| tail.starts_with(char::is_whitespace)).map(str::trim_start);
        if let Some((run, rest)) = behind_space.and_then(split_run) {
            let looks_like_one = run.contains(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit());
            if !run.is_empty() && (looks_like_one || !must_look_like_one) {
                return Some((scheme, rest));
            }
        }
    }
    let tail = behind(AUTHORITY)?;
    let authority = tail.split(['/', '?', '#']).next().filter(|part| !part.contains(char::is_whitespace))?;
    Some((AUTHORITY, tail.get(authority.rfind('@')?..)?))
}

fn split_run(text: &str) -> Option<(&str, &str)> {
    text.split_at_checked(text.find(|c| !is_credential_char(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_credential_inside_any_text_is_masked(before in "\\PC{0,20}", after in " \\PC{0,20}", form in 0usize..7) {
            let secret = "CANARYcanary0123456789";
            let text = match form {
                0 => format!("{before}sk_live_{secret}{after}"),
                1 => format!("{before}SK_TEST_{secret}{after}"),
                2 => format!("{before}eyJ{secret}.{secret}.{secret}{after}"),
                3 => format!("{before}https://x.test/v1/tickets/accept?ticket={secret}{after}"),
                4 => format!("{before}Bearer\t {secret}{after}"),
                5 => format!("{before}Basic {secret}=={after}"),
                _ => format!("{before}http://user:{secret}@proxy.test:80/{after}"),
            };
            prop_assert!(!Sanitized::new(&text).to_string().contains("CANARY"));
        }

        #[test]
        fn whatever_is_shown_is_one_line_of_bounded_length(text in "(?s).{0,2000}") {
            let shown = Sanitized::new(&text).to_string();
            prop_assert!(!shown.contains(|c: char| c.is_control()));
            prop_assert!(shown.chars().count() < SHOWN_MAX * 10);
        }
    }

    #[test]
    fn what_is_no_credential_is_shown_as_it_is() {
        for text in
            ["Basic authentication failed", "see https://clerk.com/docs?x=a@b", "Bearer <YOUR_API_KEY>", "eyJump"]
        {
            assert_eq!(Sanitized::new(text).to_string(), text);
        }
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let shown = Sanitized::new(&"x".repeat(1000)).to_string();
        assert_eq!(shown.len(), SHOWN_MAX + 3);
        assert!(shown.ends_with("..."));
    }
}
