//! The whole catalogue of faults over a socket: each entry at each time is what the table of `fault.rs` says of it, to a
//! client that reads bytes.

use std::{thread, time::Duration};

use clerk_actor_tokens_emulator::{
    CommitKind, Emulator,
    fault::{self, AnyFault, Phase},
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    PATIENCE,
    look::{self, look, within},
    run,
    seen::{Seen, answer, expected},
    tee::Log,
    until_async,
    ways::{Fixture, Way, no_provider_was_installed},
};

fn faults_are_used(clerk: &Emulator) -> bool {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| clerk.assert_faults_used())).is_ok()
}

/// Every entry of the catalogue at each of its times.
fn all() -> Vec<(AnyFault, Phase)> {
    let phases = |fault: &AnyFault| fault.phases_of(CommitKind::Create);
    let all = fault::catalogue()
        .into_iter()
        .flat_map(|fault| phases(&fault).iter().map(move |phase| (fault.clone(), *phase)));
    all.collect()
}

fn check_all(way: Way) {
    let all = all();
    assert!(all.len() > 150);
    // Most of the time is spent waiting.
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            let share: Vec<_> = all.iter().skip(worker).step_by(4).cloned().collect();
            thread::spawn(move || share.iter().for_each(|(fault, phase)| run(check(way, fault, *phase))))
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
    no_provider_was_installed();
    println!("figure: faults x times as bytes, {way:?}: {}, all as expected", all.len());
}

#[test]
fn every_fault_is_what_the_table_says_over_http_1_in_the_clear() {
    check_all(Way::Http1);
}

#[test]
fn every_fault_is_what_the_table_says_over_http_2_in_the_clear() {
    check_all(Way::Http2);
}

#[test]
fn every_fault_is_what_the_table_says_over_http_1_and_tls() {
    check_all(Way::Http1Tls);
}

#[test]
fn every_fault_is_what_the_table_says_over_http_2_and_tls() {
    check_all(Way::Http2Tls);
}

async fn check(way: Way, fault: &AnyFault, phase: Phase) {
    let server = Fixture::new(way).await;
    fault.queue(server.clerk.next_create(), phase);
    let name = fault.name();
    let expected = expected(way, &name, phase);
    let (seen, body) = look(&server, way, &expected).await;
    assert_eq!(seen, expected, "{way:?}: {phase}({fault})");

    // What is a fault of Clerk's answer came after the commit, and only that.
    let is_benign = matches!(expected, Seen::Answer(200, _)) && matches!(name.as_str(), "pass()" | "delay(1s)");
    let commits = usize::from(phase == Phase::AfterCommit || is_benign);
    if matches!(expected, Seen::Nothing | Seen::Silence) {
        // The client saw nothing, and cannot know how far the server is.
        until_async(|| server.clerk.creates().len() == commits && faults_are_used(&server.clerk)).await;
    }
    server.clerk.assert_creates(commits);
    server.clerk.assert_faults_used();

    // Of what came whole, the ledger says whether it names the token.
    if let (Seen::Answer(200, _), Some(create)) = (seen, server.clerk.creates().first()) {
        let text = String::from_utf8_lossy(&body);
        if create.is_delivered() {
            assert!(text.contains(create.id().as_str()), "{phase}({fault})");
        }
        let harmless = ["pass()", "delay(1s)", "slow_body(1s)", "bom()", "nested(16)", "padded_to(262144)"];
        if harmless.contains(&name.as_str()) || name.starts_with("content_type") {
            assert!(create.is_delivered(), "{phase}({fault})");
        }
        let harmful = ["malformed()", "gzip()", "another_user()", "another_actor()", "stale()", "bad_id()"];
        if harmful.contains(&name.as_str()) {
            assert!(!create.is_delivered(), "{phase}({fault})");
        }
    } else if commits > 0 {
        server.clerk.assert_orphans(1);
    }
}

/// The client may go on sending, and only when it goes is the connection over.
#[test]
fn a_half_closed_connection_is_read_until_the_client_goes() {
    run(async {
        for way in [Way::Http1, Way::Http1Tls] {
            let server = Fixture::new(way).await;
            server.clerk.next_create().before_commit(fault::half_close());
            let log = Log::default();
            let mut stream = server.connect(&Log::default(), &log).await.unwrap();
            stream.write_all(look::create().as_bytes()).await.unwrap();
            assert_eq!(within(PATIENCE, stream.read(&mut [0])).await.unwrap().unwrap(), 0);
            // A connection closed both ways would answer the first of these with a reset, and the next would fail. It is
            // more than any buffer holds.
            for _ in 0..200 {
                within(PATIENCE, stream.write_all(&[b'x'; 100_000])).await.unwrap().unwrap();
            }
            server.clerk.assert_creates(0);
        }
    });
}

/// An answer that trickles counts as delivered with its last byte, and not before.
#[test]
fn a_slow_answer_is_delivered_when_all_of_it_is() {
    run(async {
        for way in Way::ALL {
            let server = Fixture::new(way).await;
            server.clerk.next_create().after_commit(fault::slow_body(Duration::from_millis(300)));
            server.clerk.next_create().after_commit(fault::slow_body(PATIENCE * 180));
            let whole = answer(200, "application/json");
            assert_eq!(look(&server, way, &whole).await.0, whole);
            server.clerk.assert_orphans(0);
            assert_eq!(look(&server, way, &Seen::Stalled(0)).await.0, Seen::Stalled(0));
            server.clerk.assert_orphans(1);
        }
    });
}
