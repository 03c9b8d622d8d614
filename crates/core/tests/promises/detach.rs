//! A creation whose future is dropped, at every await point there is: what was made is found again, and nothing more is
//! made.
//!
//! A call is polled k times and dropped, for each k until it completes. Then the tasks that were spawned run to their
//! ends, and the books of the server are compared with what the client did and says.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests may fail the test, and the figures are for people"
)]

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Poll, Waker},
    time::Duration,
};

use clerk_actor_tokens_core::workspace::JitterSeed as _;
use clerk_actor_tokens_core::{
    Actor, ActorToken, BoxFuture, Client, Error, ErrorKind, Execution, HttpTransport, Middleware, OrphanReport,
    Request, RetryPolicy, SecretKey, credentials_fn, executor_fn, http::StatusCode, middleware_fn, transport_fn,
};

use crate::common::{
    AGENT, Scripted, USER,
    clerk::{Answer, Books, Clerk},
    join, ok, pause, race, response,
    tasks::{Tasks, poll_times},
    test_key, token_json, with, with_header,
};
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

/// Who takes care of orphans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Care {
    /// The default: they are revoked.
    Revoke,
    /// A handler of the application's, which remembers them.
    Handler,
    /// Nothing: the call does not detach.
    None,
}

/// One kind of call, and how many polls each of its phases takes.
#[derive(Debug, Clone)]
struct Case {
    answers: Vec<Answer>,
    care: Care,
    /// Another call's 429 holds it back first.
    gated: bool,
    credentials: u32,
    /// Middleware before and after.
    around: [u32; 2],
    phases: [u32; 4],
}

impl Case {
    fn new(answers: &[Answer], care: Care) -> Self {
        Self { answers: answers.to_vec(), care, gated: false, credentials: 2, around: [4; 2], phases: [2; 4] }
    }
}

/// A middleware that takes its time.
fn pausing(before: u32, after: u32) -> impl Middleware {
    middleware_fn(move |request, next| {
        Box::pin(async move {
            pause(before).await;
            let exchanged = next.run(request).await;
            pause(after).await;
            exchanged
        })
    })
}

struct Setting {
    clerk: Clerk,
    client: Client<Clerk>,
    tasks: Tasks,
    handled: Arc<Mutex<Vec<OrphanReport>>>,
}

fn setting(case: &Case) -> Setting {
    let mut answers = case.answers.clone();
    if case.gated {
        answers.insert(0, Answer::Limited(5));
    }
    let clerk = Clerk::new(&answers).phases(case.phases);
    let (tasks, handled) = (Tasks::default(), Arc::new(Mutex::new(Vec::new())));
    let polls = case.credentials;
    let slow_key = credentials_fn(move || async move {
        pause(polls).await;
        SecretKey::new("sk_test_key")
    });
    let [before, after] = case.around;
    let mut builder = Client::builder(clerk.clone(), slow_key).jitter_seed(7).middleware(pausing(before, after));
    if case.care != Care::None {
        builder = builder.executor(tasks.clone()).require_executor();
    }
    if case.care == Care::Handler {
        let handled = handled.clone();
        builder = builder.on_orphan(move |orphan| {
            let handled = handled.clone();
            async move {
                pause(2).await;
                handled.lock().unwrap().push(orphan.report().clone());
            }
        });
    }
    let client = builder.build().unwrap();
    if case.gated {
        let call = client.actor_tokens().create("user_other", Actor::new(AGENT)).retry(RetryPolicy::none());
        pollster::block_on(call.send()).unwrap_err();
    }
    Setting { clerk, client, tasks, handled }
}

/// The call under test. It may be repeated on a 502, which is the unsafe retry that the policy's docs speak of.
fn create<T: HttpTransport + 'static>(client: &Client<T>) -> BoxFuture<'static, Result<ActorToken, Error>> {
    let policy = RetryPolicy::new().danger_retry_create_on([StatusCode::BAD_GATEWAY]);
    let call = client.actor_tokens().create(USER, Actor::new(AGENT)).retry(policy);
    Box::pin(call.send())
}

/// What all cases of a test come to.
#[derive(Debug, Default)]
struct Figures {
    drops: usize,
    ran_on: usize,
    orphans: usize,
    ids_known: usize,
    unknown_though_told: usize,
}

