#![cfg_attr(all(feature = "hyper", feature = "emulator"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "hyper", feature = "emulator")),
    doc = "Clerk's actor tokens (user impersonation) from Rust. The full page and the module `guide`, which is the book, need all features: `cargo doc -p clerk-actor-tokens --all-features`."
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(any(feature = "hyper", feature = "hyper-ring"))]
mod connect;
#[cfg(all(
    any(doc, doctest),
    feature = "hyper",
    feature = "mockall",
    feature = "conformance",
    feature = "tokio",
    feature = "emulator-tls",
    feature = "emulator-control",
    feature = "emulator-control-client",
    feature = "reqwest",
    feature = "blocking",
    feature = "tower",
    feature = "tracing"
))]
pub mod guide;
pub mod middleware;
pub mod observe;
pub mod operation;
pub mod response;
pub mod settings;
pub mod testing;
pub mod transport;

#[doc(inline)]
pub use clerk_actor_tokens_core::{
    Actor, ActorToken, ActorTokenId, ActorTokenRecord, ActorTokenStatus, ActorTokensApi, ApiResponse, BaseUrl, Client,
    ClientBuilder, Closed, ConfigError, CreateActorToken, EndError, EndImpersonation, Ended, Error, ErrorCode,
    ErrorKind, Execution, Held, Orphan, OrphanReport, RetryPolicy, Revocation, SecretKey, Session, SessionId,
    SessionStatus, SignInUrl, Timestamp,
};
/// The crates whose types are in this one's interface, and the attribute for its `async` traits.
pub use clerk_actor_tokens_core::{async_trait, bytes, http, serde_json};
/// The hyper transport, for [`Client<HyperTransport>`](hyper::HyperTransport).
#[cfg(any(feature = "hyper", feature = "hyper-ring", feature = "hyper-no-tls"))]
pub use clerk_actor_tokens_hyper as hyper;
/// The reqwest transport, for [`Client<ReqwestTransport>`](reqwest::ReqwestTransport).
#[cfg(any(feature = "reqwest", feature = "reqwest-no-tls"))]
pub use clerk_actor_tokens_reqwest as reqwest;
/// Any HTTP service as a transport, and any transport as a service.
#[cfg(feature = "tower")]
pub use clerk_actor_tokens_tower as tower;
/// The ureq transport, for [`Client<UreqTransport>`](ureq::UreqTransport).
#[cfg(any(feature = "ureq", feature = "ureq-no-tls"))]
pub use clerk_actor_tokens_ureq as ureq;

#[cfg(any(feature = "hyper", feature = "hyper-ring"))]
pub use self::connect::{client, client_from_env};
