//! A setting that cannot be used: of a client, a retry policy or a transport.
//!
//! Not responsible for the input of calls: that is `invalid_request`.

use std::{borrow::Cow, error::Error as StdError, fmt};

use crate::{
    auth::InvalidKey,
    environment,
    invalid_request::InvalidRequest,
    secret::{Sanitized, SanitizedChain},
};

/// Why a client or a transport could not be built. Names the setting, the problem, and what to do.
///
/// `Display` is one line, with the innermost cause in parentheses. It never shows a key, a private
/// key or the credentials of a proxy.
///
/// ```
/// use clerk_actor_tokens_core::{Client, Response, SecretKey, transport_fn};
/// use std::time::Duration;
///
/// let transport = transport_fn(|_request, _context| async { Ok(Response::default()) });
/// let error = Client::builder(transport, SecretKey::new("sk_test_abc")?).timeout(Duration::ZERO).build().unwrap_err();
/// assert_eq!(error.setting(), "timeout");
/// assert_eq!(error.to_string(), "`timeout` is zero: set a duration of more than zero");
/// # Ok::<(), clerk_actor_tokens_core::InvalidKey>(())
/// ```
pub struct ConfigError {
    setting: Cow<'static, str>,
    problem: Cow<'static, str>,
    advice: Cow<'static, str>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl ConfigError {
    /// Makes an error for the builder of a transport: the setting as the builder names it, the
    /// problem, and what to do.
    ///
    /// ```
    /// use clerk_actor_tokens_core::ConfigError;
    ///
    /// let error = ConfigError::new("proxy", "is not an http:// URL", "give a URL such as http://proxy:3128");
    /// assert_eq!(error.to_string(), "`proxy` is not an http:// URL: give a URL such as http://proxy:3128");
    /// ```
    pub fn new(
        setting: impl Into<Cow<'static, str>>,
        problem: impl Into<Cow<'static, str>>,
        advice: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { setting: setting.into(), problem: problem.into(), advice: advice.into(), source: None }
    }

    /// The same of a reason that is one text: the rule that was broken and, behind a colon, what to do.
    pub(crate) fn refused(setting: &'static str, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        let (problem, advice) = reason.split_once(": ").unwrap_or((&reason, ""));
        Self::new(setting, problem.to_owned(), advice.to_owned())
    }

    /// Adds the cause. `Display` shows its text: do not pass one that quotes a secret.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns the setting, as the builder or the environment names it.
    #[must_use]
    pub fn setting(&self) -> &str {
        &self.setting
    }

    /// Returns what is wrong with the setting.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// Returns what to do. Empty where the problem says it.
    #[must_use]
    pub fn advice(&self) -> &str {
        &self.advice
    }

    /// The same about an option of one call, which is input like any other.
    pub(crate) fn into_invalid_request(self) -> InvalidRequest {
        InvalidRequest::new(self.setting, format!("{}: {}", self.problem, self.advice))
    }

    fn innermost(&self) -> Option<&(dyn StdError + 'static)> {
        let mut innermost = self.source()?;
        while let Some(cause) = innermost.source() {
            innermost = cause;
        }
        Some(innermost)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", Sanitized::new(&self.setting), Sanitized::new(&self.problem))?;
        if let Some(cause) = self.innermost() {
            write!(f, " ({})", Sanitized::new(&cause.to_string()))?;
        }
        match &*self.advice {
            "" => Ok(()),
            advice => write!(f, ": {}", Sanitized::new(advice)),
        }
    }
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("ConfigError");
        debug.field("setting", &Sanitized::new(&self.setting));
        debug.field("problem", &Sanitized::new(&self.problem));
        debug.field("advice", &Sanitized::new(&self.advice));
        if let Some(source) = &self.source {
            debug.field("source", &SanitizedChain(source.as_ref()));
        }
        debug.finish()
    }
}

impl StdError for ConfigError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<InvalidKey> for ConfigError {
    fn from(invalid: InvalidKey) -> Self {
        let (setting, problem) = match &invalid {
            InvalidKey::NotInEnvironment => (environment::SECRET_KEY, "is not set"),
            InvalidKey::InEnvironment(_) => (environment::SECRET_KEY, "cannot be used"),
            _ => ("secret_key", "cannot be used"),
        };
        let advice = match invalid {
            InvalidKey::NotInEnvironment => "set it to the secret key of the Clerk application".to_owned(),
            InvalidKey::InEnvironment(problem) => problem.to_string(),
            other => other.to_string(),
        };
        Self::new(setting, problem, advice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Outer(std::io::Error);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("outer")
        }
    }

    impl StdError for Outer {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn the_line_names_the_setting_the_problem_the_innermost_cause_and_what_to_do() {
        let error = ConfigError::new("add_root", "cannot be used", "give a certificate in DER");
        assert_eq!(error.to_string(), "`add_root` cannot be used: give a certificate in DER");
        let error = error.with_source(Outer(std::io::Error::other("inner")));
        assert_eq!(error.to_string(), "`add_root` cannot be used (inner): give a certificate in DER");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("outer"));
    }

    #[test]
    fn a_credential_in_any_part_is_masked() {
        let secret = "sk_live_CANARY";
        let error = ConfigError::new(secret, secret, secret).with_source(Outer(std::io::Error::other(secret)));
        assert!(!format!("{error} {error:?}").contains("CANARY"));
    }
}
