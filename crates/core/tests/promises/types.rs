//! The shapes that users build on: erased and static clients, futures that move into tasks, trait objects, and
//! operations of their own.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use clerk_actor_tokens_core::{
    Actor, ActorToken, ActorTokenId, ActorTokens, ActorTokensApi, ApiResponse, BaseUrl, Call, CallContext, Client,
    ClientBuilder, CreateActorToken, Deadline, Error, ErrorKind, Execution, Executor, HttpTransport, Idempotency,
    InvalidRequest, Middleware, Next, Operation, OperationInfo, ParseError, Request, Response, Revocation,
    RevokeActorToken, SecretKey, SystemTimer, Timer, TransportError, TransportErrorKind, http::Method, middleware_fn,
    transport_fn,
};

use crate::common::{
    AGENT, Clock, ID, Op, Play, Scripted, Sent, USER, builder, client, ok, response, run, test_key, token_json,
};

fn answer(op: Op) -> impl Fn(usize) -> Play + Send + Sync + 'static {
    move |_| ok(&op.reply()).into()
}

/// What a library on top of this one would write.
async fn impersonate<T: HttpTransport + ?Sized>(clerk: &Client<T>) -> Result<(ActorToken, Revocation), Error> {
    let token = clerk.actor_tokens().create(USER, Actor::new(AGENT)).send().await?;
    let revocation = clerk.actor_tokens().revoke(token.id()).send().await?;
    Ok((token, revocation))
}

fn first_create_then_revoke(number: usize) -> Play {
    ok(&if number == 0 { Op::Create.reply() } else { Op::Revoke.reply() }).into()
}

#[test]
fn a_static_and_an_erased_client_make_the_same_calls() {
    let fixed = client(first_create_then_revoke);
    let (token, revocation) = pollster::block_on(impersonate(&fixed)).unwrap();
    assert_eq!(token.id().as_str(), ID);
    assert!(revocation.token().is_some());
    assert_eq!(fixed.transport().sends(), 2, "a static client gives its transport back");

    let erased: Client = client(first_create_then_revoke).erase();
    assert_eq!(pollster::block_on(impersonate(&erased)).unwrap(), (token.clone(), revocation.clone()));
    let converted: Client = client(first_create_then_revoke).into();
    assert_eq!(pollster::block_on(impersonate(&converted)).unwrap(), (token, revocation));
}

#[test]
fn an_erased_client_is_stored_cloned_and_shared_between_threads() {
    struct App {
        clerk: Client,
    }
    let transport = Arc::new(Scripted::new(answer(Op::Create)));
    let app = App { clerk: Client::new(Arc::clone(&transport), test_key()).into() };
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let clerk = app.clerk.clone();
            std::thread::spawn(move || run(&clerk, Op::Create).is_ok())
        })
        .collect();
    assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
    assert_eq!(transport.sends(), 8);
}

fn crosses_threads<F: Send + 'static>(future: F) -> F {
    future
}

#[test]
fn the_future_of_a_call_moves_into_a_task() {
    let fixed = client(first_create_then_revoke);
    let create = crosses_threads(fixed.actor_tokens().create(USER, Actor::new(AGENT)).send());
    let token = std::thread::spawn(move || pollster::block_on(create)).join().unwrap().unwrap();

    let erased = fixed.erase();
    let revoke = crosses_threads(erased.actor_tokens().revoke(token.id()).send_with_response());
    drop((erased, token));
    assert!(std::thread::spawn(move || pollster::block_on(revoke)).join().unwrap().is_ok());
}

#[test]
fn the_future_of_a_call_fits_on_a_stack() {
    // The operation, and pointers to the rest.
    const BOUND: usize = 640;
    let fixed = client(answer(Op::Create));
    let erased = client(answer(Op::Create)).erase();
    let sizes = [
        ("create, static", size_of_val(&fixed.actor_tokens().create(USER, Actor::new(AGENT)).send())),
        ("create, erased", size_of_val(&erased.actor_tokens().create(USER, Actor::new(AGENT)).send())),
        ("revoke, static", size_of_val(&fixed.actor_tokens().revoke(ID).send())),
        ("revoke, erased", size_of_val(&erased.actor_tokens().revoke(ID).send())),
    ];
    assert!(sizes.iter().all(|(_, size)| *size <= BOUND), "{sizes:?}: more than {BOUND} bytes");
}

