//! `hold`: what a call made is kept by its caller, or revoked, or reported, wherever the caller ends.

use std::{
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use clerk_actor_tokens_core::{
    Actor, ActorToken, ActorTokensApi, BaseUrl, BoxFuture, Client, CreateActorToken, Creation, Error, ErrorKind,
    Execution, Held, HttpTransport, InvalidRequest, Operation, OperationInfo, Orphan, OrphanReport, ParseError,
    Request, Response, RetryPolicy, Revocation, Salvage, ThreadExecutor, Undo, async_trait, executor_fn, http,
    middleware_fn, transport_fn,
};

use crate::common::{
    AGENT, ID, USER,
    clerk::{Answer, Clerk, Revoking},
    ok,
    tasks::{Tasks, poll_times},
    test_key, token_json,
};

const SECOND: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(60);

type Holding = BoxFuture<'static, Result<Held<ActorToken>, Error>>;

fn detaching(clerk: &Clerk) -> (Tasks, Client<Clerk>) {
    let tasks = Tasks::default();
    let client = Client::builder(clerk.clone(), test_key()).executor(tasks.clone()).build().unwrap();
    (tasks, client)
}

fn hold<T: HttpTransport + ?Sized>(client: &Client<T>) -> Holding {
    let call = client.actor_tokens().create(USER, Actor::new(AGENT));
    Box::pin(call.hold())
}

fn held(client: &Client<Clerk>) -> Held<ActorToken> {
    pollster::block_on(hold(client)).unwrap()
}

fn revoked(clerk: &Clerk) -> Vec<String> {
    clerk.books().revoked.into_iter().map(|(id, ..)| id).collect()
}

#[track_caller]
fn assert_not_kept(kept: Result<ActorToken, Error>, id: &str) {
    let error = kept.unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::NotKept, Execution::Executed));
    assert_eq!((error.salvaged_id(), error.is_detached()), (Some(id), false), "no middleware did it");
    assert!(error.to_string().contains("before keep()") && error.advice().contains("Do not hand out"), "{error}");
}

#[test]
fn what_is_kept_stays() {
    let clerk = Clerk::new(&[Answer::Success]);
    let (tasks, client) = detaching(&clerk);
    let held = held(&client);
    assert_eq!((held.id().as_str(), held.user_id()), ("act_0", USER), "it dereferences to the token");
    let mut keep: BoxFuture<'_, _> = Box::pin(held.keep());
    let token = poll_times(&mut keep, 1).unwrap().unwrap();
    assert_eq!(token.id().as_str(), "act_0");
    drop(keep);
    assert_eq!((tasks.spawned(), revoked(&clerk).len()), (0, 0));
    let closed = pollster::block_on(client.close(LONG));
    assert!(closed.is_clean() && closed.held().is_empty());
}

#[test]
fn what_is_dropped_is_revoked_with_the_key_that_made_it_and_no_handler_is_asked() {
    let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
    let client = Client::builder(clerk.clone(), test_key())
        .executor(tasks.clone())
        .on_orphan(|orphan: Orphan| async move { panic!("{orphan:?} was revoked") })
        .build()
        .unwrap();
    drop(held(&client));
    assert!(revoked(&clerk).is_empty(), "the executor does it, not the drop");
    assert!(tasks.run_beside(client.close(LONG)).is_clean());
    let books = clerk.books();
    let [(id, key, _)] = &books.revoked[..] else { panic!("{books:?}") };
    assert_eq!((id.as_str(), key.as_str()), ("act_0", format!("Bearer {}", test_key().expose()).as_str()));
}

#[test]
fn a_panic_while_it_is_held_revokes_it() {
    let clerk = Clerk::new(&[Answer::Success]);
    let (tasks, client) = detaching(&clerk);
    let held = held(&client);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _held = held;
        panic!("the handler panics");
    }));
    assert!(panicked.is_err());
    tasks.run();
    assert_eq!(revoked(&clerk), ["act_0"]);
}

