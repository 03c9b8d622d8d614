//! The whole catalogue of faults, in process: each entry at each time that it allows does what its row of the book's
//! page "What may be sent again" says, for a creation and for a revocation.
//!
//! Everything that is expected is here, written by hand: neither the catalogue nor the client's rules are read for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::Duration,
};

use clerk_actor_tokens_core::workspace::JitterSeed as _;
use clerk_actor_tokens_core::{Actor, Client, Error, HttpTransport as _};
use clerk_actor_tokens_emulator::{
    CommitKind, Emulator,
    fault::{self, AnyFault, Phase},
};

/// The deadline of a call, by default.
const DEADLINE: Duration = Duration::from_secs(30);

/// The result of every attempt that meets a row: how often the call is sent, and how it ends. First a creation, then a
/// revocation. `-` is a row that is no failure.
const ROWS: &[(&str, usize, &str, usize, &str)] = &[
    ("-", 1, "Ok", 1, "Ok Revoked"),
    ("2", 3, "Connect, NotExecuted", 4, "Connect, NotExecuted"),
    ("3", 1, "Tls, NotExecuted", 1, "Tls, NotExecuted"),
    ("4", 1, "Proxy, NotExecuted", 1, "Proxy, NotExecuted"),
    ("4a", 3, "Proxy, NotExecuted", 4, "Proxy, NotExecuted"),
    ("5", 3, "Connect, NotExecuted", 4, "Connect, NotExecuted"),
    ("6", 2, "Refused, NotExecuted", 4, "Refused, NotExecuted"),
    ("7", 1, "Interrupted, Unknown", 4, "Interrupted, Unknown"),
    // Attempts of 10 seconds in a deadline of 30: the third has what the backoffs left.
    ("8", 1, "Timeout, Unknown", 3, "Timeout, Unknown"),
    ("8a", 1, "Timeout, NotExecuted", 3, "Timeout, NotExecuted"),
    ("10", 2, "RateLimited, NotExecuted", 4, "RateLimited, NotExecuted"),
    ("11", 1, "RateLimited, NotExecuted", 1, "RateLimited, NotExecuted"),
    ("12", 2, "Api, NotExecuted", 2, "Api, NotExecuted"),
    ("13", 1, "Api, Unknown", 4, "Api, Unknown"),
    ("14", 1, "Api, NotExecuted", 1, "Api, NotExecuted"),
    ("15", 1, "Api, NotExecuted", 1, "Api, NotExecuted"),
    ("16", 1, "Api, Unknown", 4, "Api, Unknown"),
    ("16, Retry-After beyond the deadline", 1, "Api, Unknown", 1, "Api, Unknown"),
    ("17", 1, "UnexpectedRedirect, NotExecuted", 1, "UnexpectedRedirect, NotExecuted"),
    ("17a", 1, "UnexpectedRedirect, Unknown", 1, "UnexpectedRedirect, Unknown"),
    ("18", 1, "ResponseTruncated, Executed", 4, "ResponseTruncated, Executed"),
    ("18a", 1, "ResponseInvalid, Executed", 1, "ResponseInvalid, Executed"),
    ("19", 1, "ResponseInvalid, Unknown", 1, "ResponseInvalid, Unknown"),
    ("19a", 1, "ResponseMismatch, Unknown", 1, "ResponseMismatch, Unknown"),
    ("24", 1, "Api, Unknown", 1, "Api, Unknown"),
    // What a revocation does not look at, or a creation does not.
    ("19a, of a creation alone", 1, "ResponseMismatch, Unknown", 1, "ResponseInvalid, Executed"),
    ("18a of a creation, 19a of a revocation", 1, "ResponseInvalid, Executed", 1, "ResponseMismatch, Unknown"),
    ("25, of a revocation alone", 1, "Ok", 1, "ResponseMismatch, Unknown"),
];

use Phase::{AfterCommit as After, BeforeCommit as Before, BeforeSend as Unsent};

