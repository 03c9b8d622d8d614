//! What a script of the server says: how much is read, and what is done then.

use std::{borrow::Cow, time::Duration};

use super::request::ReadRequest;

/// By when a connection ends in any case: what blocks in a transport is set free then.
pub(crate) const LAST_RESORT: Duration = Duration::from_secs(15);

/// One thing that the server does with a connection.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Writes these bytes.
    Write(Cow<'static, [u8]>),
    /// Writes these bytes so many times.
    Repeat(Cow<'static, [u8]>, usize),
    /// Writes these bytes until the client closes, with so long a pause behind each.
    Forever(Cow<'static, [u8]>, Duration),
    /// Reads the rest of a request of which only the head was read ([`Reads::Head`]).
    ReadRest,
    /// Does nothing for so long: short, as the server cannot stop meanwhile.
    Pause(Duration),
    /// Writes no more, and begins the next act.
    HalfClose,
    /// Is silent until the client closes.
    Hold,
    /// Is silent, and reads nothing either.
    Deaf,
    /// Ends the connection in an orderly way (FIN).
    Close,
    /// Breaks the connection off (RST).
    Reset,
}

/// [`Act::Write`] of bytes that are written down.
pub(crate) const fn write(bytes: &'static [u8]) -> Act {
    Act::Write(Cow::Borrowed(bytes))
}

/// How much the server reads before it acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    /// Nothing: it acts as soon as it is connected to.
    Nothing,
    /// The head of a request.
    Head,
    /// A whole request.
    Request,
}

/// A request that the server read.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The number of the connection, from 0.
    pub(crate) connection: usize,
    /// How many requests came before it on that connection.
    pub(crate) before: usize,
    pub(crate) request: ReadRequest,
}

impl Seen {
    /// What the script of a server that reads [`Reads::Nothing`] is asked with.
    pub(super) fn nothing(connection: usize) -> Self {
        Self { connection, before: 0, request: ReadRequest::default() }
    }
}

pub(super) type Script = Box<dyn Fn(&Seen) -> Vec<Act> + Send + Sync>;
