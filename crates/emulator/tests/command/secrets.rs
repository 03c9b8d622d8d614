//! No key, ticket or body is printed.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use crate::running::{Running, run};

#[test]
fn no_key_is_printed_wherever_it_stands_by_mistake() {
    let (live, test) = ("sk_live_CANARY", "sk_test_CANARY");
    let (two_lines, assigned) = (format!("x\n{live}"), format!("--secret-keys={live}"));
    let wrong: [&[&str]; 10] = [
        &[live],
        &[test, live],
        &["--seed", live],
        &["--port", test],
        &["--secret-key", live, live],
        &["--secret-key", test, "--seed", live],
        &["--seed", &two_lines],
        &[&assigned],
        &["--secret-key", "CANARY"],
        &["--secret-key", "sk_live_CANARY with a space"],
    ];
    for options in wrong {
        let (code, stdout, stderr) = run(options);
        assert_eq!(code, Some(2), "{stderr}");
        assert_eq!(stdout, "");
        assert!(stderr.starts_with("error: ") && !stderr.contains("CANARY"), "{stderr}");
    }
    // What is wrong is still printed.
    let stderr = run(&["--seed", "CANARY"]).2;
    assert!(stderr.contains("CANARY") && stderr.ends_with("\nFor more information, try '--help'.\n"), "{stderr}");
    assert!(run(&["--secret-key", "CANARY"]).2.contains("sk_test_"));
}

#[test]
fn a_request_is_logged_without_a_secret() {
    for (options, is_json) in [(&["-v"][..], false), (&["--log", "json"], true), (&["-v", "--log", "json"], true)] {
        let options = [options, &["--fault", "create:after_commit:reset"]].concat();
        let server = Running::start(&options);
        let mut stream = TcpStream::connect(&server.address).unwrap();
        let body = r#"{"user_id":"user_1","actor":{"sub":"CANARY"}}"#;
        let head = format!(
            "POST /v1/actor_tokens?ticket=CANARY HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk_test_emulator\r\n\
             content-type: application/json\r\nx-note: CANARY\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        drop(stream.read_to_end(&mut Vec::new()));
        assert!(server.get("/v1/users?name=sk_test_CANARY").starts_with("HTTP/1.1 501 "));
        assert!(server.send("sk_test_CANARY", "/v1/users", "", "").starts_with("HTTP/1.1 "));
        let (_, stderr) = server.end("-TERM");
        let lines: Vec<_> = stderr.lines().collect();
        assert_eq!(lines.len(), 3, "{stderr}");
        assert!(!stderr.contains("CANARY") && !stderr.contains("sk_test_emulator"), "{stderr}");
        if is_json {
            let [first, second] = [0, 1].map(|at| serde_json::from_str::<serde_json::Value>(lines[at]).unwrap());
            assert_eq!((&first["method"], &first["body_bytes"]), (&"POST".into(), &body.len().into()));
            assert_eq!(first["target"], "/v1/actor_tokens?ticket=(redacted)");
            assert!(first["at"].as_i64().unwrap() > 1_700_000_000_000);
            assert!(first["status"].is_null() && first["fault"] == "create:after_commit:reset()", "{first}");
            assert!(lines[2].contains(r#""method":"sk_test_(redacted)""#), "{stderr}");
            assert!(second["status"] == 501 && second["fault"].is_null(), "{second}");
        } else {
            let ends = ["POST /v1/actor_tokens?ticket=(redacted): no answer, met create:after_commit:reset()", ": 501"];
            assert!(lines[2].contains(": sk_test_(redacted) /v1/users: "), "{stderr}");
            assert!(lines.iter().zip(ends).all(|(line, end)| line.ends_with(end)), "{stderr}");
        }
    }
}