/// Which row each fault is, at which times.
const EXPECTED: &[(&[Phase], &str, &[&str])] = &[
    (&[Unsent, Before, After], "-", &["pass()", "delay(1s)"]),
    (&[Unsent], "2", &["refused()", "dns()", "unreachable()", "connect_timeout()", "tls_cut()", "reset()", "close()"]),
    (&[Unsent], "3", &["tls()"]),
    (&[Unsent], "4", &["proxy_auth()"]),
    (&[Unsent], "4a", &["proxy()"]),
    (&[Unsent], "5", &["canceled()"]),
    (&[Unsent], "8a", &["stall()", "delay(3600s)"]),
    (&[Before], "6", &["refused_stream()", "goaway_below()"]),
    (
        &[Before, After],
        "7",
        &[
            "reset()",
            "close()",
            "half_close()",
            "goaway_above()",
            "rst_stream(0)",
            "rst_stream(1)",
            "rst_stream(2)",
            "rst_stream(8)",
            "rst_stream(11)",
            "rst_stream(4711)",
        ],
    ),
    (&[Before, After], "8", &["stall()", "delay(3600s)"]),
    (
        &[Before],
        "10",
        &[
            "status(429)",
            "status(429).retry_after(1s)",
            "status(429).retry_after_date(1s)",
            "status(429).retry_after_date(1s).dated()",
            "status(429).retry_after_date(1s).clock_ahead(3600s)",
            "status(429).retry_after_date(1s).clock_behind(3600s)",
            "status(429).retry_after_text(\"soon\")",
            "status(429).retry_after_text(\"-1\")",
            "status(429).retry_after_text(\"\")",
        ],
    ),
    (
        &[Before],
        "11",
        &[
            "status(429).retry_after(86400s)",
            "status(429).retry_after_date(86400s)",
            "status(429).retry_after_date(86400s).dated()",
            "status(429).retry_after_date(86400s).clock_ahead(3600s)",
            "status(429).retry_after_date(86400s).clock_behind(3600s)",
            "status(429).retry_after_text(\"99999999999999999999\")",
        ],
    ),
    (&[Before], "12", &["status(421)"]),
    (&[Before, After], "13", &["status(408)"]),
    (
        &[Before],
        "14",
        &[
            "status(400)",
            "status(401)",
            "status(403)",
            "status(404)",
            "status(405)",
            "status(409)",
            "status(410)",
            "status(413)",
            "status(415)",
        ],
    ),
    (&[Before], "15", &["status(402)", "status(422)"]),
    (
        &[Before, After],
        "16",
        &[
            "status(500)",
            "status(502)",
            "status(503)",
            "status(504)",
            "status(520)",
            "status(521)",
            "status(522)",
            "status(523)",
            "status(524)",
            "status(525)",
            "status(526)",
            "status(527)",
            "status(528)",
            "status(529)",
            "status(503).retry_after(1s)",
            "html(502)",
            "html(503)",
            "html(504)",
            "html(530)",
        ],
    ),
    (&[Before, After], "16, Retry-After beyond the deadline", &["status(503).retry_after(86400s)"]),
    (
        &[Before],
        "17",
        &[
            "redirect(307, \"https://elsewhere.test/v1/actor_tokens\")",
            "redirect(308, \"https://elsewhere.test/v1/actor_tokens\")",
        ],
    ),
    (
        &[Before, After],
        "17a",
        &[
            "redirect(300, \"https://elsewhere.test/v1/actor_tokens\")",
            "redirect(301, \"https://elsewhere.test/v1/actor_tokens\")",
            "redirect(302, \"https://elsewhere.test/v1/actor_tokens\")",
            "redirect(303, \"https://elsewhere.test/v1/actor_tokens\")",
            "redirect(304, \"https://elsewhere.test/v1/actor_tokens\")",
            "redirect(305, \"https://elsewhere.test/v1/actor_tokens\")",
            "redirect(306, \"https://elsewhere.test/v1/actor_tokens\")",
        ],
    ),
    (
        &[After],
        "18",
        &[
            "cut_at(0)",
            "cut_at(1)",
            "cut_at(61)",
            "cut_at(62)",
            "cut_at(300)",
            "stall_at(0)",
            "stall_at(1)",
            "stall_at(61)",
            "stall_at(62)",
            "stall_at(300)",
            "slow_body(3600s)",
        ],
    ),
    (&[Before, After], "18a", &["empty(200)", "empty(204)"]),
    (
        &[After],
        "18a",
        &[
            "malformed()",
            "gzip()",
            "bad_id()",
            "padded_to(262145)",
            "nested(10000)",
            "without(\"id\")",
            "without(\"status\")",
            "without(\"user_id\")",
            "wrong_type(\"id\")",
            "wrong_type(\"status\")",
            "wrong_type(\"user_id\")",
            "wrong_type(\"actor\")",
            "wrong_type(\"token\")",
            "wrong_type(\"url\")",
            "bad_utf8(\"object\")",
            "bad_utf8(\"id\")",
            "bad_utf8(\"status\")",
            "bad_utf8(\"user_id\")",
            "duplicate(\"status\")",
        ],
    ),
    (&[Before, After], "19", &["html(200)", "status(200)", "not_clerk()"]),
    // Of a body with a member twice, a call gets what speaks against its being an answer to it.
    (&[After], "19", &["without(\"object\")", "wrong_type(\"object\")", "duplicate(\"object\")"]),
    (&[After], "18a of a creation, 19a of a revocation", &["duplicate(\"id\")"]),
    (&[After], "19a, of a creation alone", &["duplicate(\"user_id\")"]),
    (&[After], "19a", &["another_user()", "another_actor()", "stale()"]),
    (
        &[Before, After],
        "24",
        &["status(418)", "status(451)", "status(501)", "status(505)", "status(599)", "status(999)"],
    ),
    (&[After], "25, of a revocation alone", &["token_status(\"accepted\")", "token_status(\"a_new_word\")"]),
    // What leaves an answer that can be read.
    (
        &[After],
        "-",
        &[
            "bom()",
            "content_type(\"application/json; charset=utf-8\")",
            "content_type(\"text/plain\")",
            "content_type(\"text/html\")",
            "padded_to(262144)",
            "nested(16)",
            "slow_body(1s)",
            "without(\"created_at\")",
            "without(\"updated_at\")",
            "wrong_type(\"created_at\")",
            "wrong_type(\"updated_at\")",
            "without(\"actor\")",
            "without(\"token\")",
            "without(\"url\")",
        ],
    ),
];

