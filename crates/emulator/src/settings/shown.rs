//! The settings as they are printed: a text that somebody chose may be a key by mistake, or a link.

use std::{collections::BTreeSet, fmt};

use clerk_actor_tokens_core::Sanitized;

use super::Settings;

/// Texts, each of them masked.
struct Masked<'a>(&'a BTreeSet<String>);

impl fmt::Debug for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|text| Sanitized::new(text))).finish()
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By name, so that no new setting is forgotten.
        let Self {
            seed,
            key,
            frontend_api,
            users,
            plan_allows,
            quota,
            quota_counted,
            quota_exempts_development,
            rate_limit,
            api_versions,
            empty_sub_allowed,
            self_impersonation_allowed,
            max_expires_in,
            max_session_duration,
            wrong_type,
            revoke_returns_link,
            revoke_moves_updated_at,
            users_with_tasks,
            drop_actor_keys,
            revoke_over_session,
            pending_filter,
            keep_over_sessions,
            list_delay,
            inactive_as,
            second_session,
            keep_tokens,
            keep_requests,
            listener,
            #[cfg(feature = "signing")]
            tokens,
        } = self;
        let versions: Vec<_> = api_versions.iter().map(|version| Sanitized::new(version)).collect();
        let mut shown = f.debug_struct("Settings");
        shown
            .field("seed", seed)
            .field("key", key)
            .field("frontend_api", &frontend_api.as_deref().map(Sanitized::new))
            .field("users", &users.as_ref().map(Masked))
            .field("plan_allows", plan_allows)
            .field("quota", quota)
            .field("quota_counted", quota_counted)
            .field("quota_exempts_development", quota_exempts_development)
            .field("rate_limit", rate_limit)
            .field("api_versions", &versions)
            .field("empty_sub_allowed", empty_sub_allowed)
            .field("self_impersonation_allowed", self_impersonation_allowed)
            .field("max_expires_in", max_expires_in)
            .field("max_session_duration", max_session_duration)
            .field("wrong_type", wrong_type)
            .field("revoke_returns_link", revoke_returns_link)
            .field("revoke_moves_updated_at", revoke_moves_updated_at)
            .field("users_with_tasks", &Masked(users_with_tasks))
            .field("drop_actor_keys", drop_actor_keys)
            .field("revoke_over_session", revoke_over_session)
            .field("pending_filter", pending_filter)
            .field("keep_over_sessions", keep_over_sessions)
            .field("list_delay", list_delay)
            .field("inactive_as", inactive_as)
            .field("second_session", second_session)
            .field("keep_tokens", keep_tokens)
            .field("keep_requests", keep_requests)
            .field("listener", listener);
        #[cfg(feature = "signing")]
        shown.field("tokens", tokens);
        shown.finish()
    }
}

#[cfg(test)]
mod tests {
    use crate::Emulator;

    #[test]
    fn no_text_of_a_setting_is_printed_with_a_key_in_it() {
        let builder = Emulator::builder()
            .frontend_api("sk_live_CANARY")
            .users(["sk_live_CANARY", "https://x.test/?ticket=CANARY", "user_1"])
            .users_with_tasks(["sk_live_CANARY", "user_2"]);
        #[cfg(feature = "signing")]
        let builder = builder.application_url("https://app.test/sk_live_CANARY");
        let shown = format!("{builder:?} {builder:#?}");
        assert!(shown.contains("user_1") && shown.contains("user_2") && !shown.contains("CANARY"), "{shown}");
    }
}
