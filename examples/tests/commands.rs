//! The command-line examples, run as commands against the served emulator: what they print, and how they exit.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic; clippy's own exception does not reach helpers of integration tests"
)]

use std::{env::consts::EXE_SUFFIX, path::PathBuf, process::Stdio};

use clerk_actor_tokens::{
    Actor,
    testing::emulator::{Emulator, EmulatorBuilder, Served, fault},
};
use serde_json::Value;
use tokio::process::Command;

/// What a command came to.
struct Outcome {
    exit: i32,
    stdout: String,
    stderr: String,
}

impl Outcome {
    fn json(&self) -> Value {
        assert_eq!((self.exit, self.stdout.lines().count()), (0, 1), "{}{}", self.stdout, self.stderr);
        serde_json::from_str(&self.stdout).unwrap()
    }

    fn assert_one_line_on_stderr(&self, exit: i32, begins: &str) {
        assert_eq!((self.exit, self.stdout.as_str()), (exit, ""), "{}", self.stderr);
        assert_eq!(self.stderr.lines().count(), 1, "{}", self.stderr);
        assert!(self.stderr.starts_with(begins), "{}", self.stderr);
    }
}

/// Cargo builds the examples of a package before it runs its tests, and puts them beside the tests' own folder.
fn example(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.parent().unwrap().parent().unwrap().join("examples").join(format!("{name}{EXE_SUFFIX}"));
    assert!(path.is_file(), "{} is not built: run the tests without --test, or build the examples", path.display());
    path
}

async fn run(server: &Served, name: &str, arguments: &[&str]) -> Outcome {
    run_with_key(server, "sk_test_emulator", name, arguments).await
}

async fn run_with_key(server: &Served, key: &str, name: &str, arguments: &[&str]) -> Outcome {
    let output = Command::new(example(name))
        .args(arguments)
        .env("CLERK_SECRET_KEY", key)
        .env("CLERK_API_URL", server.url())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    Outcome {
        exit: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

async fn serve(builder: EmulatorBuilder) -> Served {
    builder.real_time().build().serve().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn create_prints_the_token_with_its_link_in_the_clear() {
    let server = serve(Emulator::builder()).await;
    let token = run(&server, "create", &["user_1", "user_2", "--expires-in", "60"]).await.json();
    let live = server.emulator().live();
    assert_eq!(token["id"], live[0].id().as_str());
    assert_eq!((&token["status"], &token["user_id"]), (&"pending".into(), &"user_1".into()));
    let url = token["url"].as_str().unwrap();
    assert!(server.emulator().accept_url(url).is_ok());
    let lifetime = token["expires_at"].as_i64().unwrap() - server.emulator().creates()[0].at().as_millis();
    assert_eq!(lifetime, 60_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readmes_program_prints_a_link_and_leaves_nothing_behind() {
    let server = serve(Emulator::builder()).await;
    let outcome = run(&server, "first_token", &[]).await;
    let (link, closed) = (outcome.stdout.trim(), outcome.stderr.trim());
    assert_eq!((outcome.exit, link.lines().count()), (0, 1), "{closed}");
    assert!(link.starts_with("http"));
    assert!(closed.starts_with("Closed { in_flight: 0, held: [], orphans: []"), "{closed}");
    server.emulator().assert_creates(1);
    server.emulator().assert_revokes(0);
    server.emulator().assert_live(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn revoke_says_whether_it_was_revoked_before() {
    let server = serve(Emulator::builder()).await;
    let id = run(&server, "create", &["user_1", "user_2"]).await.json()["id"].as_str().unwrap().to_owned();
    for already in [false, true] {
        let revoked = run(&server, "revoke", &[&id]).await.json();
        assert_eq!(revoked["already_revoked"], already);
    }
    server.emulator().assert_live(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn end_says_which_sessions_it_ended() {
    let server = serve(Emulator::builder()).await;
    let id = run(&server, "create", &["user_1", "user_2"]).await.json()["id"].as_str().unwrap().to_owned();
    let session = server.emulator().accept(&id.parse().unwrap()).unwrap();
    server.emulator().sign_in("user_1");
    let ended = run(&server, "end", &["user_1", "user_2", "--token", &id]).await.json();
    assert_eq!(ended["sessions"], serde_json::json!([{ "id": session.id(), "ended_by_this": true }]));
    server.emulator().assert_live_sessions(1);
    run(&server, "end", &["user_1", ""]).await.assert_one_line_on_stderr(1, "not all was ended: EndImpersonation: ");

    let session = server.emulator().sign_in_as("user_1", &Actor::new("user_2")).id().to_owned();
    server.emulator().next_session_revoke().before_commit(fault::status(403));
    let left = run(&server, "end", &["user_1", "user_2"]).await;
    left.assert_one_line_on_stderr(3, "not all was ended: EndImpersonation: 0 sessions were ended, 1 session is known");
    assert!(left.stderr.contains(&session), "{}", left.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_tells_a_rejected_call_from_an_ambiguous_one() {
    let server = serve(Emulator::builder().users(["user_1"])).await;
    run(&server, "create", &["user_9", "user_2"]).await.assert_one_line_on_stderr(1, "rejected: CreateActorToken: 404");
    run(&server, "create", &["", "user_2"]).await.assert_one_line_on_stderr(1, "rejected: CreateActorToken: `user_id`");
    run(&server, "revoke", &["act_9"]).await.assert_one_line_on_stderr(1, "rejected: RevokeActorToken: 404");
    run_with_key(&server, "sk_test_no", "create", &["user_1", "user_2"])
        .await
        .assert_one_line_on_stderr(1, "rejected: CreateActorToken: 401");

    server.emulator().next_create().after_commit(fault::reset());
    run(&server, "create", &["user_1", "user_2"]).await.assert_one_line_on_stderr(3, "ambiguous: CreateActorToken: ");
    server.emulator().next_create().after_commit(fault::cut_at(200));
    let cut = run(&server, "create", &["user_1", "user_2"]).await;
    cut.assert_one_line_on_stderr(3, "ambiguous: CreateActorToken: 200");
    assert!(cut.stderr.contains(server.emulator().creates()[1].id().as_str()), "{}", cut.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_none_is_named_and_not_shown() {
    let server = serve(Emulator::builder()).await;
    for (key, says) in
        [("eyJCANARY.eyJCANARY.CANARY", "session token"), ("pk_test_CANARY", "publishable key"), ("", "empty")]
    {
        let outcome = run_with_key(&server, key, "create", &["user_1", "user_2"]).await;
        outcome.assert_one_line_on_stderr(1, "cannot start: ");
        assert!(outcome.stderr.contains(says) && !outcome.stderr.contains("CANARY"), "{}", outcome.stderr);
    }
    assert!(server.emulator().requests().is_empty());
}

/// The other examples assert what they show; here, that they end well and print no credential. (Of
/// `unit_test_with_mock` cargo builds the tests here, not the command.)
#[tokio::test(flavor = "multi_thread")]
async fn every_example_ends_well_and_prints_no_credential() {
    let server = serve(Emulator::builder()).await;
    for name in ["custom_transport", "custom_middleware", "rotating_key"] {
        let outcome = run(&server, name, &[]).await;
        assert_eq!((outcome.exit, outcome.stderr.as_str()), (0, ""), "{name}");
        assert!(outcome.stdout.lines().count() > 1, "{name}");
        for mark in ["eyJ", "ticket=", "sk_test_", "sk_live_"] {
            assert!(!outcome.stdout.contains(mark), "{name} prints {mark}");
        }
    }
}
