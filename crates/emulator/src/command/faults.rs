//! Faults on the command line: which call, when, and what.

use std::str::FromStr;

use clerk_actor_tokens_emulator::{
    CallKind, Emulator,
    fault::{AnyFault, Phase},
};

/// A fault of a call to come.
#[derive(Clone)]
pub(crate) struct Queued {
    call: CallKind,
    phase: Phase,
    fault: AnyFault,
}

impl FromStr for Queued {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.splitn(3, ':');
        let (Some(call), Some(time), Some(fault)) = (parts.next(), parts.next(), parts.next()) else {
            return Err("it is written as CALL:TIME:FAULT, such as create:after_commit:stall".to_owned());
        };
        let call = named(&CallKind::ALL, call, "the call")?;
        let phase = named(&Phase::ALL, time, "the time")?;
        let fault: AnyFault = fault.parse().map_err(|error| format!("{error}"))?;
        match fault.phases_of(call) {
            [] => Err(format!("{fault} would change nothing of a {call}")),
            phases if !phases.contains(&phase) => {
                Err(format!("{fault} cannot happen to a {call} at {phase}; it can at: {}", all(phases)))
            }
            _ => Ok(Self { call, phase, fault }),
        }
    }
}

impl Queued {
    pub(crate) fn queue(&self, emulator: &Emulator) {
        self.fault.queue(emulator.next_attempt(self.call), self.phase);
    }
}

/// Which of these is written like that.
fn named<T: ToString + Copy>(known: &[T], text: &str, what: &str) -> Result<T, String> {
    let found = known.iter().find(|known| known.to_string() == text).copied();
    found.ok_or_else(|| format!("{what} is one of: {}", all(known)))
}

fn all<T: ToString>(known: &[T]) -> String {
    known.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}
