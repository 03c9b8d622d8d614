//! A transport that plays a script: these requests, in this order, with these answers.
//!
//! Responsible for the order, for saying what differs and where it was expected, and for not forgetting a failure. It
//! is not responsible for what a request must be (`expected`, `ready_made`), for comparing JSON (`diff`) and queries
//! (`query`), or for what comes back (`answer`).
#![allow(clippy::panic, reason = "failing the test is what this double is for")]

mod answer;
mod diff;
mod expected;
mod query;
mod ready_made;

use std::{
    collections::VecDeque,
    fmt,
    panic::{self, AssertUnwindSafe, Location},
    sync::{Arc, Mutex},
    thread,
};

use async_trait::async_trait;
use clerk_actor_tokens_core::{
    CallContext, Executor, HttpTransport, Request, Response, Sanitized, SystemTimer, ThreadExecutor, Timer,
    TransportError,
};

use self::answer::AnswerFn;
pub use self::{
    answer::Answer,
    expected::ExpectedRequest,
    ready_made::{create_request, get_session_request, list_sessions_request, revoke_request, revoke_session_request},
};
use crate::{
    captured::CapturedRequest,
    hand_over::{begin, conclude},
    lock::locked,
};

/// Answers the expected requests in order, and fails the test on any other.
///
/// A request that is not the next one of the script panics inside `send`, so the place of the panic is in this crate.
/// The line of the test is in the first line of the message: where the request was expected, or, for a request beyond
/// the script, where the script ends: its last [`expect`](Self::expect), or [`new`](Self::new) if there is none. What
/// came and what differs, by JSON path or by the name of a query's member, follows. No credential is shown.
///
/// The panic may never reach the test: a spawned task ends silently, a middleware may catch it. So the script
/// remembers it: from then on it fails every request, [`assert_done`](Self::assert_done) fails with the same message,
/// and so does dropping the last handle, unless the thread is panicking already or `assert_done` has reported it. A panic
/// inside [`Answer::from_fn`] counts the same.
///
/// Dropping the last handle of a script that is not played to its end fails the test too. Where that may happen on
/// another thread, the test does not see it: call `assert_done`.
///
/// Clones are handles of one script.
///
/// The clock is the system's: the client really waits out a backoff or a `Retry-After` of the script. To wait for
/// nothing, give the client `WithTimer::new(transport.clone(), ManualTimer::auto_advancing())`
/// ([`WithTimer`](crate::WithTimer), [`ManualTimer`](crate::ManualTimer); the crate's first page has an example), or
/// [`RetryPolicy::none`](clerk_actor_tokens_core::RetryPolicy::none) where the test is not about retries.
///
/// ```
/// use clerk_actor_tokens_core::{Client, SecretKey};
/// use clerk_actor_tokens_mock::{ScriptedTransport, responses, revoke_request};
///
/// let transport = ScriptedTransport::new()
///     .expect(revoke_request("act_1"), responses::clerk_error(404, "resource_not_found"));
///
/// let clerk = Client::new(transport.clone(), SecretKey::new("sk_test_abc")?);
/// let error = pollster::block_on(clerk.actor_tokens().revoke("act_1").send()).unwrap_err();
/// assert!(error.is_not_found());
/// transport.assert_done();
/// # Ok::<(), clerk_actor_tokens_core::InvalidKey>(())
/// ```
#[derive(Clone)]
pub struct ScriptedTransport {
    script: Arc<Script>,
}

/// Shared by all handles; the last one to go checks that the script was played.
struct Script {
    state: Mutex<State>,
}

struct State {
    /// Where the test wrote the end of the script: its last step, or the empty script.
    ends_at: &'static Location<'static>,
    steps: VecDeque<Step>,
    /// How many requests came, the failed one included.
    came: usize,
    failure: Option<String>,
    /// The failure was reported: the drop need not report it again.
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
        let state =
            State { ends_at: Location::caller(), steps: VecDeque::new(), came: 0, failure: None, reported: false };
        Self { script: Arc::new(Script { state: Mutex::new(state) }) }
    }

    /// Adds a request at the end of the script, and what to answer to it.
    #[track_caller]
    #[must_use = "the script ends with the last handle"]
    pub fn expect(self, request: impl Into<ExpectedRequest>, answer: impl Into<Answer>) -> Self {
        let step = Step { expected: request.into(), answer: answer.into(), at: Location::caller() };
        let mut state = locked(&self.script.state);
        state.ends_at = step.at;
        state.steps.push_back(step);
        drop(state);
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
    /// The answer to a request and where it was expected, or the message to fail with. Never panics: the lock is held.
    fn play(&self, request: &CapturedRequest) -> Result<(Answer, &'static Location<'static>), String> {
        // Dropped after the lock: an answer may own what is the test's, and that may come back to the script.
        let mut _unused = None;
        let mut state = locked(&self.state);
        if let Some(failure) = &state.failure {
            return Err(format!("a request after the script had failed. {failure}"));
        }
        state.came = state.came.saturating_add(1);
        let came = state.came;
        let failure = match state.steps.pop_front() {
            None => format!(
                "ScriptedTransport: request {came} is one too many: the script of {} ends at {}\n  got: {request:#?}",
                came.saturating_sub(1),
                state.ends_at,
            ),
            Some(Step { expected, answer, at }) => {
                let differences = expected.differences(request);
                if differences.is_empty() {
                    return Ok((answer, at));
                }
                _unused = Some(answer);
                format!(
                    "ScriptedTransport: request {came} is not the one expected at {at}\n  expected: {expected}\n  \
                     differs:\n    {}\n  got: {request:#?}",
                    differences.join("\n    "),
                )
            }
        };
        state.fail(failure.clone());
        Err(failure)
    }

    /// The answer that a function of the test gives. Its panic fails the script, like a wrong request does.
    fn call(
        &self,
        answer: Box<AnswerFn>,
        at: &Location<'_>,
        request: &CapturedRequest,
    ) -> Result<Response, TransportError> {
        // Unwind-safe: the function is gone, and what is left of the script is its failure.
        panic::catch_unwind(AssertUnwindSafe(|| answer(request))).unwrap_or_else(|panic| {
            let words = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            let mut state = locked(&self.state);
            let came = state.came;
            let failure = format!(
                "ScriptedTransport: the function that answers request {came}, expected at {at}, panicked: {}",
                Sanitized::new(words.unwrap_or("no text")),
            );
            state.fail(failure);
            drop(state);
            panic::resume_unwind(panic)
        })
    }
}

