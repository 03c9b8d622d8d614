//! Where options come from: the command line, the environment, the file; and the file again.

#[cfg(unix)]
use std::io::{BufRead as _, BufReader};
use std::process::Command;

use crate::running::{PROGRAM, Running, Settings, run, send};

fn creates(server: &Running, key: &str, user: &str) -> bool {
    let body = format!(r#"{{"user_id":"{user}","actor":{{"sub":"user_agent"}}}}"#);
    let answer = server.post("/v1/actor_tokens", key, &body);
    assert!(answer.starts_with("HTTP/1.1 200 ") || answer.starts_with("HTTP/1.1 40"), "{answer}");
    answer.starts_with("HTTP/1.1 200 ")
}

#[test]
fn the_command_line_is_before_the_environment_and_that_before_the_file() {
    let file = Settings::new(
        "order",
        r#"{"secret-key": "sk_test_file", "user": ["user_1", "user_2"], "plan-without-impersonation": false, "seed": 7, "idle-timeout": "1m"}"#,
    );
    let accepted = |options: &[&str], environment: &[(&str, &str)]| {
        let server = Running::start_in(options, environment);
        ["sk_test_line", "sk_test_environment", "sk_test_file", "sk_test_emulator"]
            .into_iter()
            .filter(|key| creates(&server, key, "user_1"))
            .collect::<Vec<_>>()
    };
    let of_environment = ("CLERK_EMULATOR_SECRET_KEY", "sk_test_environment");
    let (of_file, of_line) = (["--settings", file.path()], ["--secret-key", "sk_test_line"]);
    let both = [of_file, of_line].concat();
    assert_eq!(accepted(&[], &[]), ["sk_test_emulator"]);
    assert_eq!(accepted(&of_file, &[]), ["sk_test_file"]);
    assert_eq!(accepted(&[], &[("CLERK_EMULATOR_SETTINGS", file.path())]), ["sk_test_file"]);
    assert_eq!(accepted(&of_file, &[of_environment]), ["sk_test_environment"]);
    assert_eq!(accepted(&both, &[of_environment]), ["sk_test_line"]);
    // A list, and one that is replaced.
    let server = Running::start_in(&of_file, &[of_environment]);
    assert!(creates(&server, of_environment.1, "user_2") && !creates(&server, of_environment.1, "user_3"));
    let (users, lifetime) = (("CLERK_EMULATOR_USER", "user_3,user_4"), ("CLERK_EMULATOR_MAX_EXPIRES_IN", "1h"));
    let server = Running::start_in(&of_file, &[of_environment, users, lifetime]);
    assert!(creates(&server, of_environment.1, "user_4") && !creates(&server, of_environment.1, "user_2"));
    // Each option has a variable, and the help names it; it shows no value.
    let output = Command::new(PROGRAM).arg("--help").env(of_environment.0, "sk_test_CANARY").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let (options, variables) = (help.matches("\n      --").count(), help.matches("[env: CLERK_EMULATOR_").count());
    assert!(variables >= 38 && options >= 38 && !help.contains("CANARY"), "{options} options, {variables} variables");
}

/// It is named where it is wrong, and a key in it is not printed.
#[test]
fn what_is_wrong_in_a_file_or_in_the_environment_is_named() {
    for (text, says) in [
        ("[]", "it is no JSON object of options"),
        ("{\"seed\": ", "it is no JSON object of options"),
        (r#"{"seed": "CANARY sk_test_CANARY"}"#, "in the settings file"),
        (r#"{"sed": 7}"#, "'--sed'"),
        (r#"{"seed": null}"#, "\"seed\" is no text"),
        (r#"{"user": [["a"]]}"#, "\"user\" is no text"),
        (r#"{"ca-out": "x"}"#, "--tls"),
        (r#"{"idle-timeout": 250}"#, "with the unit"),
        (r#"{"secret-key": "sk_live_CANARY x"}"#, "--secret-key"),
    ] {
        let file = Settings::new("wrong", text);
        let (code, stdout, stderr) = run(&["--settings", file.path()]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{text}: {stderr}");
        assert!(stderr.contains(says) && !stderr.contains("_CANARY"), "{text}: {stderr}");
    }
    assert_eq!(run(&["--settings", "/nowhere/at/all"]).0, Some(2));
    let output = Command::new(PROGRAM).env("CLERK_EMULATOR_PORT", "many").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr.contains("in the environment variable CLERK_EMULATOR_PORT"), "{stderr}");
}

#[cfg(unix)]
#[test]
fn users_and_faults_are_read_again() {
    let file = Settings::new("reload", r#"{"user": ["user_1"], "fault": "create:before_commit:status(503)"}"#);
    let mut server = Running::start(&["--settings", file.path()]);
    let mut errors = BufReader::new(server.child.stderr.take().unwrap());
    // Reads up to the line that begins with this.
    let mut hang_up = |text: &str, last: &str| {
        std::fs::write(&file.0, text).unwrap();
        assert!(Command::new("kill").args(["-HUP", &server.child.id().to_string()]).status().unwrap().success());
        let mut said = String::new();
        loop {
            let from = said.len();
            assert!(errors.read_line(&mut said).unwrap() > 0, "it has ended: {said}");
            if said[from..].starts_with(last) {
                return said;
            }
        }
    };
    let address = server.address.clone();
    let post = |user: &str| {
        let body = format!(r#"{{"user_id":"{user}","actor":{{"sub":"user_agent"}}}}"#);
        let answer = send(&address, "POST", "/v1/actor_tokens", "authorization: Bearer sk_test_emulator\r\n", &body);
        answer[9..12].to_owned()
    };
    // Not met yet: replaced.
    let said = hang_up(r#"{"user": "user_2", "fault": "create:before_commit:status(429)"}"#, "reloaded: users");
    assert!(
        said.contains("status(503)") && said.ends_with("reloaded: users and faults are those of the settings\n"),
        "{said}"
    );
    assert_eq!([post("user_2"), post("user_2"), post("user_1")], ["429", "200", "404"]);
    // What is wrong changes nothing.
    let said = hang_up(r#"{"user": 7, "fault": "CANARY"}"#, "error: ");
    assert!(!said.contains("reloaded"), "{said}");
    assert_eq!(post("user_2"), "200");
    let said = hang_up("{}", "reloaded: users");
    assert!(said.contains("reloaded: "), "{said}");
    assert_eq!(post("user_9"), "200");
}
