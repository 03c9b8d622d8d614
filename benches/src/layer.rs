//! The table of layers between the hand-written loop and the whole library: where the price is paid.

use std::fmt;

use clerk_actor_tokens::RetryPolicy;

use crate::{
    Failure, by_reqwest, by_ureq, floor,
    library::{
        Counts, cancel_on_drop, client, middlewares, over_reqwest, over_tower, over_ureq, own_connector, transport,
    },
    load::Subject,
    peer::Target,
};

/// One way to create a token.
#[derive(Clone, Copy)]
pub struct Layer {
    /// Its name on the command line and in figures.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    new: fn(&Target) -> Result<Subject, Failure>,
}

const fn layer(name: &'static str, about: &'static str, new: fn(&Target) -> Result<Subject, Failure>) -> Layer {
    Layer { name, about, new }
}

/// The loop by hand over hyper-util's pooled client.
pub const FLOOR: Layer = layer("floor", "by hand, over hyper-util's pooled client", |peer| floor::new(peer, true));
/// The loop by hand over reqwest.
pub const REQWEST: Layer = layer("reqwest", "by hand, over `reqwest::Client`", by_reqwest::new);
/// The transport alone.
pub const TRANSPORT: Layer =
    layer("transport", "`HyperTransport::send`; the rest by hand, as in `floor`", |peer| transport(peer, None));
/// The library as it comes.
pub const LIBRARY: Layer =
    layer("library", "`client.actor_tokens().create(...).send()`", |peer| client(peer, |client| client));
/// The library with two middlewares.
pub const MIDDLEWARES: Layer =
    layer("middlewares", "`library` with two middlewares that do nothing", |peer| client(peer, middlewares::<2>));

/// The floor without a deadline.
pub const NO_DEADLINE: Layer = layer("no-deadline", "`floor` without its deadline", |peer| floor::new(peer, false));
/// The transport with hyper's own table of headers.
pub const HEADERS_100: Layer =
    layer("headers-100", "`transport` with `max_headers(100)`", |peer| transport(peer, Some(100)));
/// The transport without a look at the socket.
pub const OWN_CONNECTOR: Layer =
    layer("own-connector", "`transport` by `build_with_connector`, which sees no socket", own_connector);
/// The library, whose exchanges end with their caller.
pub const CANCEL_ON_DROP: Layer = layer("cancel-on-drop", "`library` without an executor", cancel_on_drop);
/// The library without retries.
pub const NO_RETRIES: Layer = layer("no-retries", "`library` with `RetryPolicy::none()`", |peer| {
    client(peer, |client| client.retry(RetryPolicy::none()))
});
/// The library with one middleware.
pub const MIDDLEWARE: Layer =
    layer("middleware", "`library` with one middleware that does nothing", |peer| client(peer, middlewares::<1>));

/// The loop by hand over ureq.
pub const BY_UREQ: Layer = layer("ureq", "by hand, over `ureq::Agent`, on one thread", by_ureq::new);
/// The library over reqwest.
pub const OVER_REQWEST: Layer = layer("over-reqwest", "`library` over `ReqwestTransport`", over_reqwest);
/// The library over ureq.
pub const OVER_UREQ: Layer = layer("over-ureq", "`library` over `UreqTransport`", over_ureq);
/// The library over hyper-util's client as a service.
pub const OVER_TOWER: Layer =
    layer("over-tower", "`library` over `TowerTransport` and hyper-util's client", over_tower);
/// The library with an observer.
pub const OBSERVER: Layer =
    layer("observer", "`library` with an observer that counts", |peer| client(peer, |client| client.observer(Counts)));
/// The library with a subscriber.
#[cfg(feature = "tracing")]
pub const SUBSCRIBER: Layer =
    layer("subscriber", "`library` with a subscriber that takes all and shows nothing", |peer| {
        // Of the whole process. It is set already where there is one client more.
        let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
        client(peer, |client| client)
    });

/// Those that observe the library. One of them sets the subscriber of its process.
#[must_use]
pub fn observed() -> Vec<Layer> {
    vec![
        OBSERVER,
        #[cfg(feature = "tracing")]
        SUBSCRIBER,
    ]
}

impl Layer {
    /// Those that are compared with each other. The floor is the first.
    pub const COMPARED: [Self; 5] = [FLOOR, REQWEST, TRANSPORT, LIBRARY, MIDDLEWARES];
    /// Those whose first call and whose memory is measured.
    pub const CLIENTS: [Self; 3] = [FLOOR, REQWEST, LIBRARY];
    /// Those between which the requirements lie.
    pub const OF_HYPER: [Self; 10] = [
        FLOOR,
        TRANSPORT,
        LIBRARY,
        MIDDLEWARES,
        NO_DEADLINE,
        HEADERS_100,
        OWN_CONNECTOR,
        CANCEL_ON_DROP,
        NO_RETRIES,
        MIDDLEWARE,
    ];
    /// Every layer.
    pub const ALL: [Self; 15] = [
        FLOOR,
        REQWEST,
        TRANSPORT,
        LIBRARY,
        MIDDLEWARES,
        NO_DEADLINE,
        HEADERS_100,
        OWN_CONNECTOR,
        CANCEL_ON_DROP,
        NO_RETRIES,
        MIDDLEWARE,
        BY_UREQ,
        OVER_REQWEST,
        OVER_UREQ,
        OVER_TOWER,
    ];

    /// Returns the layer of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn named(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .chain(observed())
            .find(|layer| layer.name == name)
            .ok_or_else(|| format!("there is no layer {name}"))
    }

    /// Makes a client of this layer, of this peer.
    ///
    /// # Errors
    /// It could not be built.
    pub fn client(self, peer: &Target) -> Result<Subject, Failure> {
        (self.new)(peer)
    }
}

impl PartialEq for Layer {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
