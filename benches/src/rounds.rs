//! The one measuring loop: layers take turns, in rounds.
//!
//! A B C A B C ...: what else the machine does meanwhile falls on all of them, and each is compared with another in the
//! same round.

use std::path::Path;

use crate::{
    Failure,
    layer::Layer,
    load::runtime,
    measure::Sample,
    peer::Peer,
    protocol::Protocol,
    statistics::Spread,
    work::{Turn, Work},
};

/// What is looked at of a sample.
pub type Look = fn(&Sample) -> f64;

/// One sample of each layer, for each round.
#[derive(Debug, Clone, PartialEq)]
pub struct Rounds {
    layers: Vec<Layer>,
    rounds: Vec<Vec<Sample>>,
}

impl Rounds {
    /// Measures these layers in so many rounds, with a peer of their own.
    ///
    /// # Errors
    /// The first creation that failed, or whatever kept the benchmark from running.
    pub fn measure(
        program: &Path,
        protocol: Protocol,
        layers: &[Layer],
        work: Work,
        rounds: usize,
    ) -> Result<Self, Failure> {
        let peer = Peer::start(program, protocol, 1)?;
        let measured = runtime()?.block_on(async {
            let turns = layers.iter().map(|layer| Turn::new(*layer, peer.target(), work));
            let turns: Vec<_> = turns.collect::<Result<_, _>>()?;
            let mut measured = Vec::new();
            for _ in 0..rounds {
                let mut round = Vec::new();
                for turn in &turns {
                    turn.prepare().await?;
                    round.push(Sample::of(turn.run(), work.times).await?);
                }
                measured.push(round);
            }
            Ok::<_, Failure>(measured)
        })?;
        peer.finish()?;
        Ok(Self { layers: layers.to_vec(), rounds: measured })
    }

    /// Returns the spread of what one layer used.
    #[must_use]
    pub fn of(&self, layer: Layer, look: Look) -> Spread {
        Spread::of(self.samples(layer).map(look))
    }

    /// Returns the spread of how many times as much one layer used as another in the same round.
    #[must_use]
    pub fn ratio(&self, layer: Layer, base: Layer, look: Look) -> Spread {
        Spread::of(self.samples(layer).zip(self.samples(base)).map(|(sample, base)| look(sample) / look(base)))
    }

    /// Returns the spread of how much more one layer used than another in the same round.
    #[must_use]
    pub fn difference(&self, layer: Layer, base: Layer, look: Look) -> Spread {
        Spread::of(self.samples(layer).zip(self.samples(base)).map(|(sample, base)| look(sample) - look(base)))
    }

    fn samples(&self, layer: Layer) -> impl Iterator<Item = &Sample> {
        let at = self.layers.iter().position(|known| *known == layer);
        self.rounds.iter().filter_map(move |round| round.get(at?))
    }
}
