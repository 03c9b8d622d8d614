//! Core of `clerk-actor-tokens`.
mod actor_tokens;
mod auth;
mod context;
mod execution;
mod middleware;
mod operation;
mod secret;
mod time;
mod transport;
mod url;
mod version;
mod words;

pub use bytes;
pub use http;

pub use crate::{
    actor_tokens::*,
    auth::{CredentialError, CredentialProvider, CredentialsFn, InvalidKey, SecretKey, credentials_fn},
    context::{CallContext, DEFAULT_RESPONSE_CAP},
    execution::Execution,
    middleware::{Middleware, MiddlewareFn, Next, middleware_fn},
    operation::{InvalidRequest, Operation, OperationInfo, ParseError, Replay},
    secret::Shown,
    time::{BoxFuture, Deadline, SystemTimer, Timer},
    transport::{
        DiscardConnection, FreshConnection, HttpTransport, Request, Response, TransportError, TransportErrorKind,
        TransportFn, transport_fn,
    },
    url::{BaseUrl, BaseUrlBuilder},
    version::ApiVersion,
};
