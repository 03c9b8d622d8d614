//! Text that must not be printed, and the filter that everything else is printed through.
//!
//! Two things live here. [`redacted_text!`](macro@crate::secret::redacted_text) makes the types
//! that hold a credential. They have no `Display`, their `Debug` shows no character of the text,
//! and only `expose()` returns it. [`Sanitized`] is for text that *should* be printed but comes
//! from elsewhere (Clerk's error messages, a transport's own error). It escapes control characters,
//! bounds the length and masks what looks like a credential.

mod credential;
mod spelling;

use std::{error::Error, fmt, iter};

use self::spelling::is_invisible;

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

            /// Returns the text itself. Keep it out of logs.
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
/// It masks:
///
/// - secret keys (`sk_test_...`, `sk_live_...`), up to the next white space or quote;
/// - JSON Web Tokens (`eyJ...`);
/// - the value of a `ticket` query parameter;
/// - the user info of a URL;
/// - what follows `Bearer`, and what looks like credentials after `Basic`.
///
/// Each of them counts in any letter case and with invisible characters in it. It counts
/// percent-encoded once or more, and escaped as in a JSON string or an HTML page. What is
/// encrypted, compressed or in base64 is not looked into. An id as Clerk writes them is shown
/// whole, also where it holds `eyJ`.
///
/// ```
/// # use clerk_actor_tokens_core::Sanitized;
/// assert_eq!(Sanitized::new("no key sk_test_abc here").to_string(), "no key sk_test_(redacted) here");
/// assert_eq!(Sanitized::new("a\nb").to_string(), "a\\nb");
/// ```
#[derive(Clone, Copy)]
pub struct Sanitized<'a>(&'a str);

impl<'a> Sanitized<'a> {
    /// Wraps the text. Its `Display` and `Debug` are masked.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self(text)
    }
}

impl fmt::Display for Sanitized<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;

        let (mut at, mut shown) = (0usize, 0usize);
        while let Some(first) = self.0.get(at..).and_then(|rest| rest.chars().next()) {
            if shown >= SHOWN_MAX {
                return f.write_str("...");
            }
            if let Some(found) = credential::at(self.0, at) {
                write!(f, "{}(redacted)", found.mark)?;
                shown = shown.saturating_add(found.mark.len()).saturating_add(10);
                at = at.saturating_add(found.len);
                continue;
            }
            if first.is_control() || is_invisible(first) {
                write!(f, "{}", first.escape_default())?;
            } else {
                f.write_char(first)?;
            }
            shown = shown.saturating_add(1);
            at = at.saturating_add(first.len_utf8());
        }
        Ok(())
    }
}

impl fmt::Debug for Sanitized<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// How many causes of an error are looked at: a foreign chain may have no end.
const CAUSES_MAX: usize = 32;

pub(crate) fn chain<'a>(first: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(first), |error: &&'a (dyn Error + 'static)| (**error).source()).take(CAUSES_MAX)
}

