//! What becomes of a creation whose caller has gone: who revokes it, with what, and what is reported if it is not revoked.

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, Once,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use clerk_actor_tokens_core::workspace::JitterSeed as _;
use clerk_actor_tokens_core::{
    Actor, BaseUrl, BoxFuture, CallContext, Client, ClientBuilder, Closed, ConfigError, ErrorKind, Execution, Executor,
    HttpTransport, Idempotency, InvalidRequest, Moment, Operation, OperationInfo, Orphan, OrphanReport, ParseError,
    Request, Response, RetryPolicy, SecretKey, Timer, TransportError, credentials_fn, executor_fn, http::Method,
    middleware_fn, transport_fn,
};

use crate::common::{
    AGENT, Clock, USER,
    clerk::{Answer, Clerk, Revoking},
    ok, pause,
    tasks::{Tasks, poll_times},
    test_key, token_json,
};

const SECOND: Duration = Duration::from_secs(1);
const MINE: (&str, &str) = ("Bearer sk_test_key", "api.clerk.com");

fn detaching(clerk: &Clerk, tasks: &Tasks) -> ClientBuilder<Clerk> {
    Client::builder(clerk.clone(), test_key()).jitter_seed(7).executor(tasks.clone())
}

/// Begins a creation, polls it until it is sent and an answer is on its way, and drops it.
fn send_and_drop<T: HttpTransport + ?Sized>(client: &Client<T>) {
    drop(begin(client));
}

/// A creation that was sent.
fn begin<T: HttpTransport + ?Sized>(client: &Client<T>) -> BoxFuture<'static, ()> {
    let call = client.actor_tokens().create(USER, Actor::new(AGENT));
    let mut call: BoxFuture<'_, _> = Box::pin(async move { drop(call.send().await) });
    assert_eq!(poll_times(&mut call, 2), None);
    call
}

fn close<T: HttpTransport + ?Sized>(client: &Client<T>) -> Closed {
    pollster::block_on(client.close(60 * SECOND))
}

/// What was revoked: id, key, host.
fn revoked(clerk: &Clerk) -> Vec<(String, String, String)> {
    clerk.books().revoked
}

fn entry(id: &str, (key, host): (&str, &str)) -> (String, String, String) {
    (id.to_owned(), key.to_owned(), host.to_owned())
}

thread_local! {
    /// What this thread has logged.
    static LOGGED: RefCell<Vec<(log::Level, String)>> = const { RefCell::new(Vec::new()) };
}

struct Logger;

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        // Below that are attempts and calls, which end each in a line. With its feature `log`, tracing writes its spans too.
        let is_of_a_span = record.args().to_string().starts_with("clerk_");
        if record.target() == "clerk_actor_tokens" && record.level() <= log::Level::Info && !is_of_a_span {
            LOGGED.with_borrow_mut(|logged| logged.push((record.level(), record.args().to_string())));
        }
    }

    fn flush(&self) {}
}

/// What is logged while this runs, on this thread.
fn logged(run: impl FnOnce()) -> Vec<(log::Level, String)> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Logger).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
    });
    LOGGED.take();
    run();
    LOGGED.take()
}

#[track_caller]
fn assert_one_error(logged: &[(log::Level, String)], words: &[&str]) {
    assert_eq!(logged.len(), 1, "{logged:?}");
    let (level, text) = &logged[0];
    assert_eq!(*level, log::Level::Error);
    for word in words {
        assert!(text.contains(word), "{text}");
    }
    assert!(!text.contains("sk_test") && !text.contains("ticket"), "{text}");
}

#[test]
fn by_default_it_is_revoked_and_a_warning_says_so() {
    for answer in [Answer::Success, Answer::CutWithId] {
        let (clerk, tasks) = (Clerk::new(&[answer]), Tasks::default());
        let client = detaching(&clerk, &tasks).build().unwrap();
        let logged = logged(|| {
            send_and_drop(&client);
            assert!(revoked(&clerk).is_empty());
            tasks.run();
        });
        assert_eq!(revoked(&clerk), [entry("act_0", MINE)]);
        assert!(close(&client).is_clean());
        let [(level, text)] = &logged[..] else { panic!("{logged:?}") };
        assert_eq!(*level, log::Level::Warn);
        assert!(
            text.contains("CreateActorToken") && text.contains("act_0") && text.contains("it was revoked"),
            "{text}"
        );
    }
}

