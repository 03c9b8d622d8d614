//! How long an end may take, how often it asks, and what it says of what is left.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use clerk_actor_tokens_core::{
    ActorTokenRecord, ActorTokenStatus, CallContext, Client, EndError, EndImpersonation, Ended, EndedSession, Error,
    ErrorKind, Executor, HttpTransport, ListSessions, Request, Response, RetryPolicy, SessionEnd, SessionId,
    SessionStatus, Timer, TransportError,
};
use serde_json::json;

use crate::common::{AGENT, Clock, ID, USER, ok, response, session_json, test_key, token_json, with_header};

const SECOND: Duration = Duration::from_secs(1);

/// After which time a request is answered, and with what. `None`: never.
type Answer = dyn Fn(&Request) -> Option<(Duration, Response)> + Send + Sync;

#[derive(Clone)]
struct Slow {
    clock: Clock,
    answer: Arc<Answer>,
    /// Each request, when it came, and its deadline.
    sent: Arc<Mutex<Vec<(String, Duration, Duration)>>>,
}

impl Slow {
    fn new(answer: impl Fn(&Request) -> Option<(Duration, Response)> + Send + Sync + 'static) -> Self {
        Self { clock: Clock::new(), answer: Arc::new(answer), sent: Arc::default() }
    }

    fn end(&self, what: EndImpersonation) -> Result<Ended, EndError> {
        let client = Client::builder(self.clone(), test_key()).retry(RetryPolicy::none()).build().unwrap();
        pollster::block_on(client.impersonations().run(what).send())
    }

    fn count(&self, path: &str) -> usize {
        self.sent.lock().unwrap().iter().filter(|(sent, ..)| sent.contains(path)).count()
    }
}

#[async_trait]
impl HttpTransport for Slow {
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        let deadline = self.clock.since_start(context.deadline().moment());
        let path = format!("{} {}", request.method(), request.uri().path());
        self.sent.lock().unwrap().push((path, self.clock.elapsed(), deadline));
        assert!(context.send_state().begin());
        match (self.answer)(&request) {
            Some((delay, response)) => {
                self.clock.sleep(delay).await;
                Ok(response)
            }
            None => std::future::pending().await,
        }
    }

    fn timer(&self) -> &dyn Timer {
        &self.clock
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        None
    }
}

fn session(number: usize, status: &str) -> serde_json::Value {
    let mut session = session_json(status);
    session["id"] = json!(format!("sess_{number}"));
    session
}

/// A page of so many live sessions.
fn page(request: &Request, sessions: usize) -> Response {
    page_of(request, sessions, "active")
}

fn page_of(request: &Request, sessions: usize, status: &str) -> Response {
    let query = request.uri().query().unwrap();
    let number = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let limit: usize = number("limit").unwrap().parse().unwrap();
    let offset: usize = number("offset").map_or(0, |offset| offset.parse().unwrap());
    let rows: Vec<_> = (offset..sessions.min(offset + limit)).map(|number| session(number, status)).collect();
    ok(&json!({ "data": rows }))
}

/// The end of the session that the path names.
fn ended(request: &Request) -> Response {
    let number = request.uri().path().split(['_', '/']).find_map(|part| part.parse().ok()).unwrap();
    ok(&session(number, "revoked"))
}

fn is_list(request: &Request) -> bool {
    request.uri().path() == "/v1/sessions"
}

fn of_agent() -> EndImpersonation {
    EndImpersonation::of(USER).by(AGENT)
}