#[test]
fn what_users_name_is_send_and_sync() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Client>();
    shared::<Client<Scripted>>();
    shared::<ActorTokens>();
    shared::<ClientBuilder<Scripted>>();
    shared::<ApiResponse<ActorToken>>();
    shared::<ActorToken>();
    shared::<Revocation>();
    shared::<Error>();
    shared::<TransportError>();
    shared::<CallContext>();
    shared::<BaseUrl>();
    shared::<SecretKey>();
    fn moved<T: Send + 'static>() {}
    moved::<Call<CreateActorToken>>();
    moved::<Call<RevokeActorToken, Scripted>>();
}

#[test]
fn a_client_is_cloned_without_its_transport_being_so() {
    struct NotClone(Scripted);
    #[async_trait]
    impl HttpTransport for NotClone {
        async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
            self.0.send(request, context).await
        }
        fn timer(&self) -> &dyn Timer {
            self.0.timer()
        }
        fn executor(&self) -> Option<Arc<dyn Executor>> {
            self.0.executor()
        }
    }
    let one = Client::new(NotClone(Scripted::new(answer(Op::Create))), test_key());
    let other = one.clone();
    run(&one, Op::Create).unwrap();
    run(&other, Op::Create).unwrap();
    assert_eq!(one.transport().0.sends(), 2, "clones share the transport");
    let tokens = one.actor_tokens().clone();
    pollster::block_on(tokens.create(USER, Actor::new(AGENT)).send()).unwrap();
    assert_eq!(other.transport().0.sends(), 3);
}

#[test]
fn an_application_may_mock_its_own_domain() {
    struct Desk {
        clerk: Box<dyn ActorTokensApi>,
    }
    struct Fake;
    #[async_trait]
    impl ActorTokensApi for Fake {
        async fn create(&self, create: CreateActorToken) -> Result<ActorToken, Error> {
            assert_eq!((create.user_id(), create.actor().sub()), (USER, Some(AGENT)));
            Err(Error::from_transport(&CreateActorToken::INFO, TransportErrorKind::Interrupted.into()))
        }
        async fn revoke(&self, _: ActorTokenId) -> Result<Revocation, Error> {
            Ok(Revocation::AlreadyRevoked)
        }
    }
    let call = |desk: &Desk| pollster::block_on(desk.clerk.create(CreateActorToken::new(USER, Actor::new(AGENT))));
    let error = call(&Desk { clerk: Box::new(Fake) }).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::Interrupted, Execution::Unknown));
    // It has no responses, and says so.
    let refused = [
        pollster::block_on(Fake.create_with_response(CreateActorToken::new(USER, Actor::new(AGENT)))).map(drop),
        pollster::block_on(Fake.revoke_with_response(ActorTokenId::new(ID).unwrap())).map(drop),
    ];
    for (refused, method) in refused.into_iter().zip(["create_with_response", "revoke_with_response"]) {
        let error = refused.unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::Blocked, Execution::NotExecuted));
        assert!(std::error::Error::source(&error).unwrap().to_string().contains(method));
    }

    let real = Desk { clerk: Box::new(client(first_create_then_revoke)) };
    let token = call(&real).unwrap();
    let revocation = pollster::block_on(real.clerk.revoke(token.id().clone())).unwrap();
    assert!(revocation.token().is_some());

    let real = Desk { clerk: Box::new(client(first_create_then_revoke)) };
    let create = CreateActorToken::new(USER, Actor::new(AGENT));
    let created = pollster::block_on(real.clerk.create_with_response(create)).unwrap();
    assert_eq!((created.status().as_u16(), created.attempts().len()), (200, 1));
    let id = created.value().id().clone();
    let revoked = pollster::block_on(real.clerk.revoke_with_response(id)).unwrap();
    assert_eq!((revoked.status().as_u16(), revoked.attempts().len()), (200, 1));
    assert!(revoked.value().token().is_some());
    let erased: Box<dyn ActorTokensApi> = Box::new(client(first_create_then_revoke).erase());
    drop(erased);
}