/// What must hold for one drop. `false` if the call was over before.
fn drop_after(polls: usize, case: &Case, figures: &mut Figures) -> bool {
    let Setting { clerk, client, tasks, handled } = setting(case);
    let start = clerk.books();
    let mut call = create(&client);
    if poll_times(&mut call, polls).is_some() {
        drop(call);
        assert_eq!(tasks.spawned(), 0, "what completes is no orphan");
        assert!(pollster::block_on(client.close(SECOND)).is_clean(), "{case:?}");
        return false;
    }
    let before = clerk.books();
    drop(call);
    tasks.run();
    let after = clerk.books();

    let what = format!("{case:?} dropped after {polls} polls");
    figures.drops += 1;
    // No caller waits: nothing more is sent, let alone made.
    assert_eq!(after.creates, before.creates, "{what}");
    let of_this = |books: &Books| books.answered[start.answered.len()..].to_vec();
    let sent = before.creates - start.creates;
    // Each attempt is proved not to have been executed; the one in flight, if any, only once it is answered. One that was
    // not handed over is cancelled.
    let proved = |answers: &[Answer]| {
        answers.iter().all(|answer| matches!(answer, Answer::Unreachable | Answer::Limited(_) | Answer::Refused))
    };
    let runs_on = before.in_flight == 1 || !proved(&of_this(&before));
    let orphaned = match case.care {
        // Without anything that runs on, what was in flight stays unknown.
        Care::None => runs_on,
        _ => runs_on && (!proved(&of_this(&after)) || after.in_flight == 1),
    };
    figures.ran_on += usize::from(case.care != Care::None && runs_on);
    assert_eq!(tasks.spawned(), usize::from(case.care != Care::None && runs_on), "{what}");
    if case.care != Care::None {
        // What was in flight came to its end.
        let stalls =
            before.in_flight == 1 && case.answers.get(sent - 1).or(case.answers.last()) == Some(&Answer::Stall);
        assert_eq!(after.in_flight == 1, stalls, "{what}");
    }
    assert!(sent > 0 || !orphaned, "{what}");

    // It is reported once, to `close` or to the handler.
    let closed = pollster::block_on(client.close(SECOND));
    assert_eq!(closed.in_flight(), 0, "{what}");
    let handled = handled.lock().unwrap().clone();
    let reports = match case.care {
        Care::Handler => {
            assert!(closed.is_clean(), "the application has it: {what}");
            handled
        }
        Care::Revoke | Care::None => closed.orphans().to_vec(),
    };
    // The last response with an id is the one whose token is found.
    let told = after.told.get(start.told.len()..).and_then(<[String]>::last).cloned();
    let revoked: Vec<_> = after.revoked.iter().map(|(id, ..)| id.clone()).collect();
    figures.orphans += usize::from(orphaned);
    match case.care {
        Care::Revoke => {
            assert_eq!(revoked, Vec::from_iter(told.clone().filter(|_| orphaned)), "{what}");
            // After an unsafe retry another token may be left, whose id is not known.
            let doubtful = of_this(&after).iter().filter(|answer| !proved(&[**answer])).count();
            assert_eq!(reports.len(), usize::from(orphaned && (told.is_none() || doubtful > 1)), "{what}");
            assert!(reports.iter().all(|report| report.id().is_none() && report.is_incomplete()), "{what}");
            // What is left is the other one, of which nothing is known.
            let is_unknown = |report: &OrphanReport| report.execution() == Execution::Unknown;
            assert!(told.is_none() || reports.iter().all(is_unknown), "{what}");
            figures.ids_known += revoked.len();
            figures.unknown_though_told += usize::from(told.is_some() && revoked.is_empty());
        }
        Care::Handler | Care::None => {
            assert!(revoked.is_empty());
            assert_eq!(reports.len(), usize::from(orphaned), "{what}");
            let known = reports.iter().filter(|report| report.id().is_some()).count();
            figures.ids_known += known;
            figures.unknown_though_told += usize::from(told.is_some() && known == 0);
            if orphaned {
                assert_eq!(reports[0].id(), told.as_deref(), "{what}");
            }
        }
    }
    for report in &reports {
        assert_ne!(report.execution(), Execution::NotExecuted);
        assert!(report.exposure_until().is_some() && report.session_exposure_until().is_some());
        assert_eq!(report.operation().name(), "CreateActorToken");
        if case.care != Care::None {
            // One that was about to be sent, or was held, is reported as well, as blocked.
            let sent_attempts = report.attempts().iter().filter(|it| it.error() != Some(ErrorKind::Blocked));
            assert_eq!(sent_attempts.count(), of_this(&before).len() + before.in_flight, "{what}");
        }
    }
    true
}

