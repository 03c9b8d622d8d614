//! The transport itself: one exchange on a thread of the `blocking` crate, and the caller that waits for it.
//!
//! Not responsible for: what errors prove (`classify.rs`), the gate and the sockets (`connector.rs`, `exchange.rs`).

use std::{
    fmt,
    io::Read as _,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use clerk_actor_tokens_core::{
    CallContext, Executor, HttpTransport, Request, Response, SystemTimer, ThreadExecutor, Timer, TransportError,
    TransportErrorKind,
    http::{self, Method},
};
use clerk_actor_tokens_transport_kit::{BoxError, Tls, check_request, no_head, until_deadline};
use ureq::{
    Agent, Body,
    config::{AutoHeaderValue, ConfigBuilder},
    typestate::AgentScope,
    unversioned::resolver::DefaultResolver,
};

use crate::{classify, connector::Gate, exchange::Exchange};

/// Core's [`HttpTransport`] over ureq: HTTP/1.1, without an async runtime.
///
/// Each exchange has a thread of the `blocking` crate's pool while it lasts. The pool keeps its threads. Clones share the connections.
#[derive(Clone)]
pub struct UreqTransport {
    agent: Agent,
    /// Without a pool.
    fresh: Agent,
}

/// How long an idle connection is used again: shorter than servers keep one, such as Node's 5 s.
const IDLE: Duration = Duration::from_secs(4);

/// How long connecting may take: the next attempt may reach another address.
const CONNECT: Duration = Duration::from_secs(5);

impl UreqTransport {
    /// Makes a transport as ureq is configured by default, but without a proxy of the environment: connecting has 5 s, and an idle connection is
    /// used again for 4 s.
    ///
    /// ```
    /// use clerk_actor_tokens_core::{Client, SecretKey};
    /// use clerk_actor_tokens_ureq::UreqTransport;
    ///
    /// let clerk = Client::new(UreqTransport::new(), SecretKey::new("sk_test_abc")?);
    /// assert!(clerk.detaches_on_drop());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::from_config(|config| config)
    }

    /// Makes a transport that `configure` sets up: roots, proxies, time limits of connecting. It is called twice, as the second agent has no
    /// pool.
    ///
    /// Redirects, statuses as errors and headers of ureq's own are off, whatever it sets. The deadline of a call bounds each exchange, also
    /// where ureq's limits are longer. A middleware of ureq's goes around each attempt; it must send once.
    ///
    /// ```
    /// use clerk_actor_tokens_ureq::{UreqTransport, ureq::Proxy};
    /// use std::time::Duration;
    ///
    /// let proxy = Proxy::new("http://proxy.test:3128")?;
    /// let transport = UreqTransport::from_config(|config| {
    ///     config.proxy(Some(proxy.clone())).timeout_connect(Some(Duration::from_secs(2)))
    /// });
    /// # let _ = transport;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn from_config(configure: impl Fn(ConfigBuilder<AgentScope>) -> ConfigBuilder<AgentScope>) -> Self {
        let agent = |finish: fn(ConfigBuilder<AgentScope>) -> ConfigBuilder<AgentScope>| {
            let configured =
                configure(Agent::config_builder().proxy(None).timeout_connect(Some(CONNECT)).max_idle_age(IDLE));
            let config = finish(as_a_transport_has_to_be(configured)).build();
            Agent::with_parts(config, Gate::default(), DefaultResolver::default())
        };
        Self { agent: agent(|config| config), fresh: agent(|config| config.max_idle_connections(0)) }
    }
}

impl Default for UreqTransport {
    fn default() -> Self {
        Self::new()
    }
}

/// What no setting of the user's may change.
fn as_a_transport_has_to_be(config: ConfigBuilder<AgentScope>) -> ConfigBuilder<AgentScope> {
    config
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(AutoHeaderValue::None)
        .accept(AutoHeaderValue::None)
        .accept_encoding(AutoHeaderValue::None)
        .allow_non_standard_methods(true)
}

