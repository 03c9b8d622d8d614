//! A transport that plays a script: these requests, in this order, with these answers.
//!
//! Responsible for the order, for saying what differs and where it was expected, and for not forgetting a failure. It
//! is not responsible for what a request must be (`expected`), for comparing JSON (`diff`) or for what comes back
//! (`answer`).
#![allow(clippy::panic, reason = "failing the test is what this double is for")]

mod answer;
mod diff;
mod expected;

use std::{
    collections::VecDeque,
    fmt,
    panic::{self, AssertUnwindSafe, Location},
    sync::{Arc, Mutex},
    thread,
};

use async_trait::async_trait;
use clerk_actor_tokens_core::{HttpTransport, Request, Response, Shown, TransportError};

use self::answer::AnswerFn;
pub use self::{
    answer::Answer,
    expected::{ExpectedRequest, create_request, revoke_request},
};
use crate::{captured::CapturedRequest, lock::locked};

/// Answers the expected requests in order, and fails the test on any other.
///
/// A request that is not the next one of the script panics inside `send`. The message says what was expected and at
/// which line of the test, what came, and what differs, by JSON path; it shows no credential.
///
/// The panic may never reach the test: a spawned task ends silently, a middleware may catch it. So the script
/// remembers it: from then on it fails every request, [`assert_done`](Self::assert_done) fails with the same message,
/// and so does dropping the last handle, unless the thread is panicking already or `assert_done` has told it. A panic
/// inside [`Answer::from_fn`] counts the same.
///
/// Dropping the last handle of a script that is not played to its end fails the test too. Where that may happen on
/// another thread, nobody sees it: call `assert_done`.
///
/// Clones are handles of one script.
///
/// ```
/// use clerk_actor_tokens_core::{HttpTransport, Request};
/// use clerk_actor_tokens_mock::{ScriptedTransport, responses, revoke_request};
///
/// let transport = ScriptedTransport::new()
///     .expect(revoke_request("act_1"), responses::clerk_error(404, "resource_not_found"));
///
/// let request = http::Request::post("https://api.clerk.com/v1/actor_tokens/act_1/revoke");
/// let response = pollster::block_on(transport.send(request.body("".into()).unwrap())).unwrap();
/// assert_eq!(response.status(), 404);
/// transport.assert_done();
/// ```
#[derive(Clone)]
pub struct ScriptedTransport {
    script: Arc<Script>,
}

/// Shared by all handles; the last one to go checks that the script was played.
struct Script {
    made_at: &'static Location<'static>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    steps: VecDeque<Step>,
    /// How many requests came, the failed one included.
    came: usize,
    failure: Option<String>,
    /// The test was told: the drop need not tell it again.
    reported: bool,
}

struct Step {
    expected: ExpectedRequest,
    answer: Answer,
    at: &'static Location<'static>,
}

impl ScriptedTransport {
    /// An empty script, which expects no request at all.
    #[track_caller]
    #[must_use]
    pub fn new() -> Self {
        Self { script: Arc::new(Script { made_at: Location::caller(), state: Mutex::default() }) }
    }

    /// Adds a request at the end of the script, and what to answer to it.
    #[track_caller]
    #[must_use = "the script ends with the last handle"]
    pub fn expect(self, request: impl Into<ExpectedRequest>, answer: impl Into<Answer>) -> Self {
        let step = Step { expected: request.into(), answer: answer.into(), at: Location::caller() };
        locked(&self.script.state).steps.push_back(step);
        self
    }

    /// How many expected requests have not come.
    #[must_use]
    pub fn remaining(&self) -> usize {
        locked(&self.script.state).steps.len()
    }

    /// Checks that every expected request came, and nothing else.
    ///
    /// # Panics
    /// If a request failed, also where that panic was swallowed, or if one never came.
    #[track_caller]
    pub fn assert_done(&self) {
        let problem = locked(&self.script.state).report();
        if let Some(problem) = problem {
            panic!("{problem}");
        }
    }
}

