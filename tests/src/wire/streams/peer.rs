//! A server that takes few streams, answers or does not, and counts.
//!
//! It commits a creation as soon as the request is whole. It answers a little later, so that streams are open side by side.
//! Where it does not answer, connections behind the first are accepted and hear nothing: a request that arrives after the
//! server was full has nowhere to be sent.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream, tcp::OwnedWriteHalf},
    sync::{Notify, mpsc, oneshot},
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep, sleep_until},
};

use super::{
    record::Record,
    says::{LATE, Says},
};
use crate::wire::{
    BoxError,
    ledger::{Commits, Ledger},
    raw::{
        Answer,
        frames::{self, DATA, Frame, HEADERS, PING, RST_STREAM, SETTINGS},
    },
};

/// How late an answer is.
const SOON: Duration = Duration::from_millis(2);

/// The limit is lowered after so many answers.
const LOWERED_AFTER: usize = 50;

/// How often the client has to answer a ping, with nothing else arriving in between, before it is taken to be quiet.
const ROUNDS: usize = 3;

/// `INTERNAL_ERROR` (RFC 9113 section 7).
const INTERNAL_ERROR: u32 = 2;

/// What a connection is asked to do.
enum Command {
    Lower(u32),
    /// Ends the streams that are open, and those that follow, until the client is quiet.
    Free(oneshot::Sender<()>),
}

#[derive(Default)]
struct Shared {
    record: Mutex<Record>,
    changed: Notify,
    ledger: Ledger,
}

impl Shared {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The server.
pub(super) struct Peer {
    url: String,
    shared: Arc<Shared>,
    commands: mpsc::UnboundedSender<Command>,
    accepting: JoinHandle<()>,
}

impl Peer {
    pub(super) async fn start(says: Says, answers: bool) -> Result<Self, BoxError> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared::default());
        let (commands, taken) = mpsc::unbounded_channel();
        let accepting = tokio::spawn(accept(listener, says, answers, Arc::clone(&shared), taken));
        Ok(Self { url, shared, commands, accepting })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Waits until this is so.
    pub(super) async fn until(&self, is_so: impl Fn(&Record) -> bool) {
        loop {
            let changed = self.shared.changed.notified();
            if is_so(&self.shared.record()) {
                return;
            }
            changed.await;
        }
    }

    /// Takes only so many streams from now on.
    pub(super) fn lower(&self, limit: u32) {
        // Where the connection is over, the record says so.
        let _ = self.commands.send(Command::Lower(limit));
    }

    /// From here on no body may begin.
    pub(super) fn mark(&self) {
        self.shared.record().mark();
    }

    /// Makes room, and waits until the client is quiet or its connection is over.
    pub(super) async fn free(&self) {
        let (done, freed) = oneshot::channel();
        let _ = self.commands.send(Command::Free(done));
        // An error is a connection that is over.
        let _ = freed.await;
    }

    pub(super) fn record(&self) -> Record {
        self.shared.record().clone()
    }

