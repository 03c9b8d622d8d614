//! Clerk's error envelope: `{"errors": [...], "meta": {...}, "clerk_trace_id": "..."}`, every part of which can be
//! missing. It is looked for on every status.

use std::{borrow::Cow, fmt};

use http::{HeaderMap, HeaderName};
use serde_json::Value;

use crate::{
    json::{self, Budget, End, Json, Members},
    secret::Sanitized,
    token_status::ActorTokenStatus,
    words::words,
};

words! {
    /// The code of a Clerk error (`errors[].code`). Clerk adds codes: an unknown one is kept in `Other`.
    ///
    /// ```
    /// use clerk_actor_tokens_core::ErrorCode;
    /// assert_eq!(ErrorCode::from("form_param_missing"), ErrorCode::FormParamMissing);
    /// assert_eq!(ErrorCode::from("brand_new").as_str(), "brand_new");
    /// ```
    ErrorCode {
        /// 422: a parameter is missing; [`ApiError::param_name`] names it.
        FormParamMissing = "form_param_missing",
        /// 422: a parameter's value is invalid; [`ApiError::param_name`] names it.
        FormParamValueInvalid = "form_param_value_invalid",
        /// 422: a parameter is unknown to Clerk; [`ApiError::param_name`] names it.
        FormParamUnknown = "form_param_unknown",
        /// 422: the plan's monthly number of impersonations is used up.
        ImpersonationLimitExceeded = "impersonation_limit_exceeded",
        /// 402: the plan does not include impersonation.
        UnsupportedSubscriptionPlanFeatures = "unsupported_subscription_plan_features",
        /// 404: no such user, or no such actor token.
        ResourceNotFound = "resource_not_found",
        /// 400: only a pending token can be revoked; [`Error::token_status`](crate::Error::token_status) says what it is.
        ActorTokenCannotBeRevoked = "actor_token_cannot_be_revoked_code",
        /// 400: the body is not the JSON that Clerk expects.
        RequestBodyInvalid = "request_body_invalid",
        /// 400: Clerk does not know the API version.
        ApiVersionInvalid = "api_version_invalid",
        /// 401: the `Authorization` header is not `Bearer <key>`.
        AuthorizationHeaderFormatInvalid = "authorization_header_format_invalid",
        /// 401: Clerk does not know the secret key.
        ClerkKeyInvalid = "clerk_key_invalid",
        /// 415: the `Content-Type` is not supported.
        UnsupportedContentType = "unsupported_content_type",
        /// 429: too many requests.
        TooManyRequests = "too_many_requests",
        /// 500: an error inside Clerk.
        InternalClerkError = "internal_clerk_error",
        /// 400, when a link is opened: it was used before.
        ActorTokenAlreadyUsed = "actor_token_already_used_code",
        /// 400, when a link is opened: it was revoked.
        ActorTokenRevoked = "actor_token_revoked_code",
        /// 400, when a link is opened: it cannot be used.
        ActorTokenCannotBeUsed = "actor_token_cannot_be_used_code",
        /// 400, when a link is opened: its time is over.
        TicketExpired = "ticket_expired_code",
        /// 400, when a link is opened: it is not a ticket of this instance.
        TicketInvalid = "ticket_invalid_code",
    }
}

/// One entry of Clerk's `errors`.
///
/// `Debug` masks credentials, and leaves `meta` out.
#[derive(Clone, PartialEq)]
pub struct ApiError {
    code: ErrorCode,
    message: String,
    long_message: Option<String>,
    meta: Option<Value>,
}

impl ApiError {
    /// Returns Clerk's code. Empty where the entry had none.
    #[must_use]
    pub fn code(&self) -> &ErrorCode {
        &self.code
    }

    /// Returns the short message, for example `is missing`. Empty where the entry had none.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the long message, for example `actor.sub must be included.`
    #[must_use]
    pub fn long_message(&self) -> Option<&str> {
        self.long_message.as_deref()
    }

    /// Returns the parameter that the error is about (`meta.param_name`).
    #[must_use]
    pub fn param_name(&self) -> Option<&str> {
        self.meta.as_ref()?.get("param_name")?.as_str()
    }

