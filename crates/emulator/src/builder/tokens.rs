//! Settings of what is signed, and of opening a link.

use super::EmulatorBuilder;
use crate::{
    settings::{ApplicationUrl, ExtraClaim, InvalidApplicationUrl, TicketUsedBy},
    signing::{InvalidSigningKey, SigningKey},
};

impl EmulatorBuilder {
    /// Sets the key that tokens are signed with: an RSA private key of 2048 to 4096 bits in PEM, as
    /// PKCS#8 or PKCS#1. Default: a fixed test key that is public.
    ///
    /// # Errors
    /// [`InvalidSigningKey`] if it is no such key.
    ///
    /// ```
    /// use clerk_actor_tokens_emulator::Emulator;
    ///
    /// assert!(Emulator::builder().signing_key_pem("no key").is_err());
    /// ```
    pub fn signing_key_pem(mut self, pem: &str) -> Result<Self, InvalidSigningKey> {
        self.settings.tokens.key = SigningKey::from_pem(pem)?;
        Ok(self)
    }

    /// Signs tickets in process too. Default: only a served emulator signs them, because a signature
    /// takes most of the time of a creation. Otherwise a ticket has random bytes as its signature.
    pub fn signed_tickets(mut self) -> Self {
        self.settings.tokens.signed_tickets = true;
        self
    }

    /// Sets the version of session tokens: 1 or 2. Default: 2, as Clerk issues it from its API
    /// version 2025-04-10 on.
    ///
    /// # Panics
    /// If it is neither.
    #[track_caller]
    pub fn token_version(mut self, version: u8) -> Self {
        assert!([1, 2].contains(&version), "token_version({version}): it is 1 or 2");
        self.settings.tokens.version = version;
        self
    }

    /// Sets where the application is, such as `http://localhost:3000`. An opened link redirects to
    /// its page `/sign-in`, and session tokens have its origin as `azp`. Default: none, and then a
    /// link answers which user it signs in.
    ///
    /// # Panics
    /// If it is none that [`try_application_url`](Self::try_application_url) takes.
    #[allow(clippy::panic, reason = "what is wrong in a test's setup ends the test")]
    #[track_caller]
    pub fn application_url(self, url: impl Into<String>) -> Self {
        match self.try_application_url(&url.into()) {
            Ok(set) => set,
            Err(error) => panic!("application_url: {error}"),
        }
    }

    /// The same, for a URL from elsewhere.
    ///
    /// # Errors
    /// [`InvalidApplicationUrl`] if a browser cannot be sent there. It is `http` or `https` with a host, and
    /// without user info, a query and a fragment.
    ///
    /// ```
    /// use clerk_actor_tokens_emulator::Emulator;
    ///
    /// let error = Emulator::builder().try_application_url("localhost:3000").unwrap_err();
    /// assert_eq!(error.to_string(), "it has no scheme: it begins with http:// or https://");
    /// ```
    pub fn try_application_url(mut self, url: &str) -> Result<Self, InvalidApplicationUrl> {
        self.settings.tokens.application_url = Some(ApplicationUrl::parse(url)?);
        Ok(self)
    }

    /// Sets which step of opening a link uses its ticket up.
    /// Open at Clerk; default: [`TicketUsedBy::Post`].
    pub fn ticket_used_by(mut self, step: TicketUsedBy) -> Self {
        self.settings.tokens.ticket_used_by = step;
        self
    }

    /// Adds claims to session tokens. Only a token with an actor gets those of `act`.
    /// Open at Clerk; default: none.
    pub fn add_claims(mut self, claims: impl IntoIterator<Item = ExtraClaim>) -> Self {
        self.settings.tokens.extra_claims.extend(claims);
        self
    }
}
