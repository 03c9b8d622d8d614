//! What a script expects of one request, and how a request that came differs from it.

use std::{fmt, time::Duration};

use clerk_actor_tokens_core::{Sanitized, SecretKey};
use http::{HeaderName, HeaderValue, Method, header::AUTHORIZATION};
use serde_json::{Value, json};

use super::{
    diff::{Compare, differences, shown},
    query::{self, Member},
};
use crate::{
    captured::{CapturedRequest, ShownBytes, is_secret_header, shown_header},
    responses::{header_name, header_value},
};

/// What one request of a script has to be.
///
/// Method and path are always compared. Headers are compared if they were named, one by one. So is the body, as a whole
/// ([`json`](Self::json)) or in part ([`json_including`](Self::json_including)). All that was named must hold.
///
/// The query is compared by its members, in any order. With none in the path, and none named by [`query`](Self::query),
/// none must come.
///
/// ```
/// use clerk_actor_tokens_mock::ExpectedRequest;
/// use serde_json::json;
///
/// let expected = ExpectedRequest::post("/v1/actor_tokens")
///     .json(json!({ "user_id": "user_1", "actor": { "sub": "user_agent" } }))
///     .header("x-request-id", "42");
/// # let _ = expected;
/// ```
#[derive(Clone)]
#[must_use]
pub struct ExpectedRequest {
    method: Method,
    /// With the query, if one was written.
    path: String,
    query: Vec<Member>,
    headers: Vec<(HeaderName, ExpectedHeader)>,
    bearer: Option<SecretKey>,
    bodies: Vec<ExpectedBody>,
}

#[derive(Clone)]
enum ExpectedHeader {
    Is(HeaderValue),
    Present,
    Absent,
}

#[derive(Clone)]
enum ExpectedBody {
    Empty,
    Json(Value, Compare),
}

