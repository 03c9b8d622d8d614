//! Making an emulator, with the defaults or with other settings.

use std::time::Duration;

use clerk_actor_tokens_core::{ApiVersion, SecretKey};

use crate::{
    clock::ClockMode,
    emulator::Emulator,
    settings::{QuotaCounted, Settings, WrongType},
};

impl Emulator {
    /// An emulator with the defaults: any user is known, no quota, no rate limit, virtual time, seed 0, and the key
    /// `sk_test_emulator`.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// An emulator with other settings.
    ///
    /// ```
    /// use clerk_actor_tokens_core::Actor;
    /// use clerk_actor_tokens_emulator::Emulator;
    ///
    /// # pollster::block_on(async {
    /// let clerk = Emulator::builder().users(["user_1"]).build();
    /// let unknown = clerk.client().actor_tokens().create("user_2", Actor::new("user_agent")).send().await;
    /// assert!(unknown.unwrap_err().is_not_found());
    /// # });
    /// ```
    pub fn builder() -> EmulatorBuilder {
        EmulatorBuilder::new()
    }
}

impl Default for Emulator {
    fn default() -> Self {
        Self::new()
    }
}

/// Sets up an [`Emulator`]. Every setting has a default; where no source says what Clerk does, the setting says so.
///
/// ```
/// use std::time::Duration;
/// use clerk_actor_tokens_emulator::{Emulator, QuotaCounted};
///
/// let clerk = Emulator::builder()
///     .seed(42)
///     .quota(5)
///     .quota_counted(QuotaCounted::AtAccept)
///     .rate_limit(100, Duration::from_secs(10))
///     .build();
/// assert_eq!(clerk.seed(), 42);
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is set up until build()"]
pub struct EmulatorBuilder {
    settings: Settings,
    mode: ClockMode,
}

impl EmulatorBuilder {
    pub(crate) fn new() -> Self {
        Self { settings: Settings::default(), mode: ClockMode::Virtual }
    }

    /// Makes the emulator.
    #[must_use]
    pub fn build(self) -> Emulator {
        Emulator::from_parts(self.settings, self.mode)
    }

    /// Where ids, trace ids and signatures come from. Default: 0, so that every run gives the same ones.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// The key that is accepted. Default: `sk_test_emulator`.
    pub fn secret_key(mut self, key: SecretKey) -> Self {
        self.settings.key = key;
        self
    }

    /// The host of the sign-in links. Default: `clerk.emulator.test`, which resolves nowhere (RFC 6761 section 6.2).
    pub fn frontend_api(mut self, host: impl Into<String>) -> Self {
        self.settings.frontend_api = host.into();
        self
    }

    /// Time moves by [`Emulator::advance`] alone. Every sleep and every stall waits for it.
    ///
    /// By default time is virtual: it begins at 2026-01-01T00:00:00Z, and when everybody waits it jumps to the next
    /// moment that somebody waits for.
    pub fn manual_clock(mut self) -> Self {
        self.mode = ClockMode::Manual;
        self
    }

    /// Virtual time that gives other threads no chance before it jumps: for tests in which one thread polls everything that
    /// waits on this clock, and which run very many calls.
    ///
    /// Without it every jump takes a fraction of a millisecond of real time, and a jump to the end of a client's watchdog a
    /// fifth of a second. With it time may overtake what another thread or the operating system is about to do.
    ///
    /// ```
    /// use clerk_actor_tokens_core::Actor;
    /// use clerk_actor_tokens_emulator::{Emulator, fault};
    ///
    /// # pollster::block_on(async {
    /// for _ in 0..1000 {
    ///     let clerk = Emulator::builder().single_threaded().build();
    ///     clerk.next_create().after_commit(fault::stall()); // 30 seconds, without a thousandth of a real one
    ///     clerk.client().actor_tokens().create("user_1", Actor::new("user_agent")).send().await.unwrap_err();
    /// }
    /// # });
    /// ```
    pub fn single_threaded(mut self) -> Self {
        self.mode = ClockMode::VirtualOnOneThread;
        self
    }

