//! `--health`: whether the server with these settings serves.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    process::Command,
};

use crate::running::{PROGRAM, Running, run};

/// The exit code, and what it says. It prints nothing.
fn ask(options: &[&str]) -> (Option<i32>, String) {
    let (code, stdout, stderr) = run(&[options, &["--health"]].concat());
    assert_eq!(stdout, "");
    (code, stderr)
}

fn port(server: &Running) -> String {
    server.address.rsplit(':').next().unwrap().to_owned()
}

#[test]
fn it_asks_the_server_that_runs_with_the_same_settings() {
    let server = Running::start(&[]);
    let here = port(&server);
    let healthy = (Some(0), String::new());
    assert_eq!(ask(&["--port", &here]), healthy);
    assert_eq!(ask(&["--port", &here, "--host", "localhost"]), healthy);
    // By the environment, as in a container. There is no variable for the question itself: the server has the same ones.
    let asked = |question: &str| {
        let mut command = Command::new(PROGRAM);
        command.env("CLERK_EMULATOR_PORT", &here).env("CLERK_EMULATOR_HEALTH", "true").arg(question).output().unwrap()
    };
    assert_eq!(asked("--health").status.code(), Some(0));
    assert_eq!(asked("--host=127.0.0.1").status.code(), Some(1));
    drop(server);
    let (code, stderr) = ask(&["--port", &here]);
    assert!(code == Some(1) && stderr.starts_with(&format!("error: 127.0.0.1, port {here}: ")), "{stderr}");
}

#[test]
fn it_asks_where_every_address_is_served_by_the_name_that_is_set() {
    let every = ["--host", "0.0.0.0"];
    let named = [&every[..], &["--control-host", "clerk-emulator"]].concat();
    let server = Running::start(&named);
    let here = port(&server);
    assert_eq!(ask(&[&named[..], &["--port", &here]].concat()), (Some(0), String::new()));
    // Without a control plane there is no one to ask.
    let server = Running::start(&every);
    let here = port(&server);
    let (code, stderr) = ask(&[&every[..], &["--port", &here]].concat());
    assert!(code == Some(1) && stderr.contains("it answers 404; its control plane has to be served"), "{stderr}");
}

#[test]
fn it_trusts_the_authority_that_the_server_wrote_down() {
    let file = std::env::temp_dir().join(format!("clerk-emulator-health-{}.pem", std::process::id()));
    let tls = ["--tls", "--ca-out", file.to_str().unwrap()];
    let server = Running::start(&tls);
    let here = port(&server);
    let asked = ask(&[&tls[..], &["--port", &here]].concat());
    // The authority of another run.
    let other = Running::start(&tls);
    let (code, stderr) = ask(&[&tls[..], &["--port", &here]].concat());
    std::fs::remove_file(&file).unwrap();
    drop(other);
    assert_eq!(asked, (Some(0), String::new()));
    assert!(code == Some(1) && stderr.contains("certificate"), "{stderr}");
    let (code, stderr) = ask(&["--tls", "--port", &here]);
    assert!(code == Some(1) && stderr.contains("--ca-out"), "{stderr}");
}

/// Whatever answers 200 there.
#[test]
fn another_program_at_the_port_is_no_emulator() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1024]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}").unwrap();
    });
    let (code, stderr) = ask(&["--port", &port]);
    answering.join().unwrap();
    assert!(code == Some(1) && stderr.contains("another program"), "{stderr}");
}

#[test]
fn it_says_what_it_needs() {
    assert_eq!(
        ask(&[]),
        (Some(2), "error: --health needs the port of the server: --port, or CLERK_EMULATOR_PORT\n".to_owned())
    );
    assert_eq!(ask(&["--port", "4010", "--no-control"]).0, Some(2));
}