impl Script {
    /// The answer to a request, or the message to fail with. Never panics: the lock is held.
    fn play(&self, request: &CapturedRequest) -> Result<Answer, String> {
        let mut state = locked(&self.state);
        if let Some(failure) = &state.failure {
            return Err(format!("a request after the script had failed. {failure}"));
        }
        state.came = state.came.saturating_add(1);
        let came = state.came;
        let failure = match state.steps.pop_front() {
            None => format!(
                "ScriptedTransport: request {came} is one too many: the script made at {} expects {}\n  got: {request:#?}",
                self.made_at,
                came.saturating_sub(1),
            ),
            Some(Step { expected, answer, at }) => {
                let differences = expected.differences(request);
                if differences.is_empty() {
                    return Ok(answer);
                }
                format!(
                    "ScriptedTransport: request {came} is not the one expected at {at}\n  expected: {expected}\n  \
                     differs:\n    {}\n  got: {request:#?}",
                    differences.join("\n    "),
                )
            }
        };
        state.failure = Some(failure.clone());
        Err(failure)
    }

    /// The answer that a function of the test gives. Its panic fails the script, like a wrong request does.
    fn call(&self, answer: Box<AnswerFn>, request: &CapturedRequest) -> Result<Response, TransportError> {
        // Unwind-safe: the function is gone, and what is left of the script is its failure.
        panic::catch_unwind(AssertUnwindSafe(|| answer(request))).unwrap_or_else(|panic| {
            let words = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            let mut state = locked(&self.state);
            let came = state.came;
            let failure = format!(
                "ScriptedTransport: the function that answers request {came} panicked: {}",
                Shown(words.unwrap_or("no text")),
            );
            state.failure = Some(failure);
            drop(state);
            panic::resume_unwind(panic)
        })
    }
}

impl State {
    /// What is wrong with the script at its end, if anything is.
    fn report(&mut self) -> Option<String> {
        let problem = self.problem();
        self.reported = problem.is_some();
        problem
    }

    fn problem(&self) -> Option<String> {
        if self.failure.is_some() {
            return self.failure.clone();
        }
        if self.steps.is_empty() {
            return None;
        }
        let missing: Vec<_> =
            self.steps.iter().map(|step| format!("\n  expected at {}: {}", step.at, step.expected)).collect();
        let (came, total) = (self.came, self.came.saturating_add(missing.len()));
        Some(format!("ScriptedTransport: {came} of {total} requests came. Missing:{}", missing.concat()))
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        if state.reported || thread::panicking() {
            return;
        }
        if let Some(problem) = state.report() {
            panic!("{problem}");
        }
    }
}

#[async_trait]
impl HttpTransport for ScriptedTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let request = CapturedRequest::new(request);
        match self.script.play(&request) {
            Ok(Answer(answer::Kind::Response(response))) => Ok(response),
            Ok(Answer(answer::Kind::Failure(error))) => Err(error),
            Ok(Answer(answer::Kind::Function(_, answer))) => self.script.call(answer, &request),
            Ok(Answer(answer::Kind::Never)) => std::future::pending().await,
            Err(failure) => panic!("{failure}"),
        }
    }
}

