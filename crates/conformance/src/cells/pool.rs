//! Which connection a request goes over, where a transport uses connections again.

use std::time::Duration;

use clerk_actor_tokens_core::{DiscardConnection, SystemTimer, Timer as _};

use super::row::{BOOK, CONTRACT, Row, whole};
use crate::{
    server::{Act, Reads, Server},
    stage::{AFTERMATH, Checked, Otherwise, Stage, demand, fail},
};

pub(super) static ROWS: [Row<Stage>; 5] = [
    Row {
        name: "pool.fresh_connection",
        demand: "A request that wants a fresh connection goes over a connection that carried nothing before",
        source: BOOK,
        check: |stage| Box::pin(fresh_connection(stage)),
    },
    Row {
        name: "pool.discarded_connection",
        demand: "Each answer has a `DiscardConnection`, and a connection that was discarded is not used again",
        source: BOOK,
        check: |stage| Box::pin(discarded_connection(stage)),
    },
    Row {
        name: "pool.bytes_left_over",
        demand: "Bytes behind the end of one answer are never the answer to the next request",
        source: "RFC 9112 section 9.2: the association of a response to its request",
        check: |stage| Box::pin(bytes_left_over(stage)),
    },
    Row {
        name: "pool.answer_before_the_body",
        demand: "A connection whose request was not sent whole, because the answer came before, is not used again",
        source: "RFC 9112 section 9.3: a request that is not whole would take the next one for its body",
        check: |stage| Box::pin(answer_before_the_body(stage)),
    },
    Row {
        name: "pool.cut_answer",
        demand: "A connection whose answer was not read whole is not used again",
        source: CONTRACT,
        check: |stage| Box::pin(cut_answer(stage)),
    },
];

fn answering() -> Result<Server, Otherwise> {
    Ok(Server::acting([Act::Write(whole("200 OK", b"hello").into())])?)
}

async fn warmed_up(stage: &Stage, server: &Server) -> Checked {
    match stage.warm_up(server).await? {
        true => Ok(()),
        false => Err(Otherwise::NotApplicable("it uses no connection again".into())),
    }
}

/// The connection that an exchange went over, and how many requests had gone over it before.
fn place_of(server: &Server, exchange: u32) -> Result<(usize, usize), Otherwise> {
    match server.seen_of(exchange).first() {
        Some(seen) => Ok((seen.connection, seen.before)),
        None => fail("the server never read the request"),
    }
}

async fn fresh_connection(stage: &Stage) -> Checked {
    let server = answering()?;
    warmed_up(stage, &server).await?;
    let mut sent = stage.post(&server)?;
    sent.context = sent.context.with_fresh_connection();
    let ended = stage.send(&server, sent).await?;
    let (_, before) = place_of(&server, ended.exchange)?;
    ended.answer()?;
    demand(before == 0, || format!("{before} requests had gone over it"))
}

async fn discarded_connection(stage: &Stage) -> Checked {
    let server = answering()?;
    warmed_up(stage, &server).await?;
    let first = stage.send(&server, stage.post(&server)?).await?;
    let (discarded, _) = place_of(&server, first.exchange)?;
    let response = first.answer()?;
    SystemTimer.sleep(AFTERMATH).await;
    match response.extensions().get::<DiscardConnection>() {
        Some(handle) => handle.discard(),
        None => return Err(Otherwise::NotProved("the answer has none".into())),
    }
    let second = stage.send(&server, stage.post(&server)?).await?;
    let (connection, _) = place_of(&server, second.exchange)?;
    second.answer()?;
    demand(connection != discarded, || "it was used again".into()).map_err(Otherwise::into_hygiene)
}

async fn bytes_left_over(stage: &Stage) -> Checked {
    let answer = [whole("200 OK", b"yours"), whole("200 OK", b"of another")].concat();
    let server = Server::acting([Act::Write(answer.into())])?;
    warmed_up(stage, &server).await?;
    for _ in 0..3 {
        let response = stage.send(&server, stage.post(&server)?).await?.answer()?;
        demand(response.body() == &b"yours"[..], || "it got what was left over".into())?;
        SystemTimer.sleep(AFTERMATH).await;
    }
    Ok(())
}

/// A body that fits into no buffers of a connection.
pub(super) const UNREAD: usize = 8 * 1024 * 1024;

async fn answer_before_the_body(stage: &Stage) -> Checked {
    let server = Server::start(Reads::Head, |seen| {
        let length =
            seen.request.header("content-length").and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
        match length {
            Some(0..10_000_usize) => vec![Act::ReadRest, Act::Write(whole("200 OK", b"hello").into())],
            _ => vec![Act::Write(whole("413 Content Too Large", b"too large").into()), Act::ReadRest],
        }
    })?;
    for _ in 0..2 {
        let mut large = stage.post(&server)?;
        *large.request.body_mut() = vec![b' '; UNREAD].into();
        // An answer, or an error: the law is looked at.
        stage.send(&server, large).await?;
        let mut next = stage.post(&server)?;
        stage.bound(&mut next, Duration::from_secs(4));
        let response =
            stage.send(&server, next).await?.answer().map_err(|otherwise| otherwise.about("the next request"))?;
        demand(response.body() == &b"hello"[..], || "the answer to the next request is not its own".into())?;
    }
    Ok(())
}

async fn cut_answer(stage: &Stage) -> Checked {
    let server = answering()?;
    warmed_up(stage, &server).await?;
    let first = stage.send(&server, stage.post(&server)?.capped(3)).await?;
    let (cut, _) = place_of(&server, first.exchange)?;
    first.error()?;
    SystemTimer.sleep(AFTERMATH).await;
    let second = stage.send(&server, stage.post(&server)?).await?;
    let (connection, _) = place_of(&server, second.exchange)?;
    let response = second.answer()?;
    demand(response.body() == &b"hello"[..], || "the next answer is not its own".into())?;
    demand(connection != cut, || "it was used again".into()).map_err(Otherwise::into_hygiene)
}
