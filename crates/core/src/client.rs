//! The client: a transport, a credential and the settings that calls share.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    auth::CredentialProvider,
    call::{Call, orphan::Closed, settings::Settings, watchdog::until},
    operation::Operation,
    time::Deadline,
    transport::HttpTransport,
};

/// The longest time that `close` takes at its end for what is held.
const LONGEST_FOR_HELD: Duration = Duration::from_secs(5);

/// A client of Clerk's API over a transport.
///
/// `Client<HyperTransport>` knows its transport at compile time. Plain `Client`, which
/// [`erase`](Self::erase) returns, is the type that an application stores. Cloning is cheap, and
/// clones share everything.
///
/// ```
/// use clerk_actor_tokens_core::{transport_fn, Client, Response, SecretKey};
///
/// let transport = transport_fn(|_request, _context| async { Ok(Response::default()) });
/// let clerk: Client = Client::new(transport, SecretKey::new("sk_test_abc")?).erase();
/// # let _ = clerk;
/// # Ok::<(), clerk_actor_tokens_core::InvalidKey>(())
/// ```
pub struct Client<T: ?Sized = dyn HttpTransport> {
    settings: Arc<Settings>,
    transport: Arc<T>,
}

impl<T: HttpTransport> Client<T> {
    /// Makes a client with the default settings, against Clerk's production API. It reads no environment variable:
    /// [`from_env`](Self::from_env) does.
    pub fn new(transport: T, credentials: impl CredentialProvider) -> Self {
        Self { settings: Arc::new(Settings::new(Arc::new(credentials))), transport: Arc::new(transport) }
    }

    /// Forgets the type of the transport.
    #[must_use]
    pub fn erase(self) -> Client {
        Client { settings: self.settings, transport: self.transport }
    }
}

impl<T: HttpTransport + ?Sized> Client<T> {
    pub(crate) fn from_parts(settings: Arc<Settings>, transport: Arc<T>) -> Self {
        Self { settings, transport }
    }

    /// Starts any call. Set its options, then [`send`](Call::send) it.
    pub fn execute<O: Operation>(&self, operation: O) -> Call<O, T> {
        Call::new(Arc::clone(&self.settings), Arc::clone(&self.transport), operation)
    }

    /// How long a call may take that sets no time of its own.
    pub(crate) fn longest_call(&self) -> Duration {
        self.settings.timeout
    }

    /// Returns the transport.
    #[must_use]
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// Returns the same client with another secret key, for a process that serves several Clerk
    /// instances.
    ///
    /// The rate-limit gate and the retry budget belong to a base URL and a key. So a 429 to one
    /// client does not hold back the other. [`close`](Self::close) closes both.
    #[must_use]
    pub fn with_credentials(&self, credentials: impl CredentialProvider) -> Self {
        let settings = Settings { credentials: Arc::new(credentials), ..Settings::clone(&self.settings) };
        Self { settings: Arc::new(settings), transport: Arc::clone(&self.transport) }
    }

    /// Returns the same client without an executor. If the future of a creation is dropped, the
    /// transport breaks the exchange off, and the client reports it as lost.
    ///
    /// Use it in a process in which no task can outlive its caller. See
    /// [`detaches_on_drop`](Self::detaches_on_drop).
    #[must_use]
    pub fn cancel_on_drop(&self) -> Self {
        let settings = Settings { detaches: false, ..Settings::clone(&self.settings) };
        Self { settings: Arc::new(settings), transport: Arc::clone(&self.transport) }
    }

    /// Returns whether the exchange of a creation is detached when its caller leaves.
    ///
    /// It is where there is an executor: the transport brings one (the hyper transport does), or
    /// the builder was given [one](crate::ClientBuilder::executor). A client that
    /// [`cancel_on_drop`](Self::cancel_on_drop) made has none.
    ///
    /// A caller leaves by a closed browser tab, a `select!`, a middleware's timeout, or a panic. If
    /// the request was handed to a connection by then, the exchange continues in a task of its own.
    /// When its response arrives, the [orphan handler](crate::ClientBuilder::on_orphan) receives
    /// what was made. The default handler revokes it, then reports. The exchange has no middleware
    /// there, and is not sent again. The revocation is a call of its own, through all middleware.
    ///
    /// ```
    /// # use clerk_actor_tokens_core::{transport_fn, Client, Response, SecretKey};
    /// # let transport = transport_fn(|_request, _context| async { Ok(Response::default()) });
    /// use clerk_actor_tokens_core::ThreadExecutor;
    ///
    /// let clerk = Client::builder(transport, SecretKey::new("sk_test_abc")?)
    ///     .executor(ThreadExecutor)
    ///     .build()?;
    /// assert!(clerk.detaches_on_drop());
    /// assert!(!clerk.cancel_on_drop().detaches_on_drop());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn detaches_on_drop(&self) -> bool {
        self.settings.detaches && (self.settings.executor.is_some() || self.transport.executor().is_some())
    }

    /// Stops accepting creations, waits for those in flight, and returns what remains. Applies to
    /// all clones, and to the clients made from them. Use it at the end of a process.
    ///
    /// It waits for at most `within`, until there are none of these:
    ///
    /// - creations whose caller waits, and detached exchanges;
    /// - orphan handlers;
    /// - values that are [held](crate::Held).
    ///
    /// What is in flight then continues, and may be lost if the runtime ends. What is still held
    /// near the end is revoked. The last quarter of `within`, 5 s at most, is for that.
    /// [`Held::keep`](crate::Held::keep) fails from then on.
    ///
    /// A creation begun after this fails with [`ErrorKind::Blocked`](crate::ErrorKind::Blocked),
    /// and nothing is sent. Idempotent calls, such as a revocation, still work, because you may
    /// need them for what remains. Do not await it in an orphan handler: it would wait for itself.
    ///
    /// ```
    /// # use clerk_actor_tokens_core::{transport_fn, Client, Response, SecretKey};
    /// # use std::time::Duration;
    /// # let transport = transport_fn(|_request, _context| async { Ok(Response::default()) });
    /// # let clerk = Client::new(transport, SecretKey::new("sk_test_abc")?);
    /// # pollster::block_on(async {
    /// let closed = clerk.close(Duration::from_secs(30)).await;
    /// for orphan in closed.orphans() {
    ///     eprintln!("{orphan}");
    /// }
    /// assert!(closed.is_clean());
    /// # });
    /// # Ok::<(), clerk_actor_tokens_core::InvalidKey>(())
    /// ```
    pub async fn close(&self, within: Duration) -> Closed {
        let in_flight = &self.settings.in_flight;
        in_flight.close();
        let timer = self.transport.timer();
        let begun = timer.now();
        let for_held = (within / 4).min(LONGEST_FOR_HELD);
        until(timer, Deadline::after(begun, within.saturating_sub(for_held)), in_flight.settled()).await;
        in_flight.revoke_held();
        until(timer, Deadline::after(begun, within), in_flight.ended()).await;
        let (running, orphans, more_orphans) = in_flight.left();
        Closed { in_flight: running, held: in_flight.revoked(), orphans, more_orphans }
    }
}

impl<T: ?Sized> Clone for Client<T> {
    // By hand: the derived one would ask for `T: Clone`.
    fn clone(&self) -> Self {
        Self { settings: Arc::clone(&self.settings), transport: Arc::clone(&self.transport) }
    }
}

impl<T: HttpTransport> From<Client<T>> for Client {
    fn from(client: Client<T>) -> Self {
        client.erase()
    }
}

impl<T: ?Sized> fmt::Debug for Client<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.settings.base_url).finish_non_exhaustive()
    }
}
