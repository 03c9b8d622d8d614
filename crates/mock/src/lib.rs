#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

mod captured;
mod capturing;
mod failing;
mod hand_over;
mod lock;
#[cfg(feature = "mockall")]
mod mocks;
mod never;
pub mod responses;
mod scripted;
mod timer;

#[cfg(feature = "mockall")]
pub use crate::mocks::{MockActorTokensApi, MockHttpTransport};
pub use crate::{
    captured::CapturedRequest,
    capturing::CapturingTransport,
    failing::FailingTransport,
    never::NeverTransport,
    scripted::{
        Answer, ExpectedRequest, ScriptedTransport, create_request, get_session_request, list_sessions_request,
        revoke_request, revoke_session_request,
    },
    timer::{ManualTimer, WithTimer},
};
