//! What single faults do in detail: how far a slow body comes, how long connecting takes, which headers an answer has.

use std::time::Duration;

use crate::support::{Call, call_within, exchange, send};
use clerk_actor_tokens_core::{HttpTransport as _, TransportErrorKind as Kind};
use clerk_actor_tokens_emulator::{Emulator, fault};

const LIMIT: Duration = Duration::from_secs(10);

/// A good create with a deadline of [`LIMIT`].
fn call(clerk: &Emulator) -> Call {
    call_within(clerk, LIMIT)
}

/// What trickles in has come by the deadline in proportion to the time; all of it comes only with the last moment.
#[test]
fn a_slow_body_is_cut_by_the_deadline_where_it_has_got_to() {
    let whole = send(&Emulator::new(), call(&Emulator::new())).into_body();
    let table = [
        (LIMIT - Duration::from_nanos(1), None),
        (LIMIT, Some(whole.len() - 1)),
        (LIMIT * 2, Some(whole.len() / 2)),
        (LIMIT * 100_000, Some(0)),
        (Duration::MAX, Some(0)),
    ];
    for (takes, arrives) in table {
        let clerk = Emulator::new();
        clerk.next_create().after_commit(fault::slow_body(takes));
        let began = clerk.timer().now();
        let result = pollster::block_on(exchange(&clerk, call(&clerk)));
        match arrives {
            None => assert_eq!(result.unwrap().body(), &whole),
            Some(bytes) => {
                let error = result.unwrap_err();
                assert_eq!(error.kind(), Kind::Timeout);
                assert_eq!(error.partial().unwrap().body(), &whole[..bytes], "{takes:?}");
            }
        }
        assert_eq!(clerk.timer().now().saturating_duration_since(began), takes.min(LIMIT));
        clerk.assert_orphans(usize::from(arrives.is_some()));
    }
}

#[test]
fn a_connect_timeout_takes_its_time_and_no_more_than_there_is() {
    for (limit, kind, takes) in
        [(6, Kind::Connect, 5), (5, Kind::TimeoutBeforeSend, 5), (4, Kind::TimeoutBeforeSend, 4)]
    {
        let clerk = Emulator::new();
        clerk.next_create().before_send(fault::connect_timeout());
        let began = clerk.timer().now();
        let request = call_within(&clerk, Duration::from_secs(limit));
        assert_eq!(pollster::block_on(exchange(&clerk, request)).unwrap_err().kind(), kind);
        assert_eq!(clerk.timer().now().saturating_duration_since(began), Duration::from_secs(takes));
    }
}

/// Dates are read here with another hand: the first moment of the emulator is a Thursday.
#[test]
fn a_retry_after_is_in_the_form_that_was_asked_for() {
    let second = Duration::from_secs(1);
    let limited = || fault::status(429);
    let table = [
        (limited(), None, None),
        (limited().retry_after(second), Some("1"), None),
        (limited().retry_after_text("soon"), Some("soon"), None),
        (limited().retry_after_date(second), Some("Thu, 01 Jan 2026 00:00:01 GMT"), None),
        // A fraction is rounded up: a date has none.
        (limited().retry_after_date(second / 2), Some("Thu, 01 Jan 2026 00:00:01 GMT"), None),
        (limited().dated(), None, Some("Thu, 01 Jan 2026 00:00:00 GMT")),
        (
            limited().retry_after_date(second).dated(),
            Some("Thu, 01 Jan 2026 00:00:01 GMT"),
            Some("Thu, 01 Jan 2026 00:00:00 GMT"),
        ),
        (
            limited().retry_after_date(second).clock_ahead(second * 3600),
            Some("Thu, 01 Jan 2026 01:00:01 GMT"),
            Some("Thu, 01 Jan 2026 01:00:00 GMT"),
        ),
        (
            limited().retry_after_date(second).clock_behind(second * 3600),
            Some("Wed, 31 Dec 2025 23:00:01 GMT"),
            Some("Wed, 31 Dec 2025 23:00:00 GMT"),
        ),
        // What no date can name is the last, or the first, that one can.
        (limited().retry_after_date(Duration::MAX), Some("Fri, 31 Dec 9999 23:59:59 GMT"), None),
        (limited().clock_behind(second * 3_000_000_000), None, Some("Thu, 01 Jan 1970 00:00:00 GMT")),
    ];
    for (fault, retry_after, date) in table {
        let clerk = Emulator::new();
        clerk.next_create().before_commit(fault.clone());
        let response = send(&clerk, call(&clerk));
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!((header("retry-after"), header("date")), (retry_after, date), "{fault:?}");
    }
}
