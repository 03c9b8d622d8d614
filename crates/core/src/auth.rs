//! Authentication: the secret key, and what supplies it to each attempt.

mod invalid_key;
mod secret_key;

use std::{error::Error as StdError, fmt, future::Future, sync::Arc};

use async_trait::async_trait;

pub use self::{invalid_key::InvalidKey, secret_key::SecretKey};

/// Why a provider returned no key. The text of a call's error shows the `Display` of the innermost
/// cause: keep secrets out of it.
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
    /// Returns the key to use now.
    ///
    /// # Errors
    /// Why there is no key. The call fails with nothing sent.
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
}
