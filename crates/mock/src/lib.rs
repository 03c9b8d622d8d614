#![doc = include_str!("../README.md")]

mod captured;
mod capturing;
pub mod conformance;
mod failing;
mod hand_over;
mod lock;
mod mocks;
mod never;
pub mod responses;
mod scripted;
mod timer;

pub use crate::{
    captured::CapturedRequest,
    capturing::CapturingTransport,
    failing::FailingTransport,
    mocks::{MockActorTokensApi, MockHttpTransport},
    never::NeverTransport,
    scripted::{Answer, ExpectedRequest, ScriptedTransport, create_request, revoke_request},
    timer::{ManualTimer, WithTimer},
};
