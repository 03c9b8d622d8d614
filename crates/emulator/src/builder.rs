//! Making an emulator, with the defaults or with other settings.
//!
//! The settings of sessions are in `builder/sessions.rs`, those of what is signed in `builder/tokens.rs`.

mod sessions;
#[cfg(feature = "signing")]
mod tokens;

use std::time::Duration;

use clerk_actor_tokens_core::{ApiVersion, SecretKey};

use crate::{
    clock::ClockMode,
    emulator::Emulator,
    journal::Listener,
    requests::RecordedRequest,
    settings::{QuotaCounted, Settings, WrongType},
};

impl Emulator {
    /// Makes an emulator with the defaults: any user is known, no quota, no rate limit, virtual
    /// time, seed 0, and the key `sk_test_emulator`.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Returns a builder, for an emulator with other settings.
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

/// Sets up an [`Emulator`]. Every setting has a default. If no source says what Clerk does, the
/// setting says so.
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

    /// Sets the seed of ids, trace ids and signatures. Default: 0, so that every run has the same
    /// ones.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Sets the key that is accepted. Default: `sk_test_emulator`.
    pub fn secret_key(mut self, key: SecretKey) -> Self {
        self.settings.key = key;
        self
    }

    /// Sets the host of the sign-in links, which is also the issuer of session tokens. The links
    /// begin with `https`, unless this is an origin, such as `http://clerk-emulator:4010`. Default: the
    /// server, once the emulator is served. Until then it is `clerk.emulator.test`, which resolves
    /// nowhere (RFC 6761 section 6.2).
    pub fn frontend_api(mut self, host: impl Into<String>) -> Self {
        self.settings.frontend_api = Some(host.into());
        self
    }

    /// Makes time move by [`Emulator::advance`] alone. Every sleep and every stall waits for it.
    ///
    /// By default time is virtual. It begins at 2026-01-01T00:00:00Z. When every exchange waits, it
    /// jumps to the end of the earliest sleep.
    pub fn manual_clock(mut self) -> Self {
        self.mode = ClockMode::Manual;
        self
    }

    /// Makes virtual time jump without waiting for other threads. It is for tests that run very
    /// many calls, and in which one thread polls everything that waits on this clock.
    ///
    /// Without it, every jump takes a fraction of a millisecond of real time, and a jump to the end
    /// of a client's watchdog takes 200 ms. With it, time may jump before another thread or the
    /// operating system has acted.
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

    /// Uses the operating system's time. The server needs it, because its clients wait in real
    /// time.
    pub fn real_time(mut self) -> Self {
        self.mode = ClockMode::Real;
        self
    }

    /// Sets how many tokens are kept, and how many sessions: so many of each, and the ledger's entries
    /// of them. Default: all.
    ///
    /// Where there are more, the oldest that is over is forgotten: a token that was revoked, accepted, or
    /// is past its time, and a session that has ended. If none is over, the oldest is. What is
    /// forgotten is answered with 404, its link opens nothing, and no list has it. Assertions and the counts
    /// of the control plane still count it: among the tokens created and revoked, the orphans, and the
    /// sessions.
    ///
    /// Of each it also keeps no more than 16 MiB, or 4 KiB for each of so many if that is more: what large
    /// actors and user ids take in memory counts, and the newest one is kept whatever it takes.
    ///
    /// Keep more than there are calls at once. A token that is forgotten before its answer was delivered
    /// stays an orphan.
    ///
    /// ```
    /// use clerk_actor_tokens_core::Actor;
    /// use clerk_actor_tokens_emulator::Emulator;
    ///
    /// # pollster::block_on(async {
    /// let clerk = Emulator::builder().keep_tokens(1).build();
    /// let tokens = clerk.client().actor_tokens();
    /// let first = tokens.create("user_1", Actor::new("user_agent")).send().await?;
    /// let second = tokens.create("user_2", Actor::new("user_agent")).send().await?;
    /// assert!(clerk.token(first.id()).is_none() && clerk.token(second.id()).is_some());
    /// clerk.assert_creates(2);
    /// # Ok::<(), clerk_actor_tokens_core::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Panics
    /// If it is 0: a token that is created is answered.
    #[track_caller]
    pub fn keep_tokens(mut self, most: usize) -> Self {
        assert!(most > 0, "keep_tokens(0): it is at least 1");
        self.settings.keep_tokens = Some(most);
        self
    }

    /// Keeps so many requests for [`Emulator::requests`], the latest, and forgets the others. Default:
    /// all are kept.
    ///
    /// Of their bodies it keeps 16 MiB, or 4 KiB for each of these requests if that is more. The
    /// oldest bodies beyond that are forgotten: [`RecordedRequest::json`] is `None` then, and
    /// [`RecordedRequest::body_len`] stays. Requests whose heads take as much are forgotten too.
    pub fn keep_requests(mut self, most: usize) -> Self {
        self.settings.keep_requests = Some(most);
        self
    }