fn every_drop(case: &Case, figures: &mut Figures) {
    let mut polls = 1;
    while drop_after(polls, case, figures) {
        polls += 1;
        assert!(polls < 10_000, "{case:?} never ends");
    }
}

/// Every answer, and every answer behind one that is followed by a retry.
fn schedules() -> Vec<Vec<Answer>> {
    let last = [
        Answer::Success,
        Answer::CutWithId,
        Answer::CutWithoutId,
        Answer::Lost,
        Answer::Nothing,
        Answer::Gateway,
        Answer::Stall,
        Answer::Unreachable,
        Answer::Limited(3),
        Answer::Refused,
    ];
    let first = [Answer::Unreachable, Answer::Limited(3), Answer::Limited(0), Answer::Gateway];
    let alone = last.iter().map(|last| vec![*last]);
    let two = first.iter().flat_map(|first| last.iter().map(|last| vec![*first, *last]));
    alone.chain(two).collect()
}

#[test]
fn dropped_at_every_await_point_nothing_is_lost_and_nothing_more_is_made() {
    let mut figures = Figures::default();
    for answers in schedules() {
        for care in [Care::Revoke, Care::Handler, Care::None] {
            for gated in [false, true] {
                every_drop(&Case { gated, ..Case::new(&answers, care) }, &mut figures);
            }
        }
    }
    let Figures { drops, ran_on, orphans, ids_known, unknown_though_told } = figures;
    println!(
        "figure: dropped calls: {drops} drops, {ran_on} ran on, {orphans} orphans, {ids_known} ids known, \
         {unknown_though_told} unknown though a response named them"
    );
    assert_eq!(figures.unknown_though_told, 0);
    // So that a test that tries nothing does not pass for a proof.
    assert!(figures.drops > 15_000 && figures.ran_on > 4_000 && figures.ids_known > 400, "{figures:?}");
}

