//! Reading a response body to its end, no longer than the deadline and no larger than the cap.
//!
//! Responsible for: what had arrived when reading ended early. Not responsible for: the head, or what becomes of the
//! connection.

use bytes::{Bytes, BytesMut};
use clerk_actor_tokens_core::TransportErrorKind;
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::time::{Instant, timeout_at};

use crate::{classify, connecting::BoxError};

/// A body that was not read to its end: why, and the bytes that had arrived.
#[derive(Debug)]
pub(crate) struct Truncated {
    pub(crate) kind: TransportErrorKind,
    pub(crate) source: BoxError,
    pub(crate) received: Bytes,
}

/// How many frames are still taken after the deadline if each is there without waiting.
///
/// A process that was suspended wakes up past its deadline with the whole answer in its buffers: a token that would be
/// thrown away. The number is finite, because a peer that always has one more frame ready must not outlast the
/// deadline.
const LATE_FRAMES: usize = 16;

/// Reads at most `cap` bytes until `deadline`. At no time more than the cap and one frame is held.
///
/// `says_its_end` is whether the body knows by itself that it has ended, as HTTP/2's does (`END_STREAM`). hyper takes a
/// stream that is reset, or a connection that goes away, without an error code for the end of the body, whatever is missing
/// of it: `poll_frame` in `body/incoming.rs`. HTTP/1.1's chunks are not known to have ended, and need not be: hyper fails
/// where one is missing.
///
/// A `Content-Length` beyond the cap is not refused beforehand: the first `cap` bytes of an answer usually hold the id
/// of the token.
pub(crate) async fn read<B>(mut body: B, deadline: Instant, cap: usize, says_its_end: bool) -> Result<Bytes, Truncated>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let mut received = BytesMut::new();
    let mut late = 0;
    loop {
        if Instant::now() >= deadline {
            late += 1;
        }
        // `timeout_at` looks at the frame before it looks at the clock.
        let next = if late > LATE_FRAMES { None } else { timeout_at(deadline, body.frame()).await.ok() };
        let frame = match next {
            None => {
                return Err(truncated(
                    TransportErrorKind::Timeout,
                    "the response body was not complete in time",
                    received,
                ));
            }
            Some(None) if says_its_end && !body.is_end_stream() => {
                return Err(truncated(
                    TransportErrorKind::Interrupted,
                    "the peer broke off the response body",
                    received,
                ));
            }
            Some(None) => return Ok(received.freeze()),
            Some(Some(Err(error))) => {
                return Err(truncated(TransportErrorKind::Interrupted, classify::sanitize(error.into()), received));
            }
            Some(Some(Ok(frame))) => frame,
        };
        // Trailers are no part of the body.
        let Ok(mut data) = frame.into_data() else { continue };
        let room = cap.saturating_sub(received.len());
        let fits = data.len() <= room;
        data.truncate(room);
        received.extend_from_slice(&data);
        if !fits {
            return Err(truncated(TransportErrorKind::BodyTooLarge, format!("the cap is {cap} bytes"), received));
        }
    }
}

fn truncated(kind: TransportErrorKind, source: impl Into<BoxError>, received: BytesMut) -> Truncated {
    Truncated { kind, source: source.into(), received: received.freeze() }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::VecDeque,
        convert::Infallible,
        pin::Pin,
        task::{Context, Poll},
        time::Duration,
    };

    use hyper::body::Frame;
    use proptest::prelude::*;

    use super::*;

    /// These frames, each ready at once, and then what `end` says.
    struct Frames {
        frames: VecDeque<Bytes>,
        end: End,
    }

    #[derive(Clone, Copy)]
    enum End {
        Complete,
        Never,
    }

    impl Body for Frames {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match (self.frames.pop_front(), self.end) {
                (Some(frame), _) => Poll::Ready(Some(Ok(Frame::data(frame)))),
                (None, End::Complete) => Poll::Ready(None),
                (None, End::Never) => Poll::Pending,
            }
        }
    }

    /// One more byte, for ever, without ever letting anybody wait.
    struct Endless;

    impl Body for Endless {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
        }
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(future)
    }

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(1)
    }

    proptest! {
        #[test]
        fn however_it_is_cut_into_frames_a_body_is_whole_up_to_the_cap_and_cut_at_it_beyond(
            frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..12),
            cap in 0_usize..300,
        ) {
            let whole = frames.concat();
            let frames = frames.into_iter().map(Bytes::from).collect();
            let result = run(async { read(Frames { frames, end: End::Complete }, later(), cap, false).await });
            match result {
                Ok(body) => {
                    prop_assert!(whole.len() <= cap);
                    prop_assert_eq!(body.as_ref(), whole.as_slice());
                }
                Err(cut) => {
                    prop_assert!(whole.len() > cap);
                    prop_assert_eq!(cut.kind, TransportErrorKind::BodyTooLarge);
                    prop_assert_eq!(cut.received.as_ref(), &whole[..cap]);
                }
            }
        }

        #[test]
        fn a_body_that_stalls_gives_all_that_had_arrived(
            frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..12),
        ) {
            let whole = frames.concat();
            let frames = frames.into_iter().map(Bytes::from).collect();
            let result = run(async { read(Frames { frames, end: End::Never }, later(), usize::MAX, false).await });
            let cut = result.expect_err("it never ends");
            prop_assert_eq!(cut.kind, TransportErrorKind::Timeout);
            prop_assert_eq!(cut.received.as_ref(), whole.as_slice());
        }
    }

    #[test]
    fn an_answer_that_is_already_here_is_read_past_the_deadline() {
        let frames = ["one", "two"].map(Bytes::from).into();
        let body = run(async { read(Frames { frames, end: End::Complete }, Instant::now(), 100, false).await });
        assert_eq!(body.expect("it is here").as_ref(), b"onetwo");
    }

    #[test]
    fn a_peer_that_is_never_done_does_not_outlast_the_deadline() {
        let cut = run(async { read(Endless, Instant::now(), usize::MAX, false).await }).expect_err("it never ends");
        assert_eq!(cut.kind, TransportErrorKind::Timeout);
    }
}
