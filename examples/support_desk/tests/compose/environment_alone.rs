//! The two programs with the environment that the compose file gives them, without containers.

use std::{collections::BTreeMap, net::TcpListener, process::Command};

use crate::process::{Process, Runs, command, ended, send, service};

const WANTED: &str = r#"{"customer":"user_customer","reason":"an invoice"}"#;

fn asks_for_a_link(desk: &str) -> String {
    send(desk, "desk", "POST /impersonations", "x-desk-engineer: user_engineer\r\n", WANTED)
}

/// The address in a first line, which ends with a URL.
fn address(first_line: &str) -> String {
    first_line.split_once("://").unwrap_or_else(|| panic!("it says {first_line:?}")).1.to_owned()
}

fn replaced(environment: &BTreeMap<String, String>, pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let value = |value: &String| pairs.iter().fold(value.clone(), |value, (from, to)| value.replace(from, to));
    environment.iter().map(|(name, old)| (name.clone(), value(old))).collect()
}

/// On this machine's loopback address, and on a free port: what else the compose file says stays as it is.
#[test]
fn the_application_creates_a_token_by_environment_alone() {
    let Runs { command: words, health, environment } = service("clerk-emulator");
    // No other test of this program listens anywhere.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let here = [("0.0.0.0", "127.0.0.1"), ("4010", free.as_str())];
    let environment = replaced(&environment, &here);
    let emulator = Process::start(command(&words, &environment));
    let at = address(&emulator.first_line);
    assert_eq!(at, format!("127.0.0.1:{free}"));
    assert_eq!(ended(&command(&health, &environment).output().unwrap()), (Some(0), String::new()));

    let desk = service("support-desk");
    let by_address = replaced(&desk.environment, &[("clerk-emulator:4010", &at), ("clerk-emulator", "127.0.0.1")]);
    let mut words = desk.command.clone();
    "127.0.0.1:0".clone_into(&mut words[1]);
    let running = Process::start(command(&words, &by_address));
    let answer = asks_for_a_link(&address(&running.first_line));
    assert!(answer.starts_with("HTTP/1.1 200 ") || answer.starts_with("HTTP/1.1 201 "), "{}", answer.len());
    // The emulator has it, and says so to a service that calls it by its name.
    let state = send(&at, "clerk-emulator", "GET /_emulator/state", "", "");
    assert!(state.contains("\"creates\":1") && state.contains("\"user_customer\""), "{state}");
    assert_eq!(send(&at, "clerk", "GET /_emulator/state", "", "").split(' ').nth(1), Some("403"));

    let (code, stderr) = running.stop();
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(emulator.stop(), (Some(0), String::new()));
    let (code, stderr) = ended(&command(&health, &environment).output().unwrap());
    assert!(code == Some(1) && stderr.starts_with(&format!("error: 127.0.0.1, port {free}: ")), "{stderr}");

    // The application reads each of its variables: with another value it does not start, and names the variable.
    for (variable, wrong) in
        [("CLERK_API_URL", "clerk-emulator"), ("CLERK_DANGER_ALLOW_HTTP", "1:1"), ("CLERK_SECRET_KEY", "emulator")]
    {
        let mut changed = by_address.clone();
        assert!(changed.insert(variable.to_owned(), wrong.to_owned()).is_some());
        let (code, stderr) = ended(&command(&words, &changed).output().unwrap());
        assert!(code == Some(1) && stderr.contains(variable), "{variable}: {code:?}, {stderr}");
    }
}

/// To the letter: the same addresses, ports and names, in a network and with a file of hosts of its own.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs the right to make a namespace, and Debian's iproute2"]
fn it_does_so_to_the_letter_in_a_namespace() {
    if std::env::var_os("IN_NAMESPACE").is_none() {
        let hosts = std::env::temp_dir().join(format!("compose-hosts-{}", std::process::id()));
        std::fs::write(&hosts, "127.0.0.1 localhost clerk-emulator\n").unwrap();
        let inside =
            "mount --bind \"$1\" /etc/hosts && ip link set lo up && exec \"$2\" --exact \"$3\" --ignored --nocapture";
        let name = "environment_alone::it_does_so_to_the_letter_in_a_namespace";
        let output = Command::new("unshare")
            .args(["--user", "--map-root-user", "--net", "--mount", "sh", "-c", inside, "sh"])
            .arg(&hosts)
            .arg(std::env::current_exe().unwrap())
            .arg(name)
            .env("IN_NAMESPACE", "1")
            .output()
            .unwrap();
        std::fs::remove_file(&hosts).unwrap();
        let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}{stderr}");
        return;
    }
    let Runs { command: words, health, environment } = service("clerk-emulator");
    let emulator = Process::start(command(&words, &environment));
    assert_eq!(emulator.first_line, "listening on http://127.0.0.1:4010");
    assert_eq!(ended(&command(&health, &environment).output().unwrap()), (Some(0), String::new()));
    let desk = service("support-desk");
    let running = Process::start(command(&desk.command, &desk.environment));
    assert_eq!(running.first_line, "http://0.0.0.0:8080");
    let answer = asks_for_a_link("127.0.0.1:8080");
    assert!(answer.starts_with("HTTP/1.1 200 ") || answer.starts_with("HTTP/1.1 201 "), "{}", answer.len());
    let state = send("clerk-emulator:4010", "clerk-emulator:4010", "GET /_emulator/state", "", "");
    assert!(state.contains("\"creates\":1"), "{state}");
    assert_eq!(running.stop().0, Some(0));
    assert_eq!(emulator.stop(), (Some(0), String::new()));
}