impl State {
    /// Remembers a failure. It is reported, also if the test got an earlier failure.
    fn fail(&mut self, failure: String) {
        self.failure = Some(failure);
        self.reported = false;
    }

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
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        context.send_state().hold();
        let request = CapturedRequest::new(request).with_context(context.clone());
        let outcome = match self.script.play(&request) {
            Ok((Answer(answer::Kind::Response(response)), _)) => Ok(response),
            Ok((Answer(answer::Kind::Failure(error)), _)) => Err(error),
            Ok((Answer(answer::Kind::Function(_, answer)), at)) => self.script.call(answer, at, &request),
            Ok((Answer(answer::Kind::Never), _)) => {
                begin(&context)?;
                std::future::pending().await
            }
            Err(failure) => panic!("{failure}"),
        };
        conclude(&context, outcome)
    }

    fn timer(&self) -> &dyn Timer {
        &SystemTimer
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        Some(Arc::new(ThreadExecutor))
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
    use crate::{hand_over::tests::context, responses};
    use clerk_actor_tokens_core::TransportErrorKind;
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
        pollster::block_on(transport.send(request, context()))
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
    fn a_request_beyond_the_script_fails_and_says_where_the_script_ends() {
        let (empty, line_of_new) = (ScriptedTransport::new(), line!());
        let one = ScriptedTransport::new();
        let (one, line_of_expect) = (one.expect(revoke_request("act_1"), Answer::echo()), line!());
        send(&one, revoke("act_1")).unwrap();
        for (transport, length, line) in [(empty, 0, line_of_new), (one, 1, line_of_expect)] {
            let message = message(|| drop(send(&transport, create("{}"))));
            let end =
                format!("request {} is one too many: the script of {length} ends at {}:{line}:", length + 1, file!());
            assert!(message.lines().next().unwrap().contains(&end), "{end:?} is missing in {message}");
            assert!(message.contains("POST") && !message.contains("CANARY"), "{message}");
            assert!(catch_unwind(AssertUnwindSafe(|| transport.assert_done())).is_err());
        }
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
    fn a_failure_after_a_failed_assert_done_is_told_by_the_drop() {
        let (wrong, panicking) = (Answer::echo(), Answer::from_fn(|_| panic!("own words")));
        for (answer, sent) in [(wrong, "act_9"), (panicking, "act_1")] {
            let transport = ScriptedTransport::new().expect(revoke_request("act_1"), answer);
            let missing = message(|| transport.assert_done());
            assert!(missing.contains("0 of 1 requests came"), "{missing}");
            assert!(catch_unwind(AssertUnwindSafe(|| send(&transport, revoke(sent)))).is_err());
            let told = message(|| drop(transport));
            assert!(told.contains("request 1 is not the one") || told.contains("own words"), "{told}");
        }
    }

    #[test]
    fn an_answer_that_is_not_given_may_own_a_handle_of_the_script() {
        struct Asks(ScriptedTransport, std::sync::mpsc::Sender<usize>);
        impl Drop for Asks {
            fn drop(&mut self) {
                self.1.send(self.0.remaining()).unwrap();
            }
        }
        let (asked, has_asked) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let transport = ScriptedTransport::new();
            let asks = Asks(transport.clone(), asked);
            let answer = Answer::from_fn(move |_| Ok(Response::new(asks.0.remaining().to_string().into())));
            let transport = transport.expect(revoke_request("act_1"), answer);
            let _ = message(|| drop(send(&transport, revoke("act_9"))));
            let _ = message(|| transport.assert_done());
        });
        assert_eq!(has_asked.recv_timeout(std::time::Duration::from_secs(20)), Ok(0));
    }

    #[test]
    fn a_panic_in_an_answering_function_is_remembered_and_shows_no_secret() {
        // Past the panic hook, which would print the key: the message is the user's own.
        let panic = |request: &CapturedRequest| format!("no such path: {} sk_test_CANARY", request.path());
        let answer = Answer::from_fn(move |request| panic::resume_unwind(Box::new(panic(request))));
        let (transport, line) = (ScriptedTransport::new().expect(revoke_request("act_1"), answer), line!());
        let own = message(|| drop(send(&transport, revoke("act_1"))));
        assert!(own.starts_with("no such path: /v1/"), "{own}");
        let remembered = message(|| transport.assert_done());
        let place = format!("answers request 1, expected at {}:{line}:", file!());
        assert!(remembered.contains(&place) && remembered.contains("panicked: no such path: /v1/"), "{remembered}");
        assert!(!remembered.contains("CANARY"), "{remembered}");
    }

    #[test]
    fn never_goes_on_until_it_is_dropped() {
        let transport = ScriptedTransport::new().expect(revoke_request("act_1"), Answer::never());
        let mut exchange = transport.send(revoke("act_1"), context());
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
