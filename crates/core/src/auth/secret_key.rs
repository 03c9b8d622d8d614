//! The secret key: its grammar, where it is read from, and who may see its text.

use std::{fmt, str::FromStr, sync::Arc};

use http::HeaderValue;

use super::invalid_key::InvalidKey;
use crate::environment::{self, Lookup, NotUnicode};

/// A secret key of a Clerk instance: `sk_test_...` (development) or `sk_live_...` (production).
///
/// Only [`expose`](Self::expose) shows its text.
///
/// ```
/// use clerk_actor_tokens_core::SecretKey;
///
/// let key = SecretKey::new("sk_test_abc123")?;
/// assert!(!key.is_live());
/// assert_eq!(format!("{key:?}"), "SecretKey(sk_test_...)");
///
/// let mistake = SecretKey::new("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0.c2ln").unwrap_err();
/// assert!(mistake.to_string().contains("session token"));
/// # Ok::<(), clerk_actor_tokens_core::InvalidKey>(())
/// ```
#[derive(Clone)]
pub struct SecretKey {
    /// Shared: each attempt takes a clone of the key.
    text: Arc<str>,
    header: HeaderValue,
    live: bool,
}

impl SecretKey {
    /// Reads a key: `sk_test_` or `sk_live_`, then one or more of `A-Z a-z 0-9 _ -`.
    ///
    /// # Errors
    /// [`InvalidKey`] says what is wrong with the text. It never holds the text.
    pub fn new(key: impl Into<String>) -> Result<Self, InvalidKey> {
        let text = key.into();
        let live = check(&text)?;
        let mut header = HeaderValue::from_str(&format!("Bearer {text}")).map_err(|_| InvalidKey::IllegalCharacter)?;
        header.set_sensitive(true);
        Ok(Self { text: text.into(), header, live })
    }

    /// Reads the key from the environment variable `CLERK_SECRET_KEY`.
    ///
    /// # Errors
    /// [`InvalidKey::NotInEnvironment`] if the variable is unset, and [`InvalidKey::InEnvironment`] if its value is not a
    /// key. Both name the variable.
    pub fn from_env() -> Result<Self, InvalidKey> {
        Self::from_lookup(&environment::of_process)
    }

    fn from_lookup(lookup: Lookup<'_>) -> Result<Self, InvalidKey> {
        let in_environment = |problem| InvalidKey::InEnvironment(Box::new(problem));
        match environment::text(lookup, environment::SECRET_KEY) {
            Ok(Some(key)) => Self::new(key).map_err(in_environment),
            Ok(None) => Err(InvalidKey::NotInEnvironment),
            Err(NotUnicode) => Err(in_environment(InvalidKey::IllegalCharacter)),
        }
    }

    /// Returns whether this is a production key.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Returns the text of the key. Keep it out of logs.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// `Authorization: Bearer ...` (RFC 6750 section 2.1), marked sensitive.
    pub(crate) fn authorization(&self) -> HeaderValue {
        self.header.clone()
    }
}

/// Returns whether the key is a live one, or the mistake in it. What surrounds a key comes before the key itself: the first
/// thing to mend is reported.
fn check(text: &str) -> Result<bool, InvalidKey> {
    let is_quote = |c: char| matches!(c, '"' | '\'' | '`' | '\u{2018}'..='\u{201f}');
    if text.trim().is_empty() {
        return Err(InvalidKey::Empty);
    }
    if text.trim() != text {
        return Err(InvalidKey::WhiteSpaceAround);
    }
    if text.starts_with(is_quote) || text.ends_with(is_quote) {
        return Err(InvalidKey::Quoted);
    }
    if text.contains('$') {
        return Err(InvalidKey::Placeholder);
    }
    if text.ends_with("\\n") || text.ends_with("\\r") {
        return Err(InvalidKey::EscapedLineBreak);
    }
    if text.starts_with("eyJ") {
        return Err(InvalidKey::SessionToken);
    }
    if text.starts_with("pk_") {
        return Err(InvalidKey::PublishableKey);
    }
    let (secret, live) = match (text.strip_prefix("sk_test_"), text.strip_prefix("sk_live_")) {
        (Some(secret), _) => (secret, false),
        (_, Some(secret)) => (secret, true),
        _ => return Err(InvalidKey::UnknownForm),
    };
    if secret.is_empty() {
        return Err(InvalidKey::PrefixAlone);
    }
    if !secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
        return Err(InvalidKey::IllegalCharacter);
    }
    Ok(live)
}

impl FromStr for SecretKey {
    type Err = InvalidKey;

