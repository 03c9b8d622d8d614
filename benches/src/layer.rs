//! The layers between the hand-written loop and the whole library: where the price is paid.

use std::sync::Arc;

use clap::ValueEnum;

use crate::{
    Failure,
    floor::Floor,
    library::{Library, TransportAlone},
    load::{Load, drive},
    peer::Target,
};

/// How a token is created, each way with all that the ones before it have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Layer {
    /// hyper-util's pooled client, by hand
    Floor,
    /// The library's transport, the rest by hand
    Transport,
    /// The library's client, which cancels on drop
    CancelOnDrop,
    /// The library's client as it comes
    Library,
    /// The same with two middlewares that do nothing
    Middlewares,
}

impl Layer {
    /// Every layer, the floor first.
    pub const ALL: [Self; 5] = [Self::Floor, Self::Transport, Self::CancelOnDrop, Self::Library, Self::Middlewares];

    /// Its name on the command line and in figures.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Transport => "transport",
            Self::CancelOnDrop => "cancel-on-drop",
            Self::Library => "library",
            Self::Middlewares => "middlewares",
        }
    }
}

/// A client of some layer, with its pool.
#[derive(Debug, Clone)]
pub enum Subject {
    /// [`Layer::Floor`].
    Floor(Arc<Floor>),
    /// [`Layer::Transport`].
    Transport(Arc<TransportAlone>),
    /// The layers that are calls of the library's client.
    Library(Arc<Library>),
}

impl Subject {
    /// A client of this layer, of this peer.
    ///
    /// # Errors
    /// It could not be built.
    pub fn new(layer: Layer, peer: Target) -> Result<Self, Failure> {
        let library = |middlewares| Library::new(peer, middlewares);
        Ok(match layer {
            Layer::Floor => Self::Floor(Arc::new(Floor::new(peer)?)),
            Layer::Transport => Self::Transport(Arc::new(TransportAlone::new(peer)?)),
            Layer::CancelOnDrop => Self::Library(Arc::new(library(0)?.cancel_on_drop())),
            Layer::Library => Self::Library(Arc::new(library(0)?)),
            Layer::Middlewares => Self::Library(Arc::new(library(2)?)),
        })
    }

    /// Makes this many creations. Which loop it is, is looked at once, outside of the loop.
    ///
    /// # Errors
    /// The first creation that failed.
    pub async fn drive(&self, load: Load) -> Result<(), Failure> {
        match self {
            Self::Floor(floor) => drive(floor, load).await,
            Self::Transport(transport) => drive(transport, load).await,
            Self::Library(library) => drive(library, load).await,
        }
    }
}
