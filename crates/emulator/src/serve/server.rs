//! Setting a server up: where it listens, what it speaks, how long it waits.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, atomic::AtomicUsize, mpsc},
    thread,
    time::Duration,
};

use clerk_actor_tokens_core::BaseUrl;
use http::uri::Scheme;
use tokio::{net::TcpListener, runtime, sync::oneshot};

use super::{
    accept::accept_all,
    served::Served,
    state::{Answering, ServerState},
};
use crate::{clock::ClockMode, emulator::Emulator};

/// Sets up a server in front of an [`Emulator`]. It speaks HTTP/1.1, and HTTP/2 to clients that begin with it (RFC 9113
/// section 3.3) or, over TLS, ask for it.
///
/// ```
/// use clerk_actor_tokens_emulator::Emulator;
/// use std::time::Duration;
///
/// # tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap().block_on(async {
/// let clerk = Emulator::builder().real_time().build();
/// let server = clerk.server().idle_timeout(Duration::from_millis(50)).start().await?;
/// assert_eq!(server.connections(), 0);
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing listens until start() or start_detached()"]
pub struct Server {
    emulator: Emulator,
    host: String,
    port: u16,
    http2: bool,
    idle_timeout: Option<Duration>,
    #[cfg(feature = "control")]
    control: bool,
    #[cfg(feature = "control")]
    control_hosts: Vec<String>,
    #[cfg(feature = "tls")]
    tls: bool,
    #[cfg(feature = "tls")]
    names: Vec<String>,
}

impl Server {
    pub(super) fn new(emulator: Emulator) -> Self {
        Self {
            emulator,
            host: Ipv4Addr::LOCALHOST.to_string(),
            port: 0,
            http2: true,
            idle_timeout: None,
            #[cfg(feature = "control")]
            control: true,
            #[cfg(feature = "control")]
            control_hosts: Vec::new(),
            #[cfg(feature = "tls")]
            tls: false,
            #[cfg(feature = "tls")]
            names: Vec::new(),
        }
    }

    /// Sets the address to listen on, or a name that has one. Default: `127.0.0.1`, which no other
    /// machine can reach. In a container use `0.0.0.0`: every client that reaches the container
    /// then reaches the emulator.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }

    /// Sets the port. Default: 0, which is any free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Speaks HTTP/1.1 alone.
    pub fn http1_only(mut self) -> Self {
        self.http2 = false;
        self
    }

