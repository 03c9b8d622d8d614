//! A fault with its call and its time, as one text: for a command line, and for the control plane.

use std::{fmt, str::FromStr};

use super::{AnyFault, ParseFaultError, Phase};
#[cfg(feature = "control")]
use crate::script::Scripted;
use crate::{call::CallKind, emulator::Emulator, next_attempt::NextAttempt};

/// A fault of a call to come: which call, when, and what. It is written as `CALL:TIME:FAULT`.
///
/// ```
/// use clerk_actor_tokens_emulator::{Emulator, fault::QueuedFault};
///
/// let clerk = Emulator::new();
/// let lost: QueuedFault = "create:after_commit:stall".parse()?;
/// lost.queue(&clerk);
/// assert_eq!(lost.to_string(), "create:after_commit:stall()");
/// assert_eq!(clerk.take_unused_faults().len(), 1);
/// let error = "session_list:after_commit:without(url)".parse::<QueuedFault>().unwrap_err();
/// assert_eq!(error.to_string(), "without(\"url\") would change nothing of a session_list");
/// # Ok::<(), clerk_actor_tokens_emulator::fault::ParseFaultError>(())
/// ```
#[derive(Debug, Clone)]
pub struct QueuedFault {
    call: CallKind,
    phase: Phase,
    fault: AnyFault,
}

impl QueuedFault {
    /// Queues it for the next call of its kind that has no fault.
    #[track_caller]
    pub fn queue(&self, emulator: &Emulator) {
        self.fault.queue(NextAttempt::new(emulator.inner(), self.call), self.phase);
    }

    /// As it is queued. That it can happen then was checked when it was read.
    #[cfg(feature = "control")]
    #[track_caller]
    pub(crate) fn scripted(&self) -> Scripted {
        let place = std::panic::Location::caller();
        Scripted { phase: self.phase, action: self.fault.action.clone(), kind: self.call, place }
    }
}

impl FromStr for QueuedFault {
    type Err = ParseFaultError;

    fn from_str(text: &str) -> Result<Self, ParseFaultError> {
        let mut parts = text.splitn(3, ':');
        let (Some(call), Some(time), Some(fault)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(ParseFaultError::new("it is written as CALL:TIME:FAULT, such as create:after_commit:stall"));
        };
        let call = named(&CallKind::ALL, call, "the call")?;
        let phase = named(&Phase::ALL, time, "the time")?;
        let fault: AnyFault = fault.parse()?;
        match fault.phases_of(call) {
            [] => Err(ParseFaultError::new(format!("{fault} would change nothing of a {call}"))),
            phases if !phases.contains(&phase) => Err(ParseFaultError::new(format!(
                "{fault} cannot happen to a {call} at {phase}; it can at: {}",
                all(phases)
            ))),
            _ => Ok(Self { call, phase, fault }),
        }
    }
}

impl fmt::Display for QueuedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.call, self.phase, self.fault)
    }
}

/// Which of these is written like that.
fn named<T: ToString + Copy>(known: &[T], text: &str, what: &str) -> Result<T, ParseFaultError> {
    let found = known.iter().find(|known| known.to_string() == text).copied();
    found.ok_or_else(|| ParseFaultError::new(format!("{what} is one of: {}", all(known))))
}

fn all<T: ToString>(known: &[T]) -> String {
    known.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}