/// What only one of the calls can meet: a creation that is answered with `pending` is as it should be.
const OF_A_REVOCATION: (&[Phase], &str, &[&str]) =
    (&[After], "25, of a revocation alone", &["token_status(\"pending\")"]);

/// Where the error of a creation names the token that was made.
const SALVAGED: &[&str] = &[
    "cut_at(300)",
    "stall_at(300)",
    "malformed()",
    "padded_to(262145)",
    "nested(10000)",
    "without(\"status\")",
    "wrong_type(\"status\")",
    "wrong_type(\"actor\")",
    "wrong_type(\"token\")",
    "wrong_type(\"url\")",
    "bad_utf8(\"status\")",
    "duplicate(\"status\")",
];

/// Where the error of a creation has an id, and not whose it is.
const UNCONFIRMED: &[&str] = &[
    "cut_at(62)",
    "stall_at(62)",
    "without(\"user_id\")",
    "wrong_type(\"user_id\")",
    "bad_utf8(\"user_id\")",
    "bad_utf8(\"object\")",
];

/// Where the answer names the token though it cannot be used: the token is not an orphan.
const TOLD: &[&str] = &[
    "without(\"status\")",
    "wrong_type(\"status\")",
    "wrong_type(\"actor\")",
    "wrong_type(\"token\")",
    "wrong_type(\"url\")",
    "duplicate(\"status\")",
];

fn expected(kind: CommitKind) -> BTreeMap<(String, Phase), &'static str> {
    let mut all = BTreeMap::new();
    let more = Some(&OF_A_REVOCATION).filter(|_| kind == CommitKind::Revoke);
    for (phases, row, names) in EXPECTED.iter().chain(more) {
        for name in *names {
            for phase in *phases {
                assert_eq!(all.insert(((*name).to_owned(), *phase), *row), None, "{name} is here twice");
            }
        }
    }
    all
}

fn entries(kind: CommitKind) -> impl Iterator<Item = (AnyFault, Phase)> {
    let all = fault::catalogue().into_iter();
    all.flat_map(move |fault| {
        fault.phases_of(kind).iter().map(move |phase| (fault.clone(), *phase)).collect::<Vec<_>>()
    })
}

fn client(clerk: &Emulator) -> Client<Emulator> {
    Client::builder(clerk.clone(), clerk.secret_key()).jitter_seed(7).build().unwrap()
}

fn shown(error: &Error) -> String {
    format!("{:?}, {:?}", error.kind(), error.execution())
}

fn row(name: &str) -> &'static (&'static str, usize, &'static str, usize, &'static str) {
    ROWS.iter().find(|row| row.0 == name).unwrap()
}