impl ExpectedRequest {
    /// A request with this method, to this path. A query behind it is all of the query: these members, in any order, and
    /// those that [`query`](Self::query) names.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: Vec::new(), headers: Vec::new(), bearer: None, bodies: Vec::new() }
    }

    /// A `POST` to this path.
    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    /// A `GET` of this path.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// A member of the query with this value, as it is before percent-encoding.
    ///
    /// It is the only value of that name, unless the name comes with another one here or in the path. Members of other
    /// names may come too, unless the path has a query. The same member named again says nothing new.
    ///
    /// ```
    /// use clerk_actor_tokens_mock::ExpectedRequest;
    ///
    /// let some_page = ExpectedRequest::get("/v1/sessions").query("user_id", "user_1");
    /// let this_page = ExpectedRequest::get("/v1/sessions?paginated=true&limit=10").query("user_id", "user_1");
    /// # let _ = (some_page, this_page);
    /// ```
    pub fn query(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let member = Member::new(name.as_ref(), value.as_ref());
        if !self.query.contains(&member) {
            self.query.push(member);
        }
        self
    }

    /// Exactly this JSON body, whatever its white space and the order of its keys.
    pub fn json(mut self, body: Value) -> Self {
        self.bodies.push(ExpectedBody::Json(body, Compare::Exact));
        self
    }

    /// A JSON body that has at least this: objects may have further keys, at any depth; arrays are compared whole.
    pub fn json_including(mut self, part: Value) -> Self {
        self.bodies.push(ExpectedBody::Json(part, Compare::Including));
        self
    }

    /// No body.
    pub fn no_body(mut self) -> Self {
        self.bodies.push(ExpectedBody::Empty);
        self
    }

    /// A create body with this `user_id`.
    pub fn user_id(self, user_id: impl Into<String>) -> Self {
        self.json_including(json!({ "user_id": user_id.into() }))
    }

    /// A create body with this `actor.sub`.
    pub fn actor_sub(self, sub: impl Into<String>) -> Self {
        self.json_including(json!({ "actor": { "sub": sub.into() } }))
    }

    /// A create body with this `expires_in_seconds`. Parts of a second are not sent and not compared.
    pub fn expires_in(self, duration: Duration) -> Self {
        self.json_including(json!({ "expires_in_seconds": duration.as_secs() }))
    }

    /// A create body with this `session_max_duration_in_seconds`. Parts of a second are not sent and not compared.
    pub fn session_max_duration(self, duration: Duration) -> Self {
        self.json_including(json!({ "session_max_duration_in_seconds": duration.as_secs() }))
    }

    /// A header that is there once or more, with this as its first value.
    ///
    /// # Panics
    /// If the name or the value cannot stand in a header.
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = header_name(name);
        let value = header_value(&name, value);
        self.headers.push((name, ExpectedHeader::Is(value)));
        self
    }

    /// A header that is there, whatever its value.
    ///
    /// # Panics
    /// If it is no header name.
    #[track_caller]
    pub fn header_present(mut self, name: &str) -> Self {
        self.headers.push((header_name(name), ExpectedHeader::Present));
        self
    }

    /// A header that is not there.
    ///
    /// # Panics
    /// If it is no header name.
    #[track_caller]
    pub fn header_absent(mut self, name: &str) -> Self {
        self.headers.push((header_name(name), ExpectedHeader::Absent));
        self
    }

    /// This secret key as the bearer. A failure says that it differs and shows neither key.
    pub fn bearer(mut self, key: &SecretKey) -> Self {
        self.bearer = Some(key.clone());
        self
    }

    /// One line for each thing that differs; none if the request is the expected one.
    pub(super) fn differences(&self, got: &CapturedRequest) -> Vec<String> {
        let mut lines = Vec::new();
        if self.method != *got.method() {
            lines.push(format!("method: expected {}, got {}", self.method, got.method()));
        }
        let (path, written) =
            self.path.split_once('?').map_or((&*self.path, None), |(path, query)| (path, Some(query)));
        let got_path = got.uri().path_and_query().map_or("/", http::uri::PathAndQuery::path);
        if path != got_path {
            lines.push(format!("path: expected {:?}, got {:?}", Sanitized::new(path), Sanitized::new(got_path)));
        }
        let mut expected = query::members(written.unwrap_or_default());
        let named: Vec<_> = self.query.iter().filter(|member| !expected.contains(member)).cloned().collect();
        expected.extend(named);
        let is_all = written.is_some() || self.query.is_empty();
        lines.extend(query::differences(&expected, &query::members(got.query().unwrap_or_default()), is_all));
        for (name, expected) in &self.headers {
            lines.extend(header_difference(name, expected, got));
        }
        if self.bearer.as_ref().is_some_and(|key| !got.bearer_is(key)) {
            let came = if got.has_authorization() { "something else" } else { "nothing" };
            lines.push(format!("authorization: expected the bearer that was named, got {came}"));
        }
        let mut in_bodies: Vec<String> = self.bodies.iter().flat_map(|expected| expected.differences(got)).collect();
        in_bodies.dedup();
        lines.extend(in_bodies);
        lines
    }
}

fn header_difference(name: &HeaderName, expected: &ExpectedHeader, got: &CapturedRequest) -> Option<String> {
    let first = got.headers().get(name);
    let is_there = first.is_some() || (*name == AUTHORIZATION && got.has_authorization());
    let came = || match first {
        Some(value) => shown_header(name, value),
        None if is_there => "(redacted)".to_owned(),
        None => "nothing".to_owned(),
    };
    let expected = match expected {
        ExpectedHeader::Is(value) if *name == AUTHORIZATION && got.authorization_is(value) => return None,
        ExpectedHeader::Is(value) if first == Some(value) => return None,
        ExpectedHeader::Present if is_there => return None,
        ExpectedHeader::Absent if !is_there => return None,
        ExpectedHeader::Is(value) => shown_header(name, value),
        ExpectedHeader::Present => "some value".to_owned(),
        ExpectedHeader::Absent => "nothing".to_owned(),
    };
    let but_another = if is_secret_header(name) && is_there { " (another one)" } else { "" };
    Some(format!("header {name}: expected {expected}, got {}{but_another}", came()))
}