    /// Returns `meta`, whatever it holds: `limit` and `used` of a quota, `unsupported_features` of a plan.
    ///
    /// A number that `serde_json::Number` cannot hold exactly is a string. `None` also where `meta` has more than 127
    /// levels or 4096 values and keys.
    #[must_use]
    pub fn meta(&self) -> Option<&Value> {
        self.meta.as_ref()
    }

    /// What an actor token is instead of pending: Clerk's words carry it ("... because its status is `accepted`. Only
    /// pending tokens can be revoked."). `None` for another code, or other words.
    pub(crate) fn token_status(&self) -> Option<ActorTokenStatus> {
        if self.code != ErrorCode::ActorTokenCannotBeRevoked {
            return None;
        }
        [self.long_message(), Some(self.message())].into_iter().flatten().find_map(|words| {
            let (_, behind) = words.split_once("its status is `")?;
            let (status, _) = behind.split_once('`')?;
            Some(ActorTokenStatus::from(status))
        })
    }

    /// The long message, or the short one.
    pub(crate) fn words(&self) -> &str {
        self.long_message().filter(|words| !words.is_empty()).unwrap_or(&self.message)
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("code", &self.code)
            .field("message", &Sanitized::new(&self.message))
            .field("long_message", &self.long_message().map(Sanitized::new))
            .field("param_name", &self.param_name().map(Sanitized::new))
            .finish_non_exhaustive()
    }
}

/// What a response that is not a success holds.
#[derive(Default)]
pub(crate) struct Envelope {
    pub(crate) errors: Vec<ApiError>,
    pub(crate) meta: Option<Value>,
    pub(crate) trace_id: Option<String>,
}

/// What one entry of `errors` counts of the values that are kept of one body: its members.
const VALUES_OF_AN_ENTRY: usize = 4;

/// Reads what can be read. The envelope is empty in these cases, because half an error could say
/// what Clerk did not:
///
/// - The body is not a whole JSON object.
/// - A member that is read appears twice.
/// - One of their texts cannot be read.
/// - There are more entries than are kept.
///
/// A `meta` beyond the bounds is left out.
pub(crate) fn read(headers: &HeaderMap, body: &[u8]) -> Envelope {
    let mut envelope = in_body(json::without_byte_order_mark(body)).unwrap_or_default();
    if envelope.trace_id.is_none() {
        envelope.trace_id = trace_id(headers).map(str::to_owned);
    }
    envelope
}

fn in_body(body: &[u8]) -> Option<Envelope> {
    let [errors, meta, trace_id] = whole(Members::of(body), ["errors", "meta", "clerk_trace_id"])?;
    let mut budget = Budget::of_a_body();
    let mut entries = Vec::new();
    for entry in errors.into_iter().flat_map(Json::elements).filter(|entry| entry.is_object()) {
        budget.spend(VALUES_OF_AN_ENTRY).ok()?;
        entries.push(self::entry(entry, &mut budget)?);
    }
    Some(Envelope {
        errors: entries,
        meta: built(meta, &mut budget),
        trace_id: text(trace_id)?.filter(|id| !id.is_empty()).map(Cow::into_owned),
    })
}

fn entry(entry: Json<'_>, budget: &mut Budget) -> Option<ApiError> {
    let [code, message, long_message, meta] = whole(entry.members(), ["code", "message", "long_message", "meta"])?;
    Some(ApiError {
        code: ErrorCode::from(&*text(code)?.unwrap_or_default()),
        message: text(message)?.unwrap_or_default().into_owned(),
        long_message: text(long_message)?.map(Cow::into_owned),
        meta: built(meta, budget),
    })
}

/// The members of these names. `None` where the object is not whole, or has one of them twice.
fn whole<'a, const N: usize>(mut members: Members<'a>, names: [&str; N]) -> Option<[Option<Json<'a>>; N]> {
    let mut found = [None; N];
    for (key, value) in members.by_ref() {
        let slot = names.iter().zip(&mut found).find(|(name, _)| **name == key);
        if slot.is_some_and(|(_, slot)| slot.replace(value).is_some()) {
            return None;
        }
    }
    (members.end() == End::Whole).then_some(found)
}