#[test]
fn the_catalogue_and_what_is_expected_of_it_have_the_same_entries() {
    for kind in [CommitKind::Create, CommitKind::Revoke] {
        let listed: BTreeSet<_> = entries(kind).map(|(fault, phase)| (fault.name(), phase)).collect();
        assert_eq!(listed.len(), entries(kind).count(), "two entries have one name");
        let expected: BTreeSet<_> = expected(kind).into_keys().collect();
        assert_eq!(listed.difference(&expected).collect::<Vec<_>>(), Vec::<&_>::new(), "not expected: {kind}");
        assert_eq!(expected.difference(&listed).collect::<Vec<_>>(), Vec::<&_>::new(), "not listed: {kind}");
    }
}

/// As many faults are queued as the row has sends. One send fewer, and a fault is left over; one more, and it is met by
/// no fault and succeeds.
#[test]
fn a_creation_does_what_the_row_of_its_fault_says() {
    let expected = expected(CommitKind::Create);
    for (fault, phase) in entries(CommitKind::Create) {
        let what = format!("{phase}({fault})");
        let (_, sends, outcome, _, _) = row(expected[&(fault.name(), phase)]);
        let clerk = Emulator::builder().single_threaded().build();
        for _ in 0..*sends {
            fault.queue(clerk.next_create(), phase);
        }
        let began = clerk.timer().now();
        let client = client(&clerk);
        let result = pollster::block_on(client.actor_tokens().create("user_1", Actor::new("user_agent")).send());

        let seen = result.as_ref().map_or_else(shown, |_| "Ok".to_owned());
        assert_eq!(&seen, outcome, "{what}");
        assert!(clerk.timer().now().saturating_duration_since(began) <= DEADLINE, "{what}");
        clerk.assert_faults_used();

        // Clerk knows better than the client, and must agree.
        let commits = usize::from(phase == After || outcome == &"Ok");
        assert_eq!(clerk.creates().len(), commits, "{what}");
        if phase != Unsent {
            assert_eq!(clerk.requests().len(), *sends, "{what}");
        }
        let id = clerk.creates().first().map(|create| create.id().clone());
        let is_told = match &result {
            Ok(token) => {
                assert_eq!(Some(token.id()), id.as_ref(), "{what}");
                true
            }
            Err(error) => {
                assert!(commits == 0 || error.is_ambiguous(), "{what}");
                let id_of =
                    |named: &[&str]| id.as_ref().filter(|_| named.contains(&&*fault.name())).map(|id| id.as_str());
                assert_eq!(error.salvaged_id(), id_of(SALVAGED), "{what}");
                assert_eq!(error.unconfirmed_id(), id_of(UNCONFIRMED), "{what}");
                TOLD.contains(&fault.name().as_str())
            }
        };
        assert_eq!(clerk.orphans().len(), usize::from(commits == 1 && !is_told), "{what}");
        let met = clerk.creates().first().and_then(|create| create.fault().map(str::to_owned));
        let is_pass = fault.name() == "pass()";
        assert_eq!(met, Some(format!("create:{phase}:{fault}")).filter(|_| commits == 1 && !is_pass), "{what}");
    }
}

/// The first attempt that commits is the last that a fault can come after. The next finds the token revoked.
#[test]
fn a_revocation_does_what_the_row_of_its_fault_says() {
    let expected = expected(CommitKind::Revoke);
    for (fault, phase) in entries(CommitKind::Revoke) {
        let what = format!("{phase}({fault})");
        let (_, _, _, sends, outcome) = row(expected[&(fault.name(), phase)]);
        let clerk = Emulator::builder().single_threaded().build();
        let client = client(&clerk);
        let token =
            pollster::block_on(client.actor_tokens().create("user_1", Actor::new("user_agent")).send()).unwrap();
        let is_followed = phase == After && *sends > 1;
        for _ in 0..if is_followed { 1 } else { *sends } {
            fault.queue(clerk.next_revoke(), phase);
        }
        let began = clerk.timer().now();
        let result = pollster::block_on(client.actor_tokens().revoke(token.id()).send());

        let seen = match &result {
            Ok(revocation) if revocation.token().is_some() => "Ok Revoked".to_owned(),
            Ok(_) => "Ok AlreadyRevoked".to_owned(),
            Err(error) => shown(error),
        };
        let outcome = if is_followed { "Ok AlreadyRevoked" } else { outcome };
        assert_eq!(seen, outcome, "{what}");
        assert!(clerk.timer().now().saturating_duration_since(began) <= DEADLINE, "{what}");
        clerk.assert_faults_used();
        clerk.assert_revokes(usize::from(phase == After || seen == "Ok Revoked"));
        if phase != Unsent {
            assert_eq!(clerk.requests().len(), 1 + if is_followed { 2 } else { *sends }, "{what}");
        }
    }
}

