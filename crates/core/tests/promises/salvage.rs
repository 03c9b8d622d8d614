//! What is read of an answer that is cut, decoded by somebody, compressed or too long.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use clerk_actor_tokens_core::{
    Actor, ActorTokenId, BaseUrl, CreateActorToken, Creation, Error, ErrorKind, Execution, Idempotency, InvalidRequest,
    Operation, OperationInfo, ParseError, Request, Response, Salvage, TransportError, TransportErrorKind, Undo, http,
    middleware_fn,
};

use crate::common::{
    AGENT, ID, Op, Play, USER, builder, client, ok, response, run, token_json, with, with_header, without,
};

/// What the transport gives is opaque; the middleware decodes it, and what it decodes cannot be used.
#[test]
fn an_answer_that_a_middleware_decoded_is_salvaged_from_what_it_decoded() {
    let cut = || {
        let mut text = token_json("pending").to_string();
        text.truncate(text.len() - 1);
        Err(TransportError::new(TransportErrorKind::Interrupted).with_partial(response(200, text)))
    };
    let unusable = || Ok(ok(&without(token_json("pending"), "status")));
    type Decode = fn() -> Result<Response, TransportError>;
    let table: [(Decode, ErrorKind); 2] = [(cut, ErrorKind::ResponseTruncated), (unusable, ErrorKind::ResponseInvalid)];
    for (decode, kind) in table {
        let decoding = middleware_fn(move |request, next| {
            Box::pin(async move {
                next.run(request).await?;
                decode()
            })
        });
        let client = builder(|_| response(200, "opaque").into()).middleware(decoding).build().unwrap();
        let error = run(&client, Op::Create).unwrap_err();
        assert_eq!(error.execution(), Execution::Executed);
        assert_eq!((error.kind(), error.salvaged_id()), (kind, Some(ID)));
    }
}

#[test]
fn what_was_cut_in_a_compressed_answer_does_not_say_whose_it_is() {
    let partial = || with_header(response(200, vec![0x1f, 0x8b, 0x08]), "content-encoding", "gzip");
    let client =
        client(move |_| Play::Fail(TransportError::new(TransportErrorKind::Interrupted).with_partial(partial())));
    let error = run(&client, Op::Create).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::ResponseTruncated, Execution::Executed));
}

#[test]
fn an_error_made_of_a_success_is_one_that_cannot_be_used() {
    let error = Error::from_response(&CreateActorToken::INFO, &ok(&token_json("pending")));
    assert_eq!((error.kind(), error.execution()), (ErrorKind::ResponseInvalid, Execution::Executed));
}

/// An operation that remembers how much it was given to read.
struct Measure(Arc<AtomicUsize>);

impl Operation for Measure {
    type Output = ();

    fn info(&self) -> &'static OperationInfo {
        const { &OperationInfo::new("Measure", "/measure", Idempotency::Idempotent) }
    }

    fn request(&self, base: &BaseUrl) -> Result<Request, InvalidRequest> {
        base.request(http::Method::GET, "/measure", Default::default())
    }

    fn parse(&self, response: &Response) -> Result<(), ParseError> {
        self.0.fetch_max(response.body().len(), Ordering::Relaxed);
        Err(ParseError::status())
    }

    fn creation(&self) -> Option<&dyn Creation<()>> {
        Some(self)
    }
}

impl Creation<()> for Measure {
    fn id_of(&self, (): &()) -> Option<String> {
        None
    }

    fn undo(&self, _: &str) -> Option<Undo> {
        None
    }

    fn salvage(&self, partial: &[u8]) -> Result<Salvage, ParseError> {
        self.0.fetch_max(partial.len(), Ordering::Relaxed);
        Ok(Salvage::None)
    }
}

#[test]
fn nobody_is_given_more_to_read_than_the_cap_and_one_byte() {
    const CAP: usize = 1000;
    for code in [200, 400, 500] {
        for is_cut in [false, true] {
            let answer = move |_| match is_cut {
                true => Play::Fail(
                    TransportError::new(TransportErrorKind::Other).with_partial(response(code, vec![b'x'; 100 * CAP])),
                ),
                false => response(code, vec![b'x'; 100 * CAP]).into(),
            };
            let own = middleware_fn(move |_, _| Box::pin(async move { Ok(response(code, vec![b'x'; 100 * CAP])) }));
            let plain = builder(answer).response_cap(CAP).build().unwrap();
            let attempt = builder(answer).response_cap(CAP).middleware(own).build().unwrap();
            for client in [plain, attempt] {
                let most = Arc::new(AtomicUsize::new(0));
                pollster::block_on(client.execute(Measure(Arc::clone(&most))).send()).unwrap_err();
                assert!(most.load(Ordering::Relaxed) <= CAP + 1, "{code}, cut: {is_cut}: {most:?}");
            }
        }
    }
}

