//! Dropping the future aborts the exchange.

use clerk_actor_tokens_core::{SystemTimer, Timer as _};

use super::row::{BOOK, CONTRACT, Row};
use crate::{
    race::holds,
    server::{Act, Server, write},
    stage::{AFTERMATH, Checked, RACY, SLACK, Stage, demand, exchange_of},
};

pub(super) static ROWS: [Row<Stage>; 3] = [
    Row {
        name: "cancel.before_the_head",
        demand: "A future that is dropped while it waits for the head closes the connection",
        source: CONTRACT,
        check: |stage| Box::pin(cancel(stage, b"")),
    },
    Row {
        name: "cancel.within_the_body",
        demand: "A future that is dropped while it reads the body closes the connection",
        source: CONTRACT,
        check: |stage| Box::pin(cancel(stage, b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nso far")),
    },
    Row {
        name: "cancel.send_state",
        demand: "Once the server has the request, its `SendState` does not say that nothing was sent",
        source: BOOK,
        check: |stage| Box::pin(send_state(stage)),
    },
];

async fn cancel(stage: &Stage, before: &'static [u8]) -> Checked {
    let server = Server::acting([write(before), Act::Hold])?;
    let request = stage.post(&server)?;
    let connection = stage.drop_when(&server, request, || server.is_holding()).await?;
    let closed = holds(SLACK, || server.is_left(connection)).await;
    demand(closed, || format!("the connection was still open {SLACK:?} later"))
}

async fn send_state(stage: &Stage) -> Checked {
    for _ in 0..RACY {
        let server = Server::acting([Act::Hold])?;
        let sent = stage.post(&server)?;
        let send_state = sent.context.send_state().clone();
        let exchange = exchange_of(&sent.request);
        stage.drop_when(&server, sent, || !server.seen_of(exchange).is_empty()).await?;
        SystemTimer.sleep(AFTERMATH).await;
        demand(!send_state.is_unsent(), || "a caller that goes away learns that nothing was sent".into())?;
    }
    Ok(())
}
