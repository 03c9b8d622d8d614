#![doc = include_str!("../README.md")]

mod alter;
mod assertions;
mod behaviours;
mod builder;
mod clerk;
mod clock;
mod emulator;
mod exchange;
pub mod fault;
mod hints;
mod ids;
mod ledger;
mod requests;
mod script;
#[cfg(feature = "serve")]
mod serve;
mod settings;
mod ticket;
mod transport;

#[cfg(feature = "serve")]
pub use crate::serve::{Served, Server};
pub use crate::{
    behaviours::{Behaviour, Known, behaviours},
    builder::EmulatorBuilder,
    clerk::{AcceptError, Session, StoredToken},
    emulator::Emulator,
    ledger::{CommitKind, LedgerEntry},
    requests::RecordedRequest,
    script::NextAttempt,
    settings::{QuotaCounted, WrongType},
};