#[test]
fn it_is_revoked_with_the_key_and_at_the_place_of_its_own_call() {
    let other_key = || SecretKey::new("sk_test_other").unwrap();
    let other_place = || "https://other.example.com/v1".parse::<BaseUrl>().unwrap();
    let (other, there) = ("Bearer sk_test_other", "other.example.com");
    for case in 0..6 {
        let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
        let client = detaching(&clerk, &tasks).build().unwrap();
        let call = |client: &Client<Clerk>| client.actor_tokens().create(USER, Actor::new(AGENT));
        let (call, expected) = match case {
            0 => (call(&client), MINE),
            1 => (call(&client).credentials(other_key()), (other, MINE.1)),
            2 => (call(&client).base_url(other_place()), (MINE.0, there)),
            3 => (call(&client).credentials(other_key()).base_url(other_place()), (other, there)),
            4 => (call(&client.with_credentials(other_key())), (other, MINE.1)),
            _ => (call(&client.with_credentials(other_key())).base_url(other_place()), (other, there)),
        };
        let mut call: BoxFuture<'_, _> = Box::pin(call.send());
        assert!(poll_times(&mut call, 2).is_none());
        drop(call);
        tasks.run();
        assert_eq!(revoked(&clerk), [entry("act_0", expected)], "{case}");
    }
}

#[test]
fn where_the_key_was_rotated_it_is_revoked_with_the_next_and_no_other_failure_asks_for_one() {
    let next = || SecretKey::new("sk_test_next").unwrap();
    let rotated = Revoking::Unauthorized(MINE.0);
    for (revoking, revocations, revoked_with) in [(rotated, 2, Some("Bearer sk_test_next")), (Revoking::Fails, 1, None)]
    {
        let (clerk, tasks) = (Clerk::new(&[Answer::Success]).revoking(revoking), Tasks::default());
        let asked = Arc::new(AtomicUsize::new(0));
        let keys = credentials_fn(move || {
            let key = if asked.fetch_add(1, Ordering::SeqCst) == 0 { test_key() } else { next() };
            std::future::ready(Ok::<_, TransportError>(key))
        });
        let client = Client::builder(clerk.clone(), keys).executor(tasks.clone()).build().unwrap();
        send_and_drop(&client);
        tasks.run();
        let with: Vec<_> = revoked(&clerk).into_iter().map(|(_, key, _)| key).collect();
        assert_eq!(with, Vec::from_iter(revoked_with.map(str::to_owned)), "{revoking:?}");
        assert_eq!((clerk.books().revocations, close(&client).orphan_count()), (revocations, 2 - revocations));
    }
}

#[test]
fn every_form_of_the_client_detaches_but_the_one_that_gave_it_up() {
    let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
    let client = detaching(&clerk, &tasks).require_executor().build().unwrap();
    let other = client.with_credentials(SecretKey::new("sk_test_other").unwrap());
    assert!(client.detaches_on_drop() && client.clone().detaches_on_drop() && other.detaches_on_drop());
    send_and_drop(&client.clone());
    send_and_drop(&other);
    let erased = client.clone().erase();
    assert!(erased.detaches_on_drop());
    send_and_drop(&erased);
    tasks.run();
    assert_eq!((tasks.spawned(), revoked(&clerk).len()), (3, 3));

    for given_up in [client.cancel_on_drop(), client.clone().cancel_on_drop().clone()] {
        assert!(!given_up.detaches_on_drop() && !given_up.clone().erase().detaches_on_drop());
        send_and_drop(&given_up);
    }
    assert_eq!(tasks.spawned(), 3);
    assert!(client.detaches_on_drop(), "it is the other one that gave it up");
}

#[test]
fn without_an_executor_the_loss_is_told_by_the_log_and_by_close() {
    let clerk = Clerk::new(&[Answer::Success]);
    let bare = || Client::builder(clerk.clone(), test_key());
    let tasks = Tasks::default();
    for client in [bare().build().unwrap(), bare().executor(tasks.clone()).build().unwrap().cancel_on_drop()] {
        assert!(!client.detaches_on_drop());
        let logged = logged(|| send_and_drop(&client));
        assert_one_error(&logged, &["CreateActorToken", "unknown whether Clerk acted", "usable until", "GMT"]);
        let closed = close(&client);
        assert_eq!((closed.orphan_count(), closed.in_flight(), closed.is_clean()), (1, 0, false));
        assert_eq!(closed.orphans()[0].execution(), Execution::Unknown);
        assert_eq!((closed.orphans()[0].id(), closed.orphans()[0].was_held()), (None, false));
        // The one in flight, whose end was not seen.
        let [attempt] = closed.orphans()[0].attempts() else { panic!("{closed:?}") };
        assert_eq!((attempt.number(), attempt.execution()), (1, Execution::Unknown));
        assert_eq!(attempt.error(), Some(ErrorKind::Interrupted));
    }
    assert_eq!((tasks.spawned(), clerk.books().made.len()), (0, 0));
}

