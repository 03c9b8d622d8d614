//! Attacks on `hold` and `close`: middlewares that answer themselves, code of the application's that panics, blocks or calls
//! back, and clients that close at the same time.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use clerk_actor_tokens_core::{
    Actor, ActorToken, BaseUrl, Client, Closed, CreateActorToken, Creation, Error, ErrorKind, Execution, Held,
    HttpTransport, Idempotency, InvalidRequest, Middleware, Operation, OperationInfo, Orphan, OrphanReport, ParseError,
    Request, Response, Salvage, TransportErrorKind, Undo, executor_fn, middleware_fn,
};
use serde_json::json;

use crate::common::{
    AGENT, USER,
    clerk::{Answer, Clerk},
    ok, poll_and_drop,
    tasks::Tasks,
    test_key, token_json, with,
};

const LONG: Duration = Duration::from_secs(60);

fn hold<T: HttpTransport + ?Sized>(client: &Client<T>) -> Result<Held<ActorToken>, Error> {
    pollster::block_on(client.actor_tokens().create(USER, Actor::new(AGENT)).hold())
}

fn revoked(clerk: &Clerk) -> Vec<String> {
    let mut ids: Vec<_> = clerk.books().revoked.into_iter().map(|(id, ..)| id).collect();
    ids.sort();
    ids
}

fn named(reports: &[OrphanReport]) -> Vec<Option<&str>> {
    reports.iter().map(OrphanReport::id).collect()
}

/// Runs this on a thread of its own: what hangs fails, and holds nothing up.
#[track_caller]
fn ends(run: impl FnOnce() + Send + 'static) {
    let (done, is_done) = std::sync::mpsc::channel();
    thread::spawn(move || {
        run();
        let _ = done.send(());
    });
    is_done.recv_timeout(Duration::from_secs(20)).expect("it hangs, or has panicked");
}

/// What a middleware makes of the response to a creation; a revocation passes.
fn with_middleware(clerk: &Clerk, middleware: impl Middleware) -> (Tasks, Client<Clerk>) {
    let tasks = Tasks::default();
    let builder = Client::builder(clerk.clone(), test_key()).executor(tasks.clone()).middleware(middleware);
    (tasks, builder.build().unwrap())
}

fn other_token() -> Response {
    ok(&with(token_json("pending"), "id", json!("act_other")))
}

#[test]
fn what_only_a_middleware_can_decode_is_revoked_by_the_id_in_the_value() {
    /// Bodies that the operation itself cannot read.
    fn flip(response: Response) -> Response {
        response.map(|body| body.iter().map(|byte| byte ^ 0xff).collect::<Vec<_>>().into())
    }

    struct Encoding(Clerk);

    #[clerk_actor_tokens_core::async_trait]
    impl HttpTransport for Encoding {
        async fn send(
            &self,
            request: Request,
            context: clerk_actor_tokens_core::CallContext,
        ) -> Result<Response, clerk_actor_tokens_core::TransportError> {
            self.0.send(request, context).await.map(flip)
        }

        fn timer(&self) -> &dyn clerk_actor_tokens_core::Timer {
            self.0.timer()
        }

        fn executor(&self) -> Option<Arc<dyn clerk_actor_tokens_core::Executor>> {
            None
        }
    }

    let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
    let decoding = middleware_fn(|request, next| Box::pin(async move { next.run(request).await.map(flip) }));
    let client = Client::builder(Encoding(clerk.clone()), test_key())
        .executor(tasks.clone())
        .middleware(decoding)
        .build()
        .unwrap();
    drop(hold(&client).unwrap());
    let closed = tasks.run_beside(client.close(LONG));
    assert_eq!((revoked(&clerk), named(closed.orphans())), (vec!["act_0".to_owned()], vec![]));
}

