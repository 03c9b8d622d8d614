//! Servers of HTTP/2 that send the client's own key, or a ticket, back from where it may be shown: in any frame.

use std::time::Duration;

use clerk_actor_tokens::{Actor, BaseUrl, Client, RetryPolicy, SecretKey, hyper::HyperTransport};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::{KEY, LINK, TICKET, child, shown::Sanitized};

// The types and the flags of frames, and two codes (RFC 9113 sections 6 and 7).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;
const ENHANCE_YOUR_CALM: u32 = 11;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn goaway(last: u32, code: u32, words: &str) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[&last.to_be_bytes()[..], &code.to_be_bytes(), words.as_bytes()].concat())
}

/// Literal header fields that are never indexed, without Huffman's code (RFC 7541 section 6.2.3).
fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| {
        [&[u8::try_from(text.len()).ok().filter(|length| *length < 127).unwrap()], text.as_bytes()].concat()
    };
    fields.iter().flat_map(|(name, value)| [vec![0x10], text(name), text(value)].concat()).collect()
}

fn head(stream: u32, flags: u8, of: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | flags, stream, &fields(of))
}

/// The bytes that come back for the request of this stream. Then the server ends its side.
type Answer = fn(u32) -> Vec<u8>;

const SERVERS: [(&str, Answer); 14] = [
    ("the body of a page", |stream| {
        [head(stream, 0, &[(":status", "500")]), frame(DATA, END_STREAM, stream, KEY.as_bytes())].concat()
    }),
    ("headers", |stream| {
        let of = [
            (":status", "429"),
            ("retry-after", KEY),
            ("x-clerk-trace-id", KEY),
            ("cf-ray", TICKET),
            ("location", LINK),
        ];
        head(stream, END_STREAM, &of)
    }),
    ("the status", |stream| head(stream, END_STREAM, &[(":status", KEY)])),
    ("an invalid pseudo-header", |stream| {
        head(stream, END_STREAM, &[(":status", "200"), (":sk_test_CANARYcanary", KEY)])
    }),
    ("a pseudo-header behind others", |stream| head(stream, END_STREAM, &[("x-key", KEY), (":status", "200")])),
    ("the name of a header", |stream| head(stream, END_STREAM, &[(":status", "200"), (KEY, KEY)])),
    ("a header of the connection", |stream| head(stream, END_STREAM, &[(":status", "200"), ("connection", KEY)])),
    ("the length", |stream| head(stream, 0, &[(":status", "200"), ("content-length", KEY)])),
    ("an interim answer", |stream| head(stream, 0, &[(":status", "103"), ("link", LINK), ("x-key", KEY)])),
    ("trailers", |stream| {
        [head(stream, 0, &[(":status", "200")]), head(stream, END_STREAM, &[("x-key", KEY), ("x-link", LINK)])].concat()
    }),
    ("the place of fields", |stream| frame(HEADERS, END_HEADERS | END_STREAM, stream, KEY.as_bytes())),
    ("a reset and a ping", |stream| {
        let ping = frame(PING, 0, 0, KEY.as_bytes().first_chunk::<8>().unwrap());
        [ping, frame(RST_STREAM, 0, stream, &ENHANCE_YOUR_CALM.to_be_bytes())].concat()
    }),
    ("a frame of no known type", |stream| {
        [frame(0xfa, 0, stream, KEY.as_bytes()), frame(0xfb, 0, 0, LINK.as_bytes())].concat()
    }),
    ("the place of HTTP/2", |_| format!("HTTP/1.1 400 {KEY}\r\nx-link: {LINK}\r\n\r\n{KEY}").into_bytes()),
];

/// Of what a server says when it goes away, the debug data are any bytes (RFC 9113 section 6.8).
const GOING: [(&str, Answer); 5] = [
    ("refusing", |_| goaway(0, NO_ERROR, KEY)),
    ("refusing with an error", |_| goaway(0, ENHANCE_YOUR_CALM, &format!("too many calls of {KEY} to {LINK}"))),
    ("having taken it", |stream| goaway(stream, INTERNAL_ERROR, KEY)),
    ("having taken all", |_| goaway(u32::MAX >> 1, NO_ERROR, &format!("{LINK}, {KEY}"))),
    ("within the answer", |stream| {
        let begun = [head(stream, 0, &[(":status", "200")]), frame(DATA, 0, stream, b"{\"id\":\"act_1\"")].concat();
        [begun, goaway(0, INTERNAL_ERROR, KEY)].concat()
    }),
];

async fn answering(answer: Answer) -> (BaseUrl, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = BaseUrl::new(format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = answer_once(stream, answer).await;
        }
    });
    (url, serving)
}

/// Reads up to the end of the first request, answers it, and reads on until the client has gone.
async fn answer_once(mut stream: TcpStream, answer: Answer) -> std::io::Result<()> {
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await?;
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let [_, high, low, kind, flags, stream_id @ ..] = head;
        let mut payload = vec![0; usize::from(u16::from_be_bytes([high, low]))];
        stream.read_exact(&mut payload).await?;
        if matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
            stream.write_all(&answer(u32::from_be_bytes(stream_id))).await?;
            stream.shutdown().await?;
            while stream.read(&mut payload).await.is_ok_and(|read| read > 0) {}
            return Ok(());
        }
    }
}

async fn call(servers: &[(&str, Answer)], shown: &mut Sanitized) {
    for secret in [KEY, TICKET, LINK] {
        shown.secret(secret);
    }
    for (place, answer) in servers {
        let (url, serving) = answering(*answer).await;
        let transport = HyperTransport::builder().http_only().http2_prior_knowledge().build().unwrap();
        let builder = Client::builder(transport, SecretKey::new(KEY).unwrap()).base_url(url);
        let clerk = builder.retry(RetryPolicy::none()).timeout(Duration::from_secs(20)).build().unwrap();
        let create = clerk.actor_tokens().create("user_1", Actor::new("user_2")).send().await;
        let revoke = clerk.actor_tokens().revoke("act_1").send().await;
        for error in [create.err(), revoke.err()] {
            let error = error.unwrap_or_else(|| panic!("{place}: it was to fail"));
            shown.error(place, &error);
            shown.debug(place, &error.attempts());
            shown.debug(place, &error.api_errors());
        }
        shown.debug(place, &clerk);
        serving.abort();
    }
    for who in ["h2::client", "h2::codec::framed_read", "h2::proto::connection"] {
        assert!(shown.records_of(who) >= 2 * servers.len(), "{who} logged {}", shown.records_of(who));
    }
}

#[tokio::test]
async fn what_a_server_of_http2_sends_back_is_not_shown() {
    let mut shown = Sanitized::new();
    call(&SERVERS, &mut shown).await;
    shown.assert_clean("servers of HTTP/2 that send it back");
}

/// h2 and hyper-util log these words at `debug` and below, and have no way to leave them out. No other crate says them.
#[tokio::test]
async fn what_a_server_says_when_it_goes_is_shown_by_no_error() {
    if !child::is_own("words::what_a_server_says_when_it_goes_is_shown_by_no_error", &[]) {
        return;
    }
    let mut shown = Sanitized::new();
    call(&GOING, &mut shown).await;
    // So they did arrive.
    assert!(shown.records_with("h2", KEY) >= 2 * GOING.len(), "h2 logs them no longer: search its records too");
    shown.assert_clean_but_for("servers that go away with such words", &["h2", "hyper_util"]);
}