impl Default for ScriptedTransport {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ScriptedTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = locked(&self.script.state);
        let steps: Vec<_> = state.steps.iter().map(|step| (&step.expected, &step.answer)).collect();
        f.debug_struct("ScriptedTransport")
            .field("came", &state.came)
            .field("remaining", &steps)
            .field("failed", &state.failure.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::responses;
    use clerk_actor_tokens_core::{Timer, TransportErrorKind};
    use serde_json::json;
    use std::{
        panic::catch_unwind,
        task::{Context, Waker},
    };

    fn create(body: &'static str) -> Request {
        http::Request::post("https://api.clerk.com/v1/actor_tokens?ticket=CANARY")
            .header("authorization", "Bearer sk_test_CANARY")
            .header("x-key", "sk_live_CANARY")
            .body(body.into())
            .unwrap()
    }

    fn revoke(id: &str) -> Request {
        http::Request::post(format!("https://api.clerk.com/v1/actor_tokens/{id}/revoke")).body("".into()).unwrap()
    }

    fn send(transport: &ScriptedTransport, request: Request) -> Result<Response, TransportError> {
        pollster::block_on(transport.send(request))
    }

    fn message(fails: impl FnOnce()) -> String {
        let panic = catch_unwind(AssertUnwindSafe(fails)).expect_err("nothing failed");
        panic.downcast_ref::<String>().unwrap().clone()
    }

    #[test]
    fn the_answers_come_in_the_order_of_the_script() {
        let transport = ScriptedTransport::new()
            .expect(revoke_request("act_1"), TransportErrorKind::Connect)
            .expect(revoke_request("act_1"), responses::rate_limited(7))
            .expect(revoke_request("act_2"), TransportError::new(TransportErrorKind::Timeout).with_source("slow"))
            .expect(
                revoke_request("act_3"),
                Answer::from_fn(|request| Ok(Response::new(request.path().to_owned().into()))),
            )
            .expect(revoke_request("act_4"), Answer::echo());
        assert_eq!(transport.remaining(), 5);
        assert_eq!(send(&transport, revoke("act_1")).unwrap_err().kind(), TransportErrorKind::Connect);
        assert_eq!(send(&transport, revoke("act_1")).unwrap().status(), 429);
        assert_eq!(send(&transport, revoke("act_2")).unwrap_err().kind(), TransportErrorKind::Timeout);
        assert!(send(&transport, revoke("act_3")).unwrap().body().ends_with(b"act_3/revoke"));
        assert!(String::from_utf8_lossy(send(&transport, revoke("act_4")).unwrap().body()).contains("act_4"));
        assert_eq!(transport.remaining(), 0);
        transport.assert_done();
    }

    #[test]
    fn a_wrong_request_fails_with_what_was_expected_what_came_what_differs_and_where() {
        let expected = create_request().actor_sub("a").json_including(json!({"n": 300}));
        let (transport, line) = (ScriptedTransport::new().expect(expected, Answer::echo()), line!());
        let message = message(|| {
            let _ = send(&transport, create(r#"{"actor":{"sub":"b","key":"sk_live_CANARY"}}"#));
        });
        for part in [
            "ScriptedTransport: request 1 is not the one expected at ",
            &format!("{}:{line}:", file!()),
            "expected: POST /v1/actor_tokens\n",
            r#"body with {"actor":{"sub":"a"}}"#,
            r#"$.actor.sub: expected "a", got "b""#,
            "$.n: expected 300, got nothing",
            "got: CapturedRequest",
            r#"{"actor":{"sub":"b""#,
        ] {
            assert!(message.contains(part), "{part:?} is missing in {message}");
        }
        assert!(!message.contains("CANARY"), "{message}");
        assert!(catch_unwind(AssertUnwindSafe(|| transport.assert_done())).is_err());
    }

    #[test]
    fn a_request_beyond_the_script_fails_and_says_where_the_script_was_made() {
        let (transport, line) = (ScriptedTransport::new(), line!());
        let message = message(|| drop(send(&transport, create("{}"))));
        let parts = ["request 1 is one too many", "expects 0", "POST", &format!("made at {}:{line}:", file!())];
        for part in parts {
            assert!(message.contains(part), "{part:?} is missing in {message}");
        }
        assert!(!message.contains("CANARY"), "{message}");
        let _ = catch_unwind(AssertUnwindSafe(|| transport.assert_done()));
    }

    #[test]
    fn a_failure_that_was_swallowed_is_repeated_by_every_later_request_and_by_assert_done() {
        let transport = ScriptedTransport::new()
            .expect(revoke_request("act_1"), Answer::echo())
            .expect(revoke_request("act_2"), Answer::echo());
        let first = message(|| drop(send(&transport, revoke("act_9"))));
        let later = message(|| drop(send(&transport, revoke("act_2"))));
        assert!(later.contains("after the script had failed") && later.ends_with(&first), "{later}");
        assert_eq!(message(|| transport.assert_done()), first);
    }

    #[test]
    fn a_failure_on_another_thread_reaches_assert_done() {
        let transport = ScriptedTransport::new();
        let handle = transport.clone();
        assert!(thread::spawn(move || drop(send(&handle, revoke("act_1")))).join().is_err());
        assert!(message(|| transport.assert_done()).contains("one too many"));
    }

    #[test]
    fn a_swallowed_failure_is_repeated_by_the_last_handle_that_is_dropped() {
        let transport = ScriptedTransport::new();
        let handle = transport.clone();
        let first = message(|| drop(send(&handle, revoke("act_1"))));
        drop(handle);
        assert_eq!(message(|| drop(transport)), first);
    }

    #[test]
    fn a_script_that_was_done_still_fails_on_what_comes_later() {
        let transport = ScriptedTransport::new();
        transport.assert_done();
        let first = message(|| drop(send(&transport, revoke("act_1"))));
        assert_eq!(message(|| drop(transport)), first);
    }

    #[test]
    fn what_never_came_fails_assert_done_and_is_listed_with_its_place() {
        let transport = ScriptedTransport::new()
            .expect(revoke_request("act_1"), Answer::echo())
            .expect(revoke_request("act_2"), Answer::echo());
        send(&transport, revoke("act_1")).unwrap();
        let message = message(|| transport.assert_done());
        assert!(message.starts_with("ScriptedTransport: 1 of 2 requests came. Missing:\n"), "{message}");
        assert!(message.contains(&format!("expected at {}:", file!())), "{message}");
        assert!(message.contains("act_2") && !message.contains("act_1"), "{message}");
    }

    #[test]
    fn what_never_came_fails_the_drop_of_the_last_handle() {
        let transport = ScriptedTransport::new().expect(revoke_request("act_1"), Answer::echo());
        let handle = transport.clone();
        drop(transport);
        assert!(message(|| drop(handle)).contains("0 of 1 requests came"));
    }

    #[test]
    fn a_drop_while_the_test_is_failing_for_another_reason_keeps_quiet() {
        let message = message(|| {
            let _transport = ScriptedTransport::new().expect(revoke_request("act_1"), Answer::echo());
            panic!("{}", "another reason");
        });
        assert_eq!(message, "another reason");
    }

    #[test]
    fn assert_done_tells_it_once_and_the_drop_not_again() {
        let transport = ScriptedTransport::new().expect(revoke_request("act_1"), Answer::echo());
        assert!(catch_unwind(AssertUnwindSafe(|| transport.assert_done())).is_err());
        drop(transport);
    }

    #[test]
    fn a_panic_in_an_answering_function_is_remembered_and_shows_no_secret() {
        let answer = Answer::from_fn(|request| panic!("no such path: {} sk_test_CANARY", request.path()));
        let transport = ScriptedTransport::new().expect(revoke_request("act_1"), answer);
        let own = message(|| drop(send(&transport, revoke("act_1"))));
        assert!(own.starts_with("no such path: /v1/"), "{own}");
        let remembered = message(|| transport.assert_done());
        assert!(remembered.contains("answers request 1 panicked: no such path: /v1/"), "{remembered}");
        assert!(!remembered.contains("CANARY"), "{remembered}");
    }

    #[test]
    fn never_goes_on_until_it_is_dropped() {
        let transport = ScriptedTransport::new().expect(revoke_request("act_1"), Answer::never());
        let mut exchange = transport.send(revoke("act_1"));
        for _ in 0..3 {
            assert!(exchange.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        drop(exchange);
        transport.assert_done();
    }

    #[test]
    fn a_script_can_be_given_a_clock() {
        let timer = crate::ManualTimer::new();
        let transport = crate::WithTimer::new(ScriptedTransport::new(), timer.clone());
        timer.advance(std::time::Duration::from_secs(9));
        assert_eq!(transport.timer().now(), timer.now());
        transport.transport().assert_done();
    }

    #[test]
    fn debug_shows_what_is_left_and_no_secret() {
        let transport = ScriptedTransport::new()
            .expect(create_request().user_id("sk_test_CANARY").header("authorization", "CANARY"), Answer::echo())
            .expect(revoke_request("act_1"), responses::actor_token().field("token", "CANARY"))
            .expect(
                revoke_request("act_2"),
                TransportError::new(TransportErrorKind::Other).with_source("Bearer CANARY"),
            )
            .expect(revoke_request("act_3"), responses::cut_short(Response::new("CANARY".into()), 6))
            .expect(revoke_request("act_4"), Answer::never());
        let shown = format!("{transport:?} {transport:#?}");
        assert!(!shown.contains("CANARY"), "{shown}");
        assert!(shown.contains("act_4") && shown.contains("Answer(never)"), "{shown}");
        let message = message(|| transport.assert_done());
        assert!(!message.contains("CANARY"), "{message}");
    }
}
