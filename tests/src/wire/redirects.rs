//! Redirects: none is followed, whatever its status and wherever it points, and the error shows no more of the target than its
//! origin.
//!
//! A redirect may carry anything in its path, query or user info. Each target here carries a mark there, which may stand
//! nowhere in the error.

use std::{
    error::Error as StdError,
    fmt,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use clerk_actor_tokens::{Actor, BaseUrl, Client, Error, ErrorKind, Execution, SecretKey};

use super::{
    BoxError,
    protocol::Protocol,
    raw::{Answer, Raw},
};

/// The statuses that a client could follow (RFC 9110 section 15.4).
const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];

/// Far more than a request takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// What an error may show of no target.
const MARK: &str = "marked";

/// What came of it.
#[derive(Debug, Default)]
pub struct Figures {
    /// How many calls were redirected.
    pub calls: usize,
    /// How many requests came that no call had sent.
    pub followed: usize,
    /// Which promises were broken.
    pub broken: Vec<String>,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, followed, broken } = self;
        let (codes, targets, protocols) = (STATUSES.len(), targets("", "", 0, 0).len(), Protocol::ALL.len());
        write!(
            f,
            "figure: wire redirects: {codes} codes x {targets} targets x {protocols} protocols, {calls} calls, "
        )?;
        write!(f, "{followed} second requests, {} broken promises", broken.len())
    }
}

/// Where a redirect points.
struct Target {
    name: &'static str,
    location: String,
    /// What an error may show of it.
    origin: Option<String>,
}

/// The targets: `own` is the origin of the server, `other` the port of another one, `clear` of one without TLS.
fn targets(own: &str, scheme: &str, other: u16, clear: u16) -> Vec<Target> {
    let target = |name, location: String, origin: Option<String>| Target { name, location, origin };
    let absolute = |name, origin: String, rest: &str| target(name, format!("{origin}{rest}"), Some(origin));
    let long = format!("/{}", MARK.repeat(1024));
    vec![
        absolute("same origin", own.to_owned(), "/v1/actor_tokens?marked"),
        absolute("other path", own.to_owned(), "/marked"),
        absolute("other port", format!("{scheme}://127.0.0.1:{other}"), "/v1/actor_tokens?marked"),
        absolute("other host", format!("{scheme}://localhost:{other}"), "/v1/marked"),
        absolute("in the clear", format!("http://127.0.0.1:{clear}"), "/v1/marked"),
        target("relative", "/v1/actor_tokens/marked".to_owned(), None),
        target("without scheme", format!("//127.0.0.1:{other}/marked"), None),
        target(
            "user info",
            format!("{scheme}://marked:marked@127.0.0.1:{other}/"),
            Some(format!("{scheme}://127.0.0.1:{other}")),
        ),
        target("empty", String::new(), None),
        target("no URL", "marked ht!tp:/\\ %zz".to_owned(), None),
        absolute("fragment", format!("{scheme}://127.0.0.1:{other}"), "/#marked"),
        absolute("very long", format!("{scheme}://127.0.0.1:{other}"), &long),
    ]
}

/// Redirects a creation and a revocation by each status to each target, over each protocol.
///
/// # Errors
/// The machine gave no sockets.
pub async fn run() -> Result<Figures, BoxError> {
    let mut figures = Figures::default();
    for protocol in Protocol::ALL {
        over(protocol, &mut figures).await?;
    }
    Ok(figures)
}

async fn over(protocol: Protocol, figures: &mut Figures) -> Result<(), BoxError> {
    // A client that followed it would come here.
    let other = Raw::start(protocol, |_| Answer::new(200, "{}")).await?;
    let in_the_clear = Raw::start(Protocol::Http1, |_| Answer::new(200, "{}")).await?;
    let next = Arc::new(Mutex::new((200, String::new())));
    let told = Arc::clone(&next);
    let server = Raw::start(protocol, move |_| {
        let (status, location) = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut answer = Answer::new(status, r#"{"object":"actor_token"}"#);
        answer.headers.push(("location", location));
        answer
    })
    .await?;
    let transport = protocol.transport(server.authority())?.connect_timeout(PATIENCE).build()?;
    let base_url = BaseUrl::new(server.url())?;
    let builder = Client::builder(transport, SecretKey::new("sk_test_wire")?).base_url(base_url);
    let clerk = builder.timeout(PATIENCE).build()?;
    let (own, scheme) = (server.url(), protocol.scheme());
    for status in STATUSES {
        for Target { name, location, origin } in targets(&own, scheme, other.port(), in_the_clear.port()) {
            *next.lock().unwrap_or_else(PoisonError::into_inner) = (status, location);
            for kind in ["create", "revoke"] {
                let before = server.requests();
                let error = match kind {
                    "create" => clerk.actor_tokens().create("user_1", Actor::new("user_2")).send().await.err(),
                    _ => clerk.actor_tokens().revoke("act_1").send().await.err(),
                };
                figures.calls += 1;
                let second = server.requests().saturating_sub(before).saturating_sub(1);
                figures.followed += second;
                if let Err(wrong) = check(status, origin.as_deref(), error.as_ref()) {
                    figures.broken.push(format!("{protocol}, {kind}, {status} to {name}: {wrong}"));
                }
            }
        }
    }
    let elsewhere = other.connections() + in_the_clear.connections();
    figures.followed += elsewhere;
    if figures.followed > 0 {
        figures.broken.push(format!("{protocol}: a redirect was followed, {elsewhere} times to another server"));
    }
    Ok(())
}

fn check(status: u16, origin: Option<&str>, error: Option<&Error>) -> Result<(), String> {
    let Some(error) = error else { return Err("it succeeded".to_owned()) };
    let execution = if matches!(status, 307 | 308) { Execution::NotExecuted } else { Execution::Unknown };
    if (error.kind(), error.execution()) != (ErrorKind::UnexpectedRedirect, execution) {
        return Err(format!("{:?} and {:?}", error.kind(), error.execution()));
    }
    let text = shown(error);
    if text.contains(MARK) {
        return Err(format!("more than the origin is shown: {text}"));
    }
    match origin {
        Some(origin) if !text.contains(origin) => Err(format!("the origin is not shown: {text}")),
        _ if error.attempts().len() != 1 => Err(format!("{} attempts", error.attempts().len())),
        _ => Ok(()),
    }
}

/// All that can be shown of an error.
fn shown(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?} {}", error.advice());
    let mut next = error.source();
    while let Some(cause) = next {
        let _ = write!(text, " {cause} {cause:?}");
        next = cause.source();
    }
    text
}