#[test]
fn where_a_middleware_gives_another_token_both_are_revoked() {
    for by_close in [false, true] {
        let clerk = Clerk::new(&[Answer::Success]);
        let (tasks, client) = with_middleware(
            &clerk,
            middleware_fn(|request, next| {
                Box::pin(async move {
                    let is_revocation = request.uri().path().ends_with("/revoke");
                    let exchanged = next.run(request).await;
                    if is_revocation { exchanged } else { Ok(other_token()) }
                })
            }),
        );
        let held = hold(&client).unwrap();
        let held = by_close.then_some(held);
        let closed = tasks.run_beside(client.close(LONG));
        drop(held);
        assert_eq!(revoked(&clerk), ["act_0", "act_other"], "{closed:?}");
        assert!(closed.is_clean(), "{closed:?}");
        assert_eq!(closed.held().len(), if by_close { 2 } else { 0 });
    }
}

#[test]
fn where_a_middleware_answers_itself_after_it_dropped_the_exchange_both_are_revoked() {
    let clerk = Clerk::new(&[Answer::Success]);
    let (tasks, client) = with_middleware(
        &clerk,
        middleware_fn(|request, next| {
            Box::pin(async move {
                if request.uri().path().ends_with("/revoke") {
                    return next.run(request).await;
                }
                let dropped = poll_and_drop(next.run(request), 2).await;
                assert!(dropped.is_none());
                Ok(other_token())
            })
        }),
    );
    for runs_first in [true, false] {
        let held = hold(&client).unwrap();
        if runs_first {
            tasks.run();
        }
        drop(held);
        tasks.run();
    }
    assert!(tasks.run_beside(client.close(LONG)).is_clean());
    assert_eq!(revoked(&clerk), ["act_0", "act_1", "act_other", "act_other"]);
}

#[test]
fn a_close_beside_another_does_not_end_before_what_that_one_is_about_to_revoke() {
    ends(|| {
        let clerk = Clerk::new(&[Answer::Success]);
        let client: Arc<OnceLock<Client>> = Arc::default();
        let inner: Arc<Mutex<Vec<Closed>>> = Arc::default();
        let executor = {
            let (client, inner) = (Arc::clone(&client), Arc::clone(&inner));
            executor_fn(move |task| {
                // Run to its end at once: nothing is in flight but what is still to be revoked.
                pollster::block_on(task);
                if inner.lock().unwrap().is_empty() {
                    let closed = pollster::block_on(client.get().unwrap().close(Duration::from_secs(1)));
                    inner.lock().unwrap().push(closed);
                }
            })
        };
        let made = Client::builder(clerk.clone(), test_key()).executor(executor).build().unwrap().erase();
        client.set(made.clone()).ok().unwrap();
        let held = [hold(&made).unwrap(), hold(&made).unwrap()];
        let closed = pollster::block_on(made.close(Duration::from_secs(1)));
        assert_eq!((closed.held().len(), revoked(&clerk).len()), (2, 2));
        let inner = inner.lock().unwrap();
        assert!(!inner[0].is_clean(), "one of two was revoked: {:?}", inner[0]);
        drop(held);
    });
}

/// A value of the application's that calls back into the client whenever it is cloned or dropped.
struct CallsBack(Arc<OnceLock<Client>>, Arc<AtomicUsize>);

impl CallsBack {
    fn call(&self) {
        self.1.fetch_add(1, Ordering::SeqCst);
        if let Some(client) = self.0.get() {
            let closed = pollster::block_on(client.close(Duration::ZERO));
            // Its own reports hold values like this one.
            std::mem::forget(closed);
        }
    }
}