#[test]
fn an_end_keeps_to_its_time_and_says_what_is_left() {
    let slow = Slow::new(|request| match is_list(request) {
        true => Some((Duration::ZERO, page(request, 20))),
        false => Some((3 * SECOND, ended(request))),
    });
    let error = slow.end(of_agent().timeout(10 * SECOND)).unwrap_err();
    assert_eq!((error.ended().sessions().len(), error.live().len()), (3, 17));
    assert_eq!(error.error().unwrap().kind(), ErrorKind::Timeout);
    // The fourth has a second, and nothing is sent after it.
    assert_eq!((slow.count("/revoke"), slow.count("GET")), (4, 1));
    assert_eq!(slow.sent.lock().unwrap().last().unwrap().2, 10 * SECOND);
    assert_eq!(slow.clock.elapsed(), 10 * SECOND + Duration::from_millis(100));
}

#[test]
fn many_sessions_have_more_time_unless_one_is_set() {
    for (sessions, set, seconds) in
        [(100, None, 60), (500, None, 60), (501, None, 72), (700, None, 84), (501, Some(60), 60)]
    {
        let slow = Slow::new(move |request| match is_list(request) {
            true => Some((Duration::ZERO, page(request, sessions))),
            false => Some((SECOND, ended(request))),
        });
        let what = match set {
            Some(seconds) => of_agent().timeout(Duration::from_secs(seconds)),
            None => of_agent(),
        };
        let error = slow.end(what).unwrap_err();
        assert_eq!((error.ended().sessions().len(), slow.clock.elapsed().as_secs()), (seconds, seconds as u64));
        assert_eq!(error.live().len(), sessions - seconds);
        assert_eq!(error.ended().tokens_verify_until(Duration::ZERO), {
            Some(slow.clock.system_time() - (slow.clock.elapsed() - seconds as u32 * SECOND) + 60 * SECOND)
        });
    }
}

#[test]
fn ten_thousand_sessions_are_listed_and_no_more() {
    for (sessions, is_read) in [(10_000, true), (10_001, false)] {
        let slow = Slow::new(move |request| Some((Duration::ZERO, page_of(request, sessions, "ended"))));
        let done = slow.end(of_agent());
        assert_eq!(done.is_ok(), is_read, "{sessions}");
        assert!(done.is_ok_and(|ended| ended.sessions().is_empty()) || !is_read);
    }
}

#[test]
fn a_call_of_an_end_has_no_more_time_than_any_call() {
    let slow = Slow::new(|request| is_list(request).then(|| (Duration::ZERO, page(request, 1))));
    let client =
        Client::builder(slow.clone(), test_key()).retry(RetryPolicy::none()).timeout(4 * SECOND).build().unwrap();
    let ending = client.impersonations().run(of_agent().timeout(300 * SECOND));
    let error = pollster::block_on(ending.send()).unwrap_err();
    assert_eq!((error.ended().sessions().len(), error.live().len()), (0, 1));
    // It stalls for the 4 s of a call. A list shows it again, and it is not tried once more.
    assert_eq!(slow.clock.elapsed(), 4 * SECOND + Duration::from_millis(100));
    assert_eq!((slow.count("/revoke"), slow.count("GET")), (1, 2));
}

#[test]
fn a_token_that_is_not_revoked_leaves_time_for_the_sessions() {
    let record: ActorTokenRecord = serde_json::from_value(token_json("pending")).unwrap();
    let what = EndImpersonation::of_token(&record);
    assert_eq!(what.token_id().map(|id| id.as_str()), Some(ID));
    let is_token = |request: &Request| request.uri().path().contains("actor_tokens");
    for (seconds, part) in [(8, 2), (20, 5), (32, 8)] {
        let gone = Arc::new(Mutex::new(false));
        let slow = Slow::new(move |request| match request {
            _ if is_token(request) => None,
            _ if is_list(request) => Some((Duration::ZERO, page(request, usize::from(!*gone.lock().unwrap())))),
            _ => {
                *gone.lock().unwrap() = true;
                Some((SECOND, ended(request)))
            }
        });
        let error = slow.end(what.clone().timeout(Duration::from_secs(seconds))).unwrap_err();
        assert_eq!((error.ended().sessions().len(), error.live().len()), (1, 0));
        assert_eq!((error.ended().token_status(), error.error().is_none()), (None, true));
        let of_token = error.token_error().unwrap();
        assert_eq!((of_token.kind(), error.advice()), (ErrorKind::Timeout, of_token.advice()));
        let (path, at, until) = slow.sent.lock().unwrap()[0].clone();
        assert_eq!((at, until), (Duration::ZERO, Duration::from_secs(part)), "{path}");
    }
}