#[test]
fn an_executor_that_nothing_can_give_is_refused_when_the_client_is_built() {
    let transport = || transport_fn(|_, _| async { Ok(Response::default()) });
    let refused = Client::builder(transport(), test_key()).require_executor().build().unwrap_err();
    assert_eq!(refused.setting(), "require_executor");
    assert!(Client::builder(transport(), test_key()).executor(Tasks::default()).require_executor().build().is_ok());
    assert!(!Client::new(transport(), test_key()).detaches_on_drop());
    assert!(Client::builder(transport(), test_key()).build().is_ok());
}

/// A transport that brings an executor.
struct Bringing(Clerk, Tasks);

#[async_trait]
impl HttpTransport for Bringing {
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        self.0.send(request, context).await
    }

    fn timer(&self) -> &dyn Timer {
        self.0.timer()
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        Some(Arc::new(self.1.clone()))
    }
}

#[test]
fn a_executor_of_the_transport_is_found_through_whatever_holds_it() {
    let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
    let bringing = || Bringing(clerk.clone(), tasks.clone());
    let built = |builder: Result<Client, ConfigError>| builder.unwrap();
    let boxed: Box<dyn HttpTransport> = Box::new(bringing());
    let shared: Arc<dyn HttpTransport> = Arc::new(bringing());
    let clients = [
        built(Client::builder(bringing(), test_key()).require_executor().build().map(Client::erase)),
        built(Client::builder(Arc::new(bringing()), test_key()).require_executor().build().map(Client::erase)),
        built(Client::builder(Box::new(bringing()), test_key()).require_executor().build().map(Client::erase)),
        built(Client::builder(boxed, test_key()).require_executor().build().map(Client::erase)),
        built(Client::builder(Arc::new(shared), test_key()).require_executor().build().map(Client::erase)),
    ];
    for (number, client) in clients.iter().enumerate() {
        send_and_drop(client);
        tasks.run();
        assert_eq!((tasks.spawned(), revoked(&clerk).len()), (number + 1, number + 1));
    }
}

/// A transport that brings the executor of the runtime that is entered, where one is.
struct Entered(Clerk, Arc<Mutex<Option<Tasks>>>);

#[async_trait]
impl HttpTransport for Entered {
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        self.0.send(request, context).await
    }

    fn timer(&self) -> &dyn Timer {
        self.0.timer()
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        let entered = self.1.lock().unwrap().clone();
        entered.map(|tasks| Arc::new(tasks) as Arc<dyn Executor>)
    }
}

#[test]
fn the_executor_is_that_of_where_the_exchange_begins_and_not_of_where_it_is_dropped() {
    let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
    let entered = Arc::new(Mutex::new(Some(tasks.clone())));
    let client = Client::builder(Entered(clerk.clone(), Arc::clone(&entered)), test_key()).build().unwrap();
    let call = begin(&client);
    *entered.lock().unwrap() = None;
    drop(call);
    tasks.run();
    assert_eq!((tasks.spawned(), revoked(&clerk)), (1, vec![entry("act_0", MINE)]));
}

#[test]
fn a_executor_of_the_application_takes_the_place_of_the_transports() {
    let (clerk, theirs, mine) = (Clerk::new(&[Answer::Success]), Tasks::default(), Tasks::default());
    let client = Client::builder(Bringing(clerk, theirs.clone()), test_key()).executor(mine.clone()).build().unwrap();
    send_and_drop(&client);
    mine.run();
    assert_eq!((mine.spawned(), theirs.spawned()), (1, 0));
}

#[test]
fn what_cannot_be_revoked_is_left_for_close_and_an_error_says_so() {
    let cases = [
        (Answer::Success, Revoking::Fails, Execution::Executed, Some("act_0")),
        (Answer::CutWithId, Revoking::Fails, Execution::Executed, Some("act_0")),
        (Answer::CutWithoutId, Revoking::Works, Execution::Executed, None),
        (Answer::Lost, Revoking::Works, Execution::Unknown, None),
        (Answer::Nothing, Revoking::Works, Execution::Unknown, None),
        (Answer::Stall, Revoking::Works, Execution::Unknown, None),
    ];
    for (answer, revoking, execution, id) in cases {
        let (clerk, tasks) = (Clerk::new(&[answer]).revoking(revoking), Tasks::default());
        let client = detaching(&clerk, &tasks).build().unwrap();
        let logged = logged(|| {
            send_and_drop(&client);
            tasks.run();
        });
        let why = if id.is_some() { "it was not revoked" } else { "the client cannot revoke it" };
        assert_one_error(&logged, &["CreateActorToken", why, id.unwrap_or("known")]);
        // As often as it is asked.
        for _ in 0..2 {
            let closed = close(&client.clone());
            let [report] = closed.orphans() else { panic!("{answer:?}: {closed:?}") };
            assert_eq!((report.execution(), report.id()), (execution, id), "{answer:?}");
            assert!(logged[0].1.contains(&report.to_string()), "{report}");
        }
    }
}