thread_local! {
    static IS_CALLED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

fn once_deep(call: impl FnOnce()) {
    if !IS_CALLED.replace(true) {
        call();
        IS_CALLED.set(false);
    }
}

impl Clone for CallsBack {
    fn clone(&self) -> Self {
        once_deep(|| self.call());
        Self(Arc::clone(&self.0), Arc::clone(&self.1))
    }
}

impl Drop for CallsBack {
    fn drop(&mut self) {
        once_deep(|| self.call());
    }
}

#[test]
fn an_extension_may_call_the_client_when_it_is_cloned_or_dropped() {
    ends(|| {
        let clerk = Clerk::new(&[Answer::Success]);
        let client = Client::builder(clerk, test_key()).executor(executor_fn(drop)).build().unwrap().erase();
        let (of_extension, called) = (Arc::new(OnceLock::new()), Arc::new(AtomicUsize::new(0)));
        of_extension.set(client.clone()).ok().unwrap();
        // One more than is kept: the last one is dropped and counted.
        let held: Vec<_> = (0..1_001)
            .map(|number| {
                let call = client.actor_tokens().create(USER, Actor::new(AGENT));
                let call = if number >= 999 {
                    call.extension(CallsBack(Arc::clone(&of_extension), Arc::clone(&called)))
                } else {
                    call
                };
                pollster::block_on(call.hold())
            })
            .collect();
        drop(held);
        let closed = pollster::block_on(client.close(Duration::ZERO));
        assert!(closed.orphan_count() > 0);
        assert!(called.load(Ordering::SeqCst) > 0);
    });
}

type Hook = Arc<OnceLock<Box<dyn Fn() + Send + Sync>>>;

/// A creation that runs a hook, once there is one, where the client asks it what it has made and for whom.
struct Hooked(CreateActorToken, Hook, &'static OperationInfo);

impl Hooked {
    fn new(hook: &Hook) -> Self {
        Self(CreateActorToken::new(USER, Actor::new(AGENT)), Arc::clone(hook), &CreateActorToken::INFO)
    }

    fn run(&self) {
        if let Some(hook) = self.1.get() {
            hook();
        }
    }
}

impl Operation for Hooked {
    type Output = ActorToken;

    fn info(&self) -> &'static OperationInfo {
        self.2
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

impl Creation<ActorToken> for Hooked {
    fn id_of(&self, token: &ActorToken) -> Option<String> {
        self.0.id_of(token)
    }

    fn undo(&self, id: &str) -> Option<Undo> {
        self.0.undo(id)
    }

    fn salvage(&self, partial: &[u8]) -> Result<Salvage, ParseError> {
        self.run();
        self.0.salvage(partial)
    }

    fn user_id(&self) -> Option<&str> {
        self.run();
        Some(USER)
    }
}

fn panicking(panics: bool) -> Hook {
    let hook = Hook::default();
    if panics {
        hook.set(Box::new(|| panic!("the operation panics"))).ok().unwrap();
    }
    hook
}

/// Panics when it is cloned, once it is reported to.
struct PanicsOnClone(Arc<AtomicBool>);

impl Clone for PanicsOnClone {
    fn clone(&self) -> Self {
        assert!(!self.0.load(Ordering::SeqCst), "the extension panics");
        Self(Arc::clone(&self.0))
    }
}

#[test]
fn no_destructor_panics_where_the_operation_or_an_extension_does_and_nothing_is_lost() {
    for (of_extension, runs) in [(false, false), (false, true), (true, false), (true, true)] {
        let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
        let client = Client::builder(clerk.clone(), test_key()).executor(tasks.clone()).build().unwrap();
        let extension = Arc::new(AtomicBool::new(false));
        let call = client.execute(Hooked::new(&panicking(!of_extension)));
        let held = pollster::block_on(call.extension(PanicsOnClone(Arc::clone(&extension))).hold()).unwrap();
        extension.store(of_extension, Ordering::SeqCst);
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(held)));
        let ended = catch_unwind(AssertUnwindSafe(|| {
            if !runs {
                tasks.shut_down()
            }
        }));
        assert!(dropped.is_ok() && ended.is_ok(), "a destructor panics");
        let closed = tasks.run_beside(client.close(LONG));
        match runs {
            true => assert_eq!(revoked(&clerk), ["act_0"]),
            false => assert_eq!(named(closed.orphans()), [Some("act_0")]),
        }
    }
}

#[test]
fn a_close_while_a_drop_decides_is_not_clean() {
    let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
    let client = Client::builder(clerk.clone(), test_key()).executor(tasks.clone()).build().unwrap();
    let hook = Hook::default();
    let held = pollster::block_on(client.execute(Hooked::new(&hook)).hold()).unwrap();
    let (closing, seen) = (client.clone(), Arc::new(Mutex::new(Vec::new())));
    let see = Arc::clone(&seen);
    let close = move || {
        let closed = pollster::block_on(closing.close(Duration::ZERO));
        see.lock().unwrap().push(closed.is_clean());
    };
    hook.set(Box::new(close)).ok().unwrap();
    drop(held);
    assert!(tasks.run_beside(client.close(LONG)).is_clean());
    let seen = seen.lock().unwrap();
    assert!(!seen.is_empty() && !seen.contains(&true), "{seen:?}");
    assert_eq!(revoked(&clerk), ["act_0"]);
}

#[test]
fn a_creation_that_would_be_lost_with_its_caller_cannot_be_held() {
    const IDEMPOTENT: &OperationInfo = &OperationInfo::new("Put", "/actor_tokens", Idempotency::Idempotent);
    let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
    let client = Client::builder(clerk.clone(), test_key()).executor(tasks).build().unwrap();
    let create = Hooked(CreateActorToken::new(USER, Actor::new(AGENT)), Hook::default(), IDEMPOTENT);
    let error = pollster::block_on(client.execute(create).hold()).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::Blocked, Execution::NotExecuted));
    assert_eq!(clerk.books().creates, 0);
}

