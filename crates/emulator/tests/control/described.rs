//! Seeded requests, of all methods and sizes: each answer is one of the description, and what is refused changes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
};

use clerk_actor_tokens_emulator::Emulator;
use fastrand::Rng;
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::client::{Answer, Caller, Fixture};

const DESCRIPTION: &str = include_str!("../../openapi.json");

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"];

struct Description {
    whole: Value,
    /// By path, method and status, as they were asked for.
    validators: BTreeMap<(String, String, u16), Validator>,
}

impl Description {
    fn new() -> Self {
        Self { whole: serde_json::from_str(DESCRIPTION).unwrap(), validators: BTreeMap::new() }
    }

    /// Whether an answer is as described, or why not.
    fn check(&mut self, path: &str, method: &str, answer: &Answer) -> Result<(), String> {
        let kind = answer.head.lines().find_map(|line| line.strip_prefix("content-type: "));
        let kind = kind.map_or("", |kind| kind.split(';').next().unwrap());
        if kind != "application/json" {
            return self.check_other(path, method, answer, kind);
        }
        let key = (path.to_owned(), method.to_owned(), answer.status);
        if !self.validators.contains_key(&key) {
            let validator = self.validator(path, method, answer.status)?;
            self.validators.insert(key.clone(), validator);
        }
        self.validators[&key].validate(&answer.json()).map_err(|error| error.to_string())
    }

    /// A page, a file of one, or a redirect.
    fn check_other(&self, path: &str, method: &str, answer: &Answer, kind: &str) -> Result<(), String> {
        let response = &self.whole["paths"][path][method.to_ascii_lowercase()]["responses"][answer.status.to_string()];
        if let Some(headers) = response["headers"].as_object() {
            let missing = |name: &&String| !answer.head.contains(&format!("\r\n{}: ", name.to_ascii_lowercase()));
            return headers.keys().find(missing).map_or(Ok(()), |name| Err(format!("it has no {name}")));
        }
        let is_page = kind == "text/html" && self.is_refused_before_its_route(path, method, answer.status);
        if (is_page || response["content"][kind].is_object()) && !answer.body.is_empty() {
            Ok(())
        } else {
            Err(format!("{:?} of status {} is not described", kind, answer.status))
        }
    }

    /// No path of the description, or no method of it. A caller that may not ask, or that sends too much, hears of that first.
    fn is_refused_before_its_route(&self, path: &str, method: &str, status: u16) -> bool {
        let of_path = &self.whole["paths"][path];
        let has_method = !of_path[method.to_ascii_lowercase()].is_null();
        let own = if of_path.is_null() { 404 } else { 405 };
        !has_method && [own, 413, 415].contains(&status)
    }

    fn validator(&self, path: &str, method: &str, status: u16) -> Result<Validator, String> {
        let responses = &self.whole["paths"][path][method.to_ascii_lowercase()]["responses"];
        let mut schema = if self.is_refused_before_its_route(path, method, status) {
            json!({ "$ref": "#/components/schemas/Error" })
        } else {
            responses[status.to_string()]["content"]["application/json"]["schema"].clone()
        };
        if schema.is_null() {
            return Err(format!("{status} is not described"));
        }
        // References lead into the description.
        schema["components"] = self.whole["components"].clone();
        jsonschema::draft202012::new(&schema).map_err(|error| error.to_string())
    }

    fn paths(&self) -> Vec<String> {
        self.whole["paths"].as_object().unwrap().keys().cloned().collect()
    }
}

/// How many tokens, sessions and requests the emulator keeps, so that all of them are looked at.
const KEPT: usize = 5;

/// Everything that an act could change, as it is written. The time moves by itself: the steps that are tried move it by days.
fn everything(caller: &mut Caller) -> String {
    let all = caller.views(&["state?reveal=true", "requests?reveal=true", "faults", "users", "snapshots"]).join("\n");
    let (before, rest) = all.split_once("\"now\":").unwrap();
    let (now, after) = rest.split_at(rest.find([',', '}']).unwrap());
    let day = (now.parse::<i64>().unwrap() - 1_700_000_000_000) / (24 * 3600 * 1000);
    format!("{before}{after} on day {day}")
}

