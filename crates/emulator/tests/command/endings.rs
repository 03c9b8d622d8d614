//! How it ends: the exit code, and what it says. The book has the same table.

use std::{
    fs::{self, Permissions},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::{
        fd::OwnedFd,
        unix::{fs::PermissionsExt as _, net::UnixStream},
    },
    process::{Command, Output, Stdio},
    time::Duration,
};

use crate::running::{GOOD, PROGRAM, Running, Settings, id_of, status};

const PAGE: &str = include_str!("../../../../docs/src/emulator.md");

/// No other test listens there, so a port that was free once is free again.
#[cfg(target_os = "linux")]
const OWN_ADDRESS: &str = "127.0.0.77";
#[cfg(not(target_os = "linux"))]
const OWN_ADDRESS: &str = "127.0.0.1";

/// A row of the book's table. `says` is all of standard error, in one line; words in capitals stand for what was given.
struct Row {
    what: &'static str,
    code: Option<i32>,
    says: &'static str,
    end: fn() -> Ended,
}

/// What is left of a run: standard output is what came after the first line, if there was one.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
    given: Vec<(&'static str, String)>,
}

impl Ended {
    fn of(output: Output, given: &[(&'static str, &str)]) -> Self {
        let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        let given = given.iter().map(|(word, value)| (*word, (*value).to_owned())).collect();
        Self { code: output.status.code(), stdout, stderr, given }
    }

    /// Without what clap adds to every refusal.
    fn said(&self) -> String {
        let lines = self.stderr.lines().filter(|line| {
            !line.is_empty() && !line.starts_with("Usage: ") && !line.starts_with("For more information, try ")
        });
        let mut said = lines.collect::<Vec<_>>().join(" ");
        for (word, value) in &self.given {
            said = said.replace(value, word);
        }
        said
    }
}

fn command(options: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(options).stdin(Stdio::null());
    command
}

/// A run that ends by itself.
fn run(options: &[&str], given: &[(&'static str, &str)]) -> Ended {
    Ended::of(command(options).output().unwrap(), given)
}

/// A run that this signal ends.
fn signalled(server: Running, signal: &str) -> Ended {
    let mut server = server;
    let (code, stdout, stderr) = server.stop(signal);
    Ended { code, stdout, stderr, given: Vec::new() }
}

/// The command without the rights of root, who may take every port and read every file. Its user stays the owner of the program.
fn without_rights(options: &[&str]) -> Command {
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if !is_root {
        return command(options);
    }
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-net_bind_service,-dac_override,-dac_read_search", PROGRAM]).args(options);
    command
}

/// Where every user may take every port, a new network has the usual limit.
fn a_port_of_the_system() -> Ended {
    let first = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    let first: u16 = first.map_or(1024, |first| first.trim().parse().unwrap());
    let options = ["--host", "0.0.0.0", "--port", "1"];
    let output = if first > 1 {
        without_rights(&options).output().unwrap()
    } else {
        Command::new("unshare").args(["--user", "--net", PROGRAM]).args(options).output().unwrap()
    };
    Ended::of(output, &[("HOST", "0.0.0.0"), ("port PORT", "port 1")])
}

fn settings(name: &str, text: &str) -> Ended {
    let file = Settings::new(name, text);
    run(&["--settings", file.path()], &[("FILE", file.path())])
}

fn an_unreadable_file() -> Ended {
    let file = Settings::new("unreadable", "{}");
    fs::set_permissions(&file.0, Permissions::from_mode(0o000)).unwrap();
    Ended::of(without_rights(&["--settings", file.path()]).output().unwrap(), &[("FILE", file.path())])
}

/// What no one reads.
fn broken() -> Stdio {
    let (ours, theirs) = UnixStream::pair().unwrap();
    drop(ours);
    OwnedFd::from(theirs).into()
}

/// Requests over one connection are answered as before, and their lines go nowhere.
fn no_reader_of_standard_error() -> Ended {
    let server = Running::of(command(&["-v", "--fault", "create:after_commit:stall"]).stderr(broken()));
    let mut connection = TcpStream::connect(&server.address).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    for _ in 0..3 {
        connection
            .write_all(b"GET /v1/jwks HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk_test_emulator\r\n\r\n")
            .unwrap();
        let mut answer = BufReader::new(&mut connection);
        let (mut head, mut body) = (String::new(), Vec::new());
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(answer.read_line(&mut head).unwrap(), 0, "the connection ends");
        }
        assert_eq!(status(&head), 200);
        let length =
            head.to_ascii_lowercase().split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse();
        answer.take(length.unwrap()).read_to_end(&mut body).unwrap();
    }
    signalled(server, "-TERM")
}

/// The server closes its connections first, so the port has connections that wait for the end of their time.
fn killed_and_started_again() -> Ended {
    let id = |server: &Running| id_of(&server.post("/v1/actor_tokens", "sk_test_emulator", GOOD));
    let server = Running::start(&["--host", OWN_ADDRESS, "--seed", "7"]);
    let (port, before) = (server.address.rsplit(':').next().unwrap().to_owned(), id(&server));
    let open = TcpStream::connect(&server.address).unwrap();
    let killed = signalled(server, "-KILL");
    let again = Running::start(&["--host", OWN_ADDRESS, "--port", &port, "--seed", "7"]);
    assert_eq!(id(&again), before);
    drop(open);
    let ended = signalled(again, "-TERM");
    assert_eq!((ended.code, ended.stdout, ended.stderr), (Some(0), String::new(), String::new()));
    killed
}

const ROWS: &[Row] = &[
    Row { what: "SIGTERM", code: Some(0), says: "", end: || signalled(Running::start(&[]), "-TERM") },
    Row { what: "SIGINT, which is Ctrl-C", code: Some(0), says: "", end: || signalled(Running::start(&[]), "-INT") },
    Row {
        what: "SIGTERM or SIGINT, and a fault did not happen",
        code: Some(1),
        says: "error: this fault did not happen: create:after_commit:stall(): no attempt met it",
        end: || signalled(Running::start(&["--fault", "create:after_commit:stall"]), "-TERM"),
    },
    Row {
        what: "`kill -9`; the same port is free at once, and the same seed gives the same ids",
        code: None,
        says: "",
        end: killed_and_started_again,
    },
    Row {
        what: "another program listens on the port",
        code: Some(1),
        says: "error: cannot listen on HOST, port PORT: another program listens there; choose another port (--port, CLERK_EMULATOR_PORT), or 0 for a free one",
        end: || {
            let other = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = other.local_addr().unwrap().port().to_string();
            run(&["--port", &port], &[("HOST", "127.0.0.1"), ("PORT", &port)])
        },
    },
    Row {
        what: "the user may not take the port",
        code: Some(1),
        says: "error: cannot listen on HOST, port PORT: this user may not take that port; choose one of 1024 or more (--port, CLERK_EMULATOR_PORT), or 0 for a free one",
        end: a_port_of_the_system,
    },
    Row {
        what: "the host has no address",
        code: Some(1),
        says: "error: cannot listen on HOST, port 0: no address is known for that host; choose an address of this machine (--host, CLERK_EMULATOR_HOST), such as 127.0.0.1",
        // No name server is asked for such a name.
        end: || run(&["--host", "no..host"], &[("HOST", "no..host")]),
    },
    Row {
        what: "the host is another machine",
        code: Some(1),
        says: "error: cannot listen on HOST, port 0: this machine does not have that address; choose one of its own (--host, CLERK_EMULATOR_HOST), such as 127.0.0.1",
        end: || run(&["--host", "192.0.2.1"], &[("HOST", "192.0.2.1")]),
    },
    Row {
        what: "no one reads standard output",
        code: Some(1),
        says: "error: standard output: Broken pipe (os error 32); the line that says where the server listens could not be written",
        end: || Ended::of(command(&[]).stdout(broken()).output().unwrap(), &[]),
    },
    Row {
        what: "no one reads standard error, and a fault did not happen; until then requests are answered as before",
        code: Some(1),
        says: "",
        end: no_reader_of_standard_error,
    },
    Row {
        what: "`--ca-out` names a file that cannot be written",
        code: Some(1),
        says: "error: --ca-out FILE: No such file or directory (os error 2)",
        end: || run(&["--tls", "--ca-out", "/nowhere/at/all.pem"], &[("FILE", "/nowhere/at/all.pem")]),
    },
    Row {
        what: "an unknown option",
        code: Some(2),
        says: "error: unexpected argument '--prot' found",
        end: || run(&["--prot"], &[]),
    },
    Row {
        what: "an invalid value",
        code: Some(2),
        says: "error: invalid value 'many' for '--port <PORT>': invalid digit found in string",
        end: || run(&["--port", "many"], &[]),
    },
    Row {
        what: "an invalid value in a variable",
        code: Some(2),
        says: "error: invalid value 'many' for '--port <PORT>': invalid digit found in string in the environment variable CLERK_EMULATOR_PORT",
        end: || Ended::of(command(&[]).env("CLERK_EMULATOR_PORT", "many").output().unwrap(), &[]),
    },
    Row {
        what: "an invalid fault",
        code: Some(2),
        says: "error: invalid value 'stall' for '--fault <CALL:TIME:FAULT>': it is written as CALL:TIME:FAULT, such as create:after_commit:stall",
        end: || run(&["--fault", "stall"], &[]),
    },
    Row {
        what: "no settings file",
        code: Some(2),
        says: "error: --settings FILE: No such file or directory (os error 2)",
        end: || run(&["--settings", "/nowhere/at/all"], &[("FILE", "/nowhere/at/all")]),
    },
    Row {
        what: "a settings file that the user may not read",
        code: Some(2),
        says: "error: --settings FILE: Permission denied (os error 13); let the user who runs the command use that file",
        end: an_unreadable_file,
    },
    Row {
        what: "a settings file that is no JSON",
        code: Some(2),
        says: "error: --settings FILE: it is no JSON object of options: line 1, column 9",
        end: || settings("no-json", "{\"seed\": "),
    },
    Row {
        what: "an unknown option in a settings file",
        code: Some(2),
        says: "error: unexpected argument '--sed' found in the settings file FILE",
        end: || settings("unknown", r#"{"sed": 7}"#),
    },
];

#[test]
fn each_ending_has_its_code_and_says_what_is_wrong_and_what_to_do() {
    let mut wrong = Vec::new();
    for row in ROWS {
        let ended = (row.end)();
        let said = ended.said();
        if (ended.code, said.as_str(), ended.stdout.as_str()) != (row.code, row.says, "") {
            wrong.push(format!("{}: {:?}, stdout {:?}, stderr {said}", row.what, ended.code, ended.stdout));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each row, in its order, and no other.
#[test]
fn the_book_has_the_same_table() {
    let written: Vec<_> = ROWS
        .iter()
        .map(|row| {
            let code = row.code.map_or("137".to_owned(), |code| code.to_string());
            let says = if row.says.is_empty() { "nothing".to_owned() } else { format!("`{}`", row.says) };
            format!("| {} | {code} | {says} |", row.what)
        })
        .collect();
    let table = PAGE.split("| how it ends | code | standard error |\n| --- | --- | --- |\n").nth(1).unwrap();
    let of_page: Vec<_> = table.lines().take_while(|line| line.starts_with("| ")).collect();
    assert_eq!(of_page, written, "the rows are:\n{}", written.join("\n"));
}

/// A signal right after the first line must not find it unprepared.
#[test]
fn a_signal_ends_it_also_right_after_its_first_line() {
    for signal in ["-INT", "-TERM"] {
        for _ in 0..10 {
            let ended = signalled(Running::start(&[]), signal);
            assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{signal}");
        }
        let ended = signalled(Running::start(&["--fault", "create:after_commit:stall"]), signal);
        assert!(ended.code == Some(1) && ended.stderr.contains("this fault did not happen"), "{}", ended.stderr);
    }
}
