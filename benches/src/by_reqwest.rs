//! Creating a token with reqwest, by hand: the loop does what the floor does.

use reqwest::{Client, Url, redirect::Policy};

use crate::{
    Failure,
    by_hand::{self, ByHand, POOL_IDLE, TIMEOUT, of},
    load::{Create, Subject, subject},
    peer::Target,
    tls,
};

/// A client of reqwest's, and what the hand-written loops have in common.
#[derive(Debug)]
struct ByReqwest {
    client: Client,
    urls: Vec<Url>,
    by_hand: ByHand,
}

/// Makes a client of this peer. It follows no redirect and asks for no proxy, as the other layers.
///
/// # Errors
/// The client could not be built.
pub fn new(peer: &Target) -> Result<Subject, Failure> {
    let client = Client::builder()
        .tls_backend_preconfigured(tls::config(peer)?)
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .timeout(TIMEOUT)
        .pool_idle_timeout(POOL_IDLE);
    let client = match peer.protocol.is_http2() {
        true => client.http2_prior_knowledge(),
        false => client.http1_only(),
    };
    let urls = peer.urls().map(|url| Ok(url.parse()?)).collect::<Result<_, Failure>>()?;
    Ok(subject(ByReqwest { client: client.build()?, urls, by_hand: ByHand::new(peer)? }))
}

impl Create for ByReqwest {
    async fn create(&self, number: usize) -> Result<(), Failure> {
        let mut request = self.client.post(of(&self.urls, number)?.clone());
        for (name, value) in self.by_hand.headers() {
            request = request.header(name, value);
        }
        let response = request.body(by_hand::body()?).send().await?;
        by_hand::read(response.status(), &response.bytes().await?)
    }
}
