//! A creation's response, cut at every byte: from the closing quote of the token's id on, the error holds the id, and once
//! the user has arrived as well, it holds it for certain. Before that, and where what arrived speaks against it, it holds
//! none; and it never holds another.
//!
//! The responses are put together piece by piece, so where the id is whole is known without reading them. The pieces
//! are full of what looks like an id and is none.
#![allow(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by a panic, and this one shows its figure"
)]

use std::sync::{Arc, Mutex};

use clerk_actor_tokens::{
    Actor, Client, CreateActorToken, Execution, SecretKey,
    operation::{Creation, Salvage},
    transport::{Response, TransportError, TransportErrorKind, transport_fn},
};

const USER: &str = "user_customer";
const AGENT: &str = "user_agent";

/// What a member of a response says of the token's id.
#[derive(Clone, Copy)]
enum Says {
    Nothing,
    /// With its last byte, this id has arrived. A second one makes it unclear.
    Id(&'static str),
    /// With its last byte, it is seen that the response is to this call.
    Whose,
    /// So many bytes before its end, it is seen that the id cannot be trusted, or that the response is not to this call.
    Otherwise(usize),
}

#[derive(Clone)]
struct Member {
    key: &'static str,
    value: String,
    says: Says,
}

fn member(key: &'static str, value: impl Into<String>) -> Member {
    Member { key, value: value.into(), says: Says::Nothing }
}

fn id(key: &'static str, value: &str, read: &'static str) -> Member {
    Member { says: Says::Id(read), ..member(key, value) }
}

fn otherwise(key: &'static str, value: &str) -> Member {
    Member { says: Says::Otherwise(0), ..member(key, value) }
}

/// Where the id is, and how the response is laid out.
struct Shape {
    name: &'static str,
    /// How many of the other members come before the id.
    before: fn(others: usize) -> usize,
    /// Before the first key, around a colon, before a comma, after a comma, before the last brace.
    space: [&'static str; 5],
}

const SHAPES: [Shape; 5] = [
    Shape { name: "id first", before: |_| 0, space: ["", "", "", "", ""] },
    Shape { name: "id last", before: |others| others, space: ["", "", "", "", ""] },
    Shape { name: "id in the middle", before: |others| others / 2, space: ["", "", "", "", ""] },
    Shape { name: "pretty, id last", before: |others| others, space: ["\n  ", " ", "", "\n  ", "\n"] },
    Shape { name: "spaced, id first", before: |_| 0, space: ["\r\n\t ", " \t\n", " ", "\r\n", " \r\n "] },
];

struct Decoy {
    name: &'static str,
    id: fn() -> Member,
    members: fn() -> Vec<Member>,
    byte_order_mark: bool,
}

fn plain_id() -> Member {
    id(r#""id""#, r#""act_right""#, "act_right")
}

fn decoy(name: &'static str, members: fn() -> Vec<Member>) -> Decoy {
    Decoy { name, id: plain_id, members, byte_order_mark: false }
}

fn decoys() -> Vec<Decoy> {
    vec![
        decoy("none", Vec::new),
        decoy("ids nested in the actor", || {
            vec![
                member(
                    r#""actor""#,
                    r#"{"sub":"user_agent","id":"act_wrong","more":{"id":"act_wrong","x":[{"id":"act_wrong"}]}}"#,
                ),
                member(r#""public_metadata""#, r#"{"id":"act_wrong"}"#),
            ]
        }),
        decoy("arrays of objects with ids", || {
            vec![
                member(r#""data""#, r#"[{"id":"act_wrong"},[{"id":"act_wrong"}],[],{},[[["id","act_wrong"]]]]"#),
                member(r#""ids""#, r#"["id","act_wrong",{"a":[{"b":{"id":"act_wrong"}}]}]"#),
            ]
        }),
        decoy("strings that hold a member", || {
            vec![
                member(r#""note""#, r#""\"id\":\"act_wrong\"""#),
                member(r#""more""#, r#""},\"id\":\"act_wrong\",{""#),
                member(r#""actor""#, r#"{"sub":"user_agent","x":"}","y":"]}\",\"id\":\"act_wrong\"","{":"["}"#),
            ]
        }),
        decoy("strings that end in backslashes", || {
            vec![
                member(r#""path""#, r#""C:\\""#),
                member(r#""four""#, r#""\\\\""#),
                member(r#""quote""#, r#""\\\",\"id\":\"act_wrong\",\"\\""#),
                member(r#""\"id\"""#, r#""act_wrong""#),
            ]
        }),
        Decoy {
            id: || id(r#""\u0069\u0064""#, r#""act_\u0072ight""#, "act_right"),
            ..decoy("escapes in the id's own key and value", || {
                vec![
                    member(r#""\u0061ctor""#, r#"{"s\u0075b":"user_agent","\u0069d":"act_wrong"}"#),
                    member(r#""\u0022id\u0022:\u0022""#, r#""act\u005fwrong""#),
                ]
            })
        },
        Decoy {
            byte_order_mark: true,
            ..decoy("a byte order mark and Unicode", || {
                vec![
                    member("\"名\"", "\"\u{1f511}\u{202e}\u{0}é\u{10ffff}\"".replace('\u{0}', "\\u0000")),
                    member(r#""pair""#, r#""\ud83d\udd11 \u2028""#),
                    member("\"\u{456}d\"", r#""act_wrong""#),
                    member("\"ｉｄ\"", r#""act_wrong""#),
                ]
            })
        },
        decoy("keys that are nearly the id's", || {
            ["Id", "ID", "id ", " id", "_id", "ids", "token_id", "iid", "", "id\\u0000"]
                .map(|key| Member { value: r#""act_wrong""#.to_owned(), ..member(quoted(key), "") })
                .to_vec()
        }),
        decoy("scalars", || {
            vec![
                member(r#""n""#, "-1.5e+3"),
                member(r#""big""#, "123456789012345678901234567890"),
                member(r#""t""#, "true"),
                member(r#""u""#, "null"),
                member(r#""token""#, "null"),
                member(r#""created_at""#, "1700000000000"),
            ]
        }),
        decoy("the id twice, the same", || vec![plain_id()]),
        decoy("the id twice, another", || vec![id(r#""id""#, r#""act_other""#, "act_other")]),
        decoy("the id twice, once as an object", || vec![otherwise(r#""id""#, r#"{"id":"act_wrong"}"#)]),
        decoy("another user's", || vec![otherwise(r#""user_id""#, r#""user_other""#)]),
        decoy("another actor's", || {
            let actor = r#"{"id":"act_wrong","sub":"user_other"}"#;
            vec![Member { says: Says::Otherwise(1), ..member(r#""actor""#, actor) }]
        }),
        decoy("no actor token", || vec![otherwise(r#""object""#, r#""session""#)]),
    ]
}

fn quoted(key: &str) -> &'static str {
    Box::leak(format!("\"{key}\"").into_boxed_str())
}

/// What every response holds besides the id.
fn known() -> Vec<Member> {
    vec![
        member(r#""object""#, r#""actor_token""#),
        member(r#""status""#, r#""pending""#),
        member(r#""url""#, r#""https://clerk.test/?id=act_wrong""#),
        Member { says: Says::Whose, ..member(r#""user_id""#, r#""user_customer""#) },
    ]
}

struct Reply {
    name: String,
    body: String,
    id: &'static str,
    /// How many bytes hold the whole id.
    whole_at: usize,
    /// How many bytes hold the whole user.
    whose_at: usize,
    /// How many bytes show that it cannot be trusted.
    otherwise_at: usize,
}

impl Reply {
    fn new(shape: &Shape, decoy: &Decoy) -> Self {
        let mut members = known();
        let place = members.len() / 2;
        members.splice(place..place, (decoy.members)());
        members.insert((shape.before)(members.len()), (decoy.id)());
        let [first, colon, comma, next, last] = shape.space;
        let mark = if decoy.byte_order_mark { "\u{feff}" } else { "" };
        let mut body = format!("{mark}{first}{{{first}");
        let mut id = None;
        let (mut whose_at, mut otherwise_at) = (usize::MAX, usize::MAX);
        for (number, Member { key, value, says }) in members.into_iter().enumerate() {
            if number > 0 {
                body += &format!("{comma},{next}");
            }
            body += &format!("{key}{colon}:{colon}{value}");
            match (says, id) {
                (Says::Id(read), None) => id = Some((read, body.len())),
                (Says::Id(_), Some(_)) => otherwise_at = otherwise_at.min(body.len()),
                (Says::Otherwise(before), _) => otherwise_at = otherwise_at.min(body.len() - before),
                (Says::Whose, _) => whose_at = body.len(),
                (Says::Nothing, _) => {}
            }
        }
        body += &format!("{last}}}");
        let (id, whole_at) = id.unwrap();
        Self { name: format!("{}, {}", shape.name, decoy.name), body, id, whole_at, whose_at, otherwise_at }
    }

    fn found_at(&self, cut: usize) -> Salvage {
        let id = self.id.to_owned();
        match cut {
            cut if cut < self.whole_at || cut >= self.otherwise_at => Salvage::None,
            cut if cut < self.whose_at => Salvage::Unconfirmed(id),
            _ => Salvage::Confirmed(id),
        }
    }
}

fn replies() -> Vec<Reply> {
    let decoys = decoys();
    SHAPES.iter().flat_map(|shape| decoys.iter().map(|decoy| Reply::new(shape, decoy))).collect()
}

#[derive(Default)]
struct Figure {
    cuts: usize,
    salvaged: usize,
    certain: usize,
    missed: usize,
    wrong: usize,
}

impl Figure {
    /// Takes down what one cut gave, and says whether it is what it should be.
    fn saw(&mut self, expected: &Salvage, got: &Salvage) -> bool {
        self.cuts += 1;
        let is_none = *got == Salvage::None;
        self.salvaged += usize::from(!is_none && got == expected);
        self.certain += usize::from(got.confirmed().is_some() && got == expected);
        self.missed += usize::from(is_none && *expected != Salvage::None);
        self.wrong += usize::from(!is_none && got != expected);
        got == expected
    }

    fn show(&self, level: &str, replies: usize) {
        let Self { cuts, salvaged, certain, missed, wrong } = self;
        println!(
            "figure: salvage, {level}: {replies} responses, {cuts} cuts, {salvaged} ids salvaged, {certain} of them certain, {missed} missed, {wrong} wrong"
        );
    }
}

#[test]
fn the_replies_are_json_all_different_and_most_hold_decoys() {
    let replies = replies();
    assert!(replies.len() >= 50);
    for (number, reply) in replies.iter().enumerate() {
        let body = reply.body.trim_start_matches('\u{feff}');
        assert!(serde_json::from_str::<serde_json::Value>(body).is_ok(), "{}: {body}", reply.name);
        assert!(replies[..number].iter().all(|other| other.body != reply.body), "{} is there twice", reply.name);
        assert!(reply.whole_at < reply.body.len(), "{}", reply.name);
    }
    assert!(replies.iter().filter(|reply| reply.body.matches("act_wrong").count() > 1).count() > replies.len() / 2);
    assert!(replies.iter().any(|reply| reply.otherwise_at < reply.whole_at), "no decoy comes first");
    assert!(replies.iter().any(|reply| (reply.whole_at..reply.body.len()).contains(&reply.otherwise_at)));
}

/// The pure function alone.
#[test]
fn every_cut_after_the_closing_quote_gives_the_id_and_no_cut_gives_another() {
    let replies = replies();
    let create = CreateActorToken::new(USER, Actor::new(AGENT));
    let mut figure = Figure::default();
    for reply in &replies {
        for cut in 0..=reply.body.len() {
            let got = create.salvage(&reply.body.as_bytes()[..cut]).unwrap_or_default();
            let right = figure.saw(&reply.found_at(cut), &got);
            assert!(right, "{}, cut at {cut}: {got:?} from {}", reply.name, reply.body);
        }
    }
    figure.show("the operation alone", replies.len());
    assert!(figure.salvaged > figure.cuts / 5, "hardly any cut came after an id");
}

/// The whole client, over a connection that breaks off.
#[tokio::test]
async fn the_error_of_a_call_cut_anywhere_holds_the_id_or_none() {
    let arrived = Arc::new(Mutex::new(Response::default()));
    let arriving = Arc::clone(&arrived);
    let transport = transport_fn(move |_, _| {
        let partial = arriving.lock().unwrap().clone();
        async { Err(TransportError::new(TransportErrorKind::Interrupted).with_partial(partial)) }
    });
    let clerk = Client::new(transport, SecretKey::new("sk_test_key").unwrap());
    let replies = replies();
    let mut figure = Figure::default();
    for reply in &replies {
        for cut in 0..=reply.body.len() {
            *arrived.lock().unwrap() = Response::new(reply.body.as_bytes()[..cut].to_vec().into());
            let error = clerk.actor_tokens().create(USER, Actor::new(AGENT)).send().await.unwrap_err();
            let got = match (error.salvaged_id(), error.unconfirmed_id()) {
                (Some(id), None) => Salvage::Confirmed(id.to_owned()),
                (None, Some(id)) => Salvage::Unconfirmed(id.to_owned()),
                _ => Salvage::None,
            };
            let right = figure.saw(&reply.found_at(cut), &got);
            assert!(right, "{}, cut at {cut}: {got:?} from {}", reply.name, reply.body);
            assert!(error.is_ambiguous(), "a 2xx had begun to arrive");
            assert!(error.salvaged_id().is_none() || error.execution() == Execution::Executed);
            assert_eq!(error.attempts().len(), 1, "sent again");
        }
    }
    figure.show("the whole client", replies.len());
    assert!(figure.salvaged > figure.cuts / 5, "hardly any cut came after an id");
}