#[test]
fn an_orphan_is_dated_like_an_error() {
    let (clerk, tasks) = (Clerk::new(&[Answer::Lost]), Tasks::default());
    let client = detaching(&clerk, &tasks).build().unwrap();
    let call = client.actor_tokens().create(USER, Actor::new(AGENT)).expires_in(300 * SECOND);
    let mut call: BoxFuture<'_, _> = Box::pin(call.session_max_duration(7 * SECOND).send());
    assert!(poll_times(&mut call, 2).is_none());
    drop(call);
    tasks.run();
    let closed = close(&client);
    let until = clerk.clock.system_time() + 360 * SECOND;
    assert_eq!(closed.orphans()[0].exposure_until(), Some(until));
    assert_eq!(closed.orphans()[0].session_exposure_until(), Some(until + 7 * SECOND));
}

#[test]
fn what_was_proved_not_to_have_been_made_is_no_orphan() {
    for answer in [Answer::Unreachable, Answer::Limited(20), Answer::Refused] {
        let (clerk, tasks) = (Clerk::new(&[answer, Answer::Success]), Tasks::default());
        let client = detaching(&clerk, &tasks).on_orphan(|_| async { panic!("there is none") }).build().unwrap();
        let logged = logged(|| {
            send_and_drop(&client);
            tasks.run();
        });
        assert!(logged.is_empty() && close(&client).is_clean(), "{logged:?}");
        assert_eq!(clerk.books().creates, 1);
        assert_eq!(clerk.clock.elapsed(), Duration::ZERO, "it waits for no retry of a call that has ended");
    }
}

#[test]
fn a_handed_over_call_takes_nothing_of_the_retry_budget() {
    let (clerk, tasks) = (Clerk::new(&[Answer::Unreachable]), Tasks::default());
    let client = detaching(&clerk, &tasks).build().unwrap();
    for _ in 0..20 {
        send_and_drop(&client);
        tasks.run();
    }
    let policy =
        RetryPolicy::new().max_attempts(Idempotency::NonIdempotent, 100).backoff(Duration::ZERO, Duration::ZERO);
    let call = client.actor_tokens().create(USER, Actor::new(AGENT)).retry(policy);
    assert_eq!(pollster::block_on(call.send()).unwrap_err().attempts().len(), 11);
}

/// It was revoked, whichever call it belonged to.
#[test]
fn an_id_of_which_nothing_says_whose_it_is_is_reported_and_never_revoked() {
    let (clerk, tasks) = (Clerk::new(&[Answer::CutBeforeUser]), Tasks::default());
    let client = detaching(&clerk, &tasks).build().unwrap();
    let logged = logged(|| {
        send_and_drop(&client);
        tasks.run();
    });
    assert!(revoked(&clerk).is_empty());
    assert_one_error(&logged, &["act_0", "not confirmed", "cannot revoke it"]);
    let closed = close(&client);
    let [report] = closed.orphans() else { panic!("{closed:?}") };
    assert_eq!((report.id(), report.unconfirmed_id(), report.is_incomplete()), (None, Some("act_0"), true));

    // A handler is given it, and cannot undo it by accident.
    let undone = Arc::new(Mutex::new(None));
    let (clerk, tasks, seen) = (Clerk::new(&[Answer::CutBeforeUser]), Tasks::default(), undone.clone());
    let handling = detaching(&clerk, &tasks).on_orphan(move |orphan: Orphan| {
        let seen = seen.clone();
        async move { *seen.lock().unwrap() = Some(orphan.undo().await.map_err(|error| error.kind())) }
    });
    send_and_drop(&handling.build().unwrap());
    tasks.run();
    assert_eq!(*undone.lock().unwrap(), Some(Err(ErrorKind::InvalidRequest)));
    assert!(revoked(&clerk).is_empty());
}

#[test]
fn a_handler_takes_the_place_of_the_default() {
    let handled = Arc::new(Mutex::new(Vec::<OrphanReport>::new()));
    for answer in [Answer::Success, Answer::CutWithId, Answer::CutWithoutId, Answer::Lost] {
        let (clerk, tasks) = (Clerk::new(&[answer]), Tasks::default());
        let reports = handled.clone();
        let client = detaching(&clerk, &tasks)
            .on_orphan(move |orphan: Orphan| {
                reports.lock().unwrap().push(orphan.report().clone());
                async { drop(orphan) }
            })
            .build()
            .unwrap();
        let logged = logged(|| {
            send_and_drop(&client);
            tasks.run();
        });
        assert!(logged.is_empty() && revoked(&clerk).is_empty() && close(&client).is_clean(), "{logged:?}");
        let reports = std::mem::take(&mut *handled.lock().unwrap());
        assert_eq!(reports.len(), 1);
        assert_eq!(reports[0].id(), answer.tells_id().then_some("act_0"));
    }
}