impl ExpectedBody {
    fn differences(&self, got: &CapturedRequest) -> Vec<String> {
        match (self, got.json()) {
            (Self::Empty, _) if got.body().is_empty() => Vec::new(),
            (Self::Empty, _) => vec![format!("body: expected nothing, got {}", ShownBytes(got.body()))],
            (Self::Json(expected, compare), Some(got)) => differences(expected, &got, *compare),
            (Self::Json(..), None) if got.body().is_empty() => vec!["body: expected JSON, got nothing".to_owned()],
            (Self::Json(..), None) => {
                vec![format!("body: expected JSON, got what is none: {}", ShownBytes(got.body()))]
            }
        }
    }
}

/// Method and path, then what else was named, each on a line of its own.
impl fmt::Display for ExpectedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, Sanitized::new(&self.path))?;
        for member in &self.query {
            write!(f, "\n      query {member}")?;
        }
        for (name, expected) in &self.headers {
            match expected {
                ExpectedHeader::Is(value) => write!(f, "\n      header {name}: {}", shown_header(name, value))?,
                ExpectedHeader::Present => write!(f, "\n      header {name}: any value")?,
                ExpectedHeader::Absent => write!(f, "\n      header {name}: none")?,
            }
        }
        if self.bearer.is_some() {
            f.write_str("\n      authorization: the bearer that was named")?;
        }
        for body in &self.bodies {
            match body {
                ExpectedBody::Empty => f.write_str("\n      no body")?,
                ExpectedBody::Json(value, Compare::Exact) => write!(f, "\n      body {}", shown(value))?,
                ExpectedBody::Json(value, Compare::Including) => write!(f, "\n      body with {}", shown(value))?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for ExpectedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExpectedRequest({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{create_request, get_session_request, list_sessions_request, revoke_request, revoke_session_request};
    use clerk_actor_tokens_core::Request;

    const KEY: &str = "sk_test_CANARY";

    fn got(method: &str, path: &str, body: &'static str) -> CapturedRequest {
        let request: Request = http::Request::builder()
            .method(method)
            .uri(format!("https://api.clerk.com{path}"))
            .header("authorization", format!("Bearer {KEY}"))
            .header("x-a", "1")
            .body(body.into())
            .unwrap();
        CapturedRequest::new(request)
    }

    #[test]
    fn what_was_not_named_is_not_compared() {
        let sent = got("POST", "/v1/actor_tokens", r#"{"user_id":"user_1","actor":{"sub":"a","x":1}}"#);
        for expected in [
            ExpectedRequest::post("/v1/actor_tokens"),
            create_request(),
            create_request().user_id("user_1").actor_sub("a").header("x-a", "1"),
            create_request().bearer(&SecretKey::new(KEY).unwrap()).header_present("authorization"),
            create_request().header("authorization", "Bearer sk_test_CANARY"),
            create_request().json(json!({"actor": {"x": 1, "sub": "a"}, "user_id": "user_1"})).header_absent("x-b"),
        ] {
            assert_eq!(expected.differences(&sent), Vec::<String>::new(), "{expected}");
        }
    }

    #[test]
    fn each_thing_that_was_named_is_compared_and_said() {
        let body = r#"{"user_id":"user_1","actor":{"sub":"b"},"expires_in_seconds":60}"#;
        let create = || got("POST", "/v1/actor_tokens", body);
        let table: [(ExpectedRequest, CapturedRequest, &[&str]); 19] = [
            (ExpectedRequest::get("/v1/actor_tokens"), create(), &["method: expected GET, got POST"]),
            (ExpectedRequest::post("/v1/other"), create(), &[r#"path: expected "/v1/other", got "/v1/actor_tokens""#]),
            (ExpectedRequest::post("/a?b=1"), got("POST", "/a", ""), &[r#"query b: expected "1", got nothing"#]),
            (ExpectedRequest::post("/a"), got("POST", "/a?b=1", ""), &[r#"query b: expected nothing, got "1""#]),
            (create_request().user_id("user_2"), create(), &[r#"$.user_id: expected "user_2", got "user_1""#]),
            (create_request().actor_sub("a"), create(), &[r#"$.actor.sub: expected "a", got "b""#]),
            (
                create_request().expires_in(Duration::from_secs(300)),
                create(),
                &["$.expires_in_seconds: expected 300, got 60"],
            ),
            (
                create_request().session_max_duration(Duration::from_secs(300)),
                create(),
                &["$.session_max_duration_in_seconds: expected 300, got nothing"],
            ),
            (
                create_request().json(json!({"user_id": "user_1", "actor": {"sub": "b"}})),
                create(),
                &["$.expires_in_seconds: expected nothing, got 60"],
            ),
            (create_request().header("x-a", "2"), create(), &[r#"header x-a: expected "2", got "1""#]),
            (create_request().header("x-b", "2"), create(), &[r#"header x-b: expected "2", got nothing"#]),
            (create_request().header_present("x-b"), create(), &["header x-b: expected some value, got nothing"]),
            (create_request().header_absent("x-a"), create(), &[r#"header x-a: expected nothing, got "1""#]),
            (
                create_request().bearer(&SecretKey::new("sk_test_CANARY_OTHER").unwrap()),
                create(),
                &["authorization: expected the bearer that was named, got something else"],
            ),
            (
                create_request().header("authorization", "Bearer sk_test_CANARY_OTHER"),
                create(),
                &["header authorization: expected (redacted), got (redacted) (another one)"],
            ),
            (create_request(), got("POST", "/v1/actor_tokens", ""), &["body: expected JSON, got nothing"]),
            (
                create_request(),
                got("POST", "/v1/actor_tokens", "{sk_test_CANARY"),
                &["body: expected JSON, got what is none: {sk_test_(redacted)"],
            ),
            (
                revoke_request("act_1"),
                got("POST", "/v1/actor_tokens/act_1/revoke", "null"),
                &["body: expected nothing, got null"],
            ),
            (
                revoke_request("act_1"),
                got("POST", "/v1/actor_tokens/act_2/revoke", ""),
                &[r#"path: expected "/v1/actor_tokens/act_1/revoke", got "/v1/actor_tokens/act_2/revoke""#],
            ),
        ];
        for (expected, got, lines) in table {
            assert_eq!(expected.differences(&got), lines);
            assert!(!expected.differences(&got).concat().contains("CANARY"));
        }
    }

    #[test]
    fn a_query_is_compared_by_its_members() {
        let get = ExpectedRequest::get;
        let table: [(ExpectedRequest, &str, &[&str]); 15] = [
            (get("/a?b=1&c=2"), "/a?c=2&b=1", &[]),
            (get("/a?"), "/a", &[]),
            (get("/a?b=1"), "/a?b=1&c=2", &[r#"query c: expected nothing, got "2""#]),
            (get("/a").query("b", "1"), "/a?c=2&b=1", &[]),
            (get("/a").query("b", "x y&z+é"), "/a?b=x%20y%26z%2B%C3%A9", &[]),
            (get("/a").query("b", "x%20y"), "/a?b=x%20y", &[r#"query b: expected "x%20y", got "x y""#]),
            (get("/a").query("b", "1").query("c", "3"), "/a?b=1&c=2", &[r#"query c: expected "3", got "2""#]),
            (get("/a").query("b", "1"), "/a?b=1&b=2", &[r#"query b: expected "1", got "1" and "2""#]),
            (get("/a").query("b", "1").query("b", "2"), "/a?b=2&b=1", &[]),
            (get("/a").query("b", "1").query("b", "1"), "/a?b=1", &[]),
            (get("/a?b=1&b=1").query("b", "1"), "/a?b=1&b=1", &[]),
            (get("/a?b=1").query("c", "2"), "/a?c=2&b=1", &[]),
            (get("/a?b=1").query("c", "2"), "/a?c=2&b=1&d=3", &[r#"query d: expected nothing, got "3""#]),
            (get("/a?").query("b", "1"), "/a?b=1&c=2", &[r#"query c: expected nothing, got "2""#]),
            (
                get("/x?b=1").query("ticket", "CANARY"),
                "/a?b=2&ticket=CANARY2",
                &[
                    r#"path: expected "/x", got "/a""#,
                    r#"query b: expected "1", got "2""#,
                    r#"query ticket: expected "(redacted)", got "(redacted)" (another one)"#,
                ],
            ),
        ];
        for (expected, path, lines) in table {
            assert_eq!(expected.differences(&got("GET", path, "")), lines, "{expected} {path}");
        }
    }

    #[test]
    fn the_calls_about_sessions_are_told_apart() {
        let list = list_sessions_request("user_1");
        let table: [(ExpectedRequest, CapturedRequest, &[&str]); 8] = [
            (list.clone(), got("GET", "/v1/sessions?limit=9&user_id=user_1&offset=9", ""), &[]),
            (list.clone(), got("GET", "/v1/sessions", ""), &[r#"query user_id: expected "user_1", got nothing"#]),
            (
                list.clone().query("status", "active"),
                got("GET", "/v1/sessions?user_id=user_1", ""),
                &[r#"query status: expected "active", got nothing"#],
            ),
            (
                list,
                got("POST", "/v1/sessions?user_id=user_1", "{}"),
                &["method: expected GET, got POST", "body: expected nothing, got {}"],
            ),
            (get_session_request("sess_1"), got("GET", "/v1/sessions/sess_1", ""), &[]),
            (
                get_session_request("sess_1"),
                got("GET", "/v1/sessions/sess_2?a=1", ""),
                &[
                    r#"path: expected "/v1/sessions/sess_1", got "/v1/sessions/sess_2""#,
                    r#"query a: expected nothing, got "1""#,
                ],
            ),
            (revoke_session_request("sess_1"), got("POST", "/v1/sessions/sess_1/revoke", ""), &[]),
            (
                revoke_session_request("sess_1"),
                got("GET", "/v1/sessions/sess_1/revoke", "{}"),
                &["method: expected POST, got GET", "body: expected nothing, got {}"],
            ),
        ];
        for (expected, got, lines) in table {
            assert_eq!(expected.differences(&got), lines, "{expected}");
        }
    }

    #[test]
    fn a_bearer_that_did_not_come_is_nothing() {
        let without = CapturedRequest::new(Request::default());
        let expected = ExpectedRequest::get("/").bearer(&SecretKey::new(KEY).unwrap());
        assert_eq!(expected.differences(&without), ["authorization: expected the bearer that was named, got nothing"]);
    }

    #[test]
    fn display_and_debug_say_all_that_was_named_and_no_secret() {
        let expected = create_request()
            .user_id("user_1")
            .query("user_id", "user_2")
            .query("ticket", "CANARY")
            .header("authorization", "Bearer sk_test_CANARY")
            .header("x-key", "sk_live_CANARY")
            .header_present("x-b")
            .header_absent("x-c")
            .bearer(&SecretKey::new(KEY).unwrap())
            .json(json!({"actor": {"key": "eyJCANARYCANARY"}}))
            .no_body();
        let shown = format!("{expected} {expected:?}");
        assert!(!shown.contains("CANARY"), "{shown}");
        let parts = [
            "POST /v1/actor_tokens",
            r#"query user_id: "user_2""#,
            "query ticket: ",
            r#"body with {"user_id":"user_1"}"#,
            "x-key",
            "x-b: any value",
            "x-c: none",
            "bearer",
            "no body",
        ];
        for part in parts {
            assert!(shown.contains(part), "{part} is missing in {shown}");
        }
    }
}
