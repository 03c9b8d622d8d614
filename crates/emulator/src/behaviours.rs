//! Where each behaviour is known from, as data: what `--explain` prints, and the README's table is.

use std::fmt;

/// How well a behaviour is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Known {
    /// Clerk's OpenAPI description says it.
    OpenApi,
    /// Clerk's documentation says it.
    Documentation,
    /// A client that Clerk publishes relies on it, or its tests show it.
    Clients,
    /// It follows from what is known, and no source says it.
    Inferred,
    /// No source settles it: the emulator does one thing, and can be set to do the other.
    Open,
    /// It is not as at Clerk.
    NotEmulated,
}

impl Known {
    /// All of them, the best known first.
    pub const ALL: [Self; 6] =
        [Self::OpenApi, Self::Documentation, Self::Clients, Self::Inferred, Self::Open, Self::NotEmulated];
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenApi => "Clerk's OpenAPI description",
            Self::Documentation => "Clerk's documentation",
            Self::Clients => "Clerk's published clients",
            Self::Inferred => "inferred",
            Self::Open => "open",
            Self::NotEmulated => "not emulated",
        })
    }
}

/// Something that the emulator does, and where it is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behaviour {
    what: &'static str,
    known: Known,
    source: &'static str,
    setting: Option<&'static str>,
}

impl Behaviour {
    const fn new(known: Known, what: &'static str, source: &'static str) -> Self {
        Self { what, known, source, setting: None }
    }

    /// An open question, by the setting of [`EmulatorBuilder`](crate::EmulatorBuilder) that answers it.
    const fn open(setting: &'static str, what: &'static str, source: &'static str) -> Self {
        Self { what, known: Known::Open, source, setting: Some(setting) }
    }

    /// Returns what it does.
    #[must_use]
    pub fn what(&self) -> &'static str {
        self.what
    }

    /// Returns how well that is known.
    #[must_use]
    pub fn known(&self) -> Known {
        self.known
    }

    /// Returns where it is said, or what the emulator does by default if no source says it.
    #[must_use]
    pub fn source(&self) -> &'static str {
        self.source
    }

    /// Returns the method of [`EmulatorBuilder`](crate::EmulatorBuilder) that changes it, for an
    /// open question.
    #[must_use]
    pub fn setting(&self) -> Option<&'static str> {
        self.setting
    }
}

const CREATE: &str = "github.com/clerk/openapi-specs, bapi/2026-05-12.yml: POST /actor_tokens (CreateActorToken)";
const REVOKE: &str = "github.com/clerk/openapi-specs, bapi/2026-05-12.yml: POST /actor_tokens/{actor_token_id}/revoke (RevokeActorToken)";
const SESSIONS: &str =
    "github.com/clerk/openapi-specs, bapi/2026-05-12.yml: /sessions (GetSessionList, GetSession, RevokeSession)";
const ERRORS: &str = "github.com/clerk/openapi-specs, bapi/2026-05-12.yml: components, ClerkErrors";
const IMPERSONATION: &str = "clerk.com/docs/guides/users/impersonation";
const TOKENS: &str = "clerk.com/docs/guides/sessions/session-tokens";
const FRONTEND: &str =
    "github.com/clerk/openapi-specs, fapi/2025-11-10.yml: /tickets/accept, /client/sign_ins, /client/sessions";
const LIMITS: &str = "clerk.com/docs/guides/how-clerk-works/system-limits";
const VERSIONS: &str = "clerk.com/docs/guides/development/upgrading/versioning";
const BACKEND_ERRORS: &str = "clerk.com/docs/guides/development/errors/backend-api";
const JAVASCRIPT: &str = "github.com/clerk/javascript, packages/backend/src/api/request.ts";
const GO: &str = "github.com/clerk/clerk-sdk-go, actortoken";
const PUBLISHED: &str = "Clerk's published clients in Go, JavaScript and Python, and the answers in their tests";
const NOTHING: &str = "no source says it";

/// Returns the emulator's behaviours, and where each is known from.
///
/// ```
/// use clerk_actor_tokens_emulator::{Known, behaviours};
///
/// let open = behaviours().iter().filter(|behaviour| behaviour.known() == Known::Open);
/// assert!(open.clone().count() > 5);
/// assert!(open.into_iter().any(|behaviour| behaviour.setting() == Some("quota_counted")));
/// ```
#[must_use]
pub fn behaviours() -> &'static [Behaviour] {
    BEHAVIOURS
}