/// A body that may fit.
fn likely(random: &mut Rng, path: &str) -> Value {
    match path.rsplit('/').next().unwrap() {
        "users" => json!({ "users": random.choice([json!(null), json!(["user_1"]), json!([""]), json!("user_1")]) }),
        "faults" => {
            let faults =
                ["session_get:after_commit:stall", "revoke:before_commit:status(503)", "create:never:stall", "x"];
            json!({ "faults": [random.choice(faults), random.choice(faults)] })
        }
        "advance" => {
            let all = json!(3_153_600_000_000u64);
            let steps = [json!(86_400_000), json!(86_400_000), all, json!(-1), json!(1e30), json!("1")];
            json!({ "milliseconds": random.choice(steps) })
        }
        "end" => json!({ "status": random.choice(["ended", "expired", "active", "new"]) }),
        _ => json!({}),
    }
}

fn body(random: &mut Rng, path: &str) -> Vec<u8> {
    match random.u8(0..10) {
        0 | 1 => Vec::new(),
        2 => b"{".to_vec(),
        3 => (0..random.usize(0..200)).map(|_| random.u8(..)).collect(),
        4 => vec![b' '; random.usize(60_000..70_000)],
        5 => json!({ "more": 1 }).to_string().into_bytes(),
        6 => random.choice(["null", "[]", "7", "{\"users\":[\"\\ud800\"]}", "{}{}"]).unwrap().as_bytes().to_vec(),
        _ => likely(random, path).to_string().into_bytes(),
    }
}

fn target(random: &mut Rng, path: &str, ids: &[String]) -> String {
    let odd = random.choice(["1", "2", "99", "act_1", "%2e%2e", "%00", "a%2Fb", "%ff"]).unwrap().to_owned();
    let id = if random.bool() { random.choice(ids).cloned().unwrap_or(odd) } else { odd };
    let query = match random.u8(0..6) {
        0 => "?limit=3",
        1 => "?limit=0",
        2 => "?reveal=true&limit=1000",
        3 => "?limit=1&limit=2",
        4 => "?x=%zz",
        _ => "",
    };
    format!("{}{query}", path.replace("{id}", &id))
}