/// That a wrapped transport is asked for its own clock: the system's would make this test wait half a minute.
#[track_caller]
fn keeps_the_clock<T: HttpTransport>(transport: T, clock: &Clock) {
    let real = std::time::Instant::now();
    let client = Client::new(transport, test_key());
    assert_eq!(client.transport().timer().now(), clock.now());
    let error = run(&client, Op::Create).unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(clock.elapsed(), Duration::from_millis(30_100));
    assert!(real.elapsed() < Duration::from_secs(20));
    let erased = client.erase();
    assert_eq!(erased.transport().timer().now(), clock.now());
}

#[test]
fn what_wraps_a_transport_forwards_its_clock() {
    let stalling = || {
        let transport = Scripted::new(|_| Play::Stall);
        let clock = transport.clock.clone();
        (transport, clock)
    };
    let (transport, clock) = stalling();
    keeps_the_clock(transport, &clock);
    let (transport, clock) = stalling();
    keeps_the_clock(Arc::new(transport), &clock);
    let (transport, clock) = stalling();
    keeps_the_clock(Box::new(transport), &clock);
    let (transport, clock) = stalling();
    keeps_the_clock(Arc::new(transport) as Arc<dyn HttpTransport>, &clock);
    let (transport, clock) = stalling();
    keeps_the_clock(Box::new(transport) as Box<dyn HttpTransport>, &clock);
    let (transport, clock) = stalling();
    keeps_the_clock(Arc::new(Box::new(transport) as Box<dyn HttpTransport>), &clock);
}

#[test]
fn a_function_is_a_transport_on_the_systems_time() {
    let client = Client::new(transport_fn(|_, _| async { Ok(ok(&token_json("pending"))) }), test_key());
    run(&client, Op::Create).unwrap();
    let before = SystemTimer.now();
    assert!(client.transport().timer().now() >= before);
}

#[test]
fn a_middleware_is_tested_without_a_client() {
    struct Tag;
    #[async_trait]
    impl Middleware for Tag {
        async fn handle(&self, mut request: Request, next: Next<'_>) -> Result<Response, TransportError> {
            request.headers_mut().insert("x-tag", "1".parse().unwrap());
            next.timer().sleep(Duration::from_secs(3)).await;
            next.run(request).await
        }
    }
    let transport = Scripted::new(|_| response(204, "").into());
    let inner: [Arc<dyn Middleware>; 1] = [Arc::new(middleware_fn(|request, next| Box::pin(next.run(request))))];
    let deadline = Deadline::after(transport.timer().now(), Duration::from_secs(30));
    let context = CallContext::new(&CreateActorToken::INFO, deadline).with_attempt(2);
    let next = Next::new(&inner, &transport, &context);
    assert_eq!(next.context().attempt(), 2);
    let answer = pollster::block_on(Tag.handle(Request::default(), next)).unwrap();
    assert_eq!(answer.status(), 204);
    let sent = transport.sent();
    assert_eq!((sent.len(), sent[0].at), (1, Duration::from_secs(3)));
    assert_eq!(sent[0].request.headers()["x-tag"], "1");
    assert_eq!((sent[0].context.attempt(), sent[0].context.deadline()), (2, deadline));
}

struct CountUsers;

impl Operation for CountUsers {
    type Output = u64;

    fn info(&self) -> &'static OperationInfo {
        const { &OperationInfo::new("GetUsersCount", "/users/count", Idempotency::Idempotent) }
    }

    fn request(&self, base: &BaseUrl) -> Result<Request, InvalidRequest> {
        base.request(Method::GET, "/users/count?query=a", Default::default())
    }

    fn parse(&self, response: &Response) -> Result<u64, ParseError> {
        if !response.status().is_success() {
            return Err(ParseError::status());
        }
        let value: serde_json::Value =
            serde_json::from_slice(response.body()).map_err(|_| ParseError::not_clerk("the response is not JSON"))?;
        if value["object"] != "total_count" {
            return Err(ParseError::mismatch("object"));
        }
        value["total_count"].as_u64().ok_or_else(|| ParseError::unusable("total_count", "is no number"))
    }
}