/// The text; none where the member is missing or no text. `None` where it is one that cannot be read: not UTF-8, or half of
/// a surrogate pair.
fn text(value: Option<Json<'_>>) -> Option<Option<Cow<'_, str>>> {
    match value.filter(|value| value.is_string()) {
        Some(value) => value.text().map(Some),
        None => Some(None),
    }
}

fn built(meta: Option<Json<'_>>, budget: &mut Budget) -> Option<Value> {
    meta?.build(budget).ok()
}

/// The headers that may carry a trace id, the first one first.
static TRACE_IDS: [HeaderName; 3] = [
    HeaderName::from_static("x-clerk-trace-id"),
    HeaderName::from_static("clerk-trace-id"),
    HeaderName::from_static("cf-ray"),
];

/// The trace id that the headers carry: what Clerk's support asks for.
pub(crate) fn trace_id(headers: &HeaderMap) -> Option<&str> {
    TRACE_IDS.iter().find_map(|name| headers.get(name)?.to_str().ok().filter(|id| !id.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_code_survives_a_round_trip() {
        // Their words are in `tests/promises/answers.rs`.
        assert_eq!(ErrorCode::known().len(), 19);
        for code in ErrorCode::known() {
            assert_eq!(&ErrorCode::from(code.as_str()), code);
            assert!(!matches!(ErrorCode::from(code.as_str()), ErrorCode::Other(_)));
        }
    }

    #[test]
    fn the_trace_id_is_the_bodys_then_the_headers_in_order() {
        let mut headers = HeaderMap::new();
        assert_eq!(read(&headers, b"{}").trace_id, None);
        for (name, value) in [("cf-ray", "ray"), ("clerk-trace-id", "clerk"), ("x-clerk-trace-id", "x-clerk")] {
            headers.insert(name, http::HeaderValue::from_static(value));
            assert_eq!(read(&headers, b"<html>").trace_id.as_deref(), Some(value));
        }
        assert_eq!(read(&headers, br#"{"clerk_trace_id":"body"}"#).trace_id.as_deref(), Some("body"));
    }

    #[test]
    fn an_entry_with_a_text_that_cannot_be_read_says_nothing() {
        let whole = r#"{"errors":[{"code":"c","message":"m","long_message":"l"}],"clerk_trace_id":"t"}"#;
        assert_eq!(read(&HeaderMap::new(), whole.as_bytes()).errors.len(), 1);
        for text in [r#""c""#, r#""m""#, r#""l""#, r#""t""#] {
            let (before, behind) = whole.split_once(text).expect("it is there once");
            for unreadable in [&b"\"\xff\""[..], br#""\ud800""#] {
                let body = [before.as_bytes(), unreadable, behind.as_bytes()].concat();
                let envelope = read(&HeaderMap::new(), &body);
                assert!(envelope.errors.is_empty() && envelope.trace_id.is_none(), "{}", body.escape_ascii());
            }
        }
    }

    #[test]
    fn every_part_may_be_missing_or_of_another_type() {
        let table: [(&str, &[(&str, &str)]); 8] = [
            ("", &[]),
            ("null", &[]),
            ("[]", &[]),
            (r#"{"errors":{}}"#, &[]),
            (r#"{"errors":[1,"x",null]}"#, &[]),
            (r#"{"errors":[{}]}"#, &[("", "")]),
            (r#"{"errors":[{"code":1,"message":[]}]}"#, &[("", "")]),
            (r#"{"errors":[{"code":"a","message":"m"},{"code":"b"}]}"#, &[("a", "m"), ("b", "")]),
        ];
        for (body, expected) in table {
            let errors = read(&HeaderMap::new(), body.as_bytes()).errors;
            let got: Vec<_> = errors.iter().map(|error| (error.code().as_str(), error.message())).collect();
            assert_eq!(got, expected, "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&HeaderMap::new(), &body);
        }
    }
}