#[test]
fn every_answer_is_described_and_what_is_refused_changes_nothing() {
    let count: usize = env::var("CONTROL_REQUESTS").map_or(10_000, |count| count.parse().unwrap());
    let seed = env::var("SEED").map_or(1, |seed| seed.parse().unwrap());
    let mut description = Description::new();
    let mut paths = description.paths();
    // Those that act come three times as often as those that show something.
    let acts =
        |path: &&String| description.whole["paths"][path].as_object().unwrap().keys().any(|method| method != "get");
    let acting: Vec<String> = paths.iter().filter(acts).cloned().collect();
    paths.extend([acting.clone(), acting].concat());
    paths.push("/_emulator/elsewhere".to_owned());
    let clerk = Emulator::builder().real_time().seed(7).keep_tokens(KEPT).keep_requests(KEPT).build();
    let fixture = Fixture::of(clerk, |server| server);
    let (mut caller, mut random) = (fixture.connect(), Rng::with_seed(seed));
    let (mut refused, mut done, mut seen) = (0, 0, BTreeSet::new());
    // As it was when it was last looked at.
    let mut before = everything(&mut caller);
    for number in 0..count {
        let (creates, signs_in) = (random.u8(0..8) == 0, random.u8(0..8) == 0);
        if creates {
            caller.clerk("POST", "/v1/actor_tokens", r#"{"user_id":"user_1","actor":{"sub":"user_agent"}}"#);
        }
        if signs_in {
            fixture.clerk.sign_in("user_1");
        }
        if creates || signs_in {
            before = everything(&mut caller);
        }
        let path = random.choice(&paths).unwrap().clone();
        let ids: Vec<String> = if path.contains("/sessions/") {
            fixture.clerk.sessions().iter().map(|session| session.id().to_owned()).collect()
        } else {
            fixture.clerk.creates().iter().map(|entry| entry.id().to_string()).collect()
        };
        // Most often one that the path has.
        let described = |method: &&&str| !description.whole["paths"][&path][method.to_ascii_lowercase()].is_null();
        let own: Vec<_> = METHODS.iter().filter(described).collect();
        let method = if random.u8(0..4) > 0 {
            random.choice(own).copied().unwrap_or("GET")
        } else {
            random.choice(METHODS).unwrap()
        };
        let (target, body) = (target(&mut random, &path, &ids), body(&mut random, &path));
        let kind = if random.u8(0..4) == 0 { "text/plain" } else { "application/json" };
        // Who shows it to a person is answered with a page where a program gets a reason.
        let accept = if random.u8(0..4) == 0 { "text/html" } else { "*/*" };
        let headers = format!("host: {}\r\ncontent-type: {kind}\r\naccept: {accept}\r\n", caller.host);
        let answer = caller.send(method, &target, &headers, &body);
        let what = format!(
            "request {number} of seed {seed}: {method} {target} {:?}",
            String::from_utf8_lossy(&body[..body.len().min(200)])
        );
        // The head alone of what a GET gives.
        if method != "HEAD" {
            description.check(&path, method, &answer).unwrap_or_else(|wrong| panic!("{what}: {wrong}: {answer:?}"));
        }
        seen.insert((path, method, answer.status));
        let after = everything(&mut caller);
        if (400..500).contains(&answer.status) || ["GET", "HEAD"].contains(&method) {
            assert_eq!(after, before, "{what} changed something: {answer:?}");
        }
        before = after;
        if [200, 303].contains(&answer.status) { done += 1 } else { refused += 1 }
    }
    let _ = fixture.clerk.take_unused_faults();
    // More than this many would slow down all that looks at them.
    let many = json!({ "faults": vec!["create:after_commit:stall"; 2000] }).to_string();
    let statuses = [0; 6].map(|_| {
        let answer = caller.ask("POST", "/_emulator/faults", &many);
        description.check("/_emulator/faults", "POST", &answer).unwrap();
        seen.insert(("/_emulator/faults".to_owned(), "POST", answer.status));
        answer.status
    });
    assert_eq!(statuses, [200, 200, 200, 200, 200, 409]);
    assert_eq!(fixture.clerk.take_unused_faults().len(), 10_000);
    println!(
        "figure: control: {count} requests, {done} done, {refused} refused, {} kinds of answers, all described",
        seen.len()
    );
    assert!(done > count / 5 && refused > count / 5);
    // Each 200 of the description, and each refusal of an act, came at least once. `guarded.rs` has the other refusals.
    let mut missing = Vec::new();
    for (path, methods) in description.whole["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let is_tried =
                |status: &&String| ["200", "303"].contains(&status.as_str()) || (method != "get" && *status != "403");
            for status in operation["responses"].as_object().unwrap().keys().filter(is_tried) {
                let method = METHODS.iter().find(|known| known.eq_ignore_ascii_case(method)).unwrap();
                if !seen.contains(&(path.clone(), method, status.parse().unwrap())) {
                    missing.push(format!("{method} {path}: {status}"));
                }
            }
        }
    }
    assert!(missing.is_empty() || count < 10_000, "never seen: {missing:#?}");
}

/// The server gives the description that is checked here.
#[test]
fn it_serves_its_description() {
    let fixture = Fixture::new();
    let served = fixture.connect().ask("GET", "/_emulator/openapi.json", "");
    assert_eq!(served.json(), serde_json::from_str::<Value>(DESCRIPTION).unwrap());
}