#[test]
fn a_handler_that_closes_the_client_waits_for_itself_until_the_deadline_and_no_longer() {
    let (clerk, tasks) = (Clerk::new(&[Answer::CutWithoutId]), Tasks::default());
    let client: Arc<OnceLock<Client>> = Arc::default();
    let (closing, seen) = (Arc::clone(&client), Arc::new(Mutex::new(None)));
    let see = Arc::clone(&seen);
    let made = Client::builder(clerk.clone(), test_key())
        .executor(tasks.clone())
        .on_orphan(move |_: Orphan| {
            let (client, see) = (closing.get().unwrap().clone(), Arc::clone(&see));
            async move {
                let closed = client.close(Duration::from_secs(8)).await;
                *see.lock().unwrap() = Some(closed.in_flight());
            }
        })
        .middleware(middleware_fn(|request, next| {
            Box::pin(async move {
                match poll_and_drop(next.run(request), 2).await {
                    Some(exchanged) => exchanged,
                    None => Err(TransportErrorKind::Timeout.into()),
                }
            })
        }))
        .build()
        .unwrap()
        .erase();
    client.set(made.clone()).ok().unwrap();
    assert!(hold(&made).is_err());
    tasks.run();
    assert_eq!((*seen.lock().unwrap(), clerk.clock.elapsed()), (Some(1), Duration::from_secs(8)));
}

#[test]
fn a_value_dropped_where_the_executor_is_called_is_revoked_too() {
    ends(|| {
        let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
        let more: Arc<Mutex<Vec<Held<ActorToken>>>> = Arc::default();
        let executor = {
            let (tasks, more) = (tasks.clone(), Arc::clone(&more));
            executor_fn(move |task| {
                clerk_actor_tokens_core::Executor::execute(&tasks, task);
                let next = more.lock().unwrap().pop();
                drop(next);
            })
        };
        let client = Client::builder(clerk.clone(), test_key()).executor(executor).build().unwrap();
        let first = hold(&client).unwrap();
        for _ in 0..3 {
            more.lock().unwrap().push(hold(&client).unwrap());
        }
        drop(first);
        assert!(tasks.run_beside(client.close(LONG)).is_clean());
        assert_eq!(revoked(&clerk), ["act_0", "act_1", "act_2", "act_3"]);
    });
}

#[test]
fn after_all_is_dropped_nothing_of_a_client_is_left() {
    let clerk = Clerk::new(&[Answer::Success, Answer::CutWithId]);
    let tasks = Tasks::default();
    let alive = Arc::new(());
    for way in 0..5 {
        let extension = Arc::clone(&alive);
        let client = Client::builder(clerk.clone(), test_key()).executor(tasks.clone()).build().unwrap();
        let call = client.actor_tokens().create(USER, Actor::new(AGENT)).extension(extension);
        let held = pollster::block_on(call.hold()).ok();
        match way {
            0 => drop(held.map(|held| pollster::block_on(held.keep()).unwrap())),
            1 => drop(held),
            2 => {
                let closed = pollster::block_on(client.close(Duration::ZERO));
                drop((closed, held));
            }
            3 => {
                drop(client.clone());
                std::mem::forget(held);
                drop(tasks.run_beside(client.close(LONG)));
            }
            _ => {
                drop(client);
                drop(held);
            }
        }
        tasks.run();
    }
    assert_eq!(Arc::strong_count(&alive), 1);
}