#[test]
fn a_handler_can_undo_with_the_calls_own_key_and_place() {
    let results = Arc::new(Mutex::new(Vec::new()));
    for (answer, revoking, expected) in [
        (Answer::Success, Revoking::Works, Ok(())),
        (Answer::Success, Revoking::Fails, Err(ErrorKind::Api)),
        (Answer::CutWithoutId, Revoking::Works, Err(ErrorKind::InvalidRequest)),
    ] {
        let (clerk, tasks) = (Clerk::new(&[answer]).revoking(revoking), Tasks::default());
        let undone = results.clone();
        let client = detaching(&clerk, &tasks)
            .on_orphan(move |orphan: Orphan| {
                let undone = undone.clone();
                async move {
                    let result = orphan.undo().await.map_err(|error| error.kind());
                    undone.lock().unwrap().push(result);
                }
            })
            .build()
            .unwrap();
        send_and_drop(&client.with_credentials(SecretKey::new("sk_test_other").unwrap()));
        tasks.run();
        assert_eq!(std::mem::take(&mut *results.lock().unwrap()), [expected]);
        let undone = expected.is_ok().then(|| entry("act_0", ("Bearer sk_test_other", MINE.1)));
        assert_eq!(revoked(&clerk), Vec::from_iter(undone));
    }
}

/// Runs each task, and survives its panic as a runtime does: the task is dropped.
#[derive(Clone, Default)]
struct Surviving(Tasks);

impl Surviving {
    fn run(&self) -> bool {
        let panicked = catch_unwind(AssertUnwindSafe(|| self.0.run())).is_err();
        self.0.shut_down();
        panicked
    }
}

impl Executor for Surviving {
    fn execute(&self, task: BoxFuture<'static, ()>) {
        self.0.execute(task);
    }
}

#[test]
fn a_handler_that_panics_leaves_the_orphan_for_close() {
    type Handler = fn(Orphan) -> BoxFuture<'static, ()>;
    let handlers: [Handler; 3] = [
        |_| panic!("at once"),
        |_| Box::pin(async { panic!("while it runs") }),
        |orphan| {
            Box::pin(async {
                pause(1).await;
                let _orphan = orphan;
                panic!("later")
            })
        },
    ];
    for handler in handlers {
        let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Surviving::default());
        let client = Client::builder(clerk, test_key()).executor(tasks.clone()).on_orphan(handler).build().unwrap();
        let logged = logged(|| {
            send_and_drop(&client);
            assert!(tasks.run());
        });
        assert_one_error(&logged, &["act_0"]);
        let closed = close(&client);
        assert_eq!((closed.orphans()[0].id(), closed.orphan_count(), closed.in_flight()), (Some("act_0"), 1, 0));
    }
}

#[test]
fn a_revocation_that_panics_leaves_the_orphan_for_close() {
    let (clerk, tasks) = (Clerk::new(&[Answer::Success]).revoking(Revoking::Panics), Surviving::default());
    let client = Client::builder(clerk, test_key()).executor(tasks.clone()).build().unwrap();
    let logged = logged(|| {
        send_and_drop(&client);
        assert!(!tasks.run(), "its panic ends there");
    });
    assert_one_error(&logged, &["act_0", "was not revoked", "panicked"]);
    let closed = close(&client);
    assert_eq!((closed.orphans()[0].id(), closed.orphan_count(), closed.in_flight()), (Some("act_0"), 1, 0));
}

/// Set in a process that has no logger.
const WITHOUT_A_LOG: &str = "CLERK_ACTOR_TOKENS_TEST_WITHOUT_A_LOG";

#[test]
fn in_a_program_without_a_log_a_loss_is_said_on_standard_error() {
    if std::env::var_os(WITHOUT_A_LOG).is_some() {
        let client = Client::new(Clerk::new(&[Answer::Success]), test_key());
        return send_and_drop(&client);
    }
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    let test = "orphans::in_a_program_without_a_log_a_loss_is_said_on_standard_error";
    let output = child.args(["--exact", test, "--nocapture"]).env(WITHOUT_A_LOG, "1").output().unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<_> = said.lines().filter(|line| line.starts_with("clerk_actor_tokens: ")).collect();
    assert!(lines.len() == 1 && lines[0].contains("no executor ran the task"), "{said}");
    assert!(!said.contains("sk_test") && !said.contains("ticket"), "{said}");
}

