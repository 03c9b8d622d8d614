//! What a failure may claim.

use clerk_actor_tokens_core::{Execution, SendState, TransportErrorKind};

/// Returns the kind if the send state proves it, or if it claims nothing. Else the kind that says that the end is unknown:
/// `Timeout` for a deadline, and `Interrupted` for the rest.
///
/// What the server itself says is not for the send state to prove: use
/// [`Refused`](TransportErrorKind::Refused) as it is.
///
/// The client does the same to what a transport returns. A transport that does it itself says the more useful of two kinds.
///
/// ```
/// use clerk_actor_tokens_core::{SendState, TransportErrorKind};
/// use clerk_actor_tokens_transport_kit::prove;
///
/// let state = SendState::default();
/// assert_eq!(prove(TransportErrorKind::Connect, &state), TransportErrorKind::Interrupted); // it says nothing of what it sent
/// state.hold();
/// assert_eq!(prove(TransportErrorKind::Connect, &state), TransportErrorKind::Connect);
/// assert!(state.begin());
/// assert_eq!(prove(TransportErrorKind::TimeoutBeforeSend, &state), TransportErrorKind::Timeout);
/// ```
#[must_use]
pub fn prove(kind: TransportErrorKind, send_state: &SendState) -> TransportErrorKind {
    match kind {
        TransportErrorKind::Refused | TransportErrorKind::RefusedOnNewConnection => kind,
        _ if kind.execution() != Execution::NotExecuted || send_state.is_unsent() => kind,
        TransportErrorKind::TimeoutBeforeSend => TransportErrorKind::Timeout,
        _ => TransportErrorKind::Interrupted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_kind_claims_more_than_the_state_proves_and_none_that_is_proved_is_taken_back() {
        use TransportErrorKind as K;
        let kinds = [
            K::Connect,
            K::Tls,
            K::Proxy,
            K::ProxyRefused,
            K::Canceled,
            K::Refused,
            K::RefusedOnNewConnection,
            K::TimeoutBeforeSend,
            K::Timeout,
            K::Interrupted,
            K::BodyTooLarge,
            K::RateLimited,
            K::Credential,
            K::Blocked,
            K::Other,
        ];
        type Bring = fn(&SendState);
        let states: [(bool, Bring); 5] = [
            (false, |_| {}),
            (true, SendState::hold),
            (false, |state| assert!(state.begin())),
            (true, |state| {
                assert!(state.begin());
                state.give_back();
            }),
            (true, |state| {
                state.hold();
                assert!(state.cancel());
            }),
        ];
        for kind in kinds {
            for (is_unsent, bring) in states {
                let state = SendState::default();
                bring(&state);
                let proved = prove(kind, &state);
                let says_nothing_done = proved.execution() == Execution::NotExecuted;
                let is_refusal = matches!(kind, K::Refused | K::RefusedOnNewConnection);
                assert!(!says_nothing_done || is_unsent || is_refusal, "{kind:?} {state:?}");
                assert!(!is_unsent || proved == kind, "{kind:?} {state:?}");
            }
        }
    }
}
