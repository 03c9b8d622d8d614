//! What connections do beside the catalogue: which protocol they speak, what they meet while they are reused, and how they
//! end when nothing is said.

use std::{io, time::Duration};

use clerk_actor_tokens_emulator::{
    CommitKind, Emulator,
    fault::{self, Phase},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    PATIENCE, SILENCE,
    frames::{self, Frame},
    look::{self, create, look, within},
    run,
    seen::{Seen, answer},
    tee::{End, Log},
    until_async,
    ways::{Fixture, Io, Way},
};

fn json() -> Seen {
    answer(200, "application/json")
}

/// One answer to a request that leaves the connection up; its status.
async fn ask(stream: &mut Box<dyn Io>, request: &str) -> u16 {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(within(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    if let Some((_, rest)) = head.split_once("content-length: ") {
        let mut body = vec![0; rest.lines().next().unwrap().parse().unwrap()];
        within(PATIENCE, stream.read_exact(&mut body)).await.unwrap().unwrap();
    }
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

fn kept_alive() -> String {
    create().replace("connection: close\r\n", "")
}

async fn at_the_end(stream: &mut Box<dyn Io>) -> io::Result<usize> {
    within(PATIENCE, stream.read(&mut [0])).await.unwrap()
}

/// Nothing of connecting can fail now: the reset proves nothing, and nothing is committed.
#[test]
fn over_a_connection_that_is_up_a_fault_of_connecting_is_a_reset_once_the_head_is_read() {
    let connecting = fault::catalogue().into_iter().filter(|fault| {
        let phases = fault.phases_of(CommitKind::Create);
        phases.contains(&Phase::BeforeSend) && !["pass()", "stall()"].contains(&fault.name().as_str())
    });
    run(async {
        for fault in connecting.filter(|fault| !fault.name().starts_with("delay")) {
            for way in [Way::Http1, Way::Http1Tls] {
                let server = Fixture::new(way).await;
                let mut stream = server.connect(&Log::default(), &Log::default()).await.unwrap();
                assert_eq!(ask(&mut stream, &kept_alive()).await, 200);
                fault.queue(server.clerk.next_create(), Phase::BeforeSend);
                let (head, _) =
                    create().split_once("\r\n\r\n").map(|(head, body)| (head.to_owned(), body.len())).unwrap();
                stream.write_all(format!("{head}\r\n\r\n").as_bytes()).await.unwrap();
                let end = at_the_end(&mut stream).await.unwrap_err();
                assert_eq!(end.kind(), io::ErrorKind::ConnectionReset, "{way:?} {fault}");
                server.clerk.assert_creates(1);
                assert_eq!(server.clerk.requests().len(), 1);
                server.clerk.assert_faults_used();
                assert_eq!(server.served.connections(), 1);
            }
            for way in [Way::Http2, Way::Http2Tls] {
                let server = Fixture::new(way).await;
                let log = Log::default();
                let stream = server.connect(&Log::default(), &log).await.unwrap();
                let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
                let connection = tokio::spawn(connection);
                let (known, _) = client.send_request(look::request("/v1/known"), true).unwrap();
                assert_eq!(known.await.unwrap().status(), 501);
                fault.queue(server.clerk.next_create(), Phase::BeforeSend);
                let (head, _body) = client.send_request(look::request("/v1/actor_tokens"), false).unwrap();
                within(PATIENCE, head).await.unwrap().unwrap_err();
                let _ = within(PATIENCE, connection).await.unwrap();
                assert_eq!(log.end(), Some(End::Reset), "{way:?} {fault}");
                server.clerk.assert_creates(0);
                server.clerk.assert_faults_used();
            }
        }
    });
}

/// The creates' first, then the revokes': and one of another time blocks none.
#[test]
fn a_connection_meets_the_creates_fault_before_the_revokes() {
    run(async {
        let server = Fixture::new(Way::Http1).await;
        let connect = async || server.connect(&Log::default(), &Log::default()).await.unwrap();
        server.clerk.next_revoke().before_send(fault::reset());
        server.clerk.next_create().before_send(fault::close());
        assert_eq!(at_the_end(&mut connect().await).await.unwrap(), 0);
        assert_eq!(at_the_end(&mut connect().await).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        // Of these the connection is none of the business.
        server.clerk.next_create().before_commit(fault::status(503));
        server.clerk.next_create().before_send(fault::reset());
        assert_eq!(ask(&mut connect().await, &kept_alive()).await, 503);
        assert_eq!(at_the_end(&mut connect().await).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        server.clerk.assert_faults_used();
        assert_eq!(server.served.connections(), 4);
    });
}

#[test]
fn the_emulator_is_its_own_proxy() {
    const CONNECT: &str = "CONNECT api.clerk.com:443 HTTP/1.1\r\nhost: api.clerk.com:443\r\n\r\n";
    run(async {
        for way in [Way::Http1, Way::Http1Tls] {
            let server = Fixture::new(way).await;
            let tunnel = async || {
                let mut tcp: Box<dyn Io> = Box::new(TcpStream::connect(server.address).await.unwrap());
                let status = ask(&mut tcp, CONNECT).await;
                (tcp, status)
            };
            let (mut tcp, status) = tunnel().await;
            assert_eq!(status, 200);
            if way.is_tls() {
                tcp = server.handshake(tcp, &Log::default()).await.unwrap();
            }
            assert_eq!(ask(&mut tcp, &kept_alive()).await, 200);

            for (fault, status) in [(fault::proxy(), 502), (fault::proxy_auth(), 407)] {
                server.clerk.next_create().before_send(fault);
                let (mut tcp, answered) = tunnel().await;
                assert_eq!(answered, status);
                assert_eq!(at_the_end(&mut tcp).await.unwrap(), 0);
            }
            // What is of TLS, or of the host behind the proxy, is met in the tunnel.
            server.clerk.next_create().before_send(fault::tls());
            if way.is_tls() {
                let (tcp, status) = tunnel().await;
                assert_eq!(status, 200);
                let error = server.handshake(tcp, &Log::default()).await.err().unwrap();
                assert!(error.to_string().contains("HandshakeFailure"), "{error}");
            } else {
                assert!(matches!(look(&server, way, &Seen::Reset).await.0, Seen::Reset));
            }
            server.clerk.assert_creates(1);
            server.clerk.assert_faults_used();
        }
    });
}

#[test]
fn a_proxy_that_wants_credentials_says_so() {
    run(async {
        let server = Fixture::new(Way::Http1).await;
        server.clerk.next_create().before_send(fault::proxy_auth());
        let mut stream = server.connect(&Log::default(), &Log::default()).await.unwrap();
        stream.write_all(b"CONNECT x:443 HTTP/1.1\r\nhost: x:443\r\n\r\n").await.unwrap();
        let mut read = String::new();
        within(PATIENCE, stream.read_to_string(&mut read)).await.unwrap().unwrap();
        assert!(read.starts_with("HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic "), "{read}");
    });
}

#[test]
fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
    let limit = Duration::from_secs(1);
    run(async {
        let clerk = Emulator::builder().real_time().build();
        let server = clerk.server().idle_timeout(limit).start().await.unwrap();
        let address = server.url().strip_prefix("http://").unwrap().to_owned();
        // One that says nothing, and one that has been answered.
        let mut silent: Box<dyn Io> = Box::new(TcpStream::connect(&address).await.unwrap());
        assert_eq!(at_the_end(&mut silent).await.unwrap(), 0);
        let mut answered: Box<dyn Io> = Box::new(TcpStream::connect(&address).await.unwrap());
        assert_eq!(ask(&mut answered, &kept_alive()).await, 200);
        assert_eq!(at_the_end(&mut answered).await.unwrap(), 0);
        // One whose answer takes longer.
        clerk.next_create().before_commit(fault::delay(limit * 3 / 2));
        let mut busy: Box<dyn Io> = Box::new(TcpStream::connect(&address).await.unwrap());
        assert_eq!(ask(&mut busy, &kept_alive()).await, 200);
        // Over HTTP/2 it says so first: GOAWAY, last stream 1, NO_ERROR.
        let log = Log::default();
        let stream = crate::tee::Tee::new(TcpStream::connect(&address).await.unwrap(), &log);
        let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
        let connection = tokio::spawn(connection);
        let (known, _) = client.send_request(look::request("/v1/known"), true).unwrap();
        assert_eq!(known.await.unwrap().status(), 501);
        let _ = within(PATIENCE, connection).await.unwrap();
        assert_eq!(frames::read(&log.bytes()).iter().find_map(Frame::goaway), Some((1, 0)));
        clerk.assert_creates(2);
    });
}

/// Far from the limit each time, and all of it together beyond it.
#[test]
fn a_request_that_is_still_coming_keeps_its_connection() {
    run(async {
        let clerk = Emulator::builder().real_time().build();
        let server = clerk.server().idle_timeout(Duration::from_secs(2)).start().await.unwrap();
        let tcp = TcpStream::connect(server.url().strip_prefix("http://").unwrap()).await.unwrap();
        let mut stream: Box<dyn Io> = Box::new(tcp);
        let request = kept_alive();
        let (head, rest) = request.split_at(30);
        for byte in head.bytes() {
            stream.write_all(&[byte]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(ask(&mut stream, rest).await, 200);
    });
}

#[test]
fn a_server_of_http_1_alone_speaks_no_http_2() {
    run(async {
        let clerk = Emulator::builder().real_time().build();
        let server = clerk.server().http1_only().start().await.unwrap();
        let mut stream: Box<dyn Io> =
            Box::new(TcpStream::connect(server.url().strip_prefix("http://").unwrap()).await.unwrap());
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
        let mut read = Vec::new();
        let _ = within(PATIENCE, stream.read_to_end(&mut read)).await.unwrap();
        // No frame came: the first byte of one is part of a length below 2^16.
        assert_ne!(read.first(), Some(&0));
    });
}

#[test]
fn a_server_with_tls_answers_nothing_in_the_clear() {
    run(async {
        let server = Fixture::new(Way::Http1Tls).await;
        let mut stream: Box<dyn Io> = Box::new(TcpStream::connect(server.address).await.unwrap());
        stream.write_all(create().as_bytes()).await.unwrap();
        let mut read = String::new();
        within(PATIENCE, stream.read_to_string(&mut read)).await.unwrap().unwrap();
        assert!(read.starts_with("HTTP/1.1 400 ") && read.ends_with("use https://"), "{read}");
        let (head, body) = read.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
        server.clerk.assert_creates(0);
    });
}

/// What a client must know of a certificate: whose it is, and for whom.
#[test]
fn each_server_has_an_authority_of_its_own() {
    run(async {
        let (one, other) = (Fixture::new(Way::Http1Tls).await, Fixture::new(Way::Http1Tls).await);
        assert_ne!(one.served.ca_der(), other.served.ca_der());
        assert!(one.served.ca_pem().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
        let tcp = TcpStream::connect(other.address).await.unwrap();
        let error = one.handshake(tcp, &Log::default()).await.err().unwrap();
        assert!(error.to_string().contains("UnknownIssuer") || error.to_string().contains("BadSignature"), "{error}");
        let plain = Fixture::new(Way::Http1).await;
        assert_eq!((plain.served.ca_pem(), plain.served.ca_der()), (None, None));
    });
}

#[test]
fn the_certificate_is_for_this_machine_and_for_the_names_that_were_asked_for() {
    run(async {
        let clerk = Emulator::builder().real_time().build();
        let served = clerk.server().tls().tls_name("api.clerk.com").start().await.unwrap();
        let address = served.url().strip_prefix("https://").unwrap().parse().unwrap();
        let server = Fixture { clerk, address, served, way: Way::Http1Tls };
        for (name, is_good) in
            [("localhost", true), ("127.0.0.1", true), ("::1", true), ("api.clerk.com", true), ("clerk.com", false)]
        {
            let tcp = TcpStream::connect(server.address).await.unwrap();
            let result = server.handshake_as(name, tcp, &Log::default()).await;
            assert_eq!(result.is_ok(), is_good, "{name}");
        }
    });
}

#[test]
fn where_it_listens_on_every_address_its_url_is_the_loopback() {
    run(async {
        for (host, url) in
            [("0.0.0.0", "http://127.0.0.1:"), ("127.0.0.1", "http://127.0.0.1:"), ("localhost", "http://")]
        {
            let clerk = Emulator::builder().real_time().build();
            let served = clerk.server().host(host).start().await.unwrap();
            assert!(served.url().starts_with(url), "{}", served.url());
            assert_eq!(served.base_url().to_string(), format!("{}/v1", served.url()));
            let mut stream: Box<dyn Io> =
                Box::new(TcpStream::connect(served.url().strip_prefix("http://").unwrap()).await.unwrap());
            assert_eq!(ask(&mut stream, &kept_alive()).await, 200);
        }
        // An unassigned address (RFC 5737), and a name without one (RFC 6761).
        for host in ["192.0.2.1", "nowhere.invalid"] {
            let clerk = Emulator::builder().real_time().build();
            assert!(clerk.server().host(host).start().await.is_err());
        }
        let clerk = Emulator::builder().real_time().build();
        let error = clerk.server().tls().tls_name("no\u{e4}me").start().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    });
}

/// Each of the three that stand still, or would.
#[test]
fn no_server_runs_on_a_clock_that_stands_still() {
    run(async {
        let paused = [
            Emulator::new(),
            Emulator::builder().manual_clock().build(),
            Emulator::builder().single_threaded().build(),
        ];
        for clerk in paused {
            for server in [clerk.server(), clerk.server().tls(), clerk.server().host("nowhere.invalid")] {
                let error = server.start().await.unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
                assert!(error.to_string().contains("real_time()"), "{error}");
            }
        }
    });
}

/// A stall over TLS ends when the client says goodbye, which it does within TLS.
#[test]
fn a_client_that_goes_away_during_a_stall_is_seen_to_go() {
    run(async {
        for way in Way::ALL {
            let server = Fixture::new(way).await;
            server.clerk.next_create().before_commit(fault::delay(PATIENCE * 180));
            let log = Log::default();
            let mut stream = server.connect(&Log::default(), &log).await.unwrap();
            if way.is_http2() {
                let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
                let connection = tokio::spawn(connection);
                let (_head, mut body) = client.send_request(look::request("/v1/actor_tokens"), false).unwrap();
                body.send_data(look::BODY.into(), true).unwrap();
                until_async(|| server.clerk.requests().len() == 1).await;
                connection.abort();
                let _ = connection.await;
            } else {
                stream.write_all(create().as_bytes()).await.unwrap();
                until_async(|| server.clerk.requests().len() == 1).await;
                stream.shutdown().await.unwrap();
                assert_eq!(at_the_end(&mut stream).await.unwrap(), 0, "{way:?}");
            }
            server.clerk.assert_creates(0);
        }
        // A silence before a byte was read ends so too.
        let server = Fixture::new(Way::Http1).await;
        server.clerk.next_create().before_send(fault::connect_timeout());
        let mut stream = server.connect(&Log::default(), &Log::default()).await.unwrap();
        stream.write_all(create().as_bytes()).await.unwrap();
        assert!(within(SILENCE, stream.read(&mut [0])).await.is_none());
        stream.shutdown().await.unwrap();
        assert_eq!(at_the_end(&mut stream).await.unwrap(), 0);
        assert_eq!(look(&server, Way::Http1, &json()).await.0, json());
    });
}
