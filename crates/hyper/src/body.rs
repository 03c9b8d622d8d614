//! Reading a response body to its end, no longer than the deadline and no larger than the cap.
//!
//! Responsible for: what had arrived when reading ended early. Not responsible for: the head, or what becomes of the
//! connection.

use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use clerk_actor_tokens_core::TransportErrorKind;
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::time::{Instant, Sleep};

use crate::{classify, connecting::BoxError, within::within};

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

/// Reads at most `cap` bytes until the sleep ends, which is armed for the deadline. At no time more than the cap and one
/// frame is held. A body of one frame is not copied: it is a slice of hyper's read buffer.
///
/// `says_its_end` is whether the body knows by itself that it has ended, as HTTP/2's does (`END_STREAM`). hyper takes a
/// stream that is reset, or a connection that goes away, without an error code for the end of the body, whatever is missing
/// of it: `poll_frame` in `body/incoming.rs`. HTTP/1.1's chunks are not known to have ended, and need not be: hyper fails
/// where one is missing.
///
/// A `Content-Length` beyond the cap is not refused beforehand: the first `cap` bytes of an answer usually hold the id
/// of the token.
pub(crate) async fn read<B>(
    mut body: B,
    mut sleep: Pin<&mut Sleep>,
    cap: usize,
    says_its_end: bool,
) -> Result<Bytes, Truncated>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let deadline = sleep.deadline();
    let mut received = Received::default();
    let mut late = 0;
    loop {
        if Instant::now() >= deadline {
            late += 1;
        }
        let next = if late > LATE_FRAMES { None } else { within(sleep.as_mut(), body.frame()).await };
        let frame = match next {
            None => {
                return Err(truncated(
                    TransportErrorKind::Timeout,
                    "the response body was not complete in time",
                    &received,
                ));
            }
            Some(None) if says_its_end && !body.is_end_stream() => {
                return Err(truncated(
                    TransportErrorKind::Interrupted,
                    "the peer broke off the response body",
                    &received,
                ));
            }
            Some(None) => return Ok(received.into_bytes()),
            Some(Some(Err(error))) => {
                return Err(truncated(TransportErrorKind::Interrupted, classify::sanitize(error.into()), &received));
            }
            Some(Some(Ok(frame))) => frame,
        };
        // Trailers are no part of the body.
        let Ok(mut data) = frame.into_data() else { continue };
        let room = cap.saturating_sub(received.len());
        let fits = data.len() <= room;
        data.truncate(room);
        received.add(data);
        if !fits {
            return Err(truncated(TransportErrorKind::BodyTooLarge, format!("the cap is {cap} bytes"), &received));
        }
        // Where this is known to be the last frame, it need not be asked for another.
        if body.is_end_stream() {
            return Ok(received.into_bytes());
        }
    }
}

/// The bytes so far: the first frame as it came, or several frames joined.
#[derive(Default)]
struct Received {
    first: Bytes,
    joined: BytesMut,
}

impl Received {
    fn len(&self) -> usize {
        self.first.len().saturating_add(self.joined.len())
    }

    fn add(&mut self, frame: Bytes) {
        if self.len() == 0 {
            self.first = frame;
            return;
        }
        self.joined.extend_from_slice(&std::mem::take(&mut self.first));
        self.joined.extend_from_slice(&frame);
    }

    fn into_bytes(self) -> Bytes {
        if self.joined.is_empty() { self.first } else { self.joined.freeze() }
    }

    /// Returns a copy: what a failure keeps must not keep all of hyper's read buffer.
    fn to_bytes(&self) -> Bytes {
        Bytes::copy_from_slice(if self.joined.is_empty() { &self.first } else { &self.joined })
    }
}

fn truncated(kind: TransportErrorKind, source: impl Into<BoxError>, received: &Received) -> Truncated {
    Truncated { kind, source: source.into(), received: received.to_bytes() }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::VecDeque,
        convert::Infallible,
        pin::{Pin, pin},
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

    async fn read_until<B>(body: B, deadline: Instant, cap: usize, says_its_end: bool) -> Result<Bytes, Truncated>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<BoxError>,
    {
        read(body, pin!(tokio::time::sleep_until(deadline)), cap, says_its_end).await
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
            let result = run(async { read_until(Frames { frames, end: End::Complete }, later(), cap, false).await });
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
            let result = run(async { read_until(Frames { frames, end: End::Never }, later(), usize::MAX, false).await });
            let cut = result.expect_err("it never ends");
            prop_assert_eq!(cut.kind, TransportErrorKind::Timeout);
            prop_assert_eq!(cut.received.as_ref(), whole.as_slice());
        }
    }

    #[test]
    fn an_answer_that_is_already_here_is_read_past_the_deadline() {
        let frames = ["one", "two"].map(Bytes::from).into();
        let body = run(async { read_until(Frames { frames, end: End::Complete }, Instant::now(), 100, false).await });
        assert_eq!(body.expect("it is here").as_ref(), b"onetwo");
    }

    #[test]
    fn a_body_of_one_frame_is_not_copied_unless_a_failure_keeps_it() {
        let frame = Bytes::from(vec![1, 2, 3]);
        for (end, is_same) in [(End::Complete, true), (End::Never, false)] {
            let frames = [frame.clone()].into();
            let body = match run(async { read_until(Frames { frames, end }, later(), 100, false).await }) {
                Ok(body) => body,
                Err(cut) => cut.received,
            };
            assert_eq!(body, frame);
            assert_eq!(body.as_ptr() == frame.as_ptr(), is_same);
        }
    }

    #[test]
    fn a_peer_that_is_never_done_does_not_outlast_the_deadline() {
        let cut =
            run(async { read_until(Endless, Instant::now(), usize::MAX, false).await }).expect_err("it never ends");
        assert_eq!(cut.kind, TransportErrorKind::Timeout);
    }
}
