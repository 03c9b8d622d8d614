//! A connection that speaks HTTP/2: many exchanges at once, and never more than the peer has streams for.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use clerk_actor_tokens_core::{SystemTimer, Timer as _};
use clerk_actor_tokens_transport_kit::GatedBody;
use hyper::client::conn::http2::SendRequest;
use tokio::task::yield_now;

use super::{
    events::Events,
    socket::{Look, Socket},
    stream::Expected,
};

/// How often hyper is given a turn to read what lies in the socket of an idle connection.
const TURNS: usize = 4;

/// How often the socket is looked at once its turns are over, and what lies between.
const LOOKS: usize = 50;
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);

/// An HTTP/2 connection. It ends when the last value that has it is dropped, with its last exchange.
pub(crate) struct Http2 {
    sender: SendRequest<GatedBody>,
    streams: Mutex<Streams>,
    expected: Expected,
    socket: Option<Socket>,
    has_answered: AtomicBool,
    events: Arc<dyn Events>,
}

struct Streams {
    /// What the peer takes at a time: none before its SETTINGS.
    limit: usize,
    /// Whether room was ever given.
    was_given: bool,
    used: usize,
    /// On how many of them a request was moved.
    moved: usize,
    idle_since: Instant,
}

/// Room for one exchange: it is given back when this is dropped.
pub(crate) struct Stream {
    connection: Arc<Http2>,
    /// Whether an exchange is on it that has not come to its end.
    is_in_flight: bool,
    /// Whether an exchange was ever on it.
    was_used: bool,
    /// For how long nothing had been in flight, where nothing was.
    rested: Option<Duration>,
}

impl Http2 {
    pub(crate) fn new(
        sender: SendRequest<GatedBody>,
        expected: Expected,
        socket: Option<Socket>,
        events: Arc<dyn Events>,
    ) -> Self {
        let streams = Mutex::new(Streams { limit: 0, was_given: false, used: 0, moved: 0, idle_since: Instant::now() });
        Self { sender, streams, expected, socket, has_answered: AtomicBool::new(false), events }
    }

    fn streams(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows the peer's limit. Whether it has risen.
    pub(crate) fn set_limit(&self, limit: usize) -> bool {
        let mut streams = self.streams();
        let has_risen = limit > streams.limit;
        if streams.limit == 0 && has_risen {
            // It could not be used before.
            streams.idle_since = Instant::now();
        }
        streams.limit = limit;
        has_risen
    }

    /// Takes room for one exchange, if there is any.
    pub(crate) fn stream(self: &Arc<Self>) -> Option<Stream> {
        let mut streams = self.streams();
        if streams.used >= streams.limit || self.is_over() {
            return None;
        }
        let rested = streams.rested();
        streams.used = streams.used.saturating_add(1);
        streams.was_given = true;
        self.expected.set_in_flight(streams.used);
        drop(streams);
        Some(Stream { connection: Arc::clone(self), is_in_flight: false, was_used: false, rested })
    }

    /// Whether a request was ever moved to it, or could have been.
    pub(crate) fn was_used(&self) -> bool {
        self.streams().was_given
    }

    /// Whether it takes no more requests.
    pub(crate) fn is_over(&self) -> bool {
        self.expected.is_given_up() || self.sender.is_closed()
    }

    /// It takes no more requests, and ends with its last exchange.
    pub(crate) fn give_up(&self) {
        self.expected.give_up();
    }

    /// It takes no more requests, and the calls that wait for a stream of it wait for another one.
    pub(crate) fn discard(&self) {
        self.give_up();
        self.events.changed();
    }

    /// Where nothing is in flight, for how long.
    pub(crate) fn rested(&self) -> Option<Duration> {
        self.streams().rested()
    }
}

impl Streams {
    fn rested(&self) -> Option<Duration> {
        (self.moved == 0).then(|| self.idle_since.elapsed())
    }
}

impl Stream {
    /// Whether a request may be moved to it. Where other exchanges are in flight, they know.
    pub(crate) async fn is_usable(&self, limit: Duration) -> bool {
        let connection = &self.connection;
        let Some(rested) = self.rested else { return !connection.is_over() };
        if rested >= limit {
            return false;
        }
        let look = || connection.socket.as_ref().map(Socket::look);
        // Without a descriptor (a connector of the user's own) hyper is given two turns to see the end.
        let least = if connection.socket.is_none() { 2 } else { 0 };
        for turn in 0..=TURNS {
            if connection.is_over() || look() == Some(Look::Ended) {
                return false;
            }
            if turn >= least && look().is_none_or(|look| look == Look::Quiet) {
                return true;
            }
            yield_now().await;
        }
        // Where the process was stopped or the machine is busy, the turn in which hyper reads is late. By the system's clock:
        // the runtime of this connection may end meanwhile.
        for _ in 0..LOOKS {
            if connection.is_over() || look() != Some(Look::Bytes) {
                break;
            }
            SystemTimer.sleep(BETWEEN_LOOKS).await;
        }
        // Bytes that nothing reads may be the peer's leave.
        !connection.is_over() && look().is_none_or(|look| look == Look::Quiet)
    }