/// Where a middleware panics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Panic {
    BeforeTheSend,
    AfterTheAnswer,
}

fn panicking(at: Panic, clerk: &Clerk, executor: impl Executor) -> Client<Clerk> {
    let panicking = middleware_fn(move |request, next| {
        Box::pin(async move {
            // Revocations pass.
            let is_create = !request.uri().path().ends_with("/revoke");
            pause(1).await;
            assert!(!(is_create && at == Panic::BeforeTheSend), "the middleware panics");
            let exchanged = next.run(request).await;
            pause(1).await;
            assert!(!(is_create && at == Panic::AfterTheAnswer), "the middleware panics");
            exchanged
        })
    });
    Client::builder(clerk.clone(), test_key()).executor(executor).middleware(panicking).build().unwrap()
}

#[test]
fn a_middleware_that_panics_under_its_caller_loses_nothing() {
    for at in [Panic::BeforeTheSend, Panic::AfterTheAnswer] {
        let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
        let client = panicking(at, &clerk, tasks.clone());
        // Dropped while it unwinds, and dropped after.
        for unwinds in [true, false] {
            let call = client.actor_tokens().create(USER, Actor::new(AGENT));
            let mut call = Some(Box::pin(call.send()) as BoxFuture<'_, _>);
            let panicked = catch_unwind(AssertUnwindSafe(|| match unwinds {
                true => drop(poll_times(&mut call.take().unwrap(), 100)),
                false => drop(poll_times(call.as_mut().unwrap(), 100)),
            }));
            assert!(panicked.is_err(), "{at:?}");
            drop(call);
            tasks.run();
        }
        let made = clerk.books().made;
        assert_eq!(made.len(), if at == Panic::AfterTheAnswer { 2 } else { 0 });
        assert_eq!(revoked(&clerk).into_iter().map(|(id, ..)| id).collect::<Vec<_>>(), made, "{at:?}");
        assert!(close(&client).is_clean());
    }
}

#[test]
fn no_middleware_runs_after_the_caller_so_that_its_panic_keeps_nothing_from_being_revoked() {
    let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
    let client = panicking(Panic::AfterTheAnswer, &clerk, tasks.clone());
    let call = client.actor_tokens().create(USER, Actor::new(AGENT));
    let mut call: BoxFuture<'_, _> = Box::pin(call.send());
    assert!(poll_times(&mut call, 4).is_none());
    assert_eq!((clerk.books().creates, clerk.books().made.len()), (1, 1));
    drop(call);
    tasks.run();
    assert_eq!(revoked(&clerk).into_iter().map(|(id, ..)| id).collect::<Vec<_>>(), ["act_0"]);
    assert!(close(&client).is_clean());
}

#[test]
fn a_transport_that_panics_leaves_the_orphan_for_close() {
    let panics_at_once = || transport_fn(|_, _| async { panic!("the transport panics") });
    let panics_later = || {
        transport_fn(|_, _| async {
            pause(3).await;
            panic!("the transport panics")
        })
    };
    let tasks = Surviving::default();
    // Under its caller: what is known is reported by a task.
    let client = Client::builder(panics_at_once(), test_key()).executor(tasks.clone()).build().unwrap();
    let call = client.actor_tokens().create(USER, Actor::new(AGENT));
    assert!(catch_unwind(AssertUnwindSafe(|| pollster::block_on(call.send()))).is_err());
    assert!(!tasks.run());
    assert_eq!(close(&client).orphans()[0].execution(), Execution::Unknown);
    // After the hand-over.
    let client = Client::builder(panics_later(), test_key()).executor(tasks.clone()).build().unwrap();
    send_and_drop(&client);
    assert!(!tasks.run(), "its panic ends there");
    assert_eq!((close(&client).orphan_count(), close(&client).in_flight()), (1, 0));
    // Without anything that could run on.
    let client = Client::builder(panics_later(), test_key()).build().unwrap();
    let call = client.actor_tokens().create(USER, Actor::new(AGENT));
    assert!(catch_unwind(AssertUnwindSafe(|| pollster::block_on(call.send()))).is_err());
    assert_eq!((close(&client).orphan_count(), close(&client).in_flight()), (1, 0));
}

#[test]
fn a_caller_that_panics_orphans_its_call_like_any_other() {
    let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
    let client = detaching(&clerk, &tasks).build().unwrap();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _call = begin(&client);
        panic!("the caller panics");
    }));
    assert!(panicked.is_err());
    tasks.run();
    assert_eq!(revoked(&clerk), [entry("act_0", MINE)]);
}