/// A list that lags behind the ends shows as live what is over.
#[test]
fn a_list_that_lags_is_waited_for_a_little() {
    for lists in [1, 2, 3, 4, 5, 6] {
        let shown = Arc::new(Mutex::new(0));
        let slow = Slow::new(move |request| {
            Some((
                Duration::ZERO,
                if is_list(request) {
                    *shown.lock().unwrap() += 1;
                    page(request, usize::from(*shown.lock().unwrap() <= lists))
                } else {
                    ended(request)
                },
            ))
        });
        let done = slow.end(of_agent());
        let waited = slow.clock.elapsed().as_millis();
        let expected = [0, 400, 1200, 2800, 6000, 6000][lists - 1];
        assert_eq!((done.is_ok(), waited), (lists < 6, expected), "{lists}");
        match done {
            Ok(ended) => assert_eq!(ended.sessions().len(), 1),
            // The list has the last word.
            Err(error) => assert_eq!((error.ended().sessions().len(), error.live().len()), (0, 1)),
        }
    }
    // No pause is longer than what is left.
    let slow = Slow::new(|request| match is_list(request) {
        true => Some((Duration::ZERO, page(request, 1))),
        false => Some((Duration::ZERO, ended(request))),
    });
    slow.end(of_agent().timeout(Duration::from_millis(500))).unwrap_err();
    assert_eq!(slow.clock.elapsed(), Duration::from_millis(500));
}

/// What each further call would meet ends the rounds; what is about one session does not.
#[test]
fn what_every_call_would_meet_is_met_once() {
    let refused = |status: u16| with_header(response(status, "{}"), "content-type", "application/json");
    for (status, ends) in [(401, 1), (403, 3), (409, 3), (500, 3), (503, 3)] {
        let slow = Slow::new(move |request| {
            Some((Duration::ZERO, if is_list(request) { page(request, 3) } else { refused(status) }))
        });
        let error = slow.end(of_agent()).unwrap_err();
        assert_eq!(slow.count("/revoke"), ends, "{status}");
        assert_eq!((error.ended().sessions().len(), error.live().len()), (0, 3), "{status}");
        assert_eq!(error.error().unwrap().status().unwrap().as_u16(), status);
        // No session is asked for on its own: this says nothing of whether it is over.
        assert_eq!(slow.count("GET /v1/sessions/"), 0, "{status}");
    }
    for status in [400, 404] {
        let slow = Slow::new(move |request| {
            Some((
                Duration::ZERO,
                match (is_list(request), request.method().as_str()) {
                    (true, _) => page(request, 3),
                    (_, "GET") => {
                        ok(&session(request.uri().path().split('_').next_back().unwrap().parse().unwrap(), "active"))
                    }
                    _ => refused(status),
                },
            ))
        });
        let error = slow.end(of_agent()).unwrap_err();
        // One that lives on is not over, whatever the end of it was answered with.
        assert_eq!((error.ended().sessions().len(), error.live().len()), (0, 3), "{status}");
        assert_eq!((slow.count("/revoke"), slow.count("GET /v1/sessions/")), (3, 3), "{status}");
        assert_eq!(error.error().unwrap().status().unwrap().as_u16(), status);
    }
}