    pub(super) fn commits(&self) -> Commits {
        self.shared.ledger.commits()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    says: Says,
    answers: bool,
    shared: Arc<Shared>,
    commands: mpsc::UnboundedReceiver<Command>,
) {
    let mut serving = JoinSet::new();
    let (mut commands, mut silent) = (Some(commands), Vec::new());
    for number in 0.. {
        let Ok((stream, _)) = listener.accept().await else { return };
        // Frames that are written one by one would wait for each other's acknowledgements.
        let _ = stream.set_nodelay(true);
        if !answers && number > 0 {
            silent.push(stream);
            continue;
        }
        let (_, none) = mpsc::unbounded_channel();
        let (commands, shared) = (commands.take().unwrap_or(none), Arc::clone(&shared));
        // A client that goes away ends it.
        serving.spawn(async move { drop(serve(stream, number, says, answers, shared, commands).await) });
    }
}

async fn serve(
    mut stream: TcpStream,
    number: usize,
    says: Says,
    answers: bool,
    shared: Arc<Shared>,
    mut commands: mpsc::UnboundedReceiver<Command>,
) -> io::Result<()> {
    frames::preface(&mut stream).await?;
    if matches!(says, Says::Late(_)) {
        sleep(LATE).await;
    }
    let (read, write) = stream.into_split();
    let (mut arriving, _) = frames::reading(read);
    let mut connection = Connection {
        write,
        number,
        says,
        shared,
        waiting: VecDeque::new(),
        answers,
        answered: 0,
        freeing: None,
        rounds: 0,
    };
    connection.say(says.first()).await?;
    loop {
        let due = connection.waiting.front().map(|waiting| waiting.due);
        tokio::select! {
            biased;
            Some(command) = commands.recv() => connection.obey(command).await?,
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() && connection.answers => {
                connection.answer().await?;
            }
            frame = arriving.recv() => match frame {
                Some(frame) => connection.take(frame).await?,
                None => return Ok(()),
            },
        }
    }
}

/// A request that is whole, and was committed.
struct Waiting {
    stream: u32,
    due: Instant,
    answer: Option<Answer>,
}

struct Connection {
    write: OwnedWriteHalf,
    number: usize,
    says: Says,
    shared: Arc<Shared>,
    waiting: VecDeque<Waiting>,
    /// Whether it answers.
    answers: bool,
    answered: usize,
    freeing: Option<oneshot::Sender<()>>,
    /// How many pings were answered since a request last arrived.
    rounds: usize,
}

impl Connection {
    async fn say(&mut self, limit: u32) -> io::Result<()> {
        self.shared.record().say(limit);
        self.write.write_all(&frames::settings(Some(limit))).await
    }

    async fn obey(&mut self, command: Command) -> io::Result<()> {
        match command {
            Command::Lower(limit) => self.say(limit).await,
            Command::Free(done) => {
                self.freeing = Some(done);
                self.answers = true;
                self.ping().await
            }
        }
    }

    async fn ping(&mut self) -> io::Result<()> {
        self.write.write_all(&frames::frame(PING, 0, 0, &[0; 8])).await
    }

    async fn take(&mut self, frame: Frame) -> io::Result<()> {
        self.write.write_all(&frame.owed()).await?;
        match frame.kind {
            SETTINGS if frame.is_ack() => self.shared.record().acknowledged(),
            PING if frame.is_ack() => return self.pinged().await,
            HEADERS => self.shared.record().head(self.number, frame.stream),
            DATA if !frame.payload.is_empty() => self.shared.record().body(self.number, frame.stream),
            RST_STREAM => {
                self.waiting.retain(|waiting| waiting.stream != frame.stream);
                self.shared.record().closed(self.number, frame.stream);
            }
            _ => {}
        }
        // The library's bodies fit into one frame.
        if frame.ends_request() {
            let answer = self.shared.ledger.commit(&frame.payload);
            self.waiting.push_back(Waiting { stream: frame.stream, due: Instant::now() + SOON, answer });
            self.shared.record().whole += 1;
            self.rounds = 0;
        }
        self.shared.changed.notify_waiters();
        Ok(())
    }

    async fn pinged(&mut self) -> io::Result<()> {
        self.rounds += usize::from(self.waiting.is_empty());
        if self.rounds < ROUNDS {
            return self.ping().await;
        }
        if let Some(done) = self.freeing.take() {
            // The room has its own limit of time.
            let _ = done.send(());
        }
        Ok(())
    }

    /// Ends the stream that is due: by its answer. Where callers have left, every other one is reset.
    async fn answer(&mut self) -> io::Result<()> {
        let Some(Waiting { stream, answer, .. }) = self.waiting.pop_front() else { return Ok(()) };
        self.shared.record().closed(self.number, stream);
        self.answered += 1;
        let bytes = match answer {
            Some(answer) if self.freeing.is_none() || self.answered % 2 == 0 => frames::answered(&answer, stream),
            _ => frames::rst(stream, INTERNAL_ERROR),
        };
        self.write.write_all(&bytes).await?;
        if self.answered == LOWERED_AFTER && self.freeing.is_none() {
            if let Some(limit) = self.says.lowered() {
                self.say(limit).await?;
            }
        }
        Ok(())
    }
}
