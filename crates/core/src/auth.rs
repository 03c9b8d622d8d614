//! The secret key, and where it comes from.

use std::{env, error::Error as StdError, fmt, future::Future, str::FromStr, sync::Arc};

use async_trait::async_trait;
use http::HeaderValue;

const ENVIRONMENT: &str = "CLERK_SECRET_KEY";

/// A secret key of a Clerk instance: `sk_test_...` (development) or `sk_live_...` (production).
///
/// Its text is shown by [`expose`](Self::expose) alone.
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
    /// [`InvalidKey`] says what the text looks like instead. It never holds the text.
    pub fn new(key: impl Into<String>) -> Result<Self, InvalidKey> {
        let text = key.into();
        let live = check(&text)?;
        let mut header = HeaderValue::from_str(&format!("Bearer {text}")).map_err(|_| InvalidKey::IllegalCharacter)?;
        header.set_sensitive(true);
        Ok(Self { text: text.into(), header, live })
    }

    /// The key in the environment variable `CLERK_SECRET_KEY`.
    ///
    /// # Errors
    /// [`InvalidKey`], also if the variable is unset.
    pub fn from_env() -> Result<Self, InvalidKey> {
        match env::var(ENVIRONMENT) {
            Ok(key) => Self::new(key),
            Err(env::VarError::NotPresent) => Err(InvalidKey::NotInEnvironment),
            Err(env::VarError::NotUnicode(_)) => Err(InvalidKey::IllegalCharacter),
        }
    }

    /// Whether this is a production key.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// The key itself. Keep it out of logs.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// `Authorization: Bearer ...` (RFC 6750 section 2.1), marked sensitive.
    pub(crate) fn authorization(&self) -> HeaderValue {
        self.header.clone()
    }
}

/// Whether the key is a live one, or why it is none.
fn check(text: &str) -> Result<bool, InvalidKey> {
    if text.is_empty() {
        return Err(InvalidKey::Empty);
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
        return Err(InvalidKey::Empty);
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

/// Why a text is no secret key. Holds nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidKey {
    /// `CLERK_SECRET_KEY` is not set.
    NotInEnvironment,
    /// Nothing, or nothing behind the prefix.
    Empty,
    /// A JSON Web Token: a user's session token, which acts for that user and not for the backend.
    SessionToken,
    /// A publishable key (`pk_...`), which is for browsers.
    PublishableKey,
    /// Behind the prefix, a character other than `A-Z a-z 0-9 _ -`: for example a line break from a file, a quote from a
    /// shell, or a bracket from a document.
    IllegalCharacter,
    /// Neither `sk_test_...` nor `sk_live_...`.
    UnknownForm,
}

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotInEnvironment => "the environment variable CLERK_SECRET_KEY is not set",
            Self::Empty => "the secret key is empty",
            Self::SessionToken => {
                "this is a session token (a JWT), not a secret key: take the key that begins with sk_test_ or sk_live_ \
                 from the API keys page of the Clerk dashboard"
            }
            Self::PublishableKey => {
                "this is a publishable key (pk_...), not a secret key: take the one that begins with sk_"
            }
            Self::IllegalCharacter => {
                "the secret key holds a character other than A-Z, a-z, 0-9, _ and -: was it cut from a file with its \
                 line break, or copied with a quote or a bracket?"
            }
            Self::UnknownForm => "a secret key begins with sk_test_ or sk_live_",
        })
    }
}

impl StdError for InvalidKey {}

/// Why no key could be had. Its `Display` reaches the source chain of the call's error: keep secrets out of it.
pub type CredentialError = Box<dyn StdError + Send + Sync>;

/// Supplies the secret key, once per attempt: a fixed key, a function, a vault.
///
/// ```
/// use clerk_actor_tokens_core::{CredentialError, CredentialProvider, SecretKey, async_trait};
///
/// struct FromFile;
///
/// #[async_trait]
/// impl CredentialProvider for FromFile {
///     async fn secret_key(&self) -> Result<SecretKey, CredentialError> {
///         Ok(std::fs::read_to_string("key")?.trim().parse()?)
///     }
/// }
/// ```
#[async_trait]
pub trait CredentialProvider: Send + Sync + 'static {
    /// The key to use now.
    ///
    /// # Errors
    /// Whatever kept the key away. The call fails with nothing sent.
    async fn secret_key(&self) -> Result<SecretKey, CredentialError>;

    /// Returns the key to use now, where it is at hand without waiting. `None`, the default, means: ask
    /// [`secret_key`](Self::secret_key).
    ///
    /// The client asks this first, once per attempt, and calls `secret_key` only after `None`. A key from here saves
    /// each attempt the allocation of an async call. Do not wait here, for a lock neither: the call would block its
    /// executor.
    ///
    /// ```
    /// use clerk_actor_tokens_core::{CredentialProvider, SecretKey, credentials_fn};
    ///
    /// let key = SecretKey::new("sk_test_abc")?;
    /// assert!(key.ready_key().is_some());
    ///
    /// let vault = credentials_fn(|| async { SecretKey::new("sk_test_of_today") });
    /// assert!(vault.ready_key().is_none());
    /// # Ok::<(), clerk_actor_tokens_core::InvalidKey>(())
    /// ```
    fn ready_key(&self) -> Option<SecretKey> {
        None
    }
}

