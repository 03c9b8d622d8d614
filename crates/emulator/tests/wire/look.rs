//! Looks at one creation, with eyes that know nothing of the emulator: HTTP/1.1 as text, HTTP/2 as frames.

use std::{future::Future, io, time::Duration};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    PATIENCE, SILENCE,
    frames::{self, Frame},
    seen::{STREAM, Seen},
    tee::{End, Log},
    ways::{Fixture, Io, Way},
};

pub(crate) const BODY: &str = r#"{"user_id":"user_1","actor":{"sub":"user_agent"}}"#;

/// In so much time, or not at all.
pub(crate) async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, future).await.ok()
}

/// What one creation sees on a connection of its own.
pub(crate) async fn look(server: &Fixture, way: Way, expected: &Seen) -> (Seen, Vec<u8>) {
    let (wire, protocol) = (Log::default(), Log::default());
    let limit = match expected {
        Seen::Handshake(seen) if **seen == Seen::Silence => SILENCE,
        _ => PATIENCE,
    };
    match within(limit, server.connect(&wire, &protocol)).await {
        None => (Seen::Handshake(Box::new(Seen::Silence)), Vec::new()),
        Some(Err(_)) => (cut_handshake(&wire), Vec::new()),
        Some(Ok(stream)) if way.is_http2() => look_at_frames(stream, &protocol, expected).await,
        Some(Ok(stream)) => look_at_text(stream, expected).await,
    }
}

fn cut_handshake(wire: &Log) -> Seen {
    let bytes = wire.bytes();
    match wire.end() {
        _ if !bytes.is_empty() => Seen::HandshakeBytes(bytes),
        Some(End::Orderly) => Seen::Handshake(Box::new(Seen::End)),
        Some(End::Reset) => Seen::Handshake(Box::new(Seen::Reset)),
        None => panic!("a handshake failed on its own"),
    }
}

pub(crate) fn create() -> String {
    let length = BODY.len();
    format!(
        "POST /v1/actor_tokens HTTP/1.1\r\nhost: emulator\r\nauthorization: Bearer sk_test_emulator\r\n\
         connection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{BODY}"
    )
}