#[test]
fn a_revocation_in_which_a_middleware_panics_goes_to_the_handler_or_is_left_for_close() {
    for handles in [false, true] {
        let (clerk, tasks, handled) =
            (Clerk::new(&[Answer::Success]), Tasks::default(), Arc::new(Mutex::new(Vec::new())));
        let panics = middleware_fn(|request: Request, next| {
            assert!(!request.uri().path().ends_with("/revoke"), "the middleware panics");
            Box::pin(async move { next.run(request).await })
        });
        let mut builder = Client::builder(clerk.clone(), test_key()).executor(tasks.clone()).middleware(panics);
        if handles {
            let handled = Arc::clone(&handled);
            builder = builder.on_orphan(move |orphan: Orphan| {
                handled.lock().unwrap().extend(orphan.report().id().map(str::to_owned));
                std::future::ready(())
            });
        }
        let client = builder.build().unwrap();
        drop(held(&client));
        let closed = tasks.run_beside(client.close(LONG));
        let left: Vec<_> = closed.orphans().iter().filter_map(|report| report.id().map(str::to_owned)).collect();
        let handled = handled.lock().unwrap().clone();
        assert_eq!(
            if handles { (handled, left) } else { (left, handled) },
            (vec!["act_0".to_owned()], vec![]),
            "{handles}"
        );
        assert_eq!((closed.in_flight(), revoked(&clerk).len()), (0, 0));
    }
}

#[test]
fn where_nothing_could_revoke_it_nothing_is_sent() {
    let clerk = Clerk::new(&[Answer::Success]);
    let without = Client::new(clerk.clone(), test_key());
    let (_, detaching) = detaching(&clerk);
    for client in [without, detaching.cancel_on_drop()] {
        let error = pollster::block_on(hold(&client)).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::Blocked, Execution::NotExecuted));
        assert!(std::error::Error::source(&error).unwrap().to_string().contains("needs an executor"), "{error:?}");
    }
    assert_eq!(clerk.books().creates, 0);
}

#[test]
fn what_makes_nothing_cannot_be_held() {
    let clerk = Clerk::new(&[Answer::Success]);
    let (_, client) = detaching(&clerk);
    let error = pollster::block_on(client.actor_tokens().revoke(ID).hold()).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::Blocked, Execution::NotExecuted));
    assert!(revoked(&clerk).is_empty());
}

#[test]
fn what_cannot_be_revoked_is_reported_with_all_that_is_known() {
    #[derive(Debug, Clone, PartialEq)]
    struct WebRequest(u32);

    for has_handler in [false, true] {
        let (clerk, tasks) = (Clerk::new(&[Answer::Success]).revoking(Revoking::Fails), Tasks::default());
        let reports: Arc<Mutex<Vec<OrphanReport>>> = Arc::default();
        let mut builder = Client::builder(clerk.clone(), test_key()).executor(tasks.clone());
        if has_handler {
            let reports = Arc::clone(&reports);
            builder = builder.on_orphan(move |orphan: Orphan| {
                reports.lock().unwrap().push(orphan.report().clone());
                async {}
            });
        }
        let client = builder.build().unwrap();
        let call = client.actor_tokens().create(USER, Actor::new(AGENT)).extension(WebRequest(7));
        drop(pollster::block_on(call.hold()).unwrap());
        let closed = tasks.run_beside(client.close(LONG));
        let reports = if has_handler { reports.lock().unwrap().clone() } else { closed.orphans().to_vec() };
        let [report] = &reports[..] else { panic!("{reports:?}") };
        assert_eq!((report.id(), report.user_id(), report.was_held()), (Some("act_0"), Some(USER), true));
        assert_eq!(report.actor().and_then(Actor::sub), Some(AGENT));
        assert_eq!(report.extensions().get(), Some(&WebRequest(7)));
        assert_eq!((report.execution(), report.is_incomplete()), (Execution::Executed, false));
        assert!(
            report.exposure_until().is_some() && report.to_string().contains("held it and did not keep it"),
            "{report}"
        );
    }
}