fn any_answer() -> impl Strategy<Value = Answer> {
    let last = schedules().into_iter().filter_map(|answers| <[Answer; 1]>::try_from(answers).ok());
    proptest::sample::select(last.map(|[answer]| answer).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Phases of any length, also of none.
    #[test]
    fn however_long_each_phase_takes(
        answers in proptest::collection::vec(any_answer(), 1..4),
        care in proptest::sample::select(vec![Care::Revoke, Care::Handler, Care::None]),
        gated: bool, credentials in 0u32..4,
        around in proptest::array::uniform2(0u32..7), phases in proptest::array::uniform4(0u32..4)
    ) {
        let case = Case { answers, care, gated, credentials, around, phases };
        let mut figures = Figures::default();
        every_drop(&case, &mut figures);
        prop_assert_eq!(figures.unknown_though_told, 0);
    }
}

/// No caller waits for it, so it has the time for a whole gate on top of a call's own.
#[test]
fn a_token_is_taken_back_though_clerk_says_to_wait_for_longer_than_a_call_may_take() {
    let limited = |number| match number {
        0 => ok(&token_json("pending")).into(),
        1 => with_header(response(429, ""), "retry-after", "50").into(),
        _ => ok(&token_json("revoked")).into(),
    };
    let tasks = Tasks::default();
    let client = Client::builder(Scripted::new(limited), test_key()).jitter_seed(7).executor(tasks.clone());
    let client = client.timeout(30 * SECOND).middleware(pausing(0, 4)).build().unwrap();
    let mut call = create(&client);
    assert!(poll_times(&mut call, 2).is_none());
    drop(call);
    tasks.run();
    assert_eq!(client.transport().sends(), 3);
    assert!(pollster::block_on(client.close(SECOND)).is_clean());
}

#[test]
fn a_call_that_was_never_polled_was_never_begun() {
    let Setting { clerk, client, tasks, .. } = setting(&Case::new(&[Answer::Success], Care::Revoke));
    drop(create(&client));
    let kept = create(&client);
    let closed = pollster::block_on(client.close(SECOND));
    assert!(closed.is_clean(), "{closed:?}");
    assert_eq!((clerk.books().creates, tasks.spawned()), (0, 0));
    drop(kept);
}

/// Ready once another thread sets it.
#[derive(Clone, Default)]
struct Signal(Arc<Mutex<(bool, Vec<Waker>)>>);

impl Signal {
    fn give(&self) {
        let wakers = {
            let mut state = self.0.lock().unwrap();
            state.0 = true;
            std::mem::take(&mut state.1)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    async fn given(&self) {
        std::future::poll_fn(|context| {
            let mut state = self.0.lock().unwrap();
            if state.0 {
                return Poll::Ready(());
            }
            state.1.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

#[test]
fn with_real_threads_each_token_is_either_held_or_revoked() {
    let (made, revoked) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(BTreeSet::new())));
    let answer = Arc::new(Mutex::new(Signal::default()));
    let (made_here, revoked_here, answered) = (made.clone(), revoked.clone(), answer.clone());
    let transport = transport_fn(move |request: Request, _| {
        let (made, revoked, answer) = (made_here.clone(), revoked_here.clone(), answered.lock().unwrap().clone());
        async move {
            let path = request.uri().path().to_owned();
            if let Some(path) = path.strip_suffix("/revoke") {
                let id = path.rsplit('/').next().unwrap();
                assert!(revoked.lock().unwrap().insert(id.to_owned()), "it is revoked once");
                return Ok(ok(&with(token_json("revoked"), "id", id.into())));
            }
            let id = format!("act_{}", made.fetch_add(1, Ordering::SeqCst));
            answer.given().await;
            Ok(ok(&with(token_json("pending"), "id", id.into())))
        }
    });
    let executor = executor_fn(|task| drop(std::thread::spawn(|| pollster::block_on(task))));
    let client = Client::builder(transport, test_key()).executor(executor).build().unwrap();
    let mut held = BTreeSet::new();
    for round in 0..2_000 {
        let (answered, left) = (Signal::default(), Signal::default());
        *answer.lock().unwrap() = answered.clone();
        let leaving = left.clone();
        let started = Arc::new(Barrier::new(2));
        let barrier = started.clone();
        // The answer and the caller's leaving, as close to each other as threads can be.
        let other = std::thread::spawn(move || {
            barrier.wait();
            let (first, second) = if round % 2 == 0 { (answered, leaving) } else { (leaving, answered) };
            first.give();
            (0..round % 64 * 256).for_each(|_| std::hint::spin_loop());
            second.give();
        });
        let call = client.actor_tokens().create(USER, Actor::new(AGENT)).send();
        started.wait();
        let token = pollster::block_on(race(async { Some(call.await.unwrap()) }, async {
            left.given().await;
            None
        }));
        held.extend(token.map(|token| token.id().to_string()));
        other.join().unwrap();
    }
    let closed = pollster::block_on(client.close(60 * SECOND));
    assert!(closed.is_clean(), "{closed:?}");
    let revoked = revoked.lock().unwrap();
    assert!(held.is_disjoint(&revoked));
    assert_eq!(held.len() + revoked.len(), made.load(Ordering::SeqCst));
    println!("figure: answers against drops, real threads: {} tokens held, {} revoked", held.len(), revoked.len());
}

#[test]
fn a_second_send_that_waits_for_the_first_is_not_sent_after_the_drop() {
    // A middleware that hedges: the second send waits for the first to be proved unexecuted.
    for answers in [[Answer::Unreachable, Answer::Success], [Answer::Limited(0), Answer::Success]] {
        let (clerk, tasks) = (Clerk::new(&answers), Tasks::default());
        let hedge = middleware_fn(|request, next| {
            Box::pin(async move {
                let (one, other) = join(next.run(request.clone()), next.run(request)).await;
                one.or(other)
            })
        });
        let client =
            Client::builder(clerk.clone(), test_key()).executor(tasks.clone()).middleware(hedge).build().unwrap();
        let mut call = create(&client);
        assert!(poll_times(&mut call, 3).is_none());
        drop(call);
        tasks.run();
        assert_eq!((clerk.books().creates, clerk.books().made.len()), (1, 0));
        assert!(pollster::block_on(client.close(SECOND)).is_clean());
    }
}