/// Reads until the end; where a silence is expected, until all has come that should, and then for as long as that lasts.
pub(crate) async fn look_at_text(mut stream: Box<dyn Io>, expected: &Seen) -> (Seen, Vec<u8>) {
    // Failing is a connection that was reset before: reading says so.
    let _ = stream.write_all(create().as_bytes()).await;
    let _ = stream.flush().await;
    let mut read = Vec::new();
    if let Seen::Stalled(bytes) = expected {
        while !read.ends_with(b"\r\n\r\n") {
            read.push(within(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
        }
        let mut body = vec![0; *bytes];
        within(PATIENCE, stream.read_exact(&mut body)).await.unwrap().unwrap();
        read.extend(body);
    }
    let is_silent = matches!(expected, Seen::Stalled(_) | Seen::Nothing | Seen::Silence);
    let end = within(if is_silent { SILENCE } else { PATIENCE }, stream.read_to_end(&mut read)).await;
    let Some(head) = read.windows(4).position(|four| four == b"\r\n\r\n") else {
        assert_eq!(read, b"");
        let seen = match end {
            Some(Ok(_)) => Seen::End,
            Some(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset => Seen::Reset,
            Some(Err(error)) => panic!("{error}"),
            // Over HTTP/1.1 nothing distinguishes the two: nothing comes before an answer.
            None if *expected == Seen::Silence => Seen::Silence,
            None => Seen::Nothing,
        };
        return (seen, read);
    };
    let body = read.split_off(head + 4);
    let head = String::from_utf8(read).unwrap().to_ascii_lowercase();
    let header = |name: &str| {
        let value = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        value.unwrap_or_default().to_owned()
    };
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let announced = header("content-length").parse().unwrap_or(0);
    let seen = match end {
        Some(Ok(_)) if body.len() == announced => Seen::Answer(status, header("content-type")),
        Some(Ok(_)) => Seen::Cut(body.len()),
        Some(Err(error)) => panic!("{error}"),
        None => Seen::Stalled(body.len()),
    };
    (seen, body)
}

pub(crate) fn request(path: &str) -> http::Request<()> {
    let builder = http::Request::post(format!("http://emulator{path}"));
    let builder = builder.header("authorization", "Bearer sk_test_emulator").header("content-type", "application/json");
    builder.body(()).unwrap()
}

/// The `h2` crate reads the heads. What else came is read from the bytes.
async fn look_at_frames(stream: Box<dyn Io>, log: &Log, expected: &Seen) -> (Seen, Vec<u8>) {
    let seen_of = |log: &Log| match log.end() {
        Some(End::Orderly) => Seen::End,
        Some(End::Reset) => Seen::Reset,
        None => Seen::Nothing,
    };
    let limit = if matches!(expected, Seen::Stalled(_) | Seen::Nothing) { SILENCE } else { PATIENCE };
    let Ok((mut client, connection)) = h2::client::handshake(stream).await else {
        return (seen_of(log), Vec::new());
    };
    let connection = tokio::spawn(connection);
    // A request that meets no fault, unless it finds the connection dead or silent: then so will the next.
    let known = async {
        let (head, _) = client.send_request(request("/v1/known"), true)?;
        head.await
    };
    let patience = if *expected == Seen::Silence { SILENCE } else { PATIENCE };
    match within(patience, known).await {
        Some(Ok(head)) => assert_eq!(head.status(), 501),
        Some(Err(_)) => {
            let _ = within(PATIENCE, connection).await.unwrap();
            return (seen_of(log), Vec::new());
        }
        None if log.bytes().is_empty() && log.end().is_none() => return (Seen::Silence, Vec::new()),
        None => panic!("a request that meets no fault was not answered"),
    }
    let (head, mut body) = client.send_request(request("/v1/actor_tokens"), false).unwrap();
    body.send_data(BODY.into(), true).unwrap();
    let mut read = Vec::new();
    let answer = async {
        let (head, mut body) = head.await?.into_parts();
        while let Some(data) = body.data().await {
            let data = data?;
            body.flow_control().release_capacity(data.len())?;
            read.extend_from_slice(&data);
        }
        Ok::<_, h2::Error>(head)
    };
    // What is known to come before a silence is waited for with patience.
    if let Seen::Stalled(bytes) = expected {
        crate::until_async(|| {
            frames::has_head(&log.bytes(), STREAM) && frames::body_of(&log.bytes(), STREAM).len() >= *bytes
        })
        .await;
    }
    let answer = within(limit, answer).await;
    if let Some(Ok(head)) = answer {
        let content_type = head.headers.get("content-type").map_or("", |value| value.to_str().unwrap());
        let content_type = content_type.to_ascii_lowercase();
        return (Seen::Answer(head.status.as_u16(), content_type), read);
    }
    let frames = || frames::read(&log.bytes());
    if let Some(code) = frames().iter().find_map(|frame| frame.reset_of(STREAM)) {
        assert_eq!(log.end(), None, "only the stream was reset");
        let (head, _) = client.send_request(request("/v1/known"), true).unwrap();
        assert_eq!(within(PATIENCE, head).await.unwrap().unwrap().status(), 501, "the connection continues");
        return (Seen::StreamReset(frames::body_of(&log.bytes(), STREAM).len(), code), read);
    }
    if answer.is_none() {
        let bytes = log.bytes();
        let seen = if frames::has_head(&bytes, STREAM) {
            Seen::Stalled(frames::body_of(&bytes, STREAM).len())
        } else {
            seen_of(log)
        };
        return (seen, read);
    }
    let _ = within(PATIENCE, connection).await.unwrap();
    // The client's own end may have come first: the log says what came.
    let goaway = frames().iter().find_map(Frame::goaway);
    (goaway.map_or_else(|| seen_of(log), |(last, code)| Seen::GoAway(last, code)), read)
}
