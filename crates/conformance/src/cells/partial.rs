//! What arrived goes with the error: the head, and the bytes of the body so far.

use clerk_actor_tokens_core::{TransportError, TransportErrorKind};

use super::row::{CONTRACT, Row};
use crate::{
    server::{Act, Server},
    stage::{Checked, Stage, demand, fail},
};

pub(super) static ROWS: [Row<Stage>; 3] = [
    Row {
        name: "partial.content_length",
        demand: "A body that ends before its `Content-Length` is an error with the head and the bytes that came",
        source: CONTRACT,
        check: |stage| Box::pin(cut(stage, "content-length: 100", "{\"id\":\"act_1\",", "{\"id\":\"act_1\",")),
    },
    Row {
        name: "partial.chunked",
        demand: "A chunked body that ends within a chunk, or before the last one, is an error with the head and the bytes that came",
        source: CONTRACT,
        check: |stage| {
            Box::pin(async move {
                cut(stage, "transfer-encoding: chunked", "3\r\nabc\r\n9\r\nde", "abcde").await?;
                cut(stage, "transfer-encoding: chunked", "3\r\nabc\r\n", "abc").await
            })
        },
    },
    Row {
        name: "partial.broken_chunk",
        demand: "A body whose framing breaks is an error with the head and the bytes before that",
        source: CONTRACT,
        check: |stage| Box::pin(cut(stage, "transfer-encoding: chunked", "3\r\nabc\r\nzz\r\n", "abc")),
    },
];

/// Each of these heads, cut: it distinguishes an answer, a refusal and a failure.
async fn cut(stage: &Stage, framing: &str, sent: &str, arrived: &str) -> Checked {
    for status in [200, 422, 500] {
        let bytes = format!("HTTP/1.1 {status} X\r\nx-head: kept\r\n{framing}\r\n\r\n{sent}");
        let server = Server::acting([Act::Write(bytes.into_bytes().into()), Act::Close])?;
        let error = stage.send(&server, stage.post(&server)?).await?.error()?;
        is_partial(&error, TransportErrorKind::Interrupted, status, arrived.as_bytes())?;
    }
    Ok(())
}

/// Whether an error is of this kind, and carries the head (with its header `x-head: kept`) and these bytes.
pub(super) fn is_partial(error: &TransportError, kind: TransportErrorKind, status: u16, body: &[u8]) -> Checked {
    demand(error.kind() == kind, || format!("it ended with {error:?}, not with {kind:?}"))?;
    let Some(partial) = error.partial() else {
        return fail(format!("the head had arrived, and is not in {error:?}"));
    };
    demand(partial.status() == status, || format!("{status} became {}", partial.status().as_u16()))?;
    let has_header = partial.headers().get("x-head").is_some_and(|value| value == "kept");
    demand(has_header, || "the headers had arrived, and are not in the error".into())?;
    demand(partial.body() == body, || {
        format!(
            "{} bytes of the body had arrived, and {} are in the error, or others",
            body.len(),
            partial.body().len()
        )
    })
}