#[test]
fn salvage_reads_past_what_parsing_reads_past_and_stops_where_it_is_no_json() {
    let create = CreateActorToken::new(USER, Actor::new(AGENT));
    let found = |body: &[u8]| create.salvage(body).unwrap_or_default();
    let read_past: [&[u8]; 4] = [
        br#"{"x":"\ud800","id":"act_1","#,
        b"{\"x\":\"\xff\xfe\",\"id\":\"act_1\",",
        br#"{"x":[1,{"y":"\ud800"}],"id":"act_1","#,
        br#"{"x":-1.5e3,"y":true,"z":null,"id":"act_1","#,
    ];
    for body in read_past {
        assert_eq!(found(body).unconfirmed(), Some("act_1"), "{}", String::from_utf8_lossy(body));
    }
    let no_json = [
        r#"{"x":troe,"id":"act_1","#,
        r#"{"x":01,"id":"act_1","#,
        r#"{"x":[1 2],"id":"act_1","#,
        r#"{"x":"\q","id":"act_1","#,
        r#"{"actor":{"x":1],"id":"act_9""#,
        r#"{"x":{"id":"act_9"},"#,
    ];
    for body in no_json {
        assert_eq!(found(body.as_bytes()), Salvage::None, "{body}");
    }
}

/// As long as what the transport gave, and for somebody else: what the transport gave counts.
#[test]
fn an_answer_that_a_middleware_put_in_place_of_the_transports_does_not_make_it_forgotten() {
    let other = USER.replacen('u', "o", 1);
    let foreign = ok(&with(token_json("pending"), "user_id", serde_json::json!(other)));
    let swapping = middleware_fn(move |request, next| {
        let foreign = foreign.clone();
        Box::pin(async move {
            let given = next.run(request).await?;
            assert_eq!(given.body().len(), foreign.body().len());
            Ok(foreign)
        })
    });
    let client = builder(|_| ok(&token_json("pending")).into()).middleware(swapping).build().unwrap();
    let error = run(&client, Op::Create).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::ResponseMismatch, Execution::Executed));
    assert_eq!(error.salvaged_id(), Some(ID));
    assert_eq!(error.salvaged_actor_token().map(ActorTokenId::as_str), Some(ID));
}

/// An operation at some path that salvages some id.
struct Salvages<const IS_OF_ACTOR_TOKENS: bool>(&'static str);

impl<const IS_OF_ACTOR_TOKENS: bool> Operation for Salvages<IS_OF_ACTOR_TOKENS> {
    type Output = ();
    fn info(&self) -> &'static OperationInfo {
        match IS_OF_ACTOR_TOKENS {
            true => &CreateActorToken::INFO,
            false => const { &OperationInfo::new("CreateInvitation", "/invitations", Idempotency::NonIdempotent) },
        }
    }

    fn request(&self, base: &BaseUrl) -> Result<Request, InvalidRequest> {
        base.request(http::Method::POST, self.info().path(), Default::default())
    }

    fn parse(&self, _: &Response) -> Result<(), ParseError> {
        Err(ParseError::unusable("id", "is not looked at"))
    }

    fn creation(&self) -> Option<&dyn Creation<()>> {
        Some(self)
    }
}

impl<const IS_OF_ACTOR_TOKENS: bool> Creation<()> for Salvages<IS_OF_ACTOR_TOKENS> {
    fn id_of(&self, _: &()) -> Option<String> {
        None
    }

    fn undo(&self, _: &str) -> Option<Undo> {
        None
    }

    fn salvage(&self, _: &[u8]) -> Result<Salvage, ParseError> {
        Ok(Salvage::Confirmed(self.0.to_owned()))
    }
}

#[test]
fn a_salvaged_id_is_an_actor_tokens_only_after_a_creation_of_one_and_within_the_grammar() {
    fn salvaged(operation: impl Operation<Output = ()>) -> (Option<String>, Option<String>) {
        let error = pollster::block_on(client(|_| response(200, "{}").into()).execute(operation).send()).unwrap_err();
        let actor_token = error.salvaged_actor_token().map(ToString::to_string);
        (error.salvaged_id().map(str::to_owned), actor_token)
    }
    let some = |id: &str| Some(id.to_owned());
    assert_eq!(salvaged(Salvages::<true>(ID)), (some(ID), some(ID)));
    assert_eq!(salvaged(Salvages::<true>("../users")), (some("../users"), None));
    assert_eq!(salvaged(Salvages::<false>(ID)), (some(ID), None));
}
