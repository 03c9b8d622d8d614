//! What the line of an error says of its cause: the innermost one, once, masked, and bounded.

use std::{error::Error as StdError, fmt, io};

use clerk_actor_tokens_core::{
    Client, CreateActorToken, Error, InvalidKey, RevokeActorToken, SecretKey, TransportError, TransportErrorKind,
    credentials_fn,
};

use crate::common::{Op, Play, Scripted, run};

/// A cause with a cause.
#[derive(Debug)]
struct Layer(&'static str, Option<Box<dyn StdError + Send + Sync>>);

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl StdError for Layer {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.1.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

fn layers(texts: &[&'static str]) -> Layer {
    let (first, rest) = texts.split_first().expect("one at least");
    Layer(first, (!rest.is_empty()).then(|| layers(rest).into()))
}

fn shown(kind: TransportErrorKind, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> String {
    let failed = TransportError::new(kind).with_source(cause);
    Error::from_transport(&CreateActorToken::INFO, failed).to_string()
}

/// The kinds whose cause is printed, and what is said before it.
const WITH_CAUSE: [(TransportErrorKind, &str); 7] = [
    (TransportErrorKind::Blocked, "the request was blocked before it was sent"),
    (TransportErrorKind::Connect, "could not connect"),
    (TransportErrorKind::Canceled, "the connection closed before the request was written"),
    (TransportErrorKind::Tls, "the TLS handshake was refused"),
    (TransportErrorKind::Proxy, "the proxy could not reach the server"),
    (TransportErrorKind::ProxyRefused, "the proxy refused to open a tunnel"),
    (TransportErrorKind::Credential, "the credential provider returned no secret key"),
];

#[test]
fn the_innermost_cause_is_in_the_line() {
    for (kind, said) in WITH_CAUSE {
        let cause = layers(&["client error", "tcp connect error", "no route to host"]);
        assert_eq!(
            shown(kind, cause),
            format!("CreateActorToken: {said}: no route to host; nothing was done at Clerk")
        );
    }
    let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
    assert!(shown(TransportErrorKind::Connect, refused).contains("could not connect: connection refused; "));
}

#[test]
fn a_cause_that_adds_nothing_is_not_said_twice() {
    for (kind, said) in WITH_CAUSE {
        let bare = format!("CreateActorToken: {said}; nothing was done at Clerk");
        for nothing in ["", " \n", said] {
            assert_eq!(shown(kind, layers(&[nothing])), bare);
            let more = bare.replace("; ", ": the reason; ");
            assert_eq!(shown(kind, layers(&["the reason", nothing])), more, "the cause outside it does add something");
        }
        assert_eq!(shown(kind, TransportError::from(kind)), bare, "an error of the same kind inside");
        assert_eq!(Error::from_transport(&CreateActorToken::INFO, kind.into()).to_string(), bare, "no cause at all");
    }
}

#[test]
fn a_failure_after_the_request_was_sent_prints_no_cause() {
    for kind in [TransportErrorKind::Interrupted, TransportErrorKind::Timeout, TransportErrorKind::Other] {
        assert!(!shown(kind, "what the peer said").contains("what the peer said"));
    }
}

#[test]
fn no_credential_in_a_cause_reaches_the_line() {
    let secrets = [
        "key sk_live_CANARYcanary0123456789",
        "key sk_test_CANARY",
        "SK%5FLIVE%5FCANARY",
        "ticket eyJhbGciOiJSUzI1NiJ9.eyJCANARY.CANARY",
        "GET https://clerk.example.com/v1/tickets/accept?ticket=CANARY",
        "proxy http://user:CANARY@proxy.test:3128",
        "Authorization: Bearer CANARY0123",
        "Proxy-Authorization: Basic dXNlcjpDQU5BUlk=CANARY",
    ];
    for secret in secrets {
        for (kind, _) in WITH_CAUSE {
            let text = shown(kind, layers(&["the vault failed", secret]));
            assert!(text.contains("(redacted)") && !text.contains("CANARY"), "{}", text.replace("CANARY", "(shown)"));
            // Where the innermost cause is empty, the one outside it is shown.
            let text = shown(kind, layers(&[secret, ""]));
            assert!(text.contains("(redacted)") && !text.contains("CANARY"), "{}", text.replace("CANARY", "(shown)"));
        }
        let provider = credentials_fn(move || async move { Err::<SecretKey, _>(secret) });
        let client = Client::new(Scripted::new(|_| Play::Stall), provider);
        for op in Op::BOTH {
            let error = run(&client, op).unwrap_err();
            let text = format!("{error} {error:?} {error:#?}");
            assert!(!text.contains("CANARY"), "{}", text.replace("CANARY", "(shown)"));
        }
    }
}

#[test]
fn a_cause_is_one_line_of_bounded_length() {
    let long: &'static str = Box::leak("x".repeat(1_000_000).into_boxed_str());
    for text in ["a\nb\r\nc", "a\u{1b}[31mb", "a\u{2028}b\u{202e}c", "a\0b", long] {
        let shown = shown(TransportErrorKind::Connect, layers(&["outside", text]));
        assert!(!shown.contains(|c: char| c.is_control() || c == '\u{2028}' || c == '\u{202e}'), "{shown}");
        assert!(shown.len() < 600, "{} bytes", shown.len());
        assert!(shown.ends_with("; nothing was done at Clerk"));
    }
}

/// A chain of causes without an end.
#[derive(Debug)]
struct Endless;

impl fmt::Display for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("again")
    }
}

impl StdError for Endless {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self)
    }
}

/// A cause whose text breaks off in the middle of a credential.
#[derive(Debug)]
struct BreaksOff;

impl fmt::Display for BreaksOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("http://user:CANARY")?;
        Err(fmt::Error)
    }
}

impl StdError for BreaksOff {}

#[test]
fn a_cause_that_cannot_be_printed_and_a_chain_without_an_end_do_no_harm() {
    for cause in [Box::new(Endless) as Box<dyn StdError + Send + Sync>, Box::new(BreaksOff)] {
        let failed = TransportError::new(TransportErrorKind::Tls).with_source(cause);
        let text = format!("{failed:?}");
        let error = Error::from_transport(&RevokeActorToken::INFO, failed);
        let text = format!("{text} {error} {error:?}");
        assert!(text.contains("the TLS handshake was refused") && text.len() < 2_000 && !text.contains("CANARY"));
    }
}

#[test]
fn a_provider_that_reads_the_environment_names_the_variable() {
    let provider = credentials_fn(|| async { Err::<SecretKey, _>(InvalidKey::NotInEnvironment) });
    let client = Client::new(Scripted::new(|_| Play::Stall), provider);
    let error = run(&client, Op::Create).unwrap_err();
    assert!(error.to_string().contains("CLERK_SECRET_KEY") && error.advice().contains("CLERK_SECRET_KEY"), "{error}");
}