    /// Time is the operating system's. The server needs it: its clients wait for real.
    pub fn real_time(mut self) -> Self {
        self.mode = ClockMode::Real;
        self
    }

    /// The users that exist; any other id is answered with 404. Default: every id is a user.
    pub fn users<I>(mut self, users: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.settings.users = Some(users.into_iter().map(Into::into).collect());
        self
    }

    /// The instance's plan has no impersonation: creating is answered with 402. Default: it has.
    pub fn plan_without_impersonation(mut self) -> Self {
        self.settings.plan_allows = false;
        self
    }

    /// How many impersonations the plan has; beyond it creating is answered with 422. Default: no limit. (Clerk's free
    /// plan has five a month; the emulator has no months.)
    pub fn quota(mut self, limit: u64) -> Self {
        self.settings.quota = Some(limit);
        self
    }

    /// Which event counts against the quota. Open at Clerk; default: [`QuotaCounted::AtCreate`].
    pub fn quota_counted(mut self, at: QuotaCounted) -> Self {
        self.settings.quota_counted = at;
        self
    }

    /// Development instances (`sk_test_` keys) have no quota. Open at Clerk; default: they have.
    pub fn quota_exempts_development(mut self) -> Self {
        self.settings.quota_exempts_development = true;
        self
    }

    /// At most so many requests in a window of this length, which begins with its first request; beyond it the answer
    /// is 429 with `Retry-After`. Requests with a wrong key do not count. Default: no limit. (Clerk has 1,000 in 10 s
    /// for production and 100 in 10 s for development.)
    pub fn rate_limit(mut self, requests: u32, per: Duration) -> Self {
        self.settings.rate_limit = Some((requests, per));
        self
    }

    /// The API versions that are known; any other is answered with 400 `api_version_invalid`. Default: the six that
    /// Clerk has published, 2021-02-05 to 2026-05-12.
    pub fn api_versions<I: IntoIterator<Item = ApiVersion>>(mut self, versions: I) -> Self {
        self.settings.api_versions = versions.into_iter().map(|version| version.as_str().to_owned()).collect();
        self
    }

    /// An empty `actor.sub` is taken. Open at Clerk; default: it counts as missing.
    pub fn allow_empty_sub(mut self) -> Self {
        self.settings.empty_sub_allowed = true;
        self
    }

    /// A user as their own actor (`actor.sub` equal to `user_id`) is answered with 422. Open at Clerk; default: it is
    /// allowed.
    pub fn refuse_self_impersonation(mut self) -> Self {
        self.settings.self_impersonation_allowed = false;
        self
    }

    /// The longest lifetime of a token, in whole seconds; beyond it the answer is 422. Open at Clerk; default: no
    /// limit.
    pub fn max_expires_in(mut self, max: Duration) -> Self {
        self.settings.max_expires_in = Some(max.as_secs());
        self
    }

    /// The longest duration of a session, in whole seconds; beyond it the answer is 422. Open at Clerk; default: no
    /// limit.
    pub fn max_session_duration(mut self, max: Duration) -> Self {
        self.settings.max_session_duration = Some(max.as_secs());
        self
    }

    /// What a duration of the wrong type is answered with. Open at Clerk; default: [`WrongType::ParamInvalid`].
    pub fn wrong_type(mut self, answer: WrongType) -> Self {
        self.settings.wrong_type = answer;
        self
    }

    /// The answer to a revoke has no `token` and no `url`. Open at Clerk; default: it has both.
    pub fn revoke_without_link(mut self) -> Self {
        self.settings.revoke_returns_link = false;
        self
    }

    /// A revoke leaves `updated_at` as it was. Open at Clerk; default: it sets it.
    pub fn revoke_keeps_updated_at(mut self) -> Self {
        self.settings.revoke_moves_updated_at = false;
        self
    }
}