#[test]
fn where_the_runtime_ends_it_is_reported() {
    let clerk = Clerk::new(&[Answer::Success]);
    let (tasks, client) = detaching(&clerk);
    drop(held(&client));
    tasks.shut_down();
    let closed = pollster::block_on(client.close(LONG));
    assert_eq!(closed.orphans().iter().map(OrphanReport::id).collect::<Vec<_>>(), [Some("act_0")]);
}

#[test]
fn a_caller_that_leaves_before_it_holds_is_treated_as_any() {
    for polls in 0..20 {
        let clerk = Clerk::new(&[Answer::Success]);
        let (tasks, client) = detaching(&clerk);
        let mut call = hold(&client);
        let held = poll_times(&mut call, polls);
        drop((call, held));
        assert!(tasks.run_beside(client.close(LONG)).is_clean());
        assert_eq!(revoked(&clerk), clerk.books().made, "after {polls} polls");
    }
}

#[test]
fn close_waits_for_what_is_held() {
    for keeps in [false, true] {
        let clerk = Clerk::new(&[Answer::Success]);
        let (tasks, client) = detaching(&clerk);
        let held = held(&client);
        let closing = client.clone();
        let mut close: BoxFuture<'_, _> = Box::pin(async move { closing.close(LONG).await });
        assert!(poll_times(&mut close, 5).is_none(), "it waits");
        match keeps {
            true => drop(pollster::block_on(held.keep()).unwrap()),
            false => drop(held),
        }
        let closed = tasks.run_beside(close);
        assert!(closed.is_clean() && closed.held().is_empty(), "{closed:?}");
        assert_eq!((clerk.clock.elapsed(), revoked(&clerk).len()), (Duration::ZERO, usize::from(!keeps)));
    }
}

#[test]
fn close_revokes_at_its_end_what_is_still_held_and_lists_it_apart() {
    for forgotten in [false, true] {
        let clerk = Clerk::new(&[Answer::Success]);
        let (tasks, client) = detaching(&clerk);
        let held = held(&client);
        let held = if forgotten {
            std::mem::forget(held);
            None
        } else {
            Some(held)
        };
        let closed = tasks.run_beside(client.close(8 * SECOND));
        assert!(closed.is_clean(), "it is revoked: {closed:?}");
        assert_eq!(closed.held().iter().map(OrphanReport::id).collect::<Vec<_>>(), [Some("act_0")]);
        assert_eq!(
            (revoked(&clerk), clerk.clock.elapsed()),
            (vec!["act_0".to_owned()], 6 * SECOND),
            "in the last quarter"
        );
        if let Some(held) = held {
            assert_not_kept(pollster::block_on(held.keep()), "act_0");
        }
        tasks.run();
        assert_eq!(revoked(&clerk).len(), 1, "once");
    }
}

#[test]
fn what_close_cannot_revoke_is_an_orphan_too() {
    let clerk = Clerk::new(&[Answer::Success]).revoking(Revoking::Fails);
    let (tasks, client) = detaching(&clerk);
    let _held = held(&client);
    let closed = tasks.run_beside(client.close(8 * SECOND));
    let id = |reports: &[OrphanReport]| reports.iter().map(|report| report.id().map(str::to_owned)).collect::<Vec<_>>();
    assert_eq!(
        (id(closed.held()), id(closed.orphans())),
        (vec![Some("act_0".to_owned())], vec![Some("act_0".to_owned())])
    );
}

#[test]
fn a_close_without_time_counts_the_revocation_as_in_flight() {
    let clerk = Clerk::new(&[Answer::Success]);
    let (tasks, client) = detaching(&clerk);
    let held = held(&client);
    let closed = pollster::block_on(client.close(Duration::ZERO));
    assert_eq!((closed.in_flight(), closed.held().len(), closed.is_clean()), (1, 1, false));
    assert_not_kept(pollster::block_on(held.keep()), "act_0");
    assert!(tasks.run_beside(client.close(LONG)).is_clean());
    assert_eq!(revoked(&clerk), ["act_0"]);
}

