//! An id of any characters leads a revoke to its one path, or nowhere: each Unicode scalar at the start, in the middle
//! and at the end of an id.
//!
//! What may stand in an id is written down here once more, and what is sent is read from the text of the URL.
#![allow(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by a panic, and this one shows its figure"
)]

use std::sync::{Arc, Mutex};

use clerk_actor_tokens::{
    ActorTokenId, BaseUrl, Client, ErrorKind, RetryPolicy, SecretKey,
    http::{Method, StatusCode},
    operation::{Operation, RevokeActorToken},
    transport::{Response, transport_fn},
};

const ALLOWED: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
const BEFORE: &str = "https://api.clerk.com/v1/actor_tokens/";
const BEHIND: &str = "/revoke";
/// All scalars but the surrogates.
const SCALARS: usize = 0x11_0000 - 0x800;

/// The ids that have this scalar at the start, in the middle and at the end.
fn ids(scalar: char) -> [String; 3] {
    [("", "ct_1"), ("ac", "_1"), ("act_", "")].map(|(head, tail)| {
        let mut id = String::with_capacity(head.len() + tail.len() + scalar.len_utf8());
        id.push_str(head);
        id.push(scalar);
        id.push_str(tail);
        id
    })
}

/// Whether this URL is the one of revoking a token of this id, in its text and as an HTTP stack reads it.
fn is_the_path(url: &str, id: &str) -> bool {
    let segment = url.strip_prefix(BEFORE).and_then(|rest| rest.strip_suffix(BEHIND));
    segment == Some(id) && !id.is_empty() && id.chars().all(|c| ALLOWED.contains(c))
}

#[derive(Default)]
struct Figure {
    tried: usize,
    refused: usize,
    sent: usize,
    elsewhere: usize,
}

impl Figure {
    fn show(&self, level: &str) {
        let Self { tried, refused, sent, elsewhere } = self;
        println!("figure: ids, {level}: {tried} tried, {refused} refused, {sent} sent, {elsewhere} to another path");
    }

    fn add(mut self, other: &Self) -> Self {
        self.tried += other.tried;
        self.refused += other.refused;
        self.sent += other.sent;
        self.elsewhere += other.elsewhere;
        self
    }
}

/// Asks for the request of each id with a scalar from this range.
fn requests_of(scalars: std::ops::RangeInclusive<char>) -> Figure {
    let base = BaseUrl::default();
    let mut figure = Figure::default();
    for scalar in scalars {
        for id in ids(scalar) {
            figure.tried += 1;
            match RevokeActorToken::new(&id).request(&base) {
                Err(refusal) => {
                    assert!(!ALLOWED.contains(scalar), "{scalar:?} was refused");
                    assert_eq!(refusal.field(), "actor_token_id");
                    figure.refused += 1;
                }
                Ok(request) => {
                    figure.sent += 1;
                    figure.elsewhere += usize::from(!is_the_path(&request.uri().to_string(), &id));
                    assert!(ALLOWED.contains(scalar), "{scalar:?} makes {}", request.uri());
                }
            }
        }
    }
    figure
}

#[test]
fn no_scalar_at_any_place_of_an_id_makes_a_request_to_another_path() {
    let upper = std::thread::spawn(|| requests_of('\u{90000}'..=char::MAX));
    let figure = requests_of(char::MIN..='\u{8ffff}').add(&upper.join().unwrap());
    figure.show("every scalar at 3 places");
    assert_eq!(figure.tried, SCALARS * 3);
    assert_eq!((figure.sent, figure.elsewhere), (ALLOWED.len() * 3, 0));
    assert_eq!(figure.refused, figure.tried - figure.sent);
}

/// Texts that lead elsewhere where somebody puts them into a path, or looks at them after decoding them.
const TRAPS: [&str; 26] = [
    "",
    ".",
    "..",
    "../users",
    "..%2fusers",
    "%2e%2e",
    "act_1/../../users/user_1",
    "act_1/revoke#",
    "act_1?x=",
    "act_1#",
    "act_1;x",
    "act_1\\..\\x",
    "act_1%00",
    "act_1\0",
    "act_1\r\nhost: x",
    "//evil.test/",
    "https://evil.test/",
    "@evil.test",
    "act_1 ",
    " act_1",
    "act_1\t",
    "ａｃｔ_1",
    "act_1\u{2044}x",
    "act_1\u{ff0f}x",
    "act_\u{202e}1",
    "{actor_token_id}",
];

/// The whole client: all ids that pass, and of those that do not, all of ASCII, one scalar of each thousand, and traps.
#[tokio::test]
async fn what_is_refused_is_not_sent_and_what_is_sent_goes_to_its_path() {
    let paths = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&paths);
    let transport = transport_fn(move |request, _| {
        seen.lock().unwrap().push((request.method().clone(), request.uri().to_string()));
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NOT_FOUND;
        async { Ok(response) }
    });
    let clerk = Client::builder(transport, SecretKey::new("sk_test_key").unwrap()).retry(RetryPolicy::none());
    let clerk = clerk.build().unwrap();
    let scalars = (char::MIN..=char::MAX).filter(|c| c.is_ascii() || *c as u32 % 997 == 0);
    let tried: Vec<String> = scalars.flat_map(ids).chain(TRAPS.map(str::to_owned)).collect();

    let mut figure = Figure { tried: tried.len(), ..Figure::default() };
    for id in &tried {
        let error = clerk.actor_tokens().revoke(id).send().await.unwrap_err();
        let sent: Vec<_> = paths.lock().unwrap().drain(..).collect();
        let is_allowed = !id.is_empty() && id.chars().all(|c| ALLOWED.contains(c));
        assert_eq!(ActorTokenId::new(id.as_str()).is_ok(), is_allowed, "{id:?}");
        if is_allowed {
            assert_eq!(sent.len(), 1, "{id:?}");
            assert_eq!(sent[0].0, Method::POST);
            figure.sent += 1;
            figure.elsewhere += usize::from(!is_the_path(&sent[0].1, id));
        } else {
            assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{id:?}");
            assert!(sent.is_empty(), "{id:?} was sent");
            figure.refused += 1;
        }
    }
    figure.show("the whole client");
    assert_eq!((figure.sent, figure.elsewhere), (ALLOWED.len() * 3, 0));
    assert!(figure.refused > 3000, "hardly any was refused");
}