#[test]
fn a_executor_that_drops_its_task_loses_it_and_says_so() {
    let clerk = Clerk::new(&[Answer::Success]);
    // At once; and later, after the exchange went on for a while.
    let client = Client::builder(clerk.clone(), test_key()).executor(executor_fn(drop)).build().unwrap();
    assert!(client.detaches_on_drop());
    let at_once = logged(|| send_and_drop(&client));
    assert_one_error(&at_once, &["no executor ran the task"]);
    assert_eq!(close(&client).orphan_count(), 1);

    let tasks = Tasks::default();
    let client = detaching(&clerk, &tasks).build().unwrap();
    let later = logged(|| {
        send_and_drop(&client);
        tasks.shut_down();
    });
    assert_one_error(&later, &["no executor ran the task"]);
    assert_eq!((close(&client).orphan_count(), close(&client).in_flight()), (1, 0));
}

#[test]
fn a_runtime_that_ends_at_any_moment_loses_what_is_not_over_and_says_so() {
    let mut said = Vec::new();
    for polls in 0.. {
        let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
        let client = detaching(&clerk, &tasks).build().unwrap();
        let mut is_left = true;
        let logged = logged(|| {
            send_and_drop(&client);
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            is_left = (0..polls).fold(true, |_, _| tasks.poll(&mut context));
            tasks.shut_down();
        });
        let closed = close(&client);
        assert_eq!((closed.orphan_count(), closed.in_flight()), (usize::from(is_left), 0), "{polls}");
        let arrived = clerk.books().told.last().cloned();
        assert!(!is_left || closed.orphans()[0].id() == arrived.as_deref(), "what arrived is known");
        if !is_left {
            break;
        }
        let [(log::Level::Error, text)] = &logged[..] else { panic!("{logged:?}") };
        said.push(text.rsplit("; ").next().unwrap().to_owned());
    }
    let ends = said.len();
    said.dedup();
    let revoking = "its revocation was broken off: it may be revoked, or not";
    assert_eq!(said, ["no executor ran the task that revokes it", revoking]);
    assert!(ends > 5);
}

#[test]
fn more_orphans_than_are_kept_are_counted() {
    let client = Client::builder(Clerk::new(&[Answer::Lost]), test_key()).build().unwrap();
    for _ in 0..1_005 {
        send_and_drop(&client);
    }
    let closed = close(&client);
    assert_eq!((closed.orphans().len(), closed.orphan_count(), closed.is_clean()), (1_000, 1_005, false));
}

/// An operation of the user's own that cannot be undone, and has no exposure.
struct Mint;

impl Operation for Mint {
    type Output = ();

    fn info(&self) -> &'static OperationInfo {
        const { &OperationInfo::new("Mint", "/mint", Idempotency::NonIdempotent) }
    }

    fn request(&self, base: &BaseUrl) -> Result<Request, InvalidRequest> {
        base.request(Method::POST, "/mint", Default::default())
    }

    fn parse(&self, _: &Response) -> Result<(), ParseError> {
        Ok(())
    }
}

#[test]
fn an_operation_that_nothing_revokes_detaches_and_is_reported() {
    let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
    let client = detaching(&clerk, &tasks).build().unwrap();
    let mut call: BoxFuture<'_, _> = Box::pin(client.execute(Mint).send());
    assert!(poll_times(&mut call, 2).is_none());
    drop(call);
    let logged = logged(|| tasks.run());
    assert_one_error(&logged, &["Mint", "cannot revoke it"]);
    let closed = close(&client);
    let [report] = closed.orphans() else { panic!("{closed:?}") };
    assert_eq!((report.id(), report.exposure_until()), (None, None));
}

/// A clock of the calendar that is wrong.
struct WrongDate(Clerk, Clock, SystemTime);

impl Timer for WrongDate {
    fn now(&self) -> Moment {
        self.1.now()
    }

    fn system_time(&self) -> SystemTime {
        self.2
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.1.sleep(duration)
    }
}

#[async_trait]
impl HttpTransport for WrongDate {
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        self.0.send(request, context).await
    }

    fn timer(&self) -> &dyn Timer {
        self
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        self.0.executor()
    }
}

#[test]
fn a_calendar_that_is_wrong_makes_no_report_panic() {
    let year = 366 * 24 * 3600 * SECOND;
    for wall in [UNIX_EPOCH - 200 * year, UNIX_EPOCH - SECOND, UNIX_EPOCH + 7_900 * year, UNIX_EPOCH + 50_000 * year] {
        let transport = WrongDate(Clerk::new(&[Answer::Lost]), Clock::new(), wall);
        let client = Client::builder(transport, test_key()).build().unwrap();
        let logged = logged(|| send_and_drop(&client));
        assert_one_error(&logged, &["CreateActorToken"]);
        assert_eq!(close(&client).orphan_count(), 1);
    }
}