    pub(crate) fn sender(&self) -> SendRequest<GatedBody> {
        self.connection.sender.clone()
    }

    pub(crate) fn connection(&self) -> &Arc<Http2> {
        &self.connection
    }

    /// A request is moved. Where its exchange does not come to its end, the connection may be dead without a sign of it: it
    /// takes no more requests.
    pub(crate) fn begin(&mut self) {
        self.is_in_flight = true;
        if !std::mem::replace(&mut self.was_used, true) {
            let mut streams = self.connection.streams();
            streams.moved = streams.moved.saturating_add(1);
        }
    }

    /// The exchange has come to its end by itself.
    pub(crate) fn end(&mut self) {
        self.is_in_flight = false;
    }

    pub(crate) fn answered(&self) {
        self.connection.has_answered.store(true, Ordering::Release);
    }

    pub(crate) fn has_answered(&self) -> bool {
        self.connection.has_answered.load(Ordering::Acquire)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.is_in_flight {
            self.connection.give_up();
        }
        let mut streams = self.connection.streams();
        streams.used = streams.used.saturating_sub(1);
        self.connection.expected.set_in_flight(streams.used);
        if self.was_used {
            streams.moved = streams.moved.saturating_sub(1);
            streams.idle_since = Instant::now();
        }
        drop(streams);
        self.connection.events.changed();
    }
}

/// Wakes the task that owns the connection after each turn of hyper's own connection task, which reads the peer's SETTINGS: they do
/// not wake the owner by themselves.
#[derive(Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<Option<Waker>>>);

impl Turns {
    pub(crate) fn wait(&self, waker: &Waker) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.as_mut() {
            Some(known) => known.clone_from(waker),
            None => *waiting = Some(waker.clone()),
        }
    }

    fn wake(&self) {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

/// Runs hyper's tasks on the runtime in which the connection was opened. The first is the connection's own.
#[derive(Clone)]
pub(crate) struct Tasks {
    pub(crate) turns: Turns,
    pub(crate) is_first: Arc<AtomicBool>,
}

impl Tasks {
    pub(crate) fn new(turns: Turns) -> Self {
        Self { turns, is_first: Arc::new(AtomicBool::new(true)) }
    }
}

impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, task: F) {
        if self.is_first.swap(false, Ordering::AcqRel) {
            drop(tokio::spawn(Waking { task: Box::pin(task), turns: self.turns.clone() }));
        } else {
            drop(tokio::spawn(task));
        }
    }
}

struct Waking<F> {
    task: Pin<Box<F>>,
    turns: Turns,
}

impl<F: Future<Output = ()>> Future for Waking<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let polled = self.task.as_mut().poll(context);
        self.turns.wake();
        polled
    }
}