    /// Calls this with each request that has arrived, once its exchange has ended. It is called in
    /// the middle of the exchange's end, so it should be short. If it panics, the panic is caught.
    ///
    /// ```
    /// use clerk_actor_tokens_core::Actor;
    /// use clerk_actor_tokens_emulator::Emulator;
    /// use std::sync::mpsc;
    ///
    /// # pollster::block_on(async {
    /// let (seen, requests) = mpsc::channel();
    /// let listener = move |request: &clerk_actor_tokens_emulator::RecordedRequest| {
    ///     let _ = seen.send((request.path().to_owned(), request.status()));
    /// };
    /// let clerk = Emulator::builder().on_request(listener).build();
    /// clerk.client().actor_tokens().create("user_1", Actor::new("user_agent")).send().await?;
    /// let (path, status) = requests.recv().unwrap();
    /// assert_eq!((path.as_str(), status.unwrap().as_u16()), ("/v1/actor_tokens", 200));
    /// # Ok::<(), clerk_actor_tokens_core::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn on_request(mut self, listener: impl Fn(&RecordedRequest) + Send + Sync + 'static) -> Self {
        self.settings.listener = Some(Listener::new(listener));
        self
    }

    /// Sets the users that exist. Any other id is answered with 404. Default: every id is a user.
    pub fn users<I>(mut self, users: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.settings.users = Some(users.into_iter().map(Into::into).collect());
        self
    }

    /// Gives the instance a plan without impersonation: a creation is answered with 402. Default:
    /// the plan has it.
    pub fn plan_without_impersonation(mut self) -> Self {
        self.settings.plan_allows = false;
        self
    }

    /// Sets how many impersonations the plan has. A creation beyond it is answered with 422.
    /// Default: no limit. (Clerk's free plan has five a month; the emulator has no months.)
    pub fn quota(mut self, limit: u64) -> Self {
        self.settings.quota = Some(limit);
        self
    }

    /// Sets which event counts against the quota. Open at Clerk; default:
    /// [`QuotaCounted::AtCreate`].
    pub fn quota_counted(mut self, at: QuotaCounted) -> Self {
        self.settings.quota_counted = at;
        self
    }

    /// Exempts development instances (`sk_test_` keys) from the quota. Open at Clerk; default: they
    /// have one.
    pub fn quota_exempts_development(mut self) -> Self {
        self.settings.quota_exempts_development = true;
        self
    }

    /// Limits the number of requests in a window of this length, which begins with its first
    /// request. A request beyond it is answered with 429 and `Retry-After`. Requests with a wrong
    /// key do not count. Default: no limit. (Clerk has 1,000 in 10 s for production and 100 in 10 s
    /// for development.)
    pub fn rate_limit(mut self, requests: u32, per: Duration) -> Self {
        self.settings.rate_limit = Some((requests, per));
        self
    }

    /// Sets the API versions that are known. Any other is answered with 400 `api_version_invalid`.
    /// Default: the six that Clerk has published, 2021-02-05 to 2026-05-12.
    pub fn api_versions<I: IntoIterator<Item = ApiVersion>>(mut self, versions: I) -> Self {
        self.settings.api_versions = versions.into_iter().map(|version| version.as_str().to_owned()).collect();
        self
    }

    /// Accepts an empty `actor.sub`. Open at Clerk; default: it counts as missing.
    pub fn allow_empty_sub(mut self) -> Self {
        self.settings.empty_sub_allowed = true;
        self
    }

    /// Answers 422 to a user as their own actor (`actor.sub` equal to `user_id`). Open at Clerk;
    /// default: it is allowed.
    pub fn refuse_self_impersonation(mut self) -> Self {
        self.settings.self_impersonation_allowed = false;
        self
    }

    /// Sets the longest lifetime of a token, in whole seconds. A longer one is answered with 422.
    /// Open at Clerk; default: no limit.
    pub fn max_expires_in(mut self, max: Duration) -> Self {
        self.settings.max_expires_in = Some(max.as_secs());
        self
    }

    /// Sets the longest duration of a session, in whole seconds. A longer one is answered with 422.
    /// Open at Clerk; default: no limit.
    pub fn max_session_duration(mut self, max: Duration) -> Self {
        self.settings.max_session_duration = Some(max.as_secs());
        self
    }

    /// Sets the answer to a duration of the wrong type. Open at Clerk; default:
    /// [`WrongType::ParamInvalid`].
    pub fn wrong_type(mut self, answer: WrongType) -> Self {
        self.settings.wrong_type = answer;
        self
    }

    /// Leaves `token` and `url` out of the answer to a revoke. Open at Clerk; default: it has both.
    pub fn revoke_without_link(mut self) -> Self {
        self.settings.revoke_returns_link = false;
        self
    }

    /// Makes a revoke leave `updated_at` unchanged. Open at Clerk; default: a revoke sets it.
    pub fn revoke_keeps_updated_at(mut self) -> Self {
        self.settings.revoke_moves_updated_at = false;
        self
    }
}
