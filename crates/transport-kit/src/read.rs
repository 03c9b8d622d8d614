//! Reading a response body to its end, no longer than the deadline and no larger than the cap.
//!
//! Responsible for: what had arrived when reading ended early. Not responsible for: the head, or what becomes of the
//! connection.

use std::{
    error::Error as StdError,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::Poll,
};

use clerk_actor_tokens_core::{
    CallContext, Deadline, Response, Timer, TransportError, TransportErrorKind,
    bytes::{Bytes, BytesMut},
    http,
};
use http_body::{Body, Frame};

/// Any error that can be a cause.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// A body that was not read to its end: why, and the bytes that had arrived.
#[derive(Debug)]
pub struct Truncated {
    /// `Timeout`, `Interrupted` or `BodyTooLarge`.
    pub kind: TransportErrorKind,
    /// Why, in words.
    pub source: BoxError,
    /// What had arrived, up to the cap.
    pub received: Bytes,
}

impl Truncated {
    /// Returns the error of the exchange: with the head, and with what had arrived, as the contract of a transport asks.
    #[must_use]
    pub fn into_error(self, head: http::response::Parts) -> TransportError {
        let partial = Response::from_parts(head, self.received);
        TransportError::new(self.kind).with_source(self.source).with_partial(partial)
    }
}

/// What ends reading early.
pub struct Bounds<'a, S> {
    /// When the time is over, on `timer`.
    pub deadline: Deadline,
    /// The transport's clock.
    pub timer: &'a dyn Timer,
    /// Ends at the deadline. One sleep may serve the head of a response and all frames of its body.
    pub sleep: Pin<&'a mut S>,
    /// How many bytes are kept.
    pub cap: usize,
    /// Whether the body knows by itself that it has ended, as HTTP/2's does (`END_STREAM`). hyper takes a stream that is
    /// reset, or a connection that goes away, without an error code for the end of the body, whatever is missing of it.
    /// HTTP/1.1's chunks are not known to have ended, and need not be: hyper fails where one is missing.
    pub says_its_end: bool,
}

impl<S> std::fmt::Debug for Bounds<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bounds")
            .field("deadline", &self.deadline)
            .field("cap", &self.cap)
            .field("says_its_end", &self.says_its_end)
            .finish_non_exhaustive()
    }
}

/// How many frames are still taken after the deadline if each is there without waiting.
///
/// A process that was suspended wakes up past its deadline with the whole answer in its buffers: a token that would be
/// thrown away. The number is finite, because a peer that always has one more frame ready must not outlast the
/// deadline.
const LATE_FRAMES: usize = 16;

/// Reads a whole response, under the deadline and the cap of this call.
///
/// The errors of the body become causes as they are. If one may quote the peer, as the text of HTTP/2's GOAWAY does, map it first:
/// no text of an error may hold a secret.
///
/// ```
/// use clerk_actor_tokens_core::{CallContext, CreateActorToken, Deadline, SystemTimer, Timer, bytes::Bytes, http};
/// use clerk_actor_tokens_transport_kit::read_response;
/// use http_body_util::Full;
/// use std::time::Duration;
///
/// let deadline = Deadline::after(SystemTimer.now(), Duration::from_secs(30));
/// let context = CallContext::new(&CreateActorToken::INFO, deadline).with_response_cap(3);
/// let response = http::Response::new(Full::new(Bytes::from("too long")));
/// let error = pollster::block_on(read_response(response, &context, &SystemTimer)).unwrap_err();
/// assert_eq!(error.partial().unwrap().body(), "too");
/// ```
///
/// # Errors
/// `Timeout`, `Interrupted` or `BodyTooLarge`, with the head and what had arrived.
pub async fn read_response<B>(
    response: http::Response<B>,
    context: &CallContext,
    timer: &dyn Timer,
) -> Result<Response, TransportError>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let (head, body) = response.into_parts();
    let deadline = context.deadline();
    let bounds = Bounds {
        deadline,
        timer,
        sleep: pin!(timer.sleep(deadline.remaining(timer.now()))),
        cap: context.response_cap(),
        says_its_end: head.version == http::Version::HTTP_2,
    };
    match read_body(pin!(body), bounds).await {
        Ok(body) => Ok(Response::from_parts(head, body)),
        Err(cut) => Err(cut.into_error(head)),
    }
}

/// Reads a body. At no time more than the cap and one frame is held. A body of one frame is not copied.
///
/// A `Content-Length` beyond the cap is not refused beforehand: the first `cap` bytes of an answer usually hold the id
/// of the token.
///
/// # Errors
/// What had arrived when the deadline, the cap or the peer ended it.
pub async fn read_body<B, S>(mut body: Pin<&mut B>, bounds: Bounds<'_, S>) -> Result<Bytes, Truncated>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
    S: Future<Output = ()>,
{
    let Bounds { deadline, timer, mut sleep, cap, says_its_end } = bounds;
    let mut received = Received::default();
    let mut late = 0;
    loop {
        if deadline.has_passed(timer.now()) {
            late += 1;
        }
        let next = if late > LATE_FRAMES { None } else { next_frame(body.as_mut(), sleep.as_mut()).await };
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
            Some(Some(Err(error))) => return Err(truncated(TransportErrorKind::Interrupted, error, &received)),
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

/// A frame of a body, its end, or why it broke off.
type Next<B> = Option<Result<Frame<Bytes>, <B as Body>::Error>>;

/// A frame that is ready counts also where the time is over. `None` where it is over and there is none.
async fn next_frame<B, S>(mut body: Pin<&mut B>, mut sleep: Pin<&mut S>) -> Option<Next<B>>
where
    B: Body<Data = Bytes>,
    S: Future<Output = ()>,
{
    poll_fn(|context| match body.as_mut().poll_frame(context) {
        Poll::Ready(frame) => Poll::Ready(Some(frame)),
        Poll::Pending => sleep.as_mut().poll(context).map(|()| None),
    })
    .await
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
#[cfg(feature = "tokio")]
mod tests {
    use std::{collections::VecDeque, convert::Infallible, task::Context, time::Duration};

    use proptest::prelude::*;
    use tokio::time::Instant;

    use super::*;
    use crate::TokioTimer;
    use clerk_actor_tokens_core::Moment;

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
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        let bounds = Bounds {
            deadline: Deadline::at(Moment::from_instant(deadline.into_std())),
            timer: &TokioTimer,
            sleep: pin!(tokio::time::sleep_until(deadline)),
            cap,
            says_its_end,
        };
        read_body(pin!(body), bounds).await
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
