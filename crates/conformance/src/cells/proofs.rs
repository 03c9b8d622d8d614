//! What a transport should be able to prove. Saying less is allowed: it costs a retry, or a question to a person, never a
//! second token.

use clerk_actor_tokens_core::{Execution, SystemTimer, Timer as _};

use super::{
    closed_port::ClosedPort,
    row::{Row, whole},
};
use crate::{
    peer::WARM_UP,
    server::{Act, Reads, Server},
    stage::{AFTERMATH, Checked, Ended, Otherwise, RACY, Stage, fail},
};

/// Where these are written down.
const KINDS: &str = "the book's table of the kinds of error";

pub(super) static ROWS: [Row<Stage>; 5] = [
    Row {
        name: "proof.refused_connection",
        demand: "A refused connection proves that nothing was executed",
        source: KINDS,
        check: |stage| Box::pin(refused_connection(stage)),
    },
    Row {
        name: "proof.deadline_that_has_passed",
        demand: "A deadline that has passed before anything is opened proves that nothing was executed",
        source: KINDS,
        check: |stage| Box::pin(deadline_that_has_passed(stage)),
    },
    Row {
        name: "proof.deadline_of_connecting",
        demand: "The deadline within a TLS handshake proves that nothing was executed",
        source: KINDS,
        check: |stage| Box::pin(deadline_of_connecting(stage)),
    },
    Row {
        name: "proof.cut_handshake",
        demand: "A TLS handshake that is cut off proves that nothing was executed",
        source: KINDS,
        check: |stage| Box::pin(cut_handshake(stage)),
    },
    Row {
        name: "proof.idle_connection",
        demand: "An idle connection that the server has closed is replaced, or proves that nothing was executed",
        source: KINDS,
        check: |stage| Box::pin(idle_connection(stage)),
    },
];

fn is_proved(ended: Ended) -> Checked {
    let error = ended.error()?;
    match error.execution() {
        Execution::NotExecuted => Ok(()),
        _ => Err(Otherwise::NotProved(format!("it ended with {error:?}"))),
    }
}

async fn refused_connection(stage: &Stage) -> Checked {
    let nobody = Server::acting([])?;
    let closed = ClosedPort::new()?;
    let request = stage.post_to(&format!("http://{}/", closed.address()))?;
    is_proved(stage.send(&nobody, request).await?)
}

async fn deadline_that_has_passed(stage: &Stage) -> Checked {
    let server = Server::acting([Act::Write(whole("200 OK", b"").into())])?;
    for _ in 0..RACY {
        let mut request = stage.post(&server)?;
        stage.bound(&mut request, std::time::Duration::ZERO);
        is_proved(stage.send(&server, request).await?)?;
    }
    Ok(())
}

async fn deadline_of_connecting(stage: &Stage) -> Checked {
    let make = || {
        let server = Server::start(Reads::Nothing, |_| vec![Act::Hold])?;
        let request = stage.post_to(&format!("https://{}/", server.address()))?;
        Ok((server, request))
    };
    stage.sit_out(make, |_, ended| is_proved(ended)).await
}

async fn cut_handshake(stage: &Stage) -> Checked {
    let server = Server::start(Reads::Nothing, |_| vec![Act::Close])?;
    let request = stage.post_to(&format!("https://{}/", server.address()))?;
    is_proved(stage.send(&server, request).await?)
}

async fn idle_connection(stage: &Stage) -> Checked {
    for _ in 0..RACY {
        idle_once(stage).await?;
    }
    Ok(())
}

async fn idle_once(stage: &Stage) -> Checked {
    // Says nothing of closing, and closes behind the answer.
    let server = Server::acting([Act::Write(whole("200 OK", b"hello").into()), Act::Close])?;
    if !stage.warm_up(&server).await? {
        return Err(Otherwise::NotApplicable("it uses no connection again".into()));
    }
    for _ in 0..2 {
        let ended = stage.send(&server, stage.post(&server)?).await?;
        if ended.result.is_err() {
            return is_proved(ended);
        }
        // Time to see the close.
        SystemTimer.sleep(AFTERMATH.saturating_mul(3)).await;
    }
    match server.seen().iter().any(|seen| seen.before > 0 && seen.request.header(WARM_UP).is_none()) {
        true => Ok(()),
        false => fail("the kit's own connection was never used again"),
    }
}