#[async_trait]
impl CredentialProvider for SecretKey {
    async fn secret_key(&self) -> Result<SecretKey, CredentialError> {
        Ok(self.clone())
    }

    fn ready_key(&self) -> Option<SecretKey> {
        Some(self.clone())
    }
}

#[async_trait]
impl<P: CredentialProvider + ?Sized> CredentialProvider for Arc<P> {
    async fn secret_key(&self) -> Result<SecretKey, CredentialError> {
        (**self).secret_key().await
    }

    fn ready_key(&self) -> Option<SecretKey> {
        (**self).ready_key()
    }
}

#[async_trait]
impl<P: CredentialProvider + ?Sized> CredentialProvider for Box<P> {
    async fn secret_key(&self) -> Result<SecretKey, CredentialError> {
        (**self).secret_key().await
    }

    fn ready_key(&self) -> Option<SecretKey> {
        (**self).ready_key()
    }
}

/// Makes a credential provider of an async function, for keys that rotate.
///
/// ```
/// use clerk_actor_tokens_core::{credentials_fn, SecretKey};
///
/// let rotating = credentials_fn(|| async { SecretKey::new("sk_test_of_today") });
/// # let _ = rotating;
/// ```
pub fn credentials_fn<F, Fut, E>(provide: F) -> CredentialsFn<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<SecretKey, E>> + Send + 'static,
    E: Into<CredentialError>,
{
    CredentialsFn(provide)
}

/// A function as a credential provider: what [`credentials_fn`] gives.
#[derive(Clone, Copy)]
pub struct CredentialsFn<F>(F);

impl<F> fmt::Debug for CredentialsFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialsFn")
    }
}

#[async_trait]
impl<F, Fut, E> CredentialProvider for CredentialsFn<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<SecretKey, E>> + Send + 'static,
    E: Into<CredentialError>,
{
    async fn secret_key(&self) -> Result<SecretKey, CredentialError> {
        (self.0)().await.map_err(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mistake_has_its_own_name_and_shows_nothing() {
        let table = [
            ("", InvalidKey::Empty),
            ("sk_test_", InvalidKey::Empty),
            ("eyJCANARY.eyJCANARY.CANARY", InvalidKey::SessionToken),
            ("pk_live_CANARY", InvalidKey::PublishableKey),
            ("sk_live_CANARY\n", InvalidKey::IllegalCharacter),
            ("sk_live_CANARY CANARY", InvalidKey::IllegalCharacter),
            ("sk_live_CANARY\u{e9}", InvalidKey::IllegalCharacter),
            ("sk_live_abc(CANARY)", InvalidKey::IllegalCharacter),
            ("sk_live_CANARY\"", InvalidKey::IllegalCharacter),
            ("sk_live_CANARY.", InvalidKey::IllegalCharacter),
            ("sk_live_CANARY%5F", InvalidKey::IllegalCharacter),
            (" sk_live_CANARY", InvalidKey::UnknownForm),
            ("Bearer sk_live_CANARY", InvalidKey::UnknownForm),
            ("CANARY", InvalidKey::UnknownForm),
        ];
        for (text, expected) in table {
            let error = SecretKey::new(text).unwrap_err();
            assert_eq!(error, expected);
            assert!(!format!("{error} {error:?}").contains("CANARY"));
        }
    }

    #[test]
    fn behind_the_prefix_each_character_is_judged_by_the_grammar() {
        for c in char::MIN..=char::MAX {
            let allowed = c.is_ascii_alphanumeric() || c == '_' || c == '-';
            for key in [format!("sk_live_{c}"), format!("sk_test_a{c}b")] {
                assert_eq!(SecretKey::new(key).err(), (!allowed).then_some(InvalidKey::IllegalCharacter), "{c:?}");
            }
        }
    }

    #[test]
    fn what_wraps_a_provider_passes_its_ready_key_on() {
        struct Vault;
        #[async_trait]
        impl CredentialProvider for Vault {
            async fn secret_key(&self) -> Result<SecretKey, CredentialError> {
                Ok(SecretKey::new("sk_test_of_a_vault")?)
            }
        }
        let text = |key: SecretKey| key.expose().to_owned();
        let key = SecretKey::new("sk_test_at_hand").unwrap();
        let with_key: [Box<dyn CredentialProvider>; 3] = [
            Box::new(key.clone()),
            Box::new(Arc::new(key.clone())),
            Box::new(Box::new(key) as Box<dyn CredentialProvider>),
        ];
        for provider in with_key {
            assert_eq!(provider.ready_key().map(text).as_deref(), Some("sk_test_at_hand"));
            assert_eq!(pollster::block_on(provider.secret_key()).map(text).unwrap(), "sk_test_at_hand");
        }
        let without: [Box<dyn CredentialProvider>; 3] = [
            Box::new(Vault),
            Box::new(Arc::new(Vault)),
            Box::new(credentials_fn(|| async { Vault.secret_key().await })),
        ];
        for provider in without {
            assert!(provider.ready_key().is_none());
            assert_eq!(pollster::block_on(provider.secret_key()).map(text).unwrap(), "sk_test_of_a_vault");
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