#[test]
fn a_call_that_ends_after_close_is_not_held() {
    let clerk = Clerk::new(&[Answer::Success]);
    let (tasks, client) = detaching(&clerk);
    let mut call = hold(&client);
    assert!(poll_times(&mut call, 2).is_none());
    assert_eq!(pollster::block_on(client.close(Duration::ZERO)).in_flight(), 1);
    let result = tasks.run_beside(call);
    assert_not_kept(result.map(|_| unreachable!("it is closed")), "act_0");
    tasks.run();
    assert_eq!(revoked(&clerk), ["act_0"]);
}

#[test]
fn with_real_threads_it_is_kept_or_revoked_and_never_both() {
    let (mut kept, mut lost) = (0, 0);
    for round in 0..400 {
        let (made, undone) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (creates, revokes) = (Arc::clone(&made), Arc::clone(&undone));
        let transport = transport_fn(move |request, context| {
            let is_revocation = request.uri().path().ends_with("/revoke");
            if is_revocation { &revokes } else { &creates }.fetch_add(1, Ordering::SeqCst);
            let _ = context.send_state().begin();
            async move { Ok(ok(&token_json(if is_revocation { "revoked" } else { "pending" }))) }
        });
        let client = Client::builder(transport, test_key()).executor(ThreadExecutor).build().unwrap();
        let held = pollster::block_on(hold(&client)).unwrap();
        let barrier = Arc::new(Barrier::new(2));
        let keeper = thread::spawn({
            let barrier = Arc::clone(&barrier);
            move || {
                barrier.wait();
                (0..round % 8).for_each(|_| thread::yield_now());
                pollster::block_on(held.keep()).is_ok()
            }
        });
        barrier.wait();
        // No time for what is held: it is revoked at once. Then there is time for the revocation.
        let _ = pollster::block_on(client.close(Duration::ZERO));
        let is_kept = keeper.join().unwrap();
        assert!(pollster::block_on(client.close(LONG)).is_clean());
        assert_eq!(undone.load(Ordering::SeqCst), usize::from(!is_kept), "kept: {is_kept}");
        (kept, lost) = (kept + usize::from(is_kept), lost + usize::from(!is_kept));
    }
    assert_eq!(kept + lost, 400);
}

/// The value names what there is to revoke, where the client's own transport saw no request.
#[test]
fn what_a_middleware_answered_by_itself_is_revoked_by_the_id_in_the_value() {
    let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
    let client = Client::builder(clerk.clone(), test_key())
        .executor(tasks.clone())
        .middleware(middleware_fn(|request, next| {
            Box::pin(async move {
                match request.uri().path().ends_with("/revoke") {
                    true => next.run(request).await,
                    false => Ok(ok(&token_json("pending"))),
                }
            })
        }))
        .build()
        .unwrap();
    drop(held(&client));
    assert!(tasks.run_beside(client.close(LONG)).is_clean());
    assert_eq!((clerk.books().creates, revoked(&clerk)), (0, vec![ID.to_owned()]));
}

#[test]
fn it_shows_no_link_and_one_that_no_call_made_revokes_nothing() {
    let clerk = Clerk::new(&[Answer::Success]);
    let (tasks, client) = detaching(&clerk);
    let token = pollster::block_on(held(&client).keep()).unwrap();
    let link = token.url().unwrap().expose().to_owned();
    let held = Held::of(token);
    let shown = format!("{held:?} {held:#?}");
    assert!(shown.contains("act_0") && !shown.contains(&link) && !shown.contains("eyJ"), "{shown}");
    drop(held);
    tasks.run();
    assert_eq!((tasks.spawned(), revoked(&clerk).len()), (0, 0));
}