/// A stale answer is that of the latest other token, and of one for the same user and actor nothing can tell.
#[test]
fn a_stale_answer_is_an_earlier_one() {
    for (users, seen) in [(["user_1", "user_0"], "ResponseMismatch, Unknown"), (["user_0", "user_1"], "Ok")] {
        let clerk = Emulator::new();
        let client = client(&clerk);
        let create = |user: &'static str| client.actor_tokens().create(user, Actor::new("user_agent")).send();
        let [_, latest] = users.map(|user| pollster::block_on(create(user)).unwrap());
        clerk.next_create().after_commit(fault::stale());
        let result = pollster::block_on(create("user_1"));
        assert_eq!(result.as_ref().map_or_else(shown, |_| "Ok".to_owned()), seen);
        if let Ok(token) = result {
            assert_eq!(token.id(), latest.id());
        }
        clerk.assert_orphans(1);
    }
}

#[test]
fn a_fault_that_finds_nothing_to_change_is_told() {
    let finds_nothing = [
        fault::without("nothing"),
        fault::wrong_type("nothing"),
        fault::bad_utf8("nothing"),
        fault::bad_utf8("created_at"),
        fault::duplicate("nothing"),
        fault::token_status("pending"),
        fault::content_type("application/json"),
        fault::padded_to(10),
    ];
    for fault in finds_nothing {
        let clerk = Emulator::new();
        clerk.next_create().after_commit(fault.clone());
        let created = client(&clerk).actor_tokens().create("user_1", Actor::new("user_agent"));
        assert!(pollster::block_on(created.send()).is_ok());
        let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(clerk))).unwrap_err();
        let told = told.downcast_ref::<String>().unwrap();
        assert!(told.contains("there is nothing in the answer that it could change"), "{fault:?}: {told}");
    }
}

#[test]
fn a_fault_of_the_catalogue_is_not_queued_where_it_cannot_happen() {
    let clerk = Emulator::new();
    for fault in fault::catalogue() {
        for phase in Phase::ALL {
            if !fault.phases_of(CommitKind::Create).contains(&phase) {
                let queue = || fault.queue(clerk.next_create(), phase);
                assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(queue)).is_err(), "{phase}({fault})");
            }
        }
    }
    clerk.assert_faults_used();
}

#[test]
fn what_cannot_be_sent_fails_at_its_own_line() {
    type Make = fn();
    let impossible: [Make; 8] = [
        || drop(fault::html(199)),
        || drop(fault::empty(1000)),
        || drop(fault::redirect(299, "/")),
        || drop(fault::redirect(400, "/")),
        || drop(fault::redirect(302, "\n")),
        || drop(fault::status(429).retry_after_text("\r\n")),
        || drop(fault::content_type("\0")),
        || drop(fault::rst_stream(7)),
    ];
    for (index, make) in impossible.iter().enumerate() {
        assert!(std::panic::catch_unwind(make).is_err(), "{index}");
    }
}

/// Every public function of the rooms of faults is in the catalogue, and so is every method that makes a fault of one.
#[test]
fn the_catalogue_has_every_fault_that_can_be_made() {
    let names: Vec<_> = fault::catalogue().iter().map(AnyFault::name).collect();
    let rooms = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/fault");
    let (mut functions, mut methods) = (0, 0);
    for room in fs::read_dir(rooms).unwrap() {
        let source = fs::read_to_string(room.unwrap().path()).unwrap();
        let name_of = |line: &str, prefix: &str| {
            let rest = line.strip_prefix(prefix)?;
            Some((rest.split(['(', '<']).next()?.to_owned(), rest.contains("-> Fault<") || rest.contains("-> Self")))
        };
        for line in source.lines() {
            if let Some((function, true)) = name_of(line, "pub fn ") {
                functions += 1;
                assert!(names.iter().any(|name| name.starts_with(&format!("{function}("))), "{function} is missing");
            }
            if let Some((method, true)) = name_of(line, "    pub fn ") {
                methods += 1;
                assert!(names.iter().any(|name| name.contains(&format!(".{method}("))), ".{method} is missing");
            }
        }
    }
    assert_eq!((functions, methods), (42, 6), "the reading of the sources is out of date, or faults were added");
}
