//! What the emulator does where Clerk's answer depends on the instance, and where no source says what Clerk does.

#[cfg(feature = "signing")]
mod application;
mod shown;
#[cfg(feature = "signing")]
mod tokens;

use std::{collections::BTreeSet, time::Duration};

use clerk_actor_tokens_core::SecretKey;
use http::StatusCode;

#[cfg(feature = "signing")]
pub use self::application::InvalidApplicationUrl;
#[cfg(feature = "signing")]
pub use self::tokens::{ExtraClaim, TicketUsedBy};
#[cfg(feature = "signing")]
pub(crate) use self::{application::ApplicationUrl, tokens::TokenSettings};
use crate::journal::Listener;

/// The key that the emulator takes unless it is given another.
pub(crate) const DEFAULT_KEY: &str = "sk_test_emulator";

/// The host of the links of an emulator that is not served, unless it is given another.
pub(crate) const DEFAULT_FRONTEND_API: &str = "clerk.emulator.test";

/// The largest request body, in bytes.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;

/// The versions of the backend API that Clerk has published.
const API_VERSIONS: [&str; 6] = ["2021-02-05", "2024-10-01", "2025-03-12", "2025-04-10", "2025-11-10", "2026-05-12"];

/// Which event counts against the quota. No source says which it is at Clerk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QuotaCounted {
    /// Each token that is created.
    AtCreate,
    /// Each token that is accepted.
    AtAccept,
}

/// What a duration of the wrong type (a text, a fraction) is answered with. No source says what it is at Clerk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WrongType {
    /// 422 `form_param_value_invalid`, as for a duration of zero.
    ParamInvalid,
    /// 400 `request_body_invalid`, as for a body that is no JSON.
    BodyInvalid,
}

/// What opening a second link for a user does to the session of the first. No source says which it is at Clerk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SecondSession {
    /// Both are live.
    Beside,
    /// The first becomes `replaced`.
    Replaces,
}

/// All of it.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) seed: u64,
    pub(crate) key: SecretKey,
    pub(crate) frontend_api: Option<String>,
    pub(crate) users: Option<BTreeSet<String>>,
    pub(crate) plan_allows: bool,
    pub(crate) quota: Option<u64>,
    pub(crate) quota_counted: QuotaCounted,
    pub(crate) quota_exempts_development: bool,
    pub(crate) rate_limit: Option<(u32, Duration)>,
    pub(crate) api_versions: Vec<String>,
    pub(crate) empty_sub_allowed: bool,
    pub(crate) self_impersonation_allowed: bool,
    /// In seconds.
    pub(crate) max_expires_in: Option<u64>,
    /// In seconds.
    pub(crate) max_session_duration: Option<u64>,
    pub(crate) wrong_type: WrongType,
    pub(crate) revoke_returns_link: bool,
    pub(crate) revoke_moves_updated_at: bool,
    pub(crate) users_with_tasks: BTreeSet<String>,
    pub(crate) drop_actor_keys: bool,
    /// 200, 400 or 404.
    pub(crate) revoke_over_session: StatusCode,
    pub(crate) pending_filter: bool,
    /// `None` is for ever.
    pub(crate) keep_over_sessions: Option<Duration>,
    pub(crate) list_delay: Duration,
    /// A status of a session that is over.
    pub(crate) inactive_as: String,
    pub(crate) second_session: SecondSession,
    /// `None`: all of them. Of sessions it is the same number.
    pub(crate) keep_tokens: Option<usize>,
    /// `None`: all of them.
    pub(crate) keep_requests: Option<usize>,
    pub(crate) listener: Option<Listener>,
    #[cfg(feature = "signing")]
    pub(crate) tokens: TokenSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 0,
            key: default_key(),
            frontend_api: None,
            users: None,
            plan_allows: true,
            quota: None,
            quota_counted: QuotaCounted::AtCreate,
            quota_exempts_development: false,
            rate_limit: None,
            api_versions: API_VERSIONS.map(str::to_owned).to_vec(),
            empty_sub_allowed: false,
            self_impersonation_allowed: true,
            max_expires_in: None,
            max_session_duration: None,
            wrong_type: WrongType::ParamInvalid,
            revoke_returns_link: true,
            revoke_moves_updated_at: true,
            users_with_tasks: BTreeSet::new(),
            drop_actor_keys: false,
            revoke_over_session: StatusCode::BAD_REQUEST,
            pending_filter: false,
            keep_over_sessions: None,
            list_delay: Duration::ZERO,
            inactive_as: "expired".to_owned(),
            second_session: SecondSession::Beside,
            keep_tokens: None,
            keep_requests: None,
            listener: None,
            #[cfg(feature = "signing")]
            tokens: TokenSettings::default(),
        }
    }
}

#[allow(clippy::expect_used, reason = "a constant; every test of this crate would see it fail")]
fn default_key() -> SecretKey {
    SecretKey::new(DEFAULT_KEY).expect("the emulator's own key is well formed")
}
