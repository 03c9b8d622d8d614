//! One exchange over a socket, whatever the protocol: the request is read, meets its fault, and ends.
//!
//! The protocols turn the ending into bytes.

use std::{future::Future, time::Duration};

use bytes::{Bytes, BytesMut};
use clerk_actor_tokens_core::{Request, Response};

use super::state::Answering;
#[cfg(feature = "control")]
use crate::control::Control;
use crate::{
    exchange::{Effect, Exchange, Receipt, Then},
    fault::{Phase, Wire},
    requests::WholeLength,
    settings::BODY_LIMIT,
};

/// How much of a body is read at most, most of it to be thrown away, in bytes.
const DRAINED: usize = 64 * BODY_LIMIT;

/// The client of one exchange, as its protocol knows it.
pub(super) trait Peer {
    /// The next piece of the request's body.
    fn next(&mut self) -> impl Future<Output = Option<Result<Bytes, Gone>>> + Send;

    /// Waits until the client has gone, as far as that can be seen.
    fn gone(&mut self) -> impl Future<Output = ()> + Send;

    /// From here on Clerk may have acted.
    fn committing(&mut self);
}

/// The client has gone.
#[derive(Debug)]
pub(super) struct Gone;

/// How an exchange ends.
pub(super) enum Ending {
    Answer(Answer),
    /// By this, with no answer.
    Break(Wire),
    /// The client has gone.
    Gone,
}

/// An answer on its way.
pub(super) struct Answer {
    pub(super) response: Response,
    /// How long a body the head announces, in bytes.
    pub(super) length: usize,
    pub(super) end: End,
    pub(super) pacing: Pacing,
    /// Of an answer that counts as delivered once its last byte is written, if it names the token.
    pub(super) receipt: Option<Receipt>,
}

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// As announced.
    Whole,
    /// Too early: the exchange breaks off.
    Cut,
    /// Never: nothing more comes, until the client goes.
    Silence,
}

/// How fast a body comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pacing {
    AtOnce,
    /// Evenly, in this time.
    Over(Duration),
}

/// Lets an exchange happen. Dropping it aborts it: what is not committed by then never will be.
pub(super) async fn serve_exchange(
    who: &Answering,
    #[cfg_attr(not(feature = "control"), allow(unused_mut, reason = "only the control plane marks it"))]
    mut parts: http::request::Parts,
    peer: &mut impl Peer,
) -> Ending {
    #[cfg(feature = "control")]
    if Control::is_for(parts.uri.path())
        || (who.control.is_some() && Control::is_looked_at(&parts.method, &parts.uri, &parts.headers))
    {
        let Ok(request) = read(parts, peer).await else { return Ending::Gone };
        let response = match &who.control {
            Some(control) => control.answer(request).await,
            None => Control::absent().await,
        };
        let length = response.body().len();
        return Ending::Answer(Answer { response, length, end: End::Whole, pacing: Pacing::AtOnce, receipt: None });
    }
    #[cfg(feature = "control")]
    if let Some(control) = &who.control {
        control.mark(&mut parts);
    }
    let inner = &who.inner;
    let head = Request::from_parts(parts.clone(), Bytes::new());
    let mut exchange = Exchange::begin(inner, &head);
    if let Some(ending) = meet(&mut exchange, Phase::BeforeSend, None, peer).await {
        return ending;
    }
    let Ok(request) = read(parts, peer).await else { return Ending::Gone };
    exchange.arrive(&request);
    if let Some(ending) = meet(&mut exchange, Phase::BeforeCommit, None, peer).await {
        return ending;
    }
    peer.committing();
    let reply = exchange.commit(&request);
    if let Some(ending) = meet(&mut exchange, Phase::AfterCommit, Some(&reply), peer).await {
        return ending;
    }
    Ending::Answer(told(&exchange, reply, Pacing::AtOnce))
}

/// The whole request. Of a body beyond the limit no more is kept than shows that it is; the rest is read and thrown
/// away, within reason: a client that is still sending when the connection closes would not see the answer.
async fn read(parts: http::request::Parts, peer: &mut impl Peer) -> Result<Request, Gone> {
    let (mut kept, mut total) = (BytesMut::new(), 0usize);
    while let Some(data) = peer.next().await {
        let data = data?;
        total = total.saturating_add(data.len());
        let room = BODY_LIMIT.saturating_add(1).saturating_sub(kept.len());
        kept.extend_from_slice(&data.slice(..data.len().min(room)));
        if total > DRAINED {
            break;
        }
    }
    let is_cut = total > kept.len();
    let mut request = Request::from_parts(parts, kept.freeze());
    if is_cut {
        request.extensions_mut().insert(WholeLength(total));
    }
    Ok(request)
}

/// Lets the fault of this phase happen, if there is one: it ends the exchange, or lets it go on.
async fn meet(exchange: &mut Exchange, phase: Phase, reply: Option<&Response>, peer: &mut impl Peer) -> Option<Ending> {
    match exchange.fault(phase, reply)? {
        Effect::Instead(response) => {
            let (length, end) = (response.body().len(), End::Whole);
            Some(Ending::Answer(Answer { response, length, end, pacing: Pacing::AtOnce, receipt: None }))
        }
        Effect::Changed(changed) => Some(Ending::Answer(told(exchange, changed, Pacing::AtOnce))),
        Effect::Slow(takes) => reply.map(|reply| Ending::Answer(told(exchange, reply.clone(), Pacing::Over(takes)))),
        Effect::Delay(duration) => {
            let is_gone = tokio::select! {
                () = exchange.wait(duration) => false,
                () = peer.gone() => true,
            };
            is_gone.then(|| {
                exchange.left_without_answer();
                Ending::Gone
            })
        }
        Effect::Stall => {
            peer.gone().await;
            Some(Ending::Gone)
        }
        Effect::Part { partial, then } => reply.map(|reply| {
            let end = match then {
                Then::Silence => End::Silence,
                Then::End => End::Cut,
            };
            let (length, pacing) = (reply.body().len(), Pacing::AtOnce);
            Ending::Answer(Answer { response: partial, length, end, pacing, receipt: None })
        }),
        // Nothing of connecting can fail now: the connection is up.
        Effect::Break(_) if phase == Phase::BeforeSend => Some(Ending::Break(Wire::Reset)),
        Effect::Break(cause) => Some(Ending::Break(cause.wire)),
    }
}

fn told(exchange: &Exchange, response: Response, pacing: Pacing) -> Answer {
    let receipt = Some(exchange.receipt(&response));
    Answer { length: response.body().len(), response, end: End::Whole, pacing, receipt }
}
