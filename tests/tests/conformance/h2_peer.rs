//! HTTP/2 for the conformance kit, over the crate `h2`: with prior knowledge (RFC 9113 section 3.3), on 127.0.0.1.
//!
//! Not the emulator: its faults come once a request is whole, and this has to act on a head, or to grant no window.

use std::{
    io::{self, Write as _},
    net::{SocketAddr, TcpStream as RawStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use clerk_actor_tokens::{
    async_trait,
    bytes::Bytes,
    http::{Request, Response},
    testing::conformance::{EXCHANGE, Peer, PeerAct, PeerServer, WARM_UP},
};
use h2::{Reason, RecvStream, server::SendResponse};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::{JoinHandle, JoinSet},
};

pub(crate) struct H2Peer;

#[derive(Default)]
struct Seen {
    exchanges: Mutex<Vec<String>>,
    connections: AtomicUsize,
}

struct Server {
    address: SocketAddr,
    seen: Arc<Seen>,
    accepting: JoinHandle<()>,
}

impl PeerServer for Server {
    fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    fn exchanges(&self) -> Vec<String> {
        self.seen.exchanges.lock().unwrap().clone()
    }

    fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

#[async_trait]
impl Peer for H2Peer {
    async fn start(&self, act: PeerAct) -> io::Result<Box<dyn PeerServer>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, seen) = (listener.local_addr()?, Arc::<Seen>::default());
        let accepting = tokio::spawn(accept(listener, act, Arc::clone(&seen)));
        Ok(Box::new(Server { address, seen, accepting }))
    }
}

async fn accept(listener: TcpListener, act: PeerAct, seen: Arc<Seen>) {
    // Aborted with this task.
    let mut serving = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        seen.connections.fetch_add(1, Ordering::SeqCst);
        let seen = Arc::clone(&seen);
        serving.spawn(async move {
            // A client that goes away ends it.
            let _ = serve(stream, act, &seen).await;
        });
    }
}

/// What ends a connection.
enum End {
    Closed,
    /// GOAWAY with this last stream, and closed.
    GoneAway(u32),
}

async fn serve(stream: TcpStream, act: PeerAct, seen: &Seen) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    if act == PeerAct::Reset {
        stream.set_zero_linger()?;
    }
    let stream = stream.into_std()?;
    // Writes past h2, which writes nothing while its streams are idle.
    let mut raw = stream.try_clone()?;
    let mut builder = h2::server::Builder::new();
    if act == PeerAct::NoWindow {
        builder.initial_window_size(0);
    }
    let mut connection = builder.handshake::<_, Bytes>(TcpStream::from_std(stream)?).await?;
    let (end, mut ends) = mpsc::unbounded_channel();
    // Dropped with the connection: a stream that is silent is reset by that.
    let mut streams = JoinSet::new();
    loop {
        tokio::select! {
            accepted = connection.accept() => {
                let Some(accepted) = accepted else { return Ok(()) };
                let (request, respond) = accepted?;
                let exchange = request.headers().get(EXCHANGE).and_then(|value| value.to_str().ok());
                seen.exchanges.lock().unwrap().extend(exchange.map(str::to_owned));
                let act = if request.headers().contains_key(WARM_UP) { None } else { Some(act) };
                streams.spawn(answer(act, request, respond, end.clone()));
            }
            Some(end) = ends.recv() => return finish(&end, &mut raw),
        }
    }
}

fn finish(end: &End, raw: &mut RawStream) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    if let End::GoneAway(last) = end {
        // Type 7, on stream 0; no error (RFC 9113 sections 6.8 and 7).
        let frame = [&[0, 0, 8, 7, 0, 0, 0, 0, 0][..], &last.to_be_bytes(), &[0; 4]].concat();
        raw.write_all(&frame)?;
    }
    Ok(())
}

/// How long what was written last has to leave before what follows would overtake it.
const A_MOMENT: Duration = Duration::from_millis(20);

async fn answer(
    act: Option<PeerAct>,
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    end: mpsc::UnboundedSender<End>,
) {
    let stream = respond.stream_id().as_u32();
    let head = || Response::builder().status(200).header("content-length", 5).body(()).unwrap();
    let Some(act) = act else {
        let _ = respond.send_response(Response::new(()), true);
        return;
    };
    match act {
        PeerAct::Refuse => return respond.send_reset(Reason::REFUSED_STREAM),
        PeerAct::GoAwayBefore => return drop(end.send(End::GoneAway(stream.saturating_sub(2)))),
        PeerAct::NoWindow => return std::future::pending().await,
        _ => read(request.into_body()).await,
    }
    match act {
        PeerAct::Answer => {
            if let Ok(mut body) = respond.send_response(head(), false) {
                let _ = body.send_data("hello".into(), true);
            }
        }
        PeerAct::CutBody | PeerAct::StallBody => {
            if let Ok(mut body) = respond.send_response(head(), false) {
                let _ = body.send_data("hel".into(), false);
                tokio::time::sleep(A_MOMENT).await;
                if act == PeerAct::StallBody {
                    std::future::pending::<()>().await;
                }
                body.send_reset(Reason::INTERNAL_ERROR);
            }
        }
        PeerAct::ResetStream(code) => respond.send_reset(code.into()),
        PeerAct::GoAwayBehind => drop(end.send(End::GoneAway(stream))),
        PeerAct::Close | PeerAct::Reset => drop(end.send(End::Closed)),
        _ => std::future::pending().await,
    }
}

async fn read(mut body: RecvStream) {
    while let Some(Ok(data)) = body.data().await {
        let _ = body.flow_control().release_capacity(data.len());
    }
}
