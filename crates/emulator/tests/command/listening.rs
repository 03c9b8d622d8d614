//! It says where it listens, answers there, and by which settings.

use std::{io::Read as _, net::TcpStream, time::Duration};

use clerk_actor_tokens_emulator::Emulator;

use crate::{
    running::{GOOD, Running, id_of, run},
    support,
};

#[test]
fn it_prints_where_it_listens_and_answers_there() {
    let server = Running::start(&["--port", "0"]);
    let created = server.post("/v1/actor_tokens", "sk_test_emulator", GOOD);
    assert!(created.starts_with("HTTP/1.1 200 "), "{created}");
    let at = created.find("\"id\":\"").unwrap() + 6;
    let path = format!("/v1/actor_tokens/{}/revoke", &created[at..at + 31]);
    assert!(server.post(&path, "sk_test_emulator", "null").starts_with("HTTP/1.1 200 "));
    let again = server.post(&path, "sk_test_emulator", "");
    assert!(again.starts_with("HTTP/1.1 400 ") && again.contains("its status is `revoked`"), "{again}");
    assert!(server.post(&path, "sk_test_other", "").starts_with("HTTP/1.1 401 "));
}

#[test]
fn it_takes_another_key_and_another_seed() {
    let server = Running::start(&["--secret-key", "sk_test_mine", "--seed", "7"]);
    assert!(server.post("/v1/actor_tokens", "sk_test_mine", GOOD).starts_with("HTTP/1.1 200 "));
    assert!(server.post("/v1/actor_tokens", "sk_test_emulator", GOOD).starts_with("HTTP/1.1 401 "));
}

/// Whatever the time is.
#[test]
fn its_seed_decides_its_ids_as_in_process() {
    let in_process = |seed| {
        let clerk = Emulator::builder().seed(seed).build();
        let next = || {
            let answer = support::send(&clerk, support::post("/v1/actor_tokens", GOOD));
            id_of(std::str::from_utf8(answer.body()).unwrap())
        };
        [next(), next()]
    };
    let command = |options: &[&str]| {
        let server = Running::start(options);
        [(); 2].map(|()| id_of(&server.post("/v1/actor_tokens", "sk_test_emulator", GOOD)))
    };
    assert_ne!(in_process(7), in_process(8));
    for seed in [7, 8] {
        assert_eq!(command(&["--seed", &seed.to_string()]), in_process(seed));
    }
    assert_eq!(command(&[]), in_process(0));
}

#[test]
fn help_and_version_go_to_standard_output() {
    for (option, part) in [("--help", "--secret-key <KEY>"), ("--version", env!("CARGO_PKG_VERSION"))] {
        let (code, stdout, stderr) = run(&[option]);
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        assert!(stdout.contains(part), "{stdout}");
    }
}

#[test]
fn where_it_listens_can_be_chosen() {
    let server = Running::start(&["--host", "0.0.0.0", "--idle-timeout", "100ms"]);
    assert!(server.url.starts_with("http://127.0.0.1:"));
    let mut silent = TcpStream::connect(&server.address).unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // `read_to_end` repeats an interrupted system call.
    assert_eq!(silent.read_to_end(&mut Vec::new()).unwrap(), 0);
    let port = server.address.rsplit(':').next().unwrap();
    let (code, _, stderr) = run(&["--host", "0.0.0.0", "--port", port]);
    assert_eq!(code, Some(1));
    assert!(stderr.starts_with(&format!("error: cannot listen on 0.0.0.0, port {port}: another program")), "{stderr}");
    assert!(run(&["--help"]).1.contains("Any but a loopback address lets others in"));
}
