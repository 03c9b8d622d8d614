//! What a client sees, and what it should see of each fault at each time in each way, by hand.

use clerk_actor_tokens_emulator::fault::Phase;

use crate::ways::Way;

/// What a client sees of the connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A whole answer: status, content type.
    Answer(u16, String),
    /// So many bytes of the body, then the end of the stream.
    Cut(usize),
    /// So many bytes of the body, then nothing.
    Stalled(usize),
    Reset,
    /// The end of the stream, and not a byte of an answer.
    End,
    /// Not a byte of an answer, and no end.
    Nothing,
    /// Not a byte from the beginning of the connection, and no end.
    Silence,
    /// HTTP/2: so many bytes of the body, then RST_STREAM with this code.
    StreamReset(usize, u32),
    /// HTTP/2: GOAWAY with this last stream and this code, then the end of the stream.
    GoAway(u32, u32),
    /// TLS: one of the above in the handshake, before a byte of a request could be sent.
    Handshake(Box<Seen>),
    /// TLS: these bytes in the handshake, then the end of the stream.
    HandshakeBytes(Vec<u8>),
}

pub(crate) fn answer(status: u16, content_type: &str) -> Seen {
    Seen::Answer(status, content_type.to_owned())
}

/// The stream of the request that meets the fault, over HTTP/2. The one before it was answered.
pub(crate) const STREAM: u32 = 3;

/// A fatal alert, handshake_failure: RFC 8446 section 6.
const ALERT: [u8; 7] = [21, 3, 3, 0, 2, 2, 40];

pub(crate) fn expected(way: Way, name: &str, phase: Phase) -> Seen {
    if phase == Phase::BeforeSend {
        return connecting(way, name);
    }
    let json = |status| answer(status, "application/json");
    let html = |status| answer(status, "text/html; charset=utf-8");
    let number = || name.split(['(', ')', ',']).nth(1).unwrap().parse::<u16>().unwrap();
    match name {
        "pass()" | "delay(1s)" | "slow_body(1s)" | "not_clerk()" => json(200),
        "stall()" | "delay(3600s)" => Seen::Nothing,
        "refused_stream()" if way.is_http2() => Seen::StreamReset(0, 7),
        "goaway_below()" if way.is_http2() => Seen::GoAway(STREAM - 2, 0),
        "goaway_above()" if way.is_http2() => Seen::GoAway(STREAM, 0),
        "reset()" | "refused_stream()" | "goaway_below()" | "goaway_above()" => Seen::Reset,
        "close()" | "half_close()" => Seen::End,
        "slow_body(3600s)" => Seen::Stalled(0),
        "content_type(\"application/json; charset=utf-8\")" => answer(200, "application/json; charset=utf-8"),
        "content_type(\"text/plain\")" => answer(200, "text/plain"),
        "content_type(\"text/html\")" => answer(200, "text/html"),
        _ => match name.split('(').next().unwrap() {
            "rst_stream" if way.is_http2() => Seen::StreamReset(0, number().into()),
            "rst_stream" => Seen::Reset,
            // INTERNAL_ERROR.
            "cut_at" if way.is_http2() => Seen::StreamReset(number().into(), 2),
            "cut_at" => Seen::Cut(number().into()),
            "stall_at" => Seen::Stalled(number().into()),
            "empty" | "redirect" => answer(number(), ""),
            "html" => html(number()),
            "status" if (520..=530).contains(&number()) => html(number()),
            "status" => json(number()),
            // The rest is Clerk's answer with another body.
            _ => json(200),
        },
    }
}

/// Of a connection that is being made.
fn connecting(way: Way, name: &str) -> Seen {
    let seen = match name {
        "pass()" | "delay(1s)" => return answer(200, "application/json"),
        "delay(3600s)" => return Seen::Nothing,
        "tls()" if way.is_tls() => return Seen::HandshakeBytes(ALERT.to_vec()),
        // A handshake record that announces 122 bytes, with 13 of a ServerHello.
        "tls_cut()" if way.is_tls() => {
            let record = [22, 3, 3, 0, 122, 2, 0, 0, 118, 3, 3, 1, 2, 3, 4, 5, 6, 7];
            return Seen::HandshakeBytes(record.to_vec());
        }
        "stall()" | "connect_timeout()" => Seen::Silence,
        "close()" => Seen::End,
        "refused()" | "dns()" | "unreachable()" | "canceled()" | "reset()" => Seen::Reset,
        // There is no TLS, or no proxy, to say it.
        "tls()" | "tls_cut()" | "proxy()" | "proxy_auth()" => Seen::Reset,
        _ => panic!("nothing is expected of before_send({name})"),
    };
    if way.is_tls() { Seen::Handshake(Box::new(seen)) } else { seen }
}