    /// Closes a connection after this time without a request in flight and without a byte from the
    /// client. Over HTTP/2 it sends GOAWAY first. Like any server, it may close while a request is
    /// on its way. Default: no limit.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle_timeout = Some(limit);
        self
    }

    /// Serves no control plane. Without this it is at `/_emulator/` of a server that listens on a
    /// loopback address, and of no other.
    #[cfg(feature = "control")]
    pub fn without_control(mut self) -> Self {
        self.control = false;
        self
    }

    /// Serves the control plane also to requests that name the server by this host, and so on
    /// every address that it listens on. In a container it is the name of the service. Anybody who
    /// reaches the server can then change what it answers.
    #[cfg(feature = "control")]
    pub fn control_host(mut self, host: impl Into<String>) -> Self {
        self.control_hosts.push(host.into());
        self
    }

    /// Speaks TLS, with a certificate for `localhost`, `127.0.0.1`, `::1` and the
    /// [host](Self::host), by an authority that is made for this server. Clients need
    /// [`Served::ca_pem`] to trust it.
    ///
    /// ```
    /// use clerk_actor_tokens_emulator::Emulator;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap().block_on(async {
    /// let server = Emulator::builder().real_time().build().server().tls().start().await?;
    /// assert!(server.url().starts_with("https://127.0.0.1:"));
    /// assert!(server.ca_pem().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    /// # std::io::Result::Ok(())
    /// # }).unwrap();
    /// ```
    #[cfg(feature = "tls")]
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Adds a name, or an address, to the certificate: the one by which clients reach a container,
    /// or `api.clerk.com` for clients that go through the emulator as their proxy.
    #[cfg(feature = "tls")]
    pub fn tls_name(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// Listens, in a task of the current tokio runtime. Connections are accepted when this returns.
    ///
    /// # Errors
    /// If the emulator's time is not [real](crate::EmulatorBuilder::real_time), if there is no tokio runtime, if the host is
    /// none of this machine's, if the operating system does not give the port, or if no certificate can be for a name.
    pub async fn start(self) -> io::Result<Served> {
        let (served, serving) = self.listen().await?;
        tokio::spawn(serving);
        Ok(served)
    }

    /// Listens, on a thread and a runtime of its own. The call needs no tokio runtime, and the server outlives the one that it
    /// is made in. So one server in a `static` serves every test of a program. It blocks until connections are accepted.
    ///
    /// The thread is named `clerk-emulator`. It ends with the server: when [`Served`] is dropped, or
    /// [shut down](Served::shutdown).
    ///
    /// ```
    /// use clerk_actor_tokens_emulator::{Emulator, Served};
    /// use std::sync::LazyLock;
    ///
    /// static CLERK: LazyLock<Served> = LazyLock::new(|| {
    ///     let clerk = Emulator::builder().real_time().build();
    ///     clerk.server().http1_only().start_detached().expect("a free port")
    /// });
    ///
    /// assert!(CLERK.url().starts_with("http://127.0.0.1:"));
    /// ```
    ///
    /// # Errors
    /// As [`start`](Self::start), and if the operating system gives no thread, or no runtime on it.
    pub fn start_detached(self) -> io::Result<Served> {
        // Held until the end, so that the last handle is never the thread's: dropping that may panic.
        let _emulator = self.emulator.clone();
        let (sender, receiver) = mpsc::channel();
        thread::Builder::new().name("clerk-emulator".to_owned()).spawn(move || {
            if let Err(error) = self.run(&sender) {
                // The caller waits for it.
                let _ = sender.send(Err(error));
            }
        })?;
        receiver.recv().map_err(io::Error::other)?
    }

    /// Serves on this thread until the server stops, and hands it over once it listens.
    fn run(self, sender: &mpsc::Sender<io::Result<Served>>) -> io::Result<()> {
        runtime::Builder::new_current_thread().enable_io().build()?.block_on(async {
            let (served, serving) = self.listen().await?;
            let _ = sender.send(Ok(served));
            serving.await;
            Ok(())
        })
    }

    /// Listens, and returns what is to be run for it to serve.
    async fn listen(self) -> io::Result<(Served, impl Future<Output = ()> + use<>)> {
        if self.emulator.inner().clock.mode() != ClockMode::Real {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a server cannot run on a clock that does not move by itself: build the emulator with \
                 Emulator::builder().real_time()",
            ));
        }
        runtime::Handle::try_current().map_err(io::Error::other)?;
        let listener = TcpListener::bind((self.host.as_str(), self.port)).await?;
        let address = reachable(listener.local_addr()?);
        #[cfg(feature = "tls")]
        let (acceptor, authority) = self.certified(address.ip())?.map(|tls| (tls.acceptor, tls.authority)).unzip();
        #[cfg(feature = "tls")]
        let has_tls = acceptor.is_some();
        #[cfg(not(feature = "tls"))]
        let has_tls = false;
        let scheme = if has_tls { Scheme::HTTPS } else { Scheme::HTTP };
        let state = Arc::new(ServerState {
            answering: Answering {
                inner: Arc::clone(self.emulator.inner()),
                #[cfg(feature = "control")]
                control: self.control(address.ip(), scheme.clone()),
            },
            idle_timeout: self.idle_timeout,
            http2: self.http2,
            accepted: AtomicUsize::new(0),
            #[cfg(feature = "tls")]
            acceptor,
        });
        let url = format!("{scheme}://{address}");
        state.inner().lock().clerk.serve_at(&url);
        // Its user has chosen to speak HTTP to this address.
        let host = match address {
            SocketAddr::V4(address) => address.ip().to_string(),
            SocketAddr::V6(address) => format!("[{}]", address.ip()),
        };
        let base_url = BaseUrl::builder(url.as_str()).danger_allow_http(host).build();
        let base_url = base_url.map_err(io::Error::other)?;
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let accepting = accept_all(listener, Arc::clone(&state), stopped);
        let serving = async move {
            accepting.await;
            drop(end);
        };
        let served = Served {
            emulator: self.emulator,
            state,
            url,
            base_url,
            #[cfg(feature = "tls")]
            authority,
            stop,
            ended,
        };
        Ok((served, serving))
    }

    #[cfg(feature = "control")]
    fn control(&self, address: IpAddr, scheme: Scheme) -> Option<Arc<crate::control::Control>> {
        let is_asked_for = !self.control_hosts.is_empty();
        // Where it listens on every address, it is reached by others too.
        let is_own = address.is_loopback() && self.host.parse().map_or(true, |host: IpAddr| !host.is_unspecified());
        let mut names = self.control_hosts.clone();
        if is_own && self.host.parse::<IpAddr>().is_ok() {
            names.push(if address.is_ipv6() { format!("[{address}]") } else { address.to_string() });
        }
        (self.control && (is_own || is_asked_for))
            .then(|| Arc::new(crate::control::Control::new(Arc::clone(self.emulator.inner()), scheme, names)))
    }

    #[cfg(feature = "tls")]
    fn certified(&self, address: IpAddr) -> io::Result<Option<super::tls::Tls>> {
        if !self.tls {
            return Ok(None);
        }
        let mut names = self.names.clone();
        names.push(address.to_string());
        if self.host.parse::<IpAddr>().is_err() {
            names.push(self.host.clone());
        }
        let protocols: &[&[u8]] = if self.http2 { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
        super::tls::throw_away(&names, protocols).map(Some)
    }
}

/// The address by which this machine reaches what listens here.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}