#[test]
fn an_operation_of_a_users_own_has_all_that_the_built_in_ones_have() {
    let script = |n| match n {
        0 => TransportErrorKind::Interrupted.into(),
        1 => response(503, "").into(),
        _ => response(200, r#"{"object":"total_count","total_count":42}"#).into(),
    };
    let client = client(script).erase();
    let answer = pollster::block_on(client.execute(CountUsers).header("x-a", "1").send_with_response()).unwrap();
    assert_eq!((*answer.value(), answer.attempts().len()), (42, 3));

    let client = crate::common::client(|_| response(200, r#"{"object":"total_count","total_count":42}"#).into());
    pollster::block_on(client.execute(CountUsers).send()).unwrap();
    let Sent { request, context, .. } = client.transport().sent().remove(0);
    assert_eq!(request.method(), Method::GET);
    assert_eq!(request.uri(), "https://api.clerk.com/v1/users/count?query=a");
    assert!(!request.headers().contains_key("content-type"));
    assert_eq!(context.operation(), CountUsers.info());
}

#[test]
fn an_operation_of_a_users_own_fails_by_the_same_rules() {
    let table = [
        (response(200, "<html>"), ErrorKind::ResponseInvalid, Execution::Unknown),
        (response(200, "{}"), ErrorKind::ResponseMismatch, Execution::Unknown),
        (response(200, r#"{"object":"total_count"}"#), ErrorKind::ResponseInvalid, Execution::Executed),
        (response(404, ""), ErrorKind::Api, Execution::NotExecuted),
        (response(301, ""), ErrorKind::UnexpectedRedirect, Execution::Unknown),
    ];
    for (answer, kind, execution) in table {
        let client = client(move |_| answer.clone().into());
        let error = pollster::block_on(client.execute(CountUsers).send()).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (kind, execution));
        assert!(error.to_string().starts_with("GetUsersCount: "));
        assert_eq!(client.transport().sends(), 1);
    }
}

#[test]
fn the_facts_of_the_built_in_operations_are_the_apis() {
    let create = CreateActorToken::INFO;
    assert_eq!(
        (create.name(), create.path(), create.idempotency()),
        ("CreateActorToken", "/actor_tokens", Idempotency::NonIdempotent)
    );
    let revoke = RevokeActorToken::INFO;
    assert_eq!(revoke.name(), "RevokeActorToken");
    assert_eq!(
        (revoke.path(), revoke.idempotency()),
        ("/actor_tokens/{actor_token_id}/revoke", Idempotency::Idempotent)
    );
}

#[test]
fn nothing_is_sent_before_send() {
    let client = builder(answer(Op::Create)).build().unwrap();
    drop(client.actor_tokens().create(USER, Actor::new(AGENT)));
    drop(client.actor_tokens().create(USER, Actor::new(AGENT)).send());
    assert_eq!(client.transport().sends(), 0);
}

/// An operation that reads more of a refusal than its status.
struct Explains;

impl Operation for Explains {
    type Output = ();

    fn info(&self) -> &'static OperationInfo {
        const { &OperationInfo::new("Explains", "/explains", Idempotency::Idempotent) }
    }

    fn request(&self, base: &BaseUrl) -> Result<Request, InvalidRequest> {
        base.request(Method::GET, "/explains", Default::default())
    }

    fn parse(&self, _: &Response) -> Result<(), ParseError> {
        Err(ParseError::unusable("reason", "says why"))
    }
}

#[test]
fn what_an_operation_finds_in_a_refusal_is_in_the_error() {
    let client = client(|_| response(403, "").into());
    let error = pollster::block_on(client.execute(Explains).send()).unwrap_err();
    assert!(error.to_string().contains("`reason` says why"), "{error}");
}