/// The end of a session was refused. Whether it is over is what the question for it says, if no list says it later.
#[test]
fn a_session_that_is_gone_is_over_also_if_no_list_follows() {
    for (revoked, asked, is_over) in [(404, 404, true), (400, 404, true), (404, 500, false), (400, 400, false)] {
        let lists = AtomicUsize::new(0);
        let slow = Slow::new(move |request| {
            let refused = |status| with_header(response(status, "{}"), "content-type", "application/json");
            let answer = match (is_list(request), request.method().as_str()) {
                (true, _) if lists.fetch_add(1, Ordering::Relaxed) == 0 => page(request, 1),
                (true, _) => refused(503),
                (_, "GET") => refused(asked),
                _ => refused(revoked),
            };
            Some((Duration::ZERO, answer))
        });
        let error = slow.end(of_agent()).unwrap_err();
        let over: Vec<_> = error.ended().sessions().iter().map(EndedSession::end).collect();
        assert_eq!(over.contains(&&SessionEnd::AlreadyOver(None)), is_over, "{revoked}, {asked}");
        assert_eq!((over.len(), error.live().len()), (usize::from(is_over), usize::from(!is_over)));
        let first = error.error().unwrap().status().unwrap().as_u16();
        assert_eq!(first, if is_over { 503 } else { revoked });
    }
}

#[test]
fn a_double_of_an_end_says_what_a_real_one_says() {
    let ids = |count: usize| (0..count).map(|number| SessionId::new(format!("sess_{number}")).unwrap());
    let at = SystemTime::UNIX_EPOCH + SECOND;
    let over = |how: SessionEnd| Ended::new(ids(1).map(|id| EndedSession::new(id, how.clone())), at);
    let error = || -> Error {
        let bad = ListSessions::of_user("");
        let client = Client::new(Slow::new(|_| None), test_key());
        pollster::block_on(client.execute(bad).send()).unwrap_err()
    };
    for (double, says) in [
        (EndError::new(None, Ended::default()), "0 sessions were ended, 0 sessions are known to be live: five rounds"),
        (
            EndError::new(None, over(SessionEnd::Revoked)).with_live(ids(1)),
            "1 session was ended, 1 session is known to be live: five rounds did not end them",
        ),
        (EndError::new(error(), Ended::default()).with_live(ids(2)), "2 sessions are known to be live: GetSessionList"),
        (
            EndError::new(None, Ended::default()).with_token_error(error()),
            "live; the token was not revoked: GetSession",
        ),
    ] {
        assert!(double.to_string().contains(says), "{double}");
        let source = std::error::Error::source(&double).map(ToString::to_string);
        let first = double.error().or(double.token_error());
        assert_eq!(source, first.map(ToString::to_string));
        assert_eq!(double.advice().contains("who keeps signing in"), first.is_none());
        let debug = format!("{double:?}");
        assert!(
            ["EndError", "ended", "live", "error", "token_error"].iter().all(|name| debug.contains(name)),
            "{debug}"
        );
    }
    let ended = over(SessionEnd::AlreadyOver(Some(SessionStatus::Expired)));
    assert_eq!(ended.sessions()[0].id().as_str(), "sess_0");
    assert_eq!(ended.sessions()[0].end(), &SessionEnd::AlreadyOver(Some(SessionStatus::Expired)));
    assert_eq!((ended.token_status(), ended.tokens_verify_until(5 * SECOND)), (None, Some(at + 65 * SECOND)));
    let ended = Ended::new([], at).with_token_status(ActorTokenStatus::Revoked);
    assert_eq!((ended.token_status(), ended.tokens_verify_until(SECOND)), (Some(&ActorTokenStatus::Revoked), None));
}

#[test]
fn what_is_to_be_ended_is_shown_without_a_stamp() {
    let what = of_agent().stamp("attempt", "CANARY").any_actor().token(ID).timeout(7 * SECOND);
    let debug = format!("{what:?}");
    for part in [USER, AGENT, "attempt", "any_actor: true", ID, "7s"] {
        assert!(debug.contains(part), "{part}: {debug}");
    }
    assert!(!debug.contains("CANARY"));
}