/// An implementation of the trait that was written before there was `hold`.
struct Older;

#[async_trait]
impl ActorTokensApi for Older {
    async fn create(&self, _: CreateActorToken) -> Result<ActorToken, Error> {
        panic!("nothing may be made that is not held")
    }

    async fn revoke(&self, _: clerk_actor_tokens_core::ActorTokenId) -> Result<Revocation, Error> {
        Ok(Revocation::AlreadyRevoked)
    }
}

#[test]
fn the_trait_holds_over_a_client_and_refuses_elsewhere() {
    let create = || CreateActorToken::new(USER, Actor::new(AGENT));
    let error = pollster::block_on(Older.hold(create())).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::Blocked, Execution::NotExecuted));
    let clerk = Clerk::new(&[Answer::Success]);
    let (tasks, client) = detaching(&clerk);
    let api: Box<dyn ActorTokensApi> = Box::new(client.clone());
    drop(pollster::block_on(api.hold(create())).unwrap());
    tasks.run();
    assert_eq!(revoked(&clerk), ["act_0"]);
}

/// A creation whose id cannot be read from its value without a panic.
struct Panicking(CreateActorToken);

impl Operation for Panicking {
    type Output = ActorToken;

    fn info(&self) -> &'static OperationInfo {
        self.0.info()
    }

    fn request(&self, base: &BaseUrl) -> Result<Request, InvalidRequest> {
        self.0.request(base)
    }

    fn parse(&self, response: &Response) -> Result<ActorToken, ParseError> {
        self.0.parse(response)
    }

    fn creation(&self) -> Option<&dyn Creation<ActorToken>> {
        Some(self)
    }
}

impl Creation<ActorToken> for Panicking {
    fn id_of(&self, _: &ActorToken) -> Option<String> {
        panic!("the operation panics")
    }

    fn undo(&self, id: &str) -> Option<Undo> {
        self.0.undo(id)
    }

    fn salvage(&self, partial: &[u8]) -> Result<Salvage, ParseError> {
        self.0.salvage(partial)
    }
}

#[test]
fn a_panic_of_the_operation_between_the_response_and_the_hold_loses_nothing() {
    let clerk = Clerk::new(&[Answer::Success]);
    let (tasks, client) = detaching(&clerk);
    let call = client.execute(Panicking(CreateActorToken::new(USER, Actor::new(AGENT)))).hold();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| pollster::block_on(call).map(drop)));
    assert!(panicked.is_err());
    assert!(tasks.run_beside(client.close(LONG)).is_clean());
    assert_eq!(revoked(&clerk), ["act_0"]);
}

#[test]
fn an_executor_that_panics_ends_no_process_and_loses_nothing() {
    let clerk = Clerk::new(&[Answer::Success]);
    let client = Client::builder(clerk, test_key())
        .executor(executor_fn(|task| {
            drop(task);
            panic!("the executor panics")
        }))
        .build()
        .unwrap();
    drop(held(&client));
    let closed = pollster::block_on(client.close(LONG));
    assert_eq!(closed.orphan_count(), 1);
}

#[test]
fn a_value_can_move_between_threads_while_it_is_held() {
    fn moves<T: Send + Sync + 'static>(_: &T) {}
    let held = Held::of(Response::default());
    moves(&held);
}

#[test]
fn another_token_that_an_unsafe_retry_may_have_made_is_said_before_it_is_kept() {
    for (answers, is_ambiguous) in [(vec![Answer::Success], false), (vec![Answer::Gateway, Answer::Success], true)] {
        let (clerk, tasks) = (Clerk::new(&answers), Tasks::default());
        let unsafe_retry = RetryPolicy::new().danger_retry_create_on([http::StatusCode::BAD_GATEWAY]);
        let client = Client::builder(clerk, test_key()).executor(tasks).retry(unsafe_retry).build().unwrap();
        assert_eq!(held(&client).is_ambiguous(), is_ambiguous, "{answers:?}");
    }
}
