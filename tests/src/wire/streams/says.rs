//! What a server says of how many streams it takes at once, and when.

use std::{fmt, time::Duration};

/// How long the server says nothing where it says its limit late.
pub(super) const LATE: Duration = Duration::from_millis(50);

/// What a server says of how many streams it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// This many, from its first SETTINGS.
    First(u32),
    /// 100, and this many while calls run.
    Lowers(u32),
    /// This many, in SETTINGS that come late.
    Late(u32),
}

impl Says {
    pub(super) const ALL: [Self; 8] = [
        Self::First(1),
        Self::First(10),
        Self::First(100),
        Self::Lowers(10),
        Self::Lowers(1),
        Self::Late(1),
        Self::Late(10),
        Self::Late(100),
    ];

    pub(super) fn first(self) -> u32 {
        match self {
            Self::First(limit) | Self::Late(limit) => limit,
            Self::Lowers(_) => 100,
        }
    }

    pub(super) fn lowered(self) -> Option<u32> {
        match self {
            Self::Lowers(limit) => Some(limit),
            _ => None,
        }
    }
}

impl fmt::Display for Says {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First(limit) => write!(f, "{limit} streams"),
            Self::Lowers(limit) => write!(f, "100 streams, then {limit}"),
            Self::Late(limit) => write!(f, "{limit} streams, said late"),
        }
    }
}
