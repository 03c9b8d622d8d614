#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

mod assertions;
mod behaviours;
mod builder;
mod bytes_kept;
mod call;
mod clerk;
mod clock;
#[cfg(feature = "control")]
mod control;
#[cfg(feature = "control-client")]
pub mod control_client;
mod corrupt;
mod emulator;
mod exchange;
pub mod fault;
mod hints;
mod ids;
mod journal;
mod ledger;
mod next_attempt;
#[cfg(feature = "control")]
mod pages;
mod requests;
mod script;
#[cfg(feature = "serve")]
mod serve;
mod settings;
#[cfg(feature = "signing")]
mod signing;
mod snapshot;
mod state;
mod ticket;
mod transport;
mod unused_faults;

#[cfg(feature = "serve")]
pub use crate::serve::{Served, Server};
pub use crate::{
    behaviours::{Behaviour, Known, behaviours},
    builder::EmulatorBuilder,
    call::CallKind,
    clerk::{AcceptError, Session, StoredSession, StoredToken},
    emulator::Emulator,
    ledger::{CommitKind, LedgerEntry},
    next_attempt::NextAttempt,
    requests::RecordedRequest,
    settings::{QuotaCounted, SecondSession, WrongType},
    snapshot::Snapshot,
};
#[cfg(feature = "signing")]
pub use crate::{
    clerk::SessionToken,
    settings::{ExtraClaim, InvalidApplicationUrl, TicketUsedBy},
    signing::InvalidSigningKey,
};
