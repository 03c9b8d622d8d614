//! What one layer does in its turn: creations of a client that is warm, or first calls of new ones.

use clap::ValueEnum;

use crate::{
    Failure,
    layer::Layer,
    load::{Load, Subject, runtime},
    peer::Target,
};

/// Whether a client is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Client {
    /// One client, with its connections open, makes all creations
    Warm,
    /// Each creation, or burst of them, is that of a client that is built for it, and dropped
    Cold,
}

/// So much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Args)]
pub struct Work {
    /// Whether a client is new
    #[arg(long)]
    pub client: Client,
    /// How many creations are in flight
    #[arg(long)]
    pub in_flight: usize,
    /// How many creations, or how many cold clients
    #[arg(long)]
    pub times: usize,
}

impl Work {
    /// Returns creations of a warm client, as many for each worker.
    #[must_use]
    pub const fn warm(in_flight: usize, requests: usize) -> Self {
        Self { client: Client::Warm, in_flight, times: Load::new(in_flight, requests).requests() }
    }

    /// Returns cold clients, each with one burst of creations.
    #[must_use]
    pub const fn cold(burst: usize, clients: usize) -> Self {
        Self { client: Client::Cold, in_flight: burst, times: clients }
    }

    /// Returns the same, twice as often.
    #[must_use]
    pub const fn twice(self) -> Self {
        Self { times: self.times.saturating_mul(2), ..self }
    }
}

/// One layer, and what it does.
#[derive(Clone)]
pub(crate) struct Turn {
    layer: Layer,
    peer: Target,
    work: Work,
    warm: Option<Subject>,
}

impl Turn {
    pub(crate) fn new(layer: Layer, peer: &Target, work: Work) -> Result<Self, Failure> {
        let warm = match work.client {
            Client::Warm => Some(layer.client(peer)?),
            Client::Cold => None,
        };
        Ok(Self { layer, peer: peer.clone(), work, warm })
    }

    /// Does what is not measured: opens connections, or makes what a process makes once.
    pub(crate) async fn prepare(&self) -> Result<(), Failure> {
        match &self.warm {
            Some(client) => client.clone().run(Load::warm_up(self.work.in_flight, self.peer.addresses.len())).await,
            None => self.cold().await,
        }
    }

    /// Does what is measured.
    pub(crate) async fn run(&self) -> Result<(), Failure> {
        if let Some(client) = &self.warm {
            return client.clone().run(Load::new(self.work.in_flight, self.work.times)).await;
        }
        for _ in 0..self.work.times {
            self.cold().await?;
        }
        Ok(())
    }

    async fn cold(&self) -> Result<(), Failure> {
        self.layer.client(&self.peer)?.run(Load::new(self.work.in_flight, self.work.in_flight)).await
    }
}

/// Does all of one layer's turn, in a runtime of its own.
///
/// # Errors
/// The first creation that failed.
pub fn alone(layer: Layer, peer: &Target, work: Work) -> Result<(), Failure> {
    runtime()?.block_on(async {
        let turn = Turn::new(layer, peer, work)?;
        turn.prepare().await?;
        turn.run().await
    })
}
