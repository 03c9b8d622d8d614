//! Creating a token with ureq, by hand: the loop does what the floor does, and waits on its thread.

use bytes::Bytes;
use clerk_actor_tokens::ureq::ureq::Agent;

use crate::{
    Failure,
    by_hand::{self, ByHand, POOL_IDLE, TIMEOUT},
    load::{Create, Subject, subject},
    peer::Target,
};

/// An agent of ureq's, and what the hand-written loops have in common.
#[derive(Debug)]
struct ByUreq {
    agent: Agent,
    by_hand: ByHand,
}

/// Makes a client of this peer. It follows no redirect and asks for no proxy, as the other layers.
///
/// # Errors
/// The peer has no address.
pub fn new(peer: &Target) -> Result<Subject, Failure> {
    let agent = Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_global(Some(TIMEOUT))
        .max_idle_age(POOL_IDLE)
        .build()
        .new_agent();
    Ok(subject(ByUreq { agent, by_hand: ByHand::new(peer)? }))
}

impl Create for ByUreq {
    async fn create(&self, number: usize) -> Result<(), Failure> {
        let (head, body) = self.by_hand.request(number)?.into_parts();
        let response = self.agent.run(http::Request::from_parts(head, &body[..]))?;
        let (head, mut body) = response.into_parts();
        let body = Bytes::from(body.read_to_vec()?);
        by_hand::read(head.status, &body)
    }
}