    fn from_str(key: &str) -> Result<Self, InvalidKey> {
        Self::new(key)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.live { "SecretKey(sk_live_...)" } else { "SecretKey(sk_test_...)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{environment::fake, secret::Sanitized};

    #[test]
    fn each_mistake_has_its_own_name_and_shows_nothing() {
        let table = [
            ("", InvalidKey::Empty),
            (" \n", InvalidKey::Empty),
            ("sk_test_", InvalidKey::PrefixAlone),
            ("sk_live_", InvalidKey::PrefixAlone),
            ("eyJCANARY.eyJCANARY.CANARY", InvalidKey::SessionToken),
            ("pk_live_CANARY", InvalidKey::PublishableKey),
            ("sk_live_CANARY\n", InvalidKey::WhiteSpaceAround),
            ("sk_live_CANARY\r\n", InvalidKey::WhiteSpaceAround),
            (" sk_live_CANARY", InvalidKey::WhiteSpaceAround),
            ("\tsk_live_CANARY\u{a0}", InvalidKey::WhiteSpaceAround),
            ("\"sk_live_CANARY\" ", InvalidKey::WhiteSpaceAround),
            ("\"sk_live_CANARY\"", InvalidKey::Quoted),
            ("'sk_live_CANARY'", InvalidKey::Quoted),
            ("`sk_live_CANARY`", InvalidKey::Quoted),
            ("\u{201c}sk_live_CANARY\u{201d}", InvalidKey::Quoted),
            ("sk_live_CANARY\"", InvalidKey::Quoted),
            ("'sk_live_CANARY", InvalidKey::Quoted),
            ("\"sk_live_CANARY\\n\"", InvalidKey::Quoted),
            ("'pk_live_CANARY'", InvalidKey::Quoted),
            ("\"\"", InvalidKey::Quoted),
            ("${CANARY}", InvalidKey::Placeholder),
            ("$CANARY", InvalidKey::Placeholder),
            ("sk_test_${CANARY}", InvalidKey::Placeholder),
            ("sk_live_$CANARY", InvalidKey::Placeholder),
            ("${CANARY}\\n", InvalidKey::Placeholder),
            ("sk_live_CANARY\\n", InvalidKey::EscapedLineBreak),
            ("sk_live_CANARY\\r\\n", InvalidKey::EscapedLineBreak),
            ("sk_live_CANARY CANARY", InvalidKey::IllegalCharacter),
            ("sk_live_CANARY\u{e9}", InvalidKey::IllegalCharacter),
            ("sk_live_abc(CANARY)", InvalidKey::IllegalCharacter),
            ("sk_live_CANARY.", InvalidKey::IllegalCharacter),
            ("sk_live_CANARY%5F", InvalidKey::IllegalCharacter),
            ("sk_live_CANARY\\nCANARY", InvalidKey::IllegalCharacter),
            ("Bearer sk_live_CANARY", InvalidKey::UnknownForm),
            ("CANARY", InvalidKey::UnknownForm),
        ];
        for (text, expected) in table {
            let error = SecretKey::new(text).unwrap_err();
            assert_eq!(error, expected);
            let variables = [("CLERK_SECRET_KEY", text)];
            let from_env = SecretKey::from_lookup(&fake::variables(&variables)).unwrap_err();
            assert_eq!(from_env, InvalidKey::InEnvironment(Box::new(expected)));
            assert!(
                from_env.to_string().contains("CLERK_SECRET_KEY") && from_env.to_string().contains(&error.to_string())
            );
            assert!(!format!("{error} {error:?} {from_env} {from_env:?}").contains("CANARY"));
            let text = from_env.to_string();
            assert_eq!(Sanitized::new(&text).to_string(), text, "as a cause it is printed through the filter");
        }
    }

    #[test]
    fn the_environment_gives_a_key_or_an_error_that_names_the_variable() {
        let unset = SecretKey::from_lookup(&fake::variables(&[("CLERK_API_KEY", "sk_test_a")])).unwrap_err();
        assert_eq!(unset, InvalidKey::NotInEnvironment);
        assert!(unset.to_string().contains("CLERK_SECRET_KEY"));

        let set = SecretKey::from_lookup(&fake::variables(&[("CLERK_SECRET_KEY", "sk_live_a")])).unwrap();
        assert_eq!((set.expose(), set.is_live()), ("sk_live_a", true));
    }

    #[test]
    fn behind_the_prefix_each_character_is_judged_by_the_grammar() {
        for c in char::MIN..=char::MAX {
            let allowed = c.is_ascii_alphanumeric() || c == '_' || c == '-';
            for key in [format!("sk_live_{c}"), format!("sk_test_a{c}b")] {
                assert_eq!(SecretKey::new(key).is_ok(), allowed, "{c:?}");
            }
        }
    }

    #[test]
    fn the_header_value_does_not_show_either() {
        let key = SecretKey::new("sk_live_CANARY").unwrap();
        assert!(key.is_live());
        assert_eq!(key.authorization().to_str().unwrap(), "Bearer sk_live_CANARY");
        assert!(!format!("{:?} {key:?}", key.authorization()).contains("CANARY"));
    }
}
