//! The logic of a client for Clerk's Actor Tokens API, without the network.
//!
//! It has the models, the operations as pure conversions, the failure rules, and these traits:
//!
//! - [`HttpTransport`] moves an exchange.
//! - [`Middleware`] wraps an exchange.
//! - [`CredentialProvider`] supplies the key.
//! - [`Timer`] measures time.
//! - [`Operation`] describes a call.
//! - [`Executor`] runs detached exchanges over a transport that brings no executor.
//!
//! Applications depend on the facade, `clerk-actor-tokens`. Depend on this crate to write a
//! transport, a middleware or an operation.
//!
//! The examples here name this crate. In an application write `clerk_actor_tokens` instead: the facade re-exports all
//! of it.
//!
//! It depends on no runtime and no network crate, under any feature. Any executor drives it.
//!
//! ```
//! use clerk_actor_tokens_core::{transport_fn, Actor, Client, Execution, Request, Response, SecretKey};
//!
//! // A transport is anything that turns a request into a response.
//! let transport = transport_fn(|request: Request, _context| async move {
//!     assert_eq!(request.uri(), "https://api.clerk.com/v1/actor_tokens");
//!     Ok(Response::new(r#"{"object": "actor_token", "id": "act_1", "status": "pending", "user_id": "user_customer",
//!         "actor": {"sub": "user_agent"}, "token": "eyJ...", "url": "https://clerk.example.com/v1/tickets/accept",
//!         "created_at": 1700000000000, "updated_at": 1700000000000}"#.into()))
//! });
//! let clerk = Client::new(transport, SecretKey::new("sk_test_abc")?);
//!
//! # pollster::block_on(async {
//! match clerk.actor_tokens().create("user_customer", Actor::new("user_agent")).send().await {
//!     Ok(token) => assert_eq!(token.id().as_str(), "act_1"),
//!     Err(error) if error.is_ambiguous() => eprintln!("a token may exist whose link is lost: {error}"),
//!     Err(error) => assert_eq!(error.execution(), Execution::NotExecuted),
//! }
//! # });
//! # Ok::<(), clerk_actor_tokens_core::InvalidKey>(())
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod actor_token_id;
mod actor_tokens;
mod actor_tokens_api;
mod answer;
mod attempt;
mod auth;
mod builder;
mod call;
mod classify;
mod clerk_id;
mod client;
mod config_error;
mod environment;
mod error;
mod error_kind;
mod error_of_exchange;
mod execution;
mod executor;
mod exposure;
mod few;
mod from_env;
mod impersonations;
mod invalid_request;
mod json;
mod lock;
mod middleware;
mod observe;
mod operation;
mod operation_info;
mod plain_http;
mod query;
mod reserved;
mod response;
mod retry;
mod secret;
mod sessions;
mod stamp;
mod time;
mod token_status;
mod transport;
mod url;
mod version;
mod words;
#[doc(hidden)]
pub mod workspace;

/// The attribute for implementing this crate's `async` traits.
pub use async_trait::async_trait;
pub use bytes;
pub use http;
pub use serde_json;

pub use crate::{
    actor_token_id::ActorTokenId,
    actor_tokens::{
        Actor, ActorToken, ActorTokenRecord, ActorTokens, CreateActorToken, Revocation, RevokeActorToken, SignInUrl,
        Ticket, Timestamp,
    },
    actor_tokens_api::ActorTokensApi,
    attempt::Attempt,
    auth::{CredentialError, CredentialProvider, CredentialsFn, InvalidKey, SecretKey, credentials_fn},
    builder::ClientBuilder,
    call::{
        Call,
        held::Held,
        orphan::{Closed, Orphan, OrphanReport},
    },
    clerk_id::check_id,
    client::Client,
    config_error::ConfigError,
    error::{ApiError, Error, ErrorCode},
    error_kind::ErrorKind,
    execution::Execution,
    executor::{Executor, ThreadExecutor, executor_fn},
    exposure::Exposure,
    impersonations::{EndError, EndImpersonation, Ended, EndedSession, Ending, Impersonations, SessionEnd},
    invalid_request::InvalidRequest,
    middleware::{Headers, Middleware, Next, RateLimit, RequestLine, RequestLog, middleware_fn},
    observe::{AttemptEnded, CallEnded, Observer, OrphanEnd},
    operation::{Creation, Operation, ParseError, Salvage, Undo},
    operation_info::{Idempotency, OperationInfo},
    query::Query,
    response::ApiResponse,
    retry::{RetryPolicy, budget::RetryBudget},
    secret::Sanitized,
    sessions::{
        GetSession, ListSessions, RevokeSession, Session, SessionActivity, SessionId, SessionPages, SessionStatus,
        Sessions,
    },
    time::{BoxFuture, Deadline, Moment, SystemTimer, Timer},
    token_status::ActorTokenStatus,
    transport::{
        CallContext, DEFAULT_RESPONSE_CAP, DiscardConnection, HttpTransport, Request, Response, SendState,
        TransportError, TransportErrorKind, transport_fn,
    },
    url::{BaseUrl, BaseUrlBuilder},
    version::ApiVersion,
    words::UnknownWord,
};