/// Returns the text of an error. `None` where its `Display` fails: a part of a text may be a part of a credential that
/// [`Sanitized`] then cannot recognize.
fn text_of(error: &(dyn Error + 'static)) -> Option<String> {
    use fmt::Write as _;

    let mut text = String::new();
    write!(text, "{error}").ok().map(|()| text)
}

/// Returns the text of the innermost cause that adds something to what is said already. Print it through [`Sanitized`].
pub(crate) fn innermost_cause(first: &(dyn Error + 'static), said: &str) -> Option<String> {
    let adds = |text: &String| !text.trim().is_empty() && text.trim() != said;
    chain(first).filter_map(text_of).filter(adds).last()
}

/// A chain of causes by their `Display`, each through [`Sanitized`]: a foreign `Debug` may print anything.
pub(crate) struct SanitizedChain<'a>(pub(crate) &'a (dyn Error + 'static));

impl fmt::Debug for SanitizedChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts = chain(self.0).map(|error| text_of(error).unwrap_or_default());
        let mut list = f.debug_list();
        for text in texts {
            list.entry(&Sanitized::new(&text));
        }
        list.finish()
    }
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

    type Spell = fn(char) -> String;

    /// How a server may spell a character when it echoes what it was sent.
    const SPELLINGS: [(&str, Spell); 14] = [
        ("as it is", |c| c.to_string()),
        ("in upper case", |c| c.to_uppercase().to_string()),
        ("percent-encoded", |c| format!("%{:02X}", u32::from(c))),
        ("percent-encoded in lower case", |c| format!("%{:02x}", u32::from(c))),
        ("percent-encoded twice", |c| format!("%25{:02X}", u32::from(c))),
        ("percent-encoded three times", |c| format!("%2525{:02x}", u32::from(c))),
        ("escaped in JSON", |c| format!("\\u{:04x}", u32::from(c))),
        ("escaped in JSON in upper case", |c| format!("\\u{:04X}", u32::from(c))),
        ("escaped in JSON in JSON", |c| format!("\\\\u{:04x}", u32::from(c))),
        ("escaped in JSON, percent-encoded", |c| format!("%5Cu{:04x}", u32::from(c))),
        ("escaped in Rust", |c| format!("\\u{{{:x}}}", u32::from(c))),
        ("escaped in JavaScript", |c| format!("\\x{:02x}", u32::from(c))),
        ("escaped in HTML", |c| format!("&#{};", u32::from(c))),
        ("with an invisible character", |c| format!("\u{200b}{c}")),
    ];

    /// Each mark, the text between it and the secret, and what is shown of the two.
    const MARKED: [(&str, &str, &str); 9] = [
        ("sk_test_", "CANARY(CANARY),<CANARY>&CANARY=%20CANARY", "sk_test_(redacted)"),
        ("sk_live_", "CANARY", "sk_live_(redacted)"),
        ("eyJ", "CANARY01.eyJCANARY.CANARY-_", "eyJ(redacted)"),
        ("ticket=", "CANARY(CANARY);CANARY", "ticket=(redacted)"),
        ("Bearer ", "CANARY,CANARY", "Bearer(redacted)"),
        ("Bearer: ", "CANARY", "Bearer(redacted)"),
        ("Basic ", "dXNlcjpCANARY==CANARY", "Basic(redacted)"),
        ("://", "user:CANARY@", "://(redacted)@"),
        ("://", "user:CANARY/CANARY@CANARY@", "://(redacted)@"),
    ];

    #[test]
    fn a_credential_is_masked_in_each_spelling_of_its_mark() {
        for (mark, secret, shown) in MARKED {
            for (name, spell) in SPELLINGS {
                // All of the mark in this spelling, and one character of it.
                let one = |only: usize| {
                    mark.chars().enumerate().map(move |(at, c)| if at == only { spell(c) } else { c.to_string() })
                };
                let mut marks: Vec<String> = (0..mark.len()).map(|only| one(only).collect()).collect();
                marks.push(mark.chars().map(spell).collect());
                for spelled in marks {
                    for (before, behind) in [("a word ", " and more"), ("\"", "\" and more"), ("x=", "\n"), ("(", "")] {
                        let behind = if shown.ends_with('@') { format!("host{behind}") } else { behind.to_owned() };
                        let text = Sanitized::new(&format!("{before}{spelled}{secret}{behind}")).to_string();
                        assert!(!text.contains("CANARY"), "{mark} {name}: {}", text.replace("CANARY", "(shown)"));
                        assert_eq!(text, format!("{before}{shown}{}", behind.replace('\n', "\\n")), "{name}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_ticket_is_masked_in_each_spelling_of_its_dots() {
        for (name, spell) in SPELLINGS {
            let ticket = format!("eyJhbGciOiJSUzI1NiJ9{0}eyJCANARY{0}CANARY_-", spell('.'));
            for before in ["", "act_", "=", "ticket="] {
                let text = Sanitized::new(&format!("see {before}{ticket} and more")).to_string();
                assert!(!text.contains("CANARY") && text.ends_with("(redacted) and more"), "{name} behind {before}");
            }
        }
    }

    #[test]
    fn a_link_in_a_link_ends_where_its_own_value_ends() {
        for (text, shown) in [
            ("?ticket=CANARY&a=1#f", "?ticket=(redacted)&a=1#f"),
            ("?ticket=CANARY#f", "?ticket=(redacted)#f"),
            ("?ticket=CANARY%26CANARY&a=1", "?ticket=(redacted)&a=1"),
            ("?to=x%3Fticket%3DCANARY%2526CANARY%26a%3D1", "?to=x%3Fticket=(redacted)%26a%3D1"),
            ("?ticket=CANARY\\u0026a=1", "?ticket=(redacted)\\u0026a=1"),
            ("?ticket=CANARY%20%22CANARY a", "?ticket=(redacted) a"),
            ("?%74icket=CANARY%20%22CANARY a", "?ticket=(redacted) a"),
            ("?ticket=CANARY&amp;a=1", "?ticket=(redacted)&amp;a=1"),
            ("<a href=x?ticket=CANARY>x</a>", "<a href=x?ticket=(redacted)>x</a>"),
            ("https:\\/\\/u:CANARY@host\\/x@y", "https://(redacted)@host\\/x@y"),
            ("https%3A%2F%2Fu%3ACANARY%252FCANARY%40host%2F", "https://(redacted)%40host%2F"),
            ("http://u:CANARY%2FCANARY@host/", "http://(redacted)@host/"),
        ] {
            assert_eq!(Sanitized::new(text).to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_credential_is_shown_as_it_is() {
        for text in [
            "Basic authentication failed",
            "Basic: none",
            "Bearer <YOUR_API_KEY>",
            "Bearer: a key is required",
            "see https://clerk.com/docs?x=a@b",
            "see https://clerk.com:443/docs/a@b",
            "see https://localhost:8080?x=a@b and c@d",
            "https://clerk.com/docs, or mail support@clerk.com",
            "eyJump",
            "the volcano Eyjafjallajokull. It erupted",
            "100% of %zz, 5%, %5",
            "a\\b \\u00zz \\q R&D &c &# AT&T",
            "C:\\sk\\live",
            "ticket= ticket=<token> ticket 4711 sk_test_ sk_live_ disk_live",
            "task_live_reload is not a key",
            "act_37dGasfY2eyJvfZe9mOP1p5RlJF",
            "no token act_37dGasfY2eyJvfZe9mOP1p5RlJF. Try another",
            "/v1/actor_tokens/act_eyJGasfY2eyjvfZe9mOP1p5RlJF/revoke",
            "{\"id\":\"user_37dGasfY2eyjvfZe9mOP1peyJabc\"}",
        ] {
            // The one exception is what does hold a mark.
            let shown = Sanitized::new(text).to_string();
            assert_eq!(shown, text.replace("task_live_reload", "task_live_(redacted)"));
        }
    }

    #[test]
    fn what_only_resembles_an_id_hides_no_ticket() {
        for text in [
            "act_eyJhbGciOiJSUzI1NiJ9CANAR.eyJCANARY.CANARY",
            "eyJ_hbGciOiJSUzI1NiJ9CANARY",
            "act_eyJhbGciOiJSUzI1NiJ9CANARY0123456789",
            "act_0123_eyJhbGciOiJSUzI1NiJ9CANARY",
        ] {
            assert!(!Sanitized::new(text).to_string().contains("CANAR"));
        }
    }

    #[test]
    fn what_is_masked_is_masked_the_same_again() {
        for (mark, secret, _) in MARKED {
            let once = Sanitized::new(&format!("a {mark}{secret} b")).to_string();
            assert_eq!(Sanitized::new(&once).to_string(), once);
        }
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let shown = Sanitized::new(&"x".repeat(1000)).to_string();
        assert_eq!(shown.len(), SHOWN_MAX + 3);
        assert!(shown.ends_with("..."));
    }
}