/// The first second that an HTTP date cannot say.
#[test]
fn a_report_says_until_when_as_long_as_a_date_has_four_digits() {
    let year_10000 = UNIX_EPOCH + Duration::from_secs(253_402_300_800);
    let lost_at = |wall: SystemTime| {
        let transport = WrongDate(Clerk::new(&[Answer::Lost]), Clock::new(), wall);
        let client = Client::builder(transport, test_key()).build().unwrap();
        let logged = logged(|| send_and_drop(&client));
        let until = close(&client).orphans()[0].exposure_until().unwrap();
        (until, logged.into_iter().map(|(_, line)| line).collect::<String>())
    };
    let lifetime = lost_at(UNIX_EPOCH).0.duration_since(UNIX_EPOCH).unwrap();
    let (until, line) = lost_at(year_10000 - lifetime - SECOND);
    assert_eq!(until, year_10000 - SECOND);
    assert!(line.contains("usable until Fri, 31 Dec 9999 23:59:59 GMT"), "{line}");
    let (until, line) = lost_at(year_10000 - lifetime);
    assert_eq!(until, year_10000);
    assert!(line.contains("unknown whether Clerk acted") && !line.contains("usable until"), "{line}");
}

#[test]
fn a_report_and_its_orphan_show_what_is_known_in_debug() {
    let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
    let shown = Arc::new(Mutex::new(String::new()));
    let seen = shown.clone();
    let client = detaching(&clerk, &tasks).on_orphan(move |orphan: Orphan| {
        *seen.lock().unwrap() = format!("{orphan:?}");
        async {}
    });
    send_and_drop(&client.build().unwrap());
    tasks.run();
    let shown = shown.lock().unwrap();
    assert!(shown.starts_with("Orphan {"), "{shown}");
    for known in ["OrphanReport {", "operation: \"CreateActorToken\"", "execution: Executed", "act_0", USER, AGENT] {
        assert!(shown.contains(known), "{known} in {shown}");
    }
    assert!(shown.contains("was_held: false"), "{shown}");
}

#[test]
fn what_only_a_middleware_can_decode_is_an_orphan_without_an_id() {
    // No middleware runs once the caller has left.
    let (revoked, tasks) = (Arc::new(Mutex::new(Vec::new())), Tasks::default());
    let seen = revoked.clone();
    let transport = transport_fn(move |request: Request, _| {
        let path = request.uri().path().to_owned();
        let seen = seen.clone();
        async move {
            pause(2).await;
            if path.ends_with("/revoke") {
                seen.lock().unwrap().push(path);
                return Ok(ok(&token_json("revoked")));
            }
            let body = token_json("pending").to_string().bytes().map(|byte| byte ^ 0x55).collect::<Vec<_>>();
            Ok(crate::common::response(200, body))
        }
    });
    let decode = middleware_fn(|request, next| {
        Box::pin(async move {
            let is_create = !request.uri().path().ends_with("/revoke");
            let response = next.run(request).await?;
            Ok(if is_create {
                response.map(|body| body.iter().map(|byte| byte ^ 0x55).collect::<Vec<_>>().into())
            } else {
                response
            })
        })
    });
    let client = Client::builder(transport, test_key()).executor(tasks.clone()).middleware(decode).build().unwrap();
    send_and_drop(&client);
    tasks.run();
    assert_eq!((revoked.lock().unwrap().len(), close(&client).orphan_count()), (0, 1));
    assert_eq!(close(&client).orphans()[0].id(), None);
}

/// The middleware still has the response when the caller leaves, so that the attempt never ended by itself.
#[test]
fn a_report_says_how_an_attempt_failed_that_its_middleware_never_ended() {
    let (clerk, tasks) = (Clerk::new(&[Answer::Gateway]), Tasks::default());
    let pausing = middleware_fn(|request, next| {
        Box::pin(async move {
            let exchanged = next.run(request).await;
            pause(100).await;
            exchanged
        })
    });
    let client = detaching(&clerk, &tasks).middleware(pausing).build().unwrap();
    let call = client.actor_tokens().create(USER, Actor::new(AGENT));
    let mut call: BoxFuture<'_, _> = Box::pin(async move { drop(call.send().await) });
    assert_eq!(poll_times(&mut call, 12), None);
    drop(call);
    tasks.run();
    let closed = close(&client);
    let [report] = closed.orphans() else { panic!("{closed:?}") };
    let [attempt] = report.attempts() else { panic!("{report:?}") };
    assert_eq!((attempt.error(), attempt.status().map(|status| status.as_u16())), (Some(ErrorKind::Api), Some(502)));
}