static BEHAVIOURS: &[Behaviour] = &[
    Behaviour::new(
        Known::OpenApi,
        "create: its path, its five fields and which are required, 200, 400, 402, 422",
        CREATE,
    ),
    Behaviour::new(Known::OpenApi, "revoke: its path, 200, 400, 404", REVOKE),
    Behaviour::new(Known::OpenApi, "the members of an actor token and its three statuses", CREATE),
    Behaviour::new(Known::OpenApi, "the error envelope, with meta and clerk_trace_id", ERRORS),
    Behaviour::new(Known::OpenApi, "a token lives for 3600 s and its session for 1800 s where nothing is said", CREATE),
    Behaviour::new(
        Known::OpenApi,
        "sessions are listed, read and revoked: the paths, the parameters of a list, its order and its two forms",
        SESSIONS,
    ),
    Behaviour::new(Known::OpenApi, "the members of a session and its statuses", SESSIONS),
    Behaviour::new(
        Known::OpenApi,
        "a session of a user with tasks (users_with_tasks) is pending, and names a task",
        SESSIONS,
    ),
    Behaviour::new(
        Known::Documentation,
        "an impersonated session ends after its longest duration, and after 10 minutes of inactivity",
        IMPERSONATION,
    ),
    Behaviour::new(
        Known::Documentation,
        "a ticket opens one session, once; accepted and revoked are final",
        IMPERSONATION,
    ),
    Behaviour::new(
        Known::Documentation,
        "the quota's 422 impersonation_limit_exceeded, and the plan's 402",
        BACKEND_ERRORS,
    ),
    Behaviour::new(
        Known::Documentation,
        "400 actor_token_cannot_be_revoked_code, whose words carry the status; the two 401",
        BACKEND_ERRORS,
    ),
    Behaviour::new(
        Known::Documentation,
        "the claims of a session token in both versions (token_version), with the whole actor as act; RS256",
        TOKENS,
    ),
    Behaviour::new(Known::Documentation, "the key set with the secret key, and at the frontend API without it", TOKENS),
    Behaviour::new(
        Known::OpenApi,
        "opening a link, a sign-in by ticket, and tokens, touch and end of a session: the paths and the forms",
        FRONTEND,
    ),
    Behaviour::new(Known::Documentation, "429 with Retry-After in whole seconds", LIMITS),
    Behaviour::new(
        Known::Documentation,
        "Clerk-API-Version as a header or in the query; 2021-02-05 without it",
        VERSIONS,
    ),
    Behaviour::new(Known::Clients, "the content type of every answer is exactly application/json", JAVASCRIPT),
    Behaviour::new(Known::Clients, "ids are act_ and a KSUID of 27 letters; the link holds the ticket", GO),
    Behaviour::new(Known::Clients, "the header and the claims of a ticket", PUBLISHED),
    Behaviour::new(
        Known::Clients,
        "the body of a revoke is ignored: three clients send three different ones",
        PUBLISHED,
    ),
    Behaviour::new(Known::Clients, "the key is checked before the route: 401 for an unknown path, too", PUBLISHED),
    Behaviour::new(
        Known::Inferred,
        "the order of the other checks; all mistakes in a body are reported together",
        NOTHING,
    ),
    Behaviour::new(Known::Inferred, "null counts as absent, and an empty user_id as missing", NOTHING),
    Behaviour::new(Known::Inferred, "a pending token past its time can be revoked", NOTHING),
    Behaviour::new(Known::Inferred, "404 for a known path with another method", NOTHING),
    Behaviour::new(Known::Inferred, "413 over 1 MiB, and its code", NOTHING),
    Behaviour::new(
        Known::Inferred,
        "the value of unsupported_features; the long messages of 400 request_body_invalid, 413, 415 and 500; the words of api_version_invalid",
        NOTHING,
    ),
    Behaviour::new(
        Known::Inferred,
        "422 for a list with an unknown parameter, without client_id and user_id, or with a limit outside 1 to 500",
        NOTHING,
    ),
    Behaviour::new(
        Known::Inferred,
        "expire_at is created_at and the longest duration; abandon_at is the same; a user who signs in has seven days",
        NOTHING,
    ),
    Behaviour::new(
        Known::Inferred,
        "400 invalid_action_for_session for a token of a session that is over; the words of the errors of a ticket",
        NOTHING,
    ),
    Behaviour::open("quota_counted", "which event counts against the quota", "by default each token that is created"),
    Behaviour::open("quota_exempts_development", "whether development instances have a quota", "by default they have"),
    Behaviour::open("allow_empty_sub", "whether actor.sub may be empty", "by default it counts as missing"),
    Behaviour::open("max_expires_in", "the longest lifetime of a token", "by default there is no limit"),
    Behaviour::open("max_session_duration", "the longest duration of a session", "by default there is no limit"),
    Behaviour::open("refuse_self_impersonation", "whether a user may be their own actor", "by default they may"),
    Behaviour::open(
        "wrong_type",
        "what a duration of the wrong type is answered with",
        "by default 422 form_param_value_invalid",
    ),
    Behaviour::open("revoke_without_link", "whether a revoke answers token and url", "by default it does"),
    Behaviour::open("revoke_keeps_updated_at", "whether a revoke moves updated_at", "by default it does"),
    Behaviour::open(
        "sessions_drop_actor_keys",
        "whether the actor of a session has further keys than sub",
        "by default it has all",
    ),
    Behaviour::open(
        "revoke_over_session",
        "what revoking a session that is over is answered with",
        "by default 400 invalid_action_for_session",
    ),
    Behaviour::open("accept_pending_filter", "whether a list takes status=pending", "by default it is a 422"),
    Behaviour::open("keep_over_sessions", "how long a session that is over stays in lists", "by default always"),
    Behaviour::open("list_delay", "when a new session is in lists", "by default at once"),
    Behaviour::open("inactive_as", "the status of a session after inactivity", "by default expired"),
    Behaviour::open(
        "second_session",
        "what a second actor token of a user does to the session of the first",
        "by default nothing: both are live",
    ),
    Behaviour::open("ticket_used_by", "which step of opening a link uses its ticket up", "by default the second"),
    Behaviour::open("add_claims", "whether tokens have jti, act.iss and act.sid", "by default they have not"),
    Behaviour::new(
        Known::NotEmulated,
        "the signature of tickets in process, unless signed_tickets is set",
        "random bytes of the right length",
    ),
    Behaviour::new(
        Known::NotEmulated,
        "what Clerk's browser script needs to start; signing out who is signed in when a link is opened",
        "a link opens a client of its own",
    ),
    Behaviour::new(Known::NotEmulated, "actor_token_cannot_be_used_code", "no state is known that leads to it"),
    Behaviour::new(
        Known::NotEmulated,
        "the months of a quota, and every other route",
        "any other route is answered with 501, which names those that there are",
    ),
];