#[async_trait]
impl HttpTransport for UreqTransport {
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        let send_state = context.send_state();
        // First, so that a refusal below is proved.
        send_state.hold();
        check_request(&request, Tls::Available)?;
        logs_no_bytes()?;
        let agent = if context.wants_fresh_connection() { &self.fresh } else { &self.agent };
        let (agent, exchange) = (agent.clone(), Exchange::new(send_state.clone()));
        let aborts = Aborts(&exchange);
        let (on_thread, cap) = (Arc::clone(&exchange), context.response_cap());
        let left = context.deadline().remaining(SystemTimer.now());
        let running = blocking::unblock(move || {
            // A panic would be the caller's.
            let exchange = || on_thread.run(|| run(&agent, request, left, &on_thread, cap));
            catch_unwind(AssertUnwindSafe(exchange)).unwrap_or(Err(Broke::Panicked))
        });
        let ended = until_deadline(&context, &SystemTimer, running).await;
        if ended.is_ok() {
            aborts.end();
        }
        match ended {
            Ok(Ok(())) => whole(&exchange),
            Ok(Err(Broke::BeforeHead(error))) => Err(classify::without_head(error, send_state)),
            Ok(Err(Broke::Panicked)) => {
                Err(with_partial(no_head(TransportErrorKind::Blocked, "ureq panicked", send_state), &exchange))
            }
            Ok(Err(Broke::WithinBody(kind, cause))) => {
                Err(with_partial(TransportError::new(kind).with_source(cause), &exchange))
            }
            Err(late) => Err(with_partial(late, &exchange)),
        }
    }

    fn timer(&self) -> &dyn Timer {
        &SystemTimer
    }

    /// Returns an executor of threads: an exchange whose caller has left is finished on one.
    fn executor(&self) -> Option<Arc<dyn Executor>> {
        Some(Arc::new(ThreadExecutor))
    }

    /// Returns `true`: the caller leaves at the deadline, and shuts the socket.
    fn keeps_deadlines(&self) -> bool {
        true
    }
}

/// At trace level, ureq_proto logs each byte that is sent or received, the key and the link among them, and ureq where a redirect leads.
/// There is no setting for that but the logger's.
fn logs_no_bytes() -> Result<(), TransportError> {
    let logs = |target| log::log_enabled!(target: target, log::Level::Trace);
    match logs("ureq_proto::util") || logs("ureq::util") {
        false => Ok(()),
        true => Err(TransportError::blocked("ureq would log the secret key at trace level").with_advice(
            "Set the level of ureq and ureq_proto below trace: RUST_LOG=trace,ureq=debug,ureq_proto=debug.",
        )),
    }
}

/// Ends the thread's exchange where no caller waits for it.
struct Aborts<'a>(&'a Exchange);

impl Aborts<'_> {
    /// It has come to an end by itself, and its connection may be used again.
    fn end(self) {
        std::mem::forget(self);
    }
}

impl Drop for Aborts<'_> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How an exchange broke off.
enum Broke {
    BeforeHead(ureq::Error),
    WithinBody(TransportErrorKind, BoxError),
    /// As with a proxy or a TLS provider that ureq was built without. What it says may be of the request.
    Panicked,
}

/// Runs the exchange on its thread. What arrives is in the exchange.
fn run(agent: &Agent, request: Request, left: Duration, exchange: &Exchange, cap: usize) -> Result<(), Broke> {
    let (head, body) = request.into_parts();
    let takes_a_body = !body.is_empty() || matches!(head.method, Method::POST | Method::PUT | Method::PATCH);
    let response = match takes_a_body {
        true => agent.run(limited(agent, http::Request::from_parts(head, &body[..]), left)),
        false => agent.run(limited(agent, http::Request::from_parts(head, ()), left)),
    };
    let (head, body) = response.map_err(Broke::BeforeHead)?.into_parts();
    exchange.received().head = Some(head);
    read(body, exchange, cap)
}

fn limited<B: ureq::AsSendBody>(agent: &Agent, request: http::Request<B>, left: Duration) -> http::Request<B> {
    agent.configure_request(request).timeout_global(Some(left)).build()
}

/// Reads the body, at most as far as the cap.
fn read(body: Body, exchange: &Exchange, cap: usize) -> Result<(), Broke> {
    let mut reader = body.into_reader();
    let mut part = [0; 8 * 1024];
    loop {
        let count = reader.read(&mut part).map_err(|error| {
            let error = ureq::Error::from(error);
            let kind = match error {
                ureq::Error::Timeout(_) => TransportErrorKind::Timeout,
                _ => TransportErrorKind::Interrupted,
            };
            Broke::WithinBody(kind, classify::shown(error))
        })?;
        let Some(part) = part.get(..count).filter(|part| !part.is_empty()) else { return Ok(()) };
        let received = &mut exchange.received().body;
        let room = cap.saturating_sub(received.len());
        received.extend(part.iter().take(room));
        if count > room {
            return Err(Broke::WithinBody(TransportErrorKind::BodyTooLarge, format!("the cap is {cap} bytes").into()));
        }
    }
}

fn whole(exchange: &Exchange) -> Result<Response, TransportError> {
    match exchange.take_partial() {
        Some((head, body)) => Ok(Response::from_parts(head, body)),
        None => {
            Err(TransportError::new(TransportErrorKind::Other).with_source("the exchange ended without a response"))
        }
    }
}

fn with_partial(error: TransportError, exchange: &Exchange) -> TransportError {
    match exchange.take_partial() {
        Some((head, body)) => error.with_partial(Response::from_parts(head, body)),
        None => error,
    }
}

impl fmt::Debug for UreqTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UreqTransport").finish_non_exhaustive()
    }
}
